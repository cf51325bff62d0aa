/*
 * The packet generator of cleave check: flows in both directions over every protocol of
 * support/fields.def, interleaved; some packets truncated, some malformed. The same pools, seed and
 * count always give the same packets.
 *
 *     struct packet_pools pools;
 *     packet_pools_default(&pools, arena);
 *     packet_gen_fill(&list, &pools, 1, 10000);
 *
 * Checksums and lengths are right except in packets damaged on purpose. Times advance by micro- to
 * milliseconds, now and then by seconds or minutes, so that timeouts expire.
 */
#ifndef CLEAVE_RUNTIME_PACKET_GEN_H
#define CLEAVE_RUNTIME_PACKET_GEN_H

#include <stddef.h>
#include <stdint.h>

struct packet_list;
struct packet_pools;

enum {
	/* BPF_PROG_TEST_RUN takes one page less head- and tailroom (net/bpf/test_run.c). */
	PACKET_GEN_BYTES_MAX = 3400,
	PACKET_GEN_BYTES_MIN = 14,
};

/* Appends count packets. */
void packet_gen_fill(struct packet_list *list, const struct packet_pools *pools, uint64_t seed,
		     size_t count);

#endif
