/*
 * A plan: which edges are cut, where each map lives, what it costs, and why.
 *
 * A packet starts in the kernel (block 0) and moves to user when it crosses a cut edge; it never
 * comes back. So the kernel part is what is reachable from the start without crossing a cut, the
 * user part what is reachable from the cuts' targets; a block may be in both, and then both parts
 * hold a copy. Splitting "everything in user" is the cut of edges[0].
 */
#ifndef CLEAVE_PARTITIONER_PLAN_H
#define CLEAVE_PARTITIONER_PLAN_H

#include "bundle/bundle.h"
#include "ir/ir.h"

/*
 * One host: which layers it has, their limits, and what things cost there (ns). Read from JSON;
 * see docs/partitioning.md.
 */
struct target {
	const char *name;
	ir_layer_set layers;
	uint32_t handoff_bytes_max; /* metadata the host's drivers accept */
	uint32_t kernel_version;    /* KERNEL_VERSION(a, b, c) */
	double instruction_ns[IR_LAYER_COUNT];
	double op_ns[IR_OP_COUNT][IR_LAYER_COUNT];
	/* [map type][lookup, update, delete][layer] for maps at home in that layer */
	double map_ns[64][3][IR_LAYER_COUNT];
	/* user look-up, update, delete in a `shared values` map (system calls) */
	double shared_value_ns[3];
	double kernel_shared_value_ns[3]; /* the same in the kernel, above a plain map */
	double bpf_call_ns;               /* one bpf() call, for look-ups in `kernel, batched` */
	double batched_add_ns;            /* one queued per-CPU add */
	/* fixed cost of a packet's way up: redirect, AF_XDP receive */
	double handoff_ns;
	double handoff_byte_ns;
	/* extra cost of each XDP action taken in user: TX, PASS delivery ... */
	double verdict_ns[8];
	double loop_trips; /* assumed iterations of a loop without a known bound */
};

/*
 * The target in a JSON file, or the built-in one (path NULL). Returns 0 or a negative errno,
 * reported.
 */
int target_read(struct arena *arena, const char *path, struct target *target, struct diag *diag);

/* What --split says. */
enum split_kind { SPLIT_AUTO, SPLIT_KERNEL, SPLIT_USER, SPLIT_AT_LINE, SPLIT_AT_EDGE };
struct split {
	enum split_kind kind;
	unsigned line; /* AT_LINE */
	/* AT_EDGE: this edge is cut whatever it costs; `every` builds one plan per legal edge */
	int edge;
};

struct plan_map {
	enum map_home home;
	struct ir_why why;
	const char *because; /* the reason as a sentence with numbers */
	double cost_ns;      /* what the home costs per packet */
	bool ordered;        /* strict order watches its keys */
	bool whole; /* ... all of them as one: packets are held before the key is known, or the
		       other program of a pair cannot tell them */
	bool kernel_reads, kernel_writes, user_reads, user_writes;
};

struct plan_cut {
	int edge;
	uint16_t entry; /* number in the handoff; 0 only for edges[0] */
	bool held_only; /* taken only while the packet's key is in flight in user */
	int map;        /* held_only: whose key, of the op behind the edge; or IR_NONE */
	int *early;     /* held_only: maps that are touched further on, watched as a whole */
	size_t early_count;
	double frequency;    /* packets that cross it, per packet */
	double cost_ns;      /* per packet that crosses it */
	uint32_t live_bytes; /* sum of live sizes under this plan's homes */
	const char *because;
};

struct plan_block {
	ir_layer_set layers; /* in which parts the block is */
	double frequency[IR_LAYER_COUNT];
	double cost_ns[IR_LAYER_COUNT]; /* of one execution */
	struct ir_why why;              /* the binding rule */
	const char *because;
};

struct plan {
	const struct ir_program *program;
	struct target target;
	struct split split;
	bool strict;
	struct plan_cut *cuts; /* ordinary cuts first, then held_only ones; by entry */
	size_t cut_count;
	struct plan_map *maps; /* one per program map */
	struct plan_block *blocks;
	double cost_ns; /* per packet, of this plan */
	/* of all-kernel and all-user; INFINITY when not legal */
	double kernel_cost_ns, user_cost_ns;
	uint32_t ordered_maps; /* as a ticket tells them apart */
	bool ordered_as_one;   /* ... it does not: there are too many */
	/* proved to be the best; false when the search ran out of its budget */
	bool exact;
};

/*
 * Spreads legality: an op that depends on what only user can run is user's too; an op before a
 * kernel-only one is the kernel's. Fills op.legal and op.missing, and edge.cut with USER_ILLEGAL
 * where kernel-only ops lie behind it. Returns 0, or -EINVAL with an error at the op that is left
 * without a layer.
 */
int partitioner_legal_layers(struct ir_program *program, const struct target *target,
			     struct diag *diag);

/*
 * Makes the plan. A split that cannot be had (kernel: an op is user only; at-line: no legal edge
 * there) is an error at the source line of the op that forbids it, -EINVAL.
 */
int partitioner_plan(const struct ir_program *program, const struct target *target,
		     struct split split, bool strict, struct plan **plan, struct diag *diag);

/*
 * The edges that `--split every` goes through: legal cuts, edges[0] first. In the program's
 * arena.
 */
size_t partitioner_legal_cuts(const struct ir_program *program, const struct target *target,
			      int **edges);

/*
 * Bytes of metadata the handoff of this cut needs under the plan: header, ticket, live values,
 * rounded to 4.
 */
uint32_t plan_handoff_bytes(const struct plan *plan, const struct plan_cut *cut);

/* `cleave explain`. */
void plan_print_text(FILE *out, const struct plan *plan);
void plan_print_json(FILE *out, const struct plan *plan);

#endif
