/*
 * The compiler, stage by stage: source -> IR -> graph -> plan -> parts -> bundle. The table of
 * stages is in pipeline.c; every stage reads and extends one struct compilation.
 */
#ifndef CLEAVE_DRIVER_PIPELINE_H
#define CLEAVE_DRIVER_PIPELINE_H

#include "backends/backend.h"
#include "bundle/bundle.h"
#include "frontend/frontend.h"
#include "partitioner/plan.h"

enum { PIPELINE_STAGES_MAX = 16, PIPELINE_BACKENDS_MAX = 4 };

struct compilation {
	/* what the user asked for */
	struct frontend_input input;
	const char *second_program; /* the second --program, or NULL */
	const char *target_path;    /* --target, or NULL */
	struct split split;
	const char *split_text;
	unsigned cuts_max; /* --cuts: of `every`; 0: all */
	bool relaxed;
	bool replay;                         /* add replay.so */
	bool no_verify;                      /* do not ask the kernel's verifier */
	bool check;                          /* a check build: replayed clocks, replay.so */
	const char *dump_after, *stop_after; /* stage names, or NULL */
	/* what the stages made */
	struct arena *arena;
	struct diag *diag;
	struct frontend_output front;
	struct target target;
	struct plan *plan;
	struct backend_output parts[PIPELINE_BACKENDS_MAX]; /* in backend_table's order */
	struct backend_output replayed_source;              /* check builds */
	struct bundle *bundle;
	/* the other program of a pair, with what was asked of the first; NULL: there is none */
	struct compilation *second;
	/* what it took */
	double verifier_ms; /* waiting for the kernel's verifier */
	bool first_cpu;     /* the kernel part is for the CPU v1: the verifier refused the other */
	unsigned remedies;  /* rounds in which the verifier refused and the plan was changed */
	double stage_ms[PIPELINE_STAGES_MAX];
};

struct stage {
	const char *name;
	int (*run)(struct compilation *);
	void (*dump)(struct compilation *); /* to standard output; NULL: nothing to show */
};

extern const struct stage pipeline[];

/* Arena and diagnostics; the rest is the caller's to fill in. */
void compilation_begin(struct compilation *c, struct diag *diag);
void compilation_end(struct compilation *c);

/* Runs the stages up to --stop-after or the last. Returns 0 or a negative errno, reported. */
int pipeline_run(struct compilation *c);
/* From the plan on again, with another split, on the same graph: for `--split every`. */
int pipeline_replan(struct compilation *c);
/* Puts a variant's bundle where it belongs. Returns 0 or a negative errno, reported. */
typedef int pipeline_keep(void *context, struct bundle *bundle, const char *name,
			  struct diag *diag);
/*
 * A bundle for each legal cut, or cuts_max of them, named edge-NNNN. Cuts for which there is no
 * plan in strict order, or no kernel part that the verifier takes, are counted and told, not
 * errors.
 */
int pipeline_every(struct compilation *c, pipeline_keep *keep, void *context);
/* Index of the stage with this name, or -1. */
int pipeline_find(const char *name);
/* --time: a line for each stage, and what was clang's and what our own. */
void pipeline_print_times(const struct compilation *c, FILE *out);

/*
 * A pair: stage after stage for both programs, and where they have to agree, together. In
 * driver/pair.c.
 */
int pair_begin(struct compilation *c, const char *second);
int pair_run_stage(struct compilation *c, int stage);
void pair_end(struct compilation *c);

/* Stages that `verify` repeats. */
int pipeline_plan(struct compilation *c); /* in driver/plan_whole.c */
/*
 * The plan that leaves the source as it is, whatever was guessed or found of kernel parts of it:
 * false when something in it is known to be user's alone, or another split was asked for.
 */
bool pipeline_plan_source(struct compilation *c); /* the same */
/* A loop of bpf_loop's that the kernel cannot run, but for the source's own way to make it. */
bool pipeline_is_rolled(const struct ir_op *op);
int pipeline_emit(struct compilation *c);
/*
 * Asks this kernel's verifier, where it can be asked, about the kernel part. What it refuses moves
 * to user: the op at the line where it stopped loses the kernel, and plan and parts are made anew.
 * In driver/verify_part.c.
 */
int pipeline_verify(struct compilation *c);

/* cleaved beside this program, as a build or an installation has it; else the one in PATH. */
const char *find_cleaved(struct arena *arena);

/* Makes c->bundle from the rest. In driver/make_bundle.c. */
int pipeline_make_bundle(struct compilation *c);

#endif
