/* One packet through an XDP object in the kernel: what it is given, and what became of it. */
#ifndef CLEAVE_RUNTIME_CHECK_KERNEL_H
#define CLEAVE_RUNTIME_CHECK_KERNEL_H

#include "runtime/check_side.h"

struct check_kernel {
	struct host_test *test;                  /* the caller's */
	struct cleave_replay_inputs *inputs;     /* in the program's memory, or NULL */
	struct cleave_replay_redirect *redirect; /* the same; NULL: the program never redirects */
	struct cleave_skb *skb; /* TC: what the program left, noted by it; or NULL */
	bool tc;
	struct host_test_result result;
};

void check_kernel_begin(struct check_kernel *kernel, struct host_test *test, bool tc);
/* Returns 0 or a negative errno; kernel->inputs are as the program left them. */
int check_kernel_run(struct check_kernel *kernel, const struct test_packet *packet,
		     const struct cleave_replay_inputs *inputs);
/* Of a packet that the program decided. */
void check_kernel_outcome(const struct check_kernel *kernel, struct check_outcome *outcome);

#endif
