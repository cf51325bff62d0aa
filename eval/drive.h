/* What drive.bpf.c and measure_kernel.c agree on. */
#ifndef CLEAVE_EVAL_DRIVE_H
#define CLEAVE_EVAL_DRIVE_H

#include <linux/types.h>

enum {
	DRIVE_PACKETS_MAX = 8192,
	DRIVE_BYTES_MAX = 1536,
	DRIVE_TARGETS_MAX = 16,
};

struct drive_packet {
	__u32 size, reserved;
	__u8 bytes[DRIVE_BYTES_MAX];
};

/* Which packets, in turn, and which program gets them. */
struct drive_state {
	__u32 first, count, next; /* entries [first, first + count) of the packets */
	__u32 target;             /* index in the table of programs */
	__u64 base;               /* where the first packet's data was */
	__u64 now;    /* where this one's is: through memory a pointer becomes a number */
	__u64 failed; /* packets that could not be laid out, programs that were not there */
};

#endif
