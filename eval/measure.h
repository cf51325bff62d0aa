/*
 * Measuring what a packet costs in a kernel part, in a user part and in the unmodified program, all
 * in one process and in turns, so that what disturbs one disturbs the others. Everything is a
 * struct contender: it runs a number of packets of the mix and says how long that took.
 */
#ifndef CLEAVE_EVAL_MEASURE_H
#define CLEAVE_EVAL_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/check_side.h"
#include "runtime/packet_list.h"

struct contender;

struct contender_ops {
	/* Runs `turns` packets of the mix; nanoseconds of all together, or negative errno. */
	int64_t (*run)(struct contender *c, size_t turns);
	void (*free)(struct contender *c);
};

/* The head of every contender. */
struct contender {
	const struct contender_ops *ops;
	const char *name, *kind;
	bool in_kernel;
	uint32_t instructions; /* of the loaded program; 0: not in the kernel */
	double to_user;        /* share of the mix that left the kernel while warming up */
	double *ns;            /* a packet, by round, without what the measuring itself costs */
};

/* The kernel's driver program with the packets in it. Opened once. */
struct drive;
int drive_open(struct drive **drive, const char *object, const struct packet_list *packets,
	       struct diag *diag);
void drive_close(struct drive **drive);

/*
 * kind: "original", "kernel", "kernel+count". With setup NULL: the driver alone. Each returns 0 or
 * a negative errno, reported. The packets outlive the contender.
 */
int contender_kernel_new(struct contender **c, struct drive *drive, const char *kind,
			 const struct check_side_setup *setup, const struct packet_list *packets);
int contender_user_new(struct contender **c, const struct check_side_setup *setup,
		       const struct packet_list *packets);

/* Processor time of this thread: what others do on the machine meanwhile does not count. */
int64_t measure_spent_ns(void);

#endif
