/*
 * What the hand-made kernel part and user part of the live tests agree on. UDP destination ports
 * choose what happens:
 *
 *     8000 kernel DROP      8001 kernel TX      others PASS
 *     9000 + N              handed over; user does enum hand_action N
 *     9100                  ordered: every fourth packet is handed over, the others only while
 *                           one of their flow (UDP source port) is in flight; both layers do TX
 */
#ifndef CLEAVE_TESTS_LIVE_HAND_ABI_H
#define CLEAVE_TESTS_LIVE_HAND_ABI_H

enum { HAND_KERNEL_DROP = 8000, HAND_KERNEL_TX = 8001, HAND_USER = 9000, HAND_ORDERED = 9100 };

enum hand_action {
	HAND_ABORTED,
	HAND_DROP,
	HAND_PASS,
	HAND_TX,
	HAND_REDIRECT,     /* to the interface index in the payload's first 4 bytes */
	HAND_REDIRECT_MAP, /* through hand_devices, key 1 */
	HAND_UNKNOWN,
	HAND_CRASH,
	HAND_PUSH, /* 20 bytes in front, then TX */
	HAND_SHORT,
	HAND_META, /* HAND_NOTE in front of it, then PASS */
	HAND_ACTIONS,
};

#define HAND_NOTE 0x6e6f7465

struct hand_live {
	unsigned action;
	unsigned sequence;
};

/* The handoff: a ticket with one `after`, the live values, the header. */
enum { HAND_LIVE = 16, HAND_HEADER = HAND_LIVE + 8, HAND_LENGTH = HAND_HEADER + 8 };

#endif
