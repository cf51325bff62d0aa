#include "verifier_model/verifier_model.h"

#include "support/arena.h"

#define KERNEL_BIT ((ir_layer_set)(1 << IR_LAYER_KERNEL))

static bool forbid(struct ir_op *op, enum ir_reason reason, const char *detail)
{
	bool was_legal = op->legal & KERNEL_BIT;

	op->legal &= (ir_layer_set)~KERNEL_BIT;
	if (op->missing[IR_LAYER_KERNEL].reason == IR_REASON_NONE)
		op->missing[IR_LAYER_KERNEL] = (struct ir_why){reason, detail};
	return was_legal;
}

size_t verifier_model_loops(struct ir_program *program, uint32_t version)
{
	struct arena *scratch = arena_new();
	const struct verifier_limits *limits = verifier_limits_get(version);
	bool may_loop = verifier_has(version, VERIFIER_BOUNDED_LOOPS);
	struct verifier_loop *loops;
	size_t count = verifier_model_find_loops(scratch, program, &loops), refused = 0;

	for (size_t i = 0; i < program->op_count; i++) {
		struct ir_op *op = &program->ops[i];

		if (op->kind == IR_OP_LOOP && (!op->loop_bounded || !may_loop))
			refused += forbid(op, IR_REASON_UNBOUNDED_LOOP, NULL);
	}
	for (size_t l = 0; l < count; l++) {
		if (loops[l].op == IR_NONE || loops[l].instructions <= limits->complexity)
			continue;
		refused +=
		    forbid(&program->ops[loops[l].op], IR_REASON_LOOP_TOO_LONG,
			   arena_printf(program->arena, "about %.0f", loops[l].instructions));
	}
	arena_free(&scratch);
	return refused;
}

/* Block by block in program order: the first op that this kernel would refuse. */
static struct ir_why check_ops(const struct ir_program *program, uint32_t version, int *op)
{
	bool may_loop = verifier_has(version, VERIFIER_BOUNDED_LOOPS);

	for (size_t i = 0; i < program->op_count; i++) {
		const struct ir_op *o = &program->ops[i];

		*op = (int)i;
		if (!(o->legal & KERNEL_BIT) &&
		    o->missing[IR_LAYER_KERNEL].reason != IR_REASON_AFTER_USER_OP)
			return o->missing[IR_LAYER_KERNEL];
		if (o->kind == IR_OP_LOOP && (!o->loop_bounded || !may_loop))
			return (struct ir_why){IR_REASON_UNBOUNDED_LOOP, NULL};
	}
	*op = IR_NONE;
	return (struct ir_why){IR_REASON_NONE, NULL};
}

struct ir_why verifier_model_check(const struct ir_program *program, uint32_t version, int *op)
{
	const struct verifier_limits *limits = verifier_limits_get(version);
	double instructions = verifier_model_instructions(program);
	int at;
	struct ir_why why = check_ops(program, version, &at);

	if (why.reason == IR_REASON_NONE && instructions > limits->complexity)
		why = (struct ir_why){IR_REASON_LOOP_TOO_LONG,
				      arena_printf(program->arena, "about %.0f", instructions)};
	if (why.reason == IR_REASON_NONE && program->stack_bytes > limits->stack_bytes)
		why = (struct ir_why){IR_REASON_BIG_STACK,
				      arena_printf(program->arena, "%u", program->stack_bytes)};
	if (op)
		*op = at;
	return why;
}
