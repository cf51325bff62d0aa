/*
 * Running one packet through a part that is native code in this process, with the headroom and
 * tailroom it would have in the kernel, and noting the map elements it touches.
 */
#ifndef CLEAVE_RUNTIME_CHECK_USER_H
#define CLEAVE_RUNTIME_CHECK_USER_H

#include "bundle/user_abi.h"
#include "runtime/check_side.h"
#include "runtime/check_touches.h"
#include "runtime/user_part.h"

struct map_set;

/* An environment whose calls are noted. One at a time may run in a thread. */
struct check_user {
	struct cleave_env *env;
	const struct cleave_calls *calls; /* the environment's own */
	struct cleave_calls noting;
	struct check_touches touches;
	uint8_t frame[HOST_TEST_FRAME];
	uint8_t handoff[HOST_TEST_HEADROOM] __attribute__((aligned(8)));
	struct events events;        /* native: of the last packet */
	struct cleave_packet packet; /* what the last packet was left as */
	bool tc;
	struct cleave_skb skb; /* TC: the packet's */
};

int check_user_open(struct check_user *user, struct map_set *set, uint32_t cpu, bool tc);
void check_user_close(struct check_user *user);

/*
 * Puts a packet into the frame: one that arrives, or one that the kernel part has handed over. The
 * caller fills in user->skb of a TC program's packet before.
 */
void check_user_set(struct check_user *user, const uint8_t *bytes, uint32_t size, uint32_t ifindex);
/* Runs the function on it; inputs advance. Returns the action. */
uint32_t check_user_run(struct check_user *user, user_main_function *function,
			struct cleave_replay_inputs *inputs);
/* The packet after it ran. */
void check_user_outcome(const struct check_user *user, uint32_t action,
			struct check_outcome *outcome);

#endif
