/*
 * One XDP or TC object in the real kernel, run packet by packet with BPF_PROG_TEST_RUN: the oracle
 * of cleave check, and the kernel part of the split under test.
 *
 *     struct host_test_load load = {.elf = bytes, .size = size, .program = "nf"};
 *     int err = host_test_open(&test, &load, diag);
 *     host_test_run(test, &packet, &result);
 *     host_test_close(&test);
 *
 * Nothing is attached anywhere: packets go in and come out in memory.
 */
#ifndef CLEAVE_RUNTIME_HOST_TEST_H
#define CLEAVE_RUNTIME_HOST_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bundle;
struct diag;
struct host_test;
struct test_packet;

enum {
	HOST_TEST_HEADROOM = 256,  /* XDP_PACKET_HEADROOM */
	HOST_TEST_FRAME_HEAD = 40, /* of it the kernel's: sizeof(struct xdp_frame) */
	HOST_TEST_BYTES_MAX =
	    3520,               /* of a packet that one run takes: a page less head- and tailroom */
	HOST_TEST_FRAME = 3776, /* hard start to the end of the tail a program may grow into */
};

struct host_test_load {
	const char *what; /* for messages: "the unmodified program" */
	const void *elf;
	size_t size;
	const char *program;
	/* Maps that neither it nor Cleave knows are not made; NULL: all are. */
	const struct bundle *bundle;
	bool tc; /* a TC program */
	uint32_t
	    generation; /* for the configuration of a kernel part; 0 for an object without one */
	uint32_t port_base; /* the same */
	/* Of a pair: the other program's, whose maps this one uses; outlives it. NULL: its own */
	struct host_test *shared;
	uint32_t count; /* the same: verdicts of the kernel part are counted */
	/* Clocks and random numbers are replayed, redirects noted, if not Cleave made it so. */
	bool replay;
	/* A refusal needs no words: the verifier is asked once, not again for its log. */
	bool once;
	/* Called before the load for each global variable's section, to set start values; may be
	 * NULL. */
	void (*preset)(void *context, const char *section, const char *variable, uint8_t *bytes,
		       uint32_t size);
	void *context;
};

struct host_test_result {
	uint32_t verdict;
	/* bytes of metadata at the start of bytes; TC: of the handoff, where there is one */
	uint32_t meta;
	uint32_t size; /* of the packet behind it */
	uint8_t bytes[HOST_TEST_FRAME];
};

/*
 * Returns 0, or a negative errno, reported: -EPERM or -EACCES without privilege, -EINVAL when the
 * verifier refuses, others from libbpf.
 */
int host_test_open(struct host_test **test, const struct host_test_load *load, struct diag *diag);
void host_test_close(struct host_test **test);

/* The descriptor stays the test's; -1: no such map or program. */
int host_test_map_fd(const struct host_test *test, const char *name);
int host_test_program_fd(const struct host_test *test, const char *name);
/* A variable of .data or .bss in the memory the program works on, or NULL. */
void *host_test_variable(struct host_test *test, const char *name, uint32_t *size);

/* One packet. Returns 0 or a negative errno (-ENODEV: the ingress interface does not exist here).
 */
int host_test_run(struct host_test *test, const struct test_packet *packet,
		  struct host_test_result *result);

#endif
