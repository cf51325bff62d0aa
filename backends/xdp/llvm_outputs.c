/* The program that writes the user part's events: one case for each map that takes them. */
#include "backends/xdp/llvm_xdp.h"
#include "bundle/kernel_abi.h"
#include "support/map_types.h"

#include <linux/bpf.h>
#include <stddef.h>

static bool takes_events(const struct llvm_clone *c, size_t map)
{
	return c->plan->maps[map].home == MAP_HOME_KERNEL_BATCHED &&
	       map_type_holds(c->program->maps[map].type) == MAP_HOLDS_EVENTS;
}

static bool any_takes_events(const struct llvm_clone *c)
{
	for (size_t m = 0; m < c->program->map_count; m++)
		if (takes_events(c, m))
			return true;
	return false;
}

/* long cleave_output_one(struct xdp_md *ctx, struct cleave_output_args *o): switch (o->map) ... */
static void build_cases(struct llvm_clone *c, LLVMValueRef one)
{
	LLVMBasicBlockRef start = LLVMAppendBasicBlockInContext(c->context, one, "start");
	LLVMBasicBlockRef none = LLVMAppendBasicBlockInContext(c->context, one, "none");
	LLVMValueRef output = LLVMGetParam(one, 1);

	LLVMSetCurrentDebugLocation2(c->builder, NULL);
	LLVMPositionBuilderAtEnd(c->builder, none);
	LLVMBuildRet(c->builder, LLVMConstInt(c->i64, (uint64_t)-2 /* ENOENT */, 1));
	LLVMPositionBuilderAtEnd(c->builder, start);
	LLVMValueRef map = LLVMBuildLoad2(
	    c->builder, c->i32, llvm_at(c, output, offsetof(struct cleave_output_args, map)), "");
	LLVMValueRef choose = LLVMBuildSwitch(c->builder, map, none, 8);
	for (size_t m = 0; m < c->program->map_count; m++) {
		const struct ir_map *from = &c->program->maps[m];
		bool ring = from->type == BPF_MAP_TYPE_RINGBUF;

		if (!takes_events(c, m))
			continue;
		LLVMBasicBlockRef block = LLVMAppendBasicBlockInContext(c->context, one, "map");
		LLVMAddCase(choose, llvm_u32(c, m), block);
		LLVMPositionBuilderAtEnd(c->builder, block);
		LLVMValueRef arguments[] = {LLVMGetParam(one, 0), llvm_clone_value(c, from->value),
					    output};
		LLVMBuildRet(c->builder,
			     ring ? llvm_call(c, "cleave_rt_output_ring", c->i64, arguments + 1, 2)
				  : llvm_call(c, "cleave_rt_output_perf", c->i64, arguments, 3));
	}
}

void llvm_build_outputs(struct llvm_clone *c)
{
	LLVMTypeRef params[] = {c->ptr, c->ptr};
	LLVMValueRef one;

	if (!any_takes_events(c))
		return;
	one =
	    LLVMAddFunction(c->module, "cleave_output_one", LLVMFunctionType(c->i64, params, 2, 0));
	build_cases(c, one);
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);
	LLVMAddAttributeAtIndex(one, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(c->context, kind, 0));
}
