/*
 * One side of a comparison: something that runs packets and has maps. Sides start from the same
 * state and are given the same packets, clocks and random numbers.
 *
 *     kernel   the unmodified program in the kernel: the oracle
 *     split    the kernel part in the kernel, what it hands over in the user part in this process
 *     native   both parts, or the whole program, compiled for this host, in this process
 *
 * A split side holds the packets that its kernel part hands over (at most delay + 1 of them), like
 * the ring of an AF_XDP socket. Their outcomes come from complete, oldest first, whenever the
 * caller wants; until then they are in flight to the kernel part, which sends later packets of
 * their keys after them.
 */
#ifndef CLEAVE_RUNTIME_CHECK_SIDE_H
#define CLEAVE_RUNTIME_CHECK_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "runtime/events.h"
#include "runtime/host_test.h"

struct check_side;
struct check_touches;
struct cleave_map;
struct host_events;
struct map_set;
struct diag;
struct map_init;
struct test_packet;

/* A verdict: native code faulted on the packet. */
#define CHECK_CRASHED 0xc0000000u

enum { CHECK_META_MAX = 256 };

/* What became of a packet. */
struct check_outcome {
	size_t packet; /* index in the list */
	bool tc;
	bool skb_known; /* TC: skb is what the program left */
	struct cleave_skb skb;
	uint32_t verdict;
	bool handed_over; /* decided in user; entry is where it went on */
	uint32_t entry;
	bool redirect_known; /* false: the kernel ran it and noted none */
	uint32_t redirect_kind, redirect_target, redirect_map;
	uint64_t redirect_flags;
	uint32_t meta; /* bytes of metadata that the packet leaves with */
	uint8_t meta_bytes[CHECK_META_MAX];
	struct events events; /* that a consumer gets; the caller frees them */
	uint32_t size;
	uint8_t bytes[HOST_TEST_FRAME];
};

struct check_side;

struct check_side_ops {
	/*
	 * 0: outcome is filled in, or the packet is held and counted in side->held. Or a negative
	 * errno.
	 */
	int (*run)(struct check_side *side, const struct test_packet *packet,
		   const struct cleave_replay_inputs *inputs, struct check_outcome *outcome);
	/* The outcome of the oldest packet held. Called only when held is not 0. */
	int (*complete)(struct check_side *side, struct check_outcome *outcome);
	void (*free)(struct check_side *side);
};

/* The head of every side. Arrays are by the bundle's indices. */
struct check_side {
	const struct check_side_ops *ops;
	const struct bundle *bundle;
	const char *name;               /* "oracle", "split", "native" */
	uint8_t *const *masks;          /* value_mask.h; NULL: values are compared whole */
	struct cleave_map *const *maps; /* as an operator reads them; NULL: not to be compared */
	uint8_t *const *globals;        /* NULL: not to be compared */
	struct host_test *test;         /* what runs in the kernel, for measurements; or NULL */
	const struct check_touches *touches; /* of the last packet; NULL: the side cannot tell */
	/* What the other program of a pair has in common with this one. */
	struct map_set *set;
	struct host_events *events;
	unsigned held; /* packets handed over and not yet completed */
};

/* What a side is made from. */
struct check_side_setup {
	const struct bundle *bundle;
	const struct map_init *init; /* may be NULL */
	uint32_t cpu;                /* the one this process is pinned to */
	uint32_t count;              /* the kernel part counts its verdicts */
	uint32_t delay; /* packets that may be in flight beside the newest; split only */
	bool whole;     /* native: user.so from its start, not replay.so */
	/* The side of the same kind that has the pair's first program; NULL: this is alone or the
	 * first. It outlives this one. */
	struct check_side *first;
	struct diag *diag;
};

/* Each returns 0 or a negative errno, reported. The side starts in its start state. */
int check_oracle_new(struct check_side **side, const struct check_side_setup *setup);
int check_split_new(struct check_side **side, const struct check_side_setup *setup);
int check_native_new(struct check_side **side, const struct check_side_setup *setup);
/*
 * Both programs of a pair as one side of the kind that `make` makes: packets go to the one or the
 * other (check_pair_takes), maps and variables are the same. Of a bundle that is no pair: as make.
 */
typedef int check_side_make(struct check_side **side, const struct check_side_setup *setup);
int check_pair_new(check_side_make *make, struct check_side **side,
		   const struct check_side_setup *setup);
/* The bundle whose program takes the packet. */
const struct bundle *check_pair_takes(const struct bundle *bundle,
				      const struct test_packet *packet);
/* Does this kernel take the unmodified program? 0, or as check_oracle_new; reported to setup->diag.
 */
int check_oracle_probe(const struct check_side_setup *setup);
/* *side may be NULL. */
void check_side_free(struct check_side **side);

#endif
