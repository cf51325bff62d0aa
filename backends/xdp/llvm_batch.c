/* The batch program: one case for each map whose effects user queues. */
#include "backends/xdp/llvm_xdp.h"
#include "bundle/kernel_abi.h"

#include "support/map_types.h"

#include <stddef.h>

static bool is_queued(const struct llvm_clone *c, size_t map)
{
	return c->plan->maps[map].home == MAP_HOME_KERNEL_BATCHED &&
	       c->program->maps[map].key_size <= CLEAVE_BATCH_KEY_MAX &&
	       map_type_is_percpu(c->program->maps[map].type);
}

static bool any_queued(const struct llvm_clone *c)
{
	for (size_t m = 0; m < c->program->map_count; m++)
		if (is_queued(c, m))
			return true;
	return false;
}

/* bool cleave_batch_one(struct cleave_batch_op *op): switch (op->map) ... */
static void build_cases(struct llvm_clone *c, LLVMValueRef one)
{
	LLVMTypeRef bit = LLVMInt1TypeInContext(c->context);
	LLVMBasicBlockRef start = LLVMAppendBasicBlockInContext(c->context, one, "start");
	LLVMBasicBlockRef none = LLVMAppendBasicBlockInContext(c->context, one, "none");
	LLVMValueRef op = LLVMGetParam(one, 0);

	LLVMSetCurrentDebugLocation2(c->builder, NULL);
	LLVMPositionBuilderAtEnd(c->builder, none);
	LLVMBuildRet(c->builder, LLVMConstInt(bit, 0, 0));
	LLVMPositionBuilderAtEnd(c->builder, start);
	LLVMValueRef map = LLVMBuildLoad2(
	    c->builder, c->i32, llvm_at(c, op, offsetof(struct cleave_batch_op, map)), "");
	LLVMValueRef choose = LLVMBuildSwitch(c->builder, map, none, 8);
	for (size_t m = 0; m < c->program->map_count; m++) {
		if (!is_queued(c, m))
			continue;
		LLVMBasicBlockRef block = LLVMAppendBasicBlockInContext(c->context, one, "map");
		LLVMAddCase(choose, llvm_u32(c, m), block);
		LLVMPositionBuilderAtEnd(c->builder, block);
		LLVMValueRef arguments[] = {llvm_clone_value(c, c->program->maps[m].value),
					    llvm_u32(c, c->program->maps[m].value_size), op};
		LLVMBuildRet(c->builder, llvm_call(c, "cleave_rt_batch_apply", bit, arguments, 3));
	}
}

void llvm_build_batch(struct llvm_clone *c)
{
	LLVMTypeRef bit = LLVMInt1TypeInContext(c->context);
	LLVMValueRef one;

	if (!any_queued(c))
		return;
	one = LLVMAddFunction(c->module, "cleave_batch_one", LLVMFunctionType(bit, &c->ptr, 1, 0));
	build_cases(c, one);
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);
	LLVMAddAttributeAtIndex(one, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(c->context, kind, 0));
}
