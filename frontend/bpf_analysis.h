/*
 * Abstract interpretation of a program: for every basic block, what registers and stack hold.
 *
 * A subprogram is interpreted anew for each way of calling it (an *instance*), because the lifted
 * function is going to be inlined there anyway, and so a pointer argument has one type. Behind the
 * fixpoint nobody stores per-instruction results: a block is walked again from its state on,
 * with bpf_step.
 *
 *     struct bpf_analysis *a = bpf_analyse(object, function, diag);
 *     state = copy of bpf_instance_state(a, i, block);
 *     for (at = block->first; at < block->end; at++) {
 *             ... registers before `at` are in state->reg ...
 *             bpf_step(a, i, state, at);
 *     }
 */
#ifndef CLEAVE_FRONTEND_BPF_ANALYSIS_H
#define CLEAVE_FRONTEND_BPF_ANALYSIS_H

#include "frontend/bpf_cfg.h"
#include "frontend/bpf_values.h"
#include "ir/ir.h"

struct ir_context_field;
struct ir_helper;

struct bpf_instance {
	struct bpf_function *function;
	const struct bpf_cfg *cfg;
	int parent; /* -1: the program itself, or a callback that runs later */
	unsigned depth;
	const struct bpf_callback *callback; /* that it is called back as, or NULL */
	uint32_t call_block;                 /* of the parent, which ends with the call */
	struct bpf_state **in; /* by a block's place in cfg->order; NULL: not reached */
	bool *pending;
	uint32_t pending_count, pending_first;
	struct bpf_state *out; /* where it returns; NULL: it does not */
	int *child;            /* by block: the instance that its call makes, or -1 */
	/* of its stack frame, by bpf_find_frames */
	int64_t lowest;          /* least offset that is used, at most 0 */
	bool exposed[BPF_SLOTS]; /* others reach it, or at a computed offset */
	bool used[BPF_SLOTS];
	bool mixed[BPF_SLOTS];    /* loaded where it may hold a pointer or a number */
	bool spilled[BPF_SLOTS];  /* by bpf_find_spills: a pointer kept there is loaded again */
	bool pointers[BPF_SLOTS]; /* and others may read it as bytes */
};

struct bpf_analysis {
	struct bpf_object *object;
	struct diag *diag;
	const char *section;            /* of the program */
	enum ir_program_kind kind;      /* which says what its context is */
	struct bpf_instance *instances; /* [0] is the program */
	size_t instance_count, instance_cap;
	size_t instructions; /* of all instances */
	bool frames_lost;    /* an address of a stack went out of sight */
	int err;
};

/* NULL after a fault (reported). */
struct bpf_analysis *bpf_analyse(struct bpf_object *object, struct bpf_function *program,
				 struct diag *diag);

static inline const struct bpf_instruction *bpf_at(const struct bpf_analysis *a, int instance,
						   uint32_t at)
{
	return &a->object->code[a->instances[instance].function->code].instructions[at];
}

struct src_loc bpf_place(const struct bpf_analysis *analysis, int instance, uint32_t at);
/* What an instruction does to the state; of a branch, a return or a subprogram call: nothing. */
void bpf_step(struct bpf_analysis *analysis, int instance, struct bpf_state *state, uint32_t at);
/* The right side of an arithmetic instruction or a comparison. */
struct bpf_value bpf_operand(const struct bpf_instruction *i, const struct bpf_state *state);
/* The slots of the frame that a pointer points into; NULL: not known, or not one of ours. */
struct bpf_value *bpf_frame_slots(const struct bpf_analysis *analysis, int instance,
				  struct bpf_state *state, struct bpf_value base);
/*
 * What the call of a helper, or of a function of the kernel's, does with the memory that argument n
 * points to.
 */
struct bpf_argument {
	bool used; /* it takes so many arguments */
	bool reads, writes;
	int64_t bytes; /* at most; -1: not known */
};
struct bpf_argument bpf_argument_of(const struct bpf_analysis *analysis,
				    const struct bpf_state *state, const struct bpf_instruction *i,
				    unsigned n);
/* The function whose address a helper that calls back gets, or NULL: not known. */
struct bpf_function *bpf_callback_function(const struct bpf_analysis *analysis,
					   const struct bpf_state *state);
/* What a load yields. */
struct bpf_value bpf_loaded_value(const struct bpf_analysis *analysis, int instance,
				  struct bpf_state *state, const struct bpf_instruction *i);
/* The field, when it is a load of a pointer from the context; else NULL. */
const struct ir_context_field *bpf_loaded_pointer(const struct bpf_analysis *analysis,
						  const struct bpf_instruction *i,
						  const struct bpf_state *state);
/*
 * The ways on from the jump that ends a block, in `state` before it. null_register: the register
 * that is NULL on that way, or -1.
 */
struct bpf_way {
	uint32_t block; /* BPF_NO_BLOCK: there is none, or it is never gone */
	int null_register;
	int bounded_register; /* whose number is at most `most` on that way, or -1 */
	uint32_t most;
};
void bpf_find_ways(const struct bpf_analysis *analysis, int instance, uint32_t block,
		   const struct bpf_state *state, struct bpf_way *taken, struct bpf_way *next);

typedef void bpf_visit(struct bpf_analysis *analysis, int instance, struct bpf_state *state,
		       uint32_t at, void *argument);
/* Each instruction that is reached, in the state before it. */
void bpf_each_instruction(struct bpf_analysis *analysis, int instance, bpf_visit *visit,
			  void *argument);

/* Finds how each instance uses its stack frame. In bpf_frames.c. */
void bpf_find_frames(struct bpf_analysis *analysis);
/* Finds which slots that are not apart keep pointers for their own function. In bpf_spills.c. */
void bpf_find_spills(struct bpf_analysis *analysis);
/*
 * The slot of the instance's own frame that an access takes as a whole, for a pointer that is kept
 * there; or -1. Only after bpf_find_spills.
 */
int bpf_spill_slot(const struct bpf_analysis *analysis, int instance, struct bpf_value base,
		   const struct bpf_instruction *i);
/*
 * The slot of the instance's own frame, apart from other memory, that an access stays in, or -1.
 * Only after bpf_find_frames.
 */
int bpf_private_slot(const struct bpf_analysis *analysis, int instance, struct bpf_value base,
		     const struct bpf_instruction *i);
/* Where in the memory that `base` points into an access begins. */
static inline int64_t bpf_access_at(struct bpf_value base, const struct bpf_instruction *i)
{
	return (int64_t)((uint64_t)base.number + (uint64_t)i->offset);
}

/* Bytes of an access to memory. */
unsigned bpf_access_bytes(const struct bpf_instruction *i);

#endif
