/*
 * Backends: what a plan becomes in each layer. One const struct each, listed in backends/table.c;
 * the partitioner knows them only through the plan. docs/recipes/add-a-backend.md.
 */
#ifndef CLEAVE_BACKENDS_BACKEND_H
#define CLEAVE_BACKENDS_BACKEND_H

#include "partitioner/plan.h"

struct backend_options {
	bool replay_inputs; /* clocks and random numbers come from struct cleave_replay_inputs */
	bool first_cpu;     /* BPF for the CPU "v1", what clang makes unless told otherwise */
};

/* What a backend made; bytes are in the program's arena. */
struct backend_output {
	const void *bytes;
	size_t size;
	double ms;
	bool over_stack; /* it needs more stack than a kernel gives */
	/* Places that work on its largest object there. */
	struct src_loc *stack_places;
	size_t stack_place_count;
};

struct backend {
	const char *name; /* "xdp" */
	enum ir_layer layer;
	const char *member; /* of the bundle: BUNDLE_MEMBER_* */
	/* Is there anything for it to do in this plan? */
	bool (*can_run)(const struct plan *plan);
	/* Returns 0 or a negative errno, reported. */
	int (*emit)(const struct plan *plan, const struct backend_options *options,
		    struct backend_output *output, struct diag *diag);
};

/* All backends, ending with NULL: xdp (kernel.bpf.o), user (user.so), replay (replay.so). */
extern const struct backend *const backend_table[];

/*
 * The unmodified program for check builds: clang's own IR with only the clocks and random numbers
 * replaced by struct cleave_replay_inputs, and redirects noted in struct cleave_replay_redirect.
 */
int backend_emit_replayed_source(const struct ir_program *program, bool first_cpu,
				 struct backend_output *output, struct diag *diag);

/*
 * Can the plan's parts tell the keys of an ordered map apart, or is the map watched as a whole? The
 * programs of a pair must do the same.
 */
bool backend_tells_keys(const struct plan *plan, int map);

/* Name of the CPU that user code is tuned for, in LLVM's words; in the arena. */
const char *backend_host_cpu(struct arena *arena);

#endif
