/*
 * The first level of the verifier model: what a kernel's verifier would say about a program, from
 * the NF graph alone. It answers for any kernel version in kernel_limits.def, on any machine.
 *
 *     if (verifier_model_loops(program, version)) ... some loop cannot run in that kernel
 *     verifier_model_instructions(program)        ... about what "processed N insns" will say
 *
 * It is a model: it may refuse what a kernel accepts (it knows nothing of state pruning) and the
 * reverse. The real verifier, where there is one, is its oracle.
 */
#ifndef CLEAVE_VERIFIER_MODEL_VERIFIER_MODEL_H
#define CLEAVE_VERIFIER_MODEL_VERIFIER_MODEL_H

#include "ir/ir.h"

#define VERIFIER_VERSION(major, minor) ((uint32_t)(major) << 16 | (uint32_t)(minor) << 8)

enum verifier_feature {
#define KERNEL(major, minor, complexity, stack, metadata)
#define FEATURE(id, major, minor, text) VERIFIER_##id,
#include "verifier_model/kernel_limits.def"
#undef FEATURE
#undef KERNEL
	VERIFIER_FEATURE_COUNT
};

struct verifier_limits {
	uint32_t version;    /* first kernel with these limits */
	uint32_t complexity; /* instructions processed at most */
	uint32_t stack_bytes;
	uint32_t metadata_bytes; /* XDP metadata in front of a packet */
};

/* The limits of a kernel (KERNEL_VERSION(a, b, c)); the oldest known ones for anything older. */
const struct verifier_limits *verifier_limits_get(uint32_t version);
bool verifier_has(uint32_t version, enum verifier_feature feature);
const char *verifier_feature_text(enum verifier_feature feature);
uint32_t verifier_feature_since(enum verifier_feature feature);

/* One loop of the graph, of any shape: a strongly connected region below its headers. */
struct verifier_loop {
	int parent;          /* index of the loop around it, or IR_NONE */
	int op;              /* its LOOP op, or IR_NONE when the graph has none for it */
	bool bounded;        /* every LOOP op of it is bounded */
	double trips;        /* bound on iterations; 1 when there is none */
	double instructions; /* that the verifier walks for one run of the loop */
	int *blocks;         /* its blocks, those of inner loops included */
	size_t block_count;
};

/* The loop nest, outer loops first, in the arena. */
size_t verifier_model_find_loops(struct arena *arena, const struct ir_program *program,
				 struct verifier_loop **loops);

/*
 * Fills in, for each LOOP op that this kernel would refuse, why it cannot run in the kernel
 * (UNBOUNDED_LOOP, LOOP_TOO_LONG), and takes the kernel from its legal layers. Returns how many.
 */
size_t verifier_model_loops(struct ir_program *program, uint32_t version);

/* Instructions that the verifier would walk: trips of all nested loops times the block's own. */
double verifier_model_instructions(const struct ir_program *program);

/*
 * Would this kernel take the whole program? NONE, or the first reason against it in program order;
 * *op (may be NULL) is the op that is at fault, or IR_NONE when it is the whole program. The stack
 * is judged by the sum of its objects, which is an upper bound: the compiler may let objects share
 * space.
 */
struct ir_why verifier_model_check(const struct ir_program *program, uint32_t version, int *op);

#endif
