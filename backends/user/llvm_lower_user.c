/* Lowering of intrinsics to what the user layer runs. */
#include "backends/llvm_adds.h"
#include "backends/user/llvm_lower_user.h"
#include "ir/helpers.h"
#include "support/arena.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

static int map_of(const struct llvm_clone *c, LLVMValueRef value)
{
	for (size_t m = 0; m < c->program->map_count; m++)
		if (llvm_clone_value(c, c->program->maps[m].value) == value)
			return (int)m;
	return IR_NONE;
}

static uint32_t stride_of(const struct ir_map *map)
{
	return (map->value_size + 7) & ~7u;
}

/*
 * Are all effects on the map queued? Then a value pointer is never looked through: it points to a
 * copy of its key, and each add through it becomes a queued effect.
 */
static bool is_queued(const struct llvm_clone *c, int map)
{
	if (c->native || c->plan->maps[map].home != MAP_HOME_KERNEL_BATCHED ||
	    c->program->maps[map].type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return false;
	for (size_t o = 0; o < c->program->op_count; o++) {
		const struct ir_op *op = &c->program->ops[o];

		if (op->map == map && (op->kind == IR_OP_MAP_UPDATE || op->kind == IR_OP_MAP_READ ||
				       op->kind == IR_OP_MAP_WRITE ||
				       (op->kind == IR_OP_MAP_LOOKUP && !op->add_only)))
			return false;
	}
	return true;
}

static LLVMValueRef queued_lookup(struct llvm_clone *c, LLVMValueRef key, const struct ir_map *m)
{
	LLVMValueRef copy = llvm_stack(c, m->key_size, "key");

	llvm_copy(c, copy, 8, key, 1, m->key_size);
	LLVMValueRef index = LLVMBuildLoad2(c->builder, c->i32, copy, "");
	LLVMValueRef there =
	    LLVMBuildICmp(c->builder, LLVMIntULT, index, llvm_u32(c, m->max_entries), "");
	return LLVMBuildSelect(c->builder, there, copy, LLVMConstNull(c->ptr), "");
}

static LLVMValueRef lower_lookup(struct llvm_clone *c, LLVMValueRef key, int map)
{
	const struct ir_map *m = &c->program->maps[map];
	enum map_home home = c->native ? MAP_HOME_USER : c->plan->maps[map].home;
	LLVMValueRef arguments[] = {c->packet, llvm_u32(c, (uint64_t)map), key,
				    llvm_u32(c, m->max_entries), llvm_u32(c, stride_of(m))};

	if (is_queued(c, map))
		return queued_lookup(c, key, m);
	if (home == MAP_HOME_PACKET_LOCAL)
		return llvm_call(c, "cleave_rt_local_lookup", c->ptr, arguments, 5);
	if (m->type == BPF_MAP_TYPE_ARRAY &&
	    (home == MAP_HOME_SHARED_ARRAY || home == MAP_HOME_USER))
		return llvm_call(c, "cleave_rt_array_lookup", c->ptr, arguments, 5);
	return llvm_call(c, "cleave_rt_map_lookup", c->ptr, arguments, 3);
}

static LLVMTypeRef widened(struct llvm_clone *c, LLVMTypeRef type)
{
	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? c->i64 : type;
}

static LLVMTypeRef argument_type(struct llvm_clone *c, LLVMValueRef function, unsigned index,
				 LLVMTypeRef otherwise)
{
	LLVMTypeRef types[16], type;

	if (!function)
		return otherwise;
	type = LLVMGlobalGetValueType(function);
	if (LLVMIsFunctionVarArg(type) && index >= LLVMCountParamTypes(type))
		return widened(c, otherwise);
	if (index >= LLVMCountParamTypes(type) || LLVMCountParamTypes(type) > 16)
		return otherwise;
	LLVMGetParamTypes(type, types);
	return types[index];
}

static LLVMValueRef convert(struct llvm_clone *c, LLVMValueRef value, LLVMTypeRef type)
{
	if (LLVMTypeOf(value) == type || LLVMGetTypeKind(type) != LLVMIntegerTypeKind ||
	    LLVMGetTypeKind(LLVMTypeOf(value)) != LLVMIntegerTypeKind)
		return value;
	return LLVMBuildIntCast2(c->builder, value, type, 0, "");
}

/* cleave.help.NAME(...) -> cleave_rt_help_NAME(packet, ...), the context left out, maps by number.
 */
static LLVMValueRef lower_helper(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	LLVMValueRef arguments[12] = {c->packet}, callee;
	unsigned count = 1, given = LLVMGetNumArgOperands(call);

	callee = LLVMGetNamedFunction(c->module, name);
	for (unsigned a = 0; a < given && count < 12; a++) {
		LLVMValueRef value = LLVMGetOperand(call, a);
		int map = map_of(c, value);

		if (value == c->packet)
			continue;
		if (map != IR_NONE)
			value = llvm_u32(c, (uint64_t)map);
		arguments[count] =
		    convert(c, value, argument_type(c, callee, count, LLVMTypeOf(value)));
		count++;
	}
	LLVMTypeRef want = LLVMTypeOf(call), type = LLVMGlobalGetValueType(callee), types[12];
	/* bpf_printk leaves arguments out. */
	LLVMGetParamTypes(type, types);
	for (; count < LLVMCountParamTypes(type) && count < 12; count++)
		arguments[count] = LLVMConstNull(types[count]);
	LLVMValueRef result = LLVMBuildCall2(c->builder, type, callee, arguments, count, "");
	return LLVMGetTypeKind(want) == LLVMVoidTypeKind ? result : convert(c, result, want);
}

/* The map is what a look-up in a map of maps gave. */
static LLVMValueRef lower_inner(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	LLVMValueRef arguments[5] = {c->packet};
	unsigned count = LLVMGetNumArgOperands(call);

	for (unsigned a = 0; a < count && a < 4; a++)
		arguments[a + 1] = LLVMGetOperand(call, a);
	if (strcmp(name, "cleave.map.lookup") == 0)
		return llvm_call(c, "cleave_rt_inner_lookup", c->ptr, arguments, 3);
	if (strncmp(name, "cleave.map.delete", 17) == 0)
		return llvm_call(c, "cleave_rt_inner_delete", c->i64, arguments, 3);
	return llvm_call(c, "cleave_rt_inner_update", c->i64, arguments, 5);
}

static LLVMValueRef lower_map(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	int map = map_of(c, LLVMGetOperand(call, 0));

	if (map == IR_NONE)
		return lower_inner(c, call, name);
	LLVMValueRef arguments[] = {c->packet, llvm_u32(c, (uint64_t)map), LLVMGetOperand(call, 1),
				    NULL, NULL};

	if (strcmp(name, "cleave.map.lookup") == 0)
		return lower_lookup(c, LLVMGetOperand(call, 1), map);
	if (strcmp(name, "cleave.map.value") == 0)
		return llvm_call(c, "cleave_rt_map_value", c->ptr, arguments, 3);
	if (strncmp(name, "cleave.map.delete", 17) == 0)
		return llvm_call(c, "cleave_rt_map_delete", c->i64, arguments, 3);
	arguments[3] = LLVMGetOperand(call, 2);
	arguments[4] = LLVMGetOperand(call, 3);
	return llvm_call(c, "cleave_rt_map_update", c->i64, arguments, 5);
}

/* cleave.help.NAME -> PREFIXhelp_NAME */
static const char *runtime_name(struct llvm_clone *c, const char *prefix, const char *dotted)
{
	char *plain = arena_printf(c->arena, "%s%s", prefix, dotted + strlen("cleave."));

	for (char *p = plain; *p; p++)
		*p = *p == '.' ? '_' : *p;
	return plain;
}

static LLVMValueRef lower_intrinsic(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	const struct ir_helper *helper = ir_helper_by_intrinsic(name);
	LLVMPositionBuilderBefore(c->builder, call);

	if (strncmp(name, "cleave.map.", 11) == 0)
		return lower_map(c, call, name);
	const char *dotted = helper ? ir_helper_intrinsic(c->arena, helper) : name;
	const char *plain = runtime_name(c, "cleave_rt_tc_", dotted);

	if (c->program->kind != IR_PROGRAM_TC || !LLVMGetNamedFunction(c->module, plain))
		plain = runtime_name(c, "cleave_rt_", dotted);
	return lower_helper(c, call, plain);
}

static bool calls(LLVMValueRef i, const char *prefix)
{
	LLVMValueRef callee = LLVMIsACallInst(i) ? LLVMGetCalledValue(i) : NULL;
	size_t length;

	return callee && LLVMIsAFunction(callee) &&
	       !strncmp(LLVMGetValueName2(callee, &length), prefix, strlen(prefix));
}

/*
 * What clang's BPF target puts there for the verifier's sake means nothing to a host: barriers, and
 * comparisons in the form of a call (predicate, left, right).
 */
static bool is_for_the_verifier(LLVMValueRef i)
{
	return (LLVMIsACallInst(i) && LLVMIsAInlineAsm(LLVMGetCalledValue(i))) ||
	       calls(i, "llvm.bpf.passthrough") || calls(i, "llvm.bpf.compare");
}

static void make_plain(struct llvm_clone *c, LLVMValueRef i)
{
	unsigned count = LLVMGetNumArgOperands(i);

	if (calls(i, "llvm.bpf.compare")) {
		unsigned long long predicate = LLVMConstIntGetZExtValue(LLVMGetOperand(i, 0));

		LLVMPositionBuilderBefore(c->builder, i);
		LLVMReplaceAllUsesWith(i, LLVMBuildICmp(c->builder, (LLVMIntPredicate)predicate,
							LLVMGetOperand(i, 1), LLVMGetOperand(i, 2),
							""));
	} else if (LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMVoidTypeKind) {
		LLVMReplaceAllUsesWith(i, count ? LLVMGetOperand(i, count - 1)
						: LLVMGetUndef(LLVMTypeOf(i)));
	}
	LLVMInstructionEraseFromParent(i);
}

static void lower_all(struct llvm_clone *c)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(c->function);

	for (; block; block = LLVMGetNextBasicBlock(block))
		for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
			const char *name = llvm_intrinsic_name(i);

			next = LLVMGetNextInstruction(i);
			if (is_for_the_verifier(i)) {
				make_plain(c, i);
			} else if (name) {
				LLVMValueRef now = lower_intrinsic(c, i, name);

				if (LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMVoidTypeKind)
					LLVMReplaceAllUsesWith(i, now);
				LLVMInstructionEraseFromParent(i);
			}
		}
}

/* An add through a queued map's value pointer: the pointer less its offset is the key's copy. */
static void queue_add(struct llvm_clone *c, const struct ir_op *op)
{
	LLVMValueRef i = llvm_clone_value(c, op->value);
	LLVMValueRef original = LLVMIsAStoreInst(op->value) ? LLVMGetOperand(op->value, 1)
							    : LLVMGetOperand(op->value, 0);
	struct llvm_region region = llvm_pointer_region(c->program, original);
	LLVMValueRef pointer = LLVMIsAStoreInst(i) ? LLVMGetOperand(i, 1) : LLVMGetOperand(i, 0);
	LLVMValueRef operand = llvm_added_operand(op->value, i);
	unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(operand));

	LLVMPositionBuilderBefore(c->builder, i);
	LLVMValueRef arguments[] = {c->packet,
				    llvm_u32(c, (uint64_t)op->map),
				    llvm_at(c, pointer, -region.offset),
				    llvm_u32(c, (uint64_t)region.offset),
				    llvm_u32(c, bits / 8),
				    LLVMBuildZExt(c->builder, operand, c->i64, "")};
	llvm_call(c, "cleave_rt_map_add", c->none, arguments, 6);
	if (LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMVoidTypeKind)
		LLVMReplaceAllUsesWith(i, LLVMGetUndef(LLVMTypeOf(i)));
	LLVMInstructionEraseFromParent(i);
}

void llvm_queue_adds(struct llvm_clone *c)
{
	for (size_t o = 0; o < c->program->op_count; o++) {
		const struct ir_op *op = &c->program->ops[o];

		if (op->kind == IR_OP_MAP_ADD && op->map != IR_NONE && is_queued(c, op->map))
			queue_add(c, op);
	}
}

/* GEPs and casts that are constants of a global become instructions at each use. */
static void expand_constant_uses(struct llvm_clone *c, LLVMValueRef constant,
				 LLVMValueRef now_global, LLVMValueRef global);

static LLVMValueRef at_use(struct llvm_clone *c, LLVMValueRef user, unsigned operand)
{
	if (LLVMIsAPHINode(user))
		LLVMPositionBuilderBefore(
		    c->builder, LLVMGetBasicBlockTerminator(LLVMGetIncomingBlock(user, operand)));
	else
		LLVMPositionBuilderBefore(c->builder, user);
	return user;
}

static LLVMValueRef repeat_constant(struct llvm_clone *c, LLVMValueRef constant,
				    LLVMValueRef global, LLVMValueRef base)
{
	if (constant == global)
		return base;
	struct llvm_region region = llvm_pointer_region(c->program, constant);
	LLVMValueRef at = llvm_at(c, base, region.offset);

	return LLVMGetTypeKind(LLVMTypeOf(constant)) == LLVMPointerTypeKind
		   ? at
		   : LLVMBuildPtrToInt(c->builder, at, LLVMTypeOf(constant), "");
}

static void expand_constant_uses(struct llvm_clone *c, LLVMValueRef constant, LLVMValueRef index,
				 LLVMValueRef global)
{
	for (LLVMUseRef use = LLVMGetFirstUse(constant), next; use; use = next) {
		LLVMValueRef user = LLVMGetUser(use);

		next = LLVMGetNextUse(use);
		if (!LLVMIsAInstruction(user)) {
			expand_constant_uses(c, user, index, global);
			next = LLVMGetFirstUse(constant) == use ? LLVMGetNextUse(use) : next;
			continue;
		}
		if (LLVMGetBasicBlockParent(LLVMGetInstructionParent(user)) != c->function)
			continue;
		unsigned operand = 0;
		while (LLVMGetOperand(user, operand) != constant)
			operand++;
		at_use(c, user, operand);
		LLVMValueRef arguments[] = {c->packet, index};
		LLVMValueRef base = llvm_call(c, "cleave_rt_global", c->ptr, arguments, 2);
		LLVMSetOperand(user, operand, repeat_constant(c, constant, global, base));
		next = LLVMGetFirstUse(constant);
	}
}

/* Variables of the NF live where the environment says; constants stay in the part itself. */
static void lower_globals(struct llvm_clone *c)
{
	for (size_t g = 0; g < c->program->global_count; g++) {
		LLVMValueRef global = llvm_clone_value(c, c->program->globals[g].value);

		expand_constant_uses(c, global, llvm_u32(c, g), global);
	}
}

/* What the kernel's loader reads has no use in a shared object. */
static void drop_sections(struct llvm_clone *c)
{
	for (LLVMValueRef g = LLVMGetFirstGlobal(c->module), next; g; g = next) {
		next = LLVMGetNextGlobal(g);
		LLVMSetSection(g, "");
		if (!LLVMGetFirstUse(g))
			LLVMDeleteGlobal(g);
	}
	LLVMSetSection(c->function, "");
}

void llvm_lower_to_user(struct llvm_clone *c)
{
	LLVMSetCurrentDebugLocation2(c->builder, NULL);
	lower_globals(c);
	lower_all(c);
	drop_sections(c);
}
