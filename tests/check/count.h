/* What the parts of tests/check/count.bpf.c share. */
#ifndef CLEAVE_TESTS_CHECK_COUNT_H
#define CLEAVE_TESTS_CHECK_COUNT_H

struct source {
	unsigned long long packets, last_ns;
};

struct live {
	unsigned payload; /* offset of the payload */
};

enum { COUNT_HANDOFF = 4 + 8 }; /* struct live, then the header */

#endif
