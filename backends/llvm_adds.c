#include "backends/llvm_adds.h"

/* Which side of the sum is the load is seen in the original, where pointers are SSA values. */
LLVMValueRef llvm_added_operand(LLVMValueRef original, LLVMValueRef copy)
{
	if (!LLVMIsAStoreInst(original))
		return LLVMGetOperand(copy, 1); /* atomicrmw add */
	LLVMValueRef first = LLVMGetOperand(LLVMGetOperand(original, 0), 0);
	bool loaded =
	    LLVMIsALoadInst(first) && LLVMGetOperand(first, 0) == LLVMGetOperand(original, 1);

	return LLVMGetOperand(LLVMGetOperand(copy, 0), loaded ? 1 : 0);
}

static bool is_shared(const struct llvm_clone *c, const struct ir_op *op)
{
	if (op->kind == IR_OP_GLOBAL_ADD)
		return true;
	if (op->kind != IR_OP_MAP_ADD || op->map == IR_NONE)
		return false;
	return c->plan->maps[op->map].home == MAP_HOME_SHARED_ARRAY ||
	       c->plan->maps[op->map].home == MAP_HOME_SHARED_VALUES;
}

/* A store through a pointer to one map or another has an op for each: they stand side by side. */
static bool is_done(const struct llvm_clone *c, size_t op)
{
	const struct ir_op *ops = c->program->ops;

	for (size_t o = op; o-- > 0 && ops[o].value == ops[op].value;)
		if (is_shared(c, &ops[o]))
			return true;
	return false;
}

void llvm_make_adds_atomic(struct llvm_clone *c)
{
	for (size_t o = 0; o < c->program->op_count; o++) {
		const struct ir_op *op = &c->program->ops[o];

		if (!is_shared(c, op) || !LLVMIsAStoreInst(op->value) || is_done(c, o))
			continue;
		LLVMValueRef store = llvm_clone_value(c, op->value);

		LLVMPositionBuilderBefore(c->builder, store);
		LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(store));
		LLVMBuildAtomicRMW(c->builder, LLVMAtomicRMWBinOpAdd, LLVMGetOperand(store, 1),
				   llvm_added_operand(op->value, store),
				   LLVMAtomicOrderingMonotonic, 0);
		LLVMInstructionEraseFromParent(store);
	}
}
