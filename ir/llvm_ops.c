/* Which ops an instruction is: kind, what it touches, where it may run by its own nature. */
#include "ir/context_fields.h"
#include "ir/helpers.h"
#include "ir/llvm_graph.h"
#include "ir/tail_calls.h"
#include "support/arena.h"
#include "support/limits.h"
#include "support/map_types.h"

#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>

static void forbid(struct ir_op *op, enum ir_layer layer, enum ir_reason reason, const char *detail)
{
	op->legal &= (ir_layer_set) ~(1 << layer);
	op->missing[layer] = (struct ir_why){reason, detail};
}

/* link_lookups of llvm_graph.c fills this in once every look-up is known. */
enum { LOOKUP_LATER = IR_NONE - 1 };

static struct ir_op *add_op(struct ir_program *program, int block, LLVMValueRef instruction,
			    enum ir_op_kind kind, size_t *capacity)
{
	struct ir_op *op = ARENA_PUSH(program->arena, program->ops, program->op_count, *capacity);

	*op = (struct ir_op){.kind = kind,
			     .block = block,
			     .loc = ir_instruction_loc(program, instruction),
			     .map = IR_NONE,
			     .global = IR_NONE,
			     .lookup = IR_NONE,
			     .helper = IR_NONE,
			     .legal = IR_LAYERS_ALL,
			     .value = instruction};
	return op;
}

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_ADD };

/*
 * At a place that is only known at run time the object is needed whole, and so are accesses at
 * other places of it: what is left of those when the kernel has no others is a smaller object.
 */
static void add_stack_access(struct ir_program *program, int block, LLVMValueRef instruction,
			     struct llvm_region region, size_t *capacity)
{
	LLVMTargetDataRef layout = LLVMGetModuleDataLayout(program->llvm->module);
	uint64_t bytes = region.root && !region.constant && LLVMIsAAllocaInst(region.root)
			     ? LLVMABISizeOfType(layout, LLVMGetAllocatedType(region.root))
			     : 0;
	const struct ir_op *before =
	    program->op_count ? &program->ops[program->op_count - 1] : NULL;

	if (bytes <= BPF_STACK_BYTES_MAX ||
	    (before && before->block == block &&
	     before->missing[IR_LAYER_KERNEL].reason == IR_REASON_BIG_STACK))
		return;
	struct ir_op *op = add_op(program, block, instruction, IR_OP_STACK, capacity);

	forbid(op, IR_LAYER_KERNEL, IR_REASON_BIG_STACK,
	       arena_printf(program->arena, "%" PRIu64, bytes));
}

/* A lock can be taken in the kernel only, and holds only among those who take it. */
static void forbid_locked(const struct ir_program *program, struct ir_op *op)
{
	const struct ir_map *map = &program->maps[op->map];

	if (map->kernels_part)
		forbid(op, IR_LAYER_USER, IR_REASON_MAP_PINNED,
		       arena_printf(program->arena, "map %s, whose values hold a struct %s,",
				    map->name, map->kernels_part));
	else if (map->callback)
		forbid(op, IR_LAYER_USER, IR_REASON_MAP_PINNED,
		       arena_printf(program->arena, "map %s, which the callback %s works on,",
				    map->name, map->callback));
}

static void add_access_of(struct ir_program *program, int block, LLVMValueRef instruction,
			  struct llvm_region region, enum access access, size_t *capacity);

static bool is_looked_up(const struct ir_program *program, int map)
{
	LLVMUseRef use =
	    program->maps[map].value ? LLVMGetFirstUse(program->maps[map].value) : NULL;

	for (; use; use = LLVMGetNextUse(use)) {
		const char *name = LLVMIsAInstruction(LLVMGetUser(use))
				       ? llvm_intrinsic_name(LLVMGetUser(use))
				       : NULL;

		if (name && strstr(name, "map") && strstr(name, "lookup"))
			return true;
	}
	return false;
}

/*
 * Through a pointer of which nothing is known: the packet, and every map's values and every
 * variable that it could show, so that whoever asks who touches them is told of this one.
 */
static void add_access_anywhere(struct ir_program *program, int block, LLVMValueRef instruction,
				enum access access, size_t *capacity)
{
	static const enum access each[] = {ACCESS_READ, ACCESS_WRITE};
	struct llvm_region region = {.memory = LLVM_MEMORY_PACKET, .index = IR_NONE};

	for (size_t a = 0; a < (access == ACCESS_READ ? 1 : 2); a++) {
		region.memory = LLVM_MEMORY_PACKET;
		add_access_of(program, block, instruction, region, each[a], capacity);
		for (size_t m = 0; m < program->map_count; m++) {
			region.index = (int)m;
			region.memory =
			    program->maps[m].inner.type ? LLVM_MEMORY_INNER : LLVM_MEMORY_MAP;
			if (is_looked_up(program, (int)m))
				add_access_of(program, block, instruction, region, each[a],
					      capacity);
		}
		region.memory = LLVM_MEMORY_GLOBAL;
		for (size_t g = 0; g < program->global_count; g++) {
			region.index = (int)g;
			if (!program->globals[g].constant)
				add_access_of(program, block, instruction, region, each[a],
					      capacity);
		}
	}
}

static void add_access_of(struct ir_program *program, int block, LLVMValueRef instruction,
			  struct llvm_region region, enum access access, size_t *capacity)
{
	static const enum ir_op_kind packet[] = {IR_OP_PKT_READ, IR_OP_PKT_WRITE, IR_OP_PKT_WRITE};
	static const enum ir_op_kind map[] = {IR_OP_MAP_READ, IR_OP_MAP_WRITE, IR_OP_MAP_ADD};
	static const enum ir_op_kind global[] = {IR_OP_GLOBAL_READ, IR_OP_GLOBAL_WRITE,
						 IR_OP_GLOBAL_ADD};
	struct ir_op *op;

	switch (region.memory) {
	case LLVM_MEMORY_PACKET:
	case LLVM_MEMORY_PACKET_META:
		add_op(program, block, instruction, packet[access], capacity);
		break;
	case LLVM_MEMORY_MAP:
	case LLVM_MEMORY_INNER:
		op = add_op(program, block, instruction, map[access], capacity);
		op->map = region.index;
		op->inner = region.memory == LLVM_MEMORY_INNER;
		if (region.index != IR_NONE && program->maps[region.index].is_aliased)
			forbid(op, IR_LAYER_USER, IR_REASON_MAP_PINNED,
			       program->maps[region.index].name);
		if (region.index != IR_NONE)
			forbid_locked(program, op);
		op->lookup = LOOKUP_LATER;
		break;
	case LLVM_MEMORY_GLOBAL:
		if (region.index == IR_NONE) /* a constant that the compiler made */
			break;
		op = add_op(program, block, instruction, global[access], capacity);
		op->global = region.index;
		break;
	case LLVM_MEMORY_STACK:
		add_stack_access(program, block, instruction, region, capacity);
		break;
	case LLVM_MEMORY_UNKNOWN:
		add_access_anywhere(program, block, instruction, access, capacity);
		break;
	default: /* the context, the kernel's own */
		break;
	}
}

/* An op for each memory that the pointer may point into. */
static void add_access(struct ir_program *program, int block, LLVMValueRef instruction,
		       LLVMValueRef pointer, enum access access, size_t *capacity)
{
	struct llvm_pointees pointees = llvm_pointees_of(program, pointer);

	for (size_t i = 0; i < pointees.count; i++)
		add_access_of(program, block, instruction, pointees.regions[i], access, capacity);
	if (!pointees.all) { /* whatever else it touches has to stay where the source put it */
		struct ir_op *op = add_op(program, block, instruction, IR_OP_HELPER, capacity);

		op->name = "access through a pointer to many memories";
		forbid(op, IR_LAYER_USER, IR_REASON_LIVE_MIXED, op->name);
	}
}

LLVMValueRef ir_access_pointer(LLVMValueRef i)
{
	switch (LLVMGetInstructionOpcode(i)) {
	case LLVMStore:
		return LLVMGetOperand(i, 1);
	default:
		return LLVMGetOperand(i, 0);
	}
}

static bool is_float(LLVMTypeRef type)
{
	switch (LLVMGetTypeKind(type)) {
	case LLVMHalfTypeKind:
	case LLVMFloatTypeKind:
	case LLVMDoubleTypeKind:
	case LLVMX86_FP80TypeKind:
	case LLVMFP128TypeKind:
		return true;
	default:
		return false;
	}
}

static bool works_on_floats(LLVMValueRef instruction)
{
	if (is_float(LLVMTypeOf(instruction)))
		return true;
	for (int n = 0; n < LLVMGetNumOperands(instruction); n++)
		if (is_float(LLVMTypeOf(LLVMGetOperand(instruction, (unsigned)n))))
			return true;
	return false;
}

static bool multiplies(LLVMValueRef i)
{
	LLVMValueRef callee = LLVMIsACallInst(i) ? LLVMGetCalledValue(i) : NULL;
	size_t length;

	return LLVMGetInstructionOpcode(i) == LLVMMul ||
	       (callee && strstr(LLVMGetValueName2(callee, &length), "mul.with.overflow"));
}

/*
 * Numbers that BPF's code generator makes no code for: of 128 bits (addresses of IPv6) it adds,
 * compares, masks and shifts halves, but to multiply or divide it calls a function that no kernel
 * has.
 */
static bool is_wide(LLVMValueRef i)
{
	LLVMTypeRef type = LLVMTypeOf(i);
	LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
	unsigned bits =
	    LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;

	return bits > 128 ||
	       (bits > 64 && (multiplies(i) || opcode == LLVMUDiv || opcode == LLVMSDiv ||
			      opcode == LLVMURem || opcode == LLVMSRem));
}

/* By a constant it becomes multiplications and shifts. */
static bool divides_signed(LLVMValueRef i)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(i);

	return (opcode == LLVMSDiv || opcode == LLVMSRem) &&
	       !LLVMIsAConstantInt(LLVMGetOperand(i, 1));
}

/* A helper looks through its pointers: a key or a value may itself lie in a map or a variable. */
static void add_argument_accesses(struct ir_program *program, int block, LLVMValueRef call,
				  size_t *capacity)
{
	struct llvm_helper_access access;

	for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++) {
		if (!llvm_helper_access(program, call, a, &access))
			continue;
		if (access.reads)
			add_access(program, block, call, LLVMGetOperand(call, a), ACCESS_READ,
				   capacity);
		if (access.writes)
			add_access(program, block, call, LLVMGetOperand(call, a), ACCESS_WRITE,
				   capacity);
	}
}

/* A constant, or what a choice among constants can be; all ones where that is not known. */
static uint64_t possible_bits(LLVMValueRef value)
{
	value = llvm_bare_value(value);
	if (LLVMIsAConstantInt(value) && LLVMGetIntTypeWidth(LLVMTypeOf(value)) <= 64)
		return LLVMConstIntGetZExtValue(value);
	if (LLVMIsASelectInst(value))
		return possible_bits(LLVMGetOperand(value, 1)) |
		       possible_bits(LLVMGetOperand(value, 2));
	if (LLVMIsAZExtInst(value) &&
	    LLVMGetIntTypeWidth(LLVMTypeOf(LLVMGetOperand(value, 0))) == 1)
		return 1;
	if (LLVMIsAZExtInst(value))
		return possible_bits(LLVMGetOperand(value, 0)) &
		       ((1ull << LLVMGetIntTypeWidth(LLVMTypeOf(LLVMGetOperand(value, 0)))) - 1);
	if (LLVMIsABinaryOperator(value)) {
		uint64_t a = possible_bits(LLVMGetOperand(value, 0));
		uint64_t b = possible_bits(LLVMGetOperand(value, 1));
		LLVMOpcode opcode = LLVMGetInstructionOpcode(value);

		if (opcode == LLVMAnd)
			return a & b;
		if (opcode == LLVMOr || opcode == LLVMXor)
			return a | b;
	}
	return UINT64_MAX;
}

/* The run that writes user's events has room for so many bytes (CLEAVE_OUTPUT_BYTES). */
static bool is_small_event(const struct ir_program *program, LLVMValueRef call)
{
	enum { EVENT_BYTES_MAX = 8192 };
	const struct ir_helper *helper = ir_helper_by_intrinsic(llvm_intrinsic_name(call));
	struct llvm_helper_access access;

	if (helper->returns == IR_RETURNS_RECORD) {
		LLVMValueRef size = LLVMGetOperand(call, 1);

		return LLVMIsAConstantInt(size) &&
		       LLVMConstIntGetZExtValue(size) <= EVENT_BYTES_MAX;
	}
	for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++)
		if (llvm_helper_access(program, call, a, &access) && access.reads)
			return access.size >= 0
				   ? access.size <= EVENT_BYTES_MAX
				   : llvm_pointer_region(program, LLVMGetOperand(call, a)).memory ==
					 LLVM_MEMORY_STACK;
	return true;
}

/* User copies a value out of a map in a map, and back: only where there is one value. */
static bool is_plain_inner(const struct ir_inner *inner, enum ir_op_kind kind)
{
	const struct map_type_row *row = map_type_find(inner->type);

	return row->holds == MAP_HOLDS_VALUES && !row->per_cpu && row->key != MAP_KEY_PREFIX &&
	       (kind == IR_OP_MAP_LOOKUP || kind == IR_OP_MAP_UPDATE || kind == IR_OP_MAP_DELETE);
}

/* What the map's type, or the redirect through it, leaves to the kernel. */
static void forbid_by_map(const struct ir_program *program, struct ir_op *op, LLVMValueRef call)
{
	const struct ir_map *map = op->map == IR_NONE ? NULL : &program->maps[op->map];
	const struct map_type_row *row = map ? map_type_find(map->type) : NULL;
	const unsigned flags = 2; /* argument of bpf_redirect_map */

	if (!row)
		return;
	forbid_locked(program, op);
	if (row->user == MAP_USER_PINNED || map->is_aliased ||
	    (op->inner && !is_plain_inner(&map->inner, op->kind)))
		forbid(op, IR_LAYER_USER, IR_REASON_MAP_PINNED,
		       arena_printf(program->arena, "the %s %s", row->title, map->name));
	else if (op->kind == IR_OP_OUTPUT && !is_small_event(program, call))
		forbid(op, IR_LAYER_USER, IR_REASON_EVENT_SIZE, "8192");
	else if (op->kind == IR_OP_REDIRECT && map->value_size > sizeof(uint32_t))
		forbid(op, IR_LAYER_USER, IR_REASON_EGRESS_PROGRAM, map->name);
	else if (op->kind == IR_OP_REDIRECT && LLVMGetNumArgOperands(call) > flags &&
		 possible_bits(LLVMGetOperand(call, flags)) & (uint64_t)BPF_F_BROADCAST)
		forbid(op, IR_LAYER_USER, IR_REASON_BROADCAST, map->name);
}

/* Where the packet is costs nothing, and is never the reason for anything. */
static bool add_context_access(struct ir_program *program, int block, LLVMValueRef call,
			       const char *name, size_t *capacity)
{
	bool writes;
	const struct ir_context_field *field = ir_context_field_of(program->kind, name, &writes);
	struct ir_op *op;

	if (!field || (field->kind == IR_CONTEXT_POINTER && field->layers & 1 << IR_LAYER_USER))
		return field;
	op = add_op(program, block, call, writes ? IR_OP_CTX_WRITE : IR_OP_CTX_READ, capacity);
	op->name = field->name;
	if (!(field->layers & 1 << IR_LAYER_USER))
		forbid(op, IR_LAYER_USER, IR_REASON_FIELD_KERNEL_ONLY,
		       arena_printf(program->arena, "%s of the context", field->name));
	return true;
}

/* Of a TC program's packet the kernel looks at more than it is asked with. */
static bool asks_with_packet(const struct ir_program *program, const struct ir_helper *helper)
{
	return program->kind == IR_PROGRAM_TC && helper->op == IR_OP_ROUTE;
}

/*
 * What a callback does counts as done by the call that names it: it may have been given packet
 * pointers, and it knows the program's variables.
 */
static void add_callback(struct ir_program *program, int block, LLVMValueRef call, size_t *capacity)
{
	LLVMValueRef callback = llvm_call_callback(call);
	struct llvm_region region = {.memory = LLVM_MEMORY_PACKET, .index = IR_NONE};

	if (!callback)
		return;
	add_access_of(program, block, call, region, ACCESS_READ, capacity);
	add_access_of(program, block, call, region, ACCESS_WRITE, capacity);
	region.memory = LLVM_MEMORY_GLOBAL;
	for (size_t g = 0; g < program->global_count; g++) {
		if (program->globals[g].constant ||
		    !llvm_callback_uses(callback, program->globals[g].value))
			continue;
		region.index = (int)g;
		add_access_of(program, block, call, region, ACCESS_READ, capacity);
		add_access_of(program, block, call, region, ACCESS_WRITE, capacity);
	}
}

static void add_intrinsic(struct ir_program *program, int block, LLVMValueRef call,
			  const char *name, size_t *capacity)
{
	const struct ir_helper *helper = ir_helper_by_intrinsic(name);
	struct ir_op *op;

	if (strncmp(name, TAIL_PREFIX, strlen(TAIL_PREFIX)) == 0 ||
	    add_context_access(program, block, call, name, capacity))
		return;
	op = add_op(program, block, call, helper ? helper->op : IR_OP_HELPER, capacity);
	op->name = helper ? helper->name : name;
	op->helper = helper ? helper->number : IR_NONE;
	if (helper && (!(helper->layers & 1 << IR_LAYER_USER) || asks_with_packet(program, helper)))
		forbid(op, IR_LAYER_USER, IR_REASON_HELPER_KERNEL_ONLY,
		       arena_printf(program->arena, "bpf_%s", helper->name));
	else if (helper && llvm_kernel_conversion(program, call, helper))
		forbid(op, IR_LAYER_USER, IR_REASON_HELPER_KERNEL_ONLY,
		       llvm_kernel_conversion(program, call, helper));
	op->map = llvm_call_map(program, call, &op->inner);
	if (op->kind == IR_OP_TAIL_CALL) { /* each layer has what the array holds */
		op->name = op->map == IR_NONE ? "?" : program->maps[op->map].name;
		op->map = IR_NONE;
	}
	forbid_by_map(program, op, call);
	add_callback(program, block, call, capacity);
	add_argument_accesses(program, block, call, capacity);
}

/* llvm.memcpy and its kin touch two memories; other LLVM intrinsics none. */
static void add_llvm_intrinsic(struct ir_program *program, int block, LLVMValueRef call,
			       const char *name, size_t *capacity)
{
	bool copy = strncmp(name, "llvm.memcpy", 11) == 0 || strncmp(name, "llvm.memmove", 12) == 0;

	if (copy)
		add_access(program, block, call, LLVMGetOperand(call, 1), ACCESS_READ, capacity);
	if (copy || strncmp(name, "llvm.memset", 11) == 0)
		add_access(program, block, call, LLVMGetOperand(call, 0), ACCESS_WRITE, capacity);
}

/*
 * A comparison of a constant length becomes loads in the BPF backend (ExpandMemCmp): of 8 bytes,
 * and of what remains.
 */
static bool is_expanded(LLVMValueRef call, const char *name)
{
	enum { LOADS_MAX = 16, WORD = 8 };
	unsigned long long bytes;

	if ((strcmp(name, "memcmp") != 0 && strcmp(name, "bcmp") != 0) ||
	    LLVMGetNumArgOperands(call) != 3 || !LLVMIsAConstantInt(LLVMGetOperand(call, 2)))
		return false;
	bytes = LLVMConstIntGetZExtValue(LLVMGetOperand(call, 2));
	return bytes / WORD + (unsigned)__builtin_popcountll(bytes % WORD) <= LOADS_MAX;
}

static void add_call(struct ir_program *program, int block, LLVMValueRef call, size_t *capacity)
{
	const char *intrinsic = llvm_intrinsic_name(call);
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t length;

	if (intrinsic) {
		add_intrinsic(program, block, call, intrinsic, capacity);
		return;
	}
	if (!LLVMIsAFunction(callee))
		return; /* inline assembly that is only a barrier; the frontend took no other */
	const char *name = LLVMGetValueName2(callee, &length);
	if (strncmp(name, "llvm.", 5) == 0) {
		add_llvm_intrinsic(program, block, call, name, capacity);
		return;
	}
	if (is_expanded(call, name)) {
		add_access(program, block, call, LLVMGetOperand(call, 0), ACCESS_READ, capacity);
		add_access(program, block, call, LLVMGetOperand(call, 1), ACCESS_READ, capacity);
		return;
	}
	bool kernels = llvm_kernel_function(call);
	struct ir_op *op =
	    add_op(program, block, call, kernels ? IR_OP_HELPER : IR_OP_LIBRARY, capacity);
	op->name = arena_strndup(program->arena, name, length);
	if (kernels)
		forbid(op, IR_LAYER_USER, IR_REASON_HELPER_KERNEL_ONLY, op->name);
	else
		forbid(op, IR_LAYER_KERNEL, IR_REASON_LIBRARY_CALL, op->name);
	add_callback(program, block, call, capacity);
	for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++) {
		LLVMValueRef argument = LLVMGetOperand(call, a);

		if (LLVMGetTypeKind(LLVMTypeOf(argument)) != LLVMPointerTypeKind)
			continue;
		add_access(program, block, call, argument, ACCESS_READ, capacity);
		add_access(program, block, call, argument, ACCESS_WRITE, capacity);
	}
}

/* Of a width, and at a place, that an atomic add takes everywhere. */
static bool can_be_atomic(LLVMValueRef store)
{
	LLVMTypeRef type = LLVMTypeOf(LLVMGetOperand(store, 0));
	unsigned bits =
	    LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;

	return (bits == 32 || bits == 64) && LLVMGetAlignment(store) >= bits / 8;
}

/* `store (load p) + n, p`, the load used by nothing else: the store is the op, as an add. */
static bool is_added_store(LLVMValueRef store, LLVMValueRef *load)
{
	LLVMValueRef sum = LLVMGetOperand(store, 0), pointer = LLVMGetOperand(store, 1);

	if (!can_be_atomic(store) || !LLVMIsAInstruction(sum) ||
	    LLVMGetInstructionOpcode(sum) != LLVMAdd)
		return false;
	for (unsigned n = 0; n < 2; n++) {
		*load = LLVMGetOperand(sum, n);
		if (LLVMIsALoadInst(*load) && LLVMGetOperand(*load, 0) == pointer &&
		    !LLVMGetNextUse(LLVMGetFirstUse(*load)))
			return true;
	}
	return false;
}

static bool is_load_of_add(LLVMValueRef load)
{
	LLVMUseRef use = LLVMGetFirstUse(load);
	LLVMValueRef found;

	if (!use || LLVMGetNextUse(use))
		return false;
	LLVMUseRef sum = LLVMGetFirstUse(LLVMGetUser(use));
	return sum && !LLVMGetNextUse(sum) && LLVMIsAStoreInst(LLVMGetUser(sum)) &&
	       is_added_store(LLVMGetUser(sum), &found) && found == load;
}

/* What an atomic other than an add without a result finds depends on the order. */
static bool is_other_atomic(LLVMValueRef i)
{
	if (LLVMIsAAtomicCmpXchgInst(i))
		return true;
	return LLVMIsAAtomicRMWInst(i) &&
	       (LLVMGetAtomicRMWBinOp(i) != LLVMAtomicRMWBinOpAdd || LLVMGetFirstUse(i));
}

static void add_memory(struct ir_program *program, int block, LLVMValueRef i, size_t *capacity)
{
	LLVMValueRef load;
	enum access access = ACCESS_ADD;

	if (is_other_atomic(i)) {
		add_access(program, block, i, ir_access_pointer(i), ACCESS_READ, capacity);
		access = ACCESS_WRITE;
	} else if (LLVMIsALoadInst(i)) {
		if (is_load_of_add(i))
			return;
		access = ACCESS_READ;
	} else if (LLVMIsAStoreInst(i)) {
		access = is_added_store(i, &load) ? ACCESS_ADD : ACCESS_WRITE;
	}
	add_access(program, block, i, ir_access_pointer(i), access, capacity);
}

static bool returns_verdict(LLVMOpcode opcode)
{
	return opcode == LLVMRet;
}

void ir_add_instruction_ops(struct ir_program *program, int block, LLVMValueRef i, size_t *capacity)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
	struct ir_op *op;

	if (opcode == LLVMCall)
		add_call(program, block, i, capacity);
	else if (LLVMIsALoadInst(i) || LLVMIsAStoreInst(i) || opcode == LLVMAtomicRMW ||
		 opcode == LLVMAtomicCmpXchg)
		add_memory(program, block, i, capacity);
	else if (returns_verdict(opcode))
		add_op(program, block, i, IR_OP_VERDICT, capacity);
	if (opcode != LLVMRet && works_on_floats(i)) {
		op = add_op(program, block, i, IR_OP_FLOAT, capacity);
		forbid(op, IR_LAYER_KERNEL, IR_REASON_FLOATING_POINT, NULL);
	} else if (is_wide(i)) {
		op = add_op(program, block, i, IR_OP_HELPER, capacity);
		op->name = "wide integer";
		forbid(op, IR_LAYER_KERNEL, IR_REASON_WIDE_INTEGER,
		       arena_printf(program->arena, "%u bits", LLVMGetIntTypeWidth(LLVMTypeOf(i))));
	} else if (divides_signed(i)) {
		op = add_op(program, block, i, IR_OP_HELPER, capacity);
		op->name = "signed division";
		forbid(op, IR_LAYER_KERNEL, IR_REASON_SIGNED_DIVISION, NULL);
	}
}
