/* What a pointer points into, found by walking back over the instructions that made it. */
#include "ir/helpers.h"
#include "ir/ir.h"
#include "ir/llvm_ir.h"
#include "ir/llvm_slots.h"
#include "support/map_types.h"

#include <string.h>

enum { PHIS_MAX = 256, DEPTH_MAX = 512, NUMBERS_MAX = 64, STEPS_MAX = 4096 };

/* One question's state: phis already being answered meet themselves as "nothing new" (bottom). */
struct walk {
	const struct ir_program *program;
	LLVMTargetDataRef layout;
	LLVMValueRef phis[PHIS_MAX];
	size_t phi_count;
	LLVMValueRef numbers[NUMBERS_MAX]; /* sums that are known to be no pointers */
	size_t number_count;
	unsigned depth, steps;
};

struct found {
	struct llvm_region region;
	LLVMValueRef bottom; /* the phi this is a mere repetition of, or NULL */
};

static struct found walk_pointer(struct walk *walk, LLVMValueRef value);

static struct found found_of(enum llvm_memory memory, LLVMValueRef root)
{
	return (struct found){
	    .region = {.memory = memory, .index = IR_NONE, .root = root, .constant = true}};
}

const char *llvm_intrinsic_name(LLVMValueRef instruction)
{
	if (!LLVMIsACallInst(instruction))
		return NULL;
	LLVMValueRef callee = LLVMGetCalledValue(instruction);
	if (!LLVMIsAFunction(callee))
		return NULL;
	size_t length;
	const char *name = LLVMGetValueName2(callee, &length);

	return strncmp(name, "cleave.", 7) == 0 ? name : NULL;
}

int llvm_map_index(const struct ir_program *program, LLVMValueRef value)
{
	for (size_t m = 0; m < program->map_count; m++)
		if (program->maps[m].value == value)
			return (int)m;
	return IR_NONE;
}

static int global_index(const struct ir_program *program, LLVMValueRef value)
{
	for (size_t g = 0; g < program->global_count; g++)
		if (program->globals[g].value == value)
			return (int)g;
	return IR_NONE;
}

/* Constant byte offset of a GEP in *offset; false when an index varies. */
static bool gep_offset(struct walk *walk, LLVMValueRef gep, int64_t *offset)
{
	LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);
	int operands = LLVMGetNumOperands(gep);

	*offset = 0;
	for (int i = 1; i < operands; i++) {
		LLVMValueRef index = LLVMGetOperand(gep, (unsigned)i);

		if (!LLVMIsAConstantInt(index))
			return false;
		int64_t n = LLVMConstIntGetSExtValue(index);
		if (i == 1) {
			*offset += n * (int64_t)LLVMABISizeOfType(walk->layout, type);
		} else if (LLVMGetTypeKind(type) == LLVMStructTypeKind) {
			*offset += (int64_t)LLVMOffsetOfElement(walk->layout, type, (unsigned)n);
			type = LLVMStructGetTypeAtIndex(type, (unsigned)n);
		} else {
			type = LLVMGetElementType(type);
			*offset += n * (int64_t)LLVMABISizeOfType(walk->layout, type);
		}
	}
	return true;
}

static bool is_pointer(struct found f)
{
	return f.bottom || f.region.memory != LLVM_MEMORY_UNKNOWN;
}

static struct found merge(struct found a, struct found b)
{
	struct found *x = &a;

	if (a.bottom || b.bottom) {
		x = a.bottom ? &b : &a;
		x->region.constant = false;
		return *x;
	}
	if (a.region.memory == LLVM_MEMORY_NULL || b.region.memory == LLVM_MEMORY_NULL) {
		x = a.region.memory == LLVM_MEMORY_NULL ? &b : &a;
		x->region.nullable = x->region.memory != LLVM_MEMORY_NULL;
		return *x;
	}
	x->region.nullable |= b.region.nullable;
	if (a.region.memory != b.region.memory || a.region.index != b.region.index)
		return found_of(LLVM_MEMORY_MIXED, NULL);
	if (a.region.root != b.region.root)
		x->region.root = NULL;
	if (!b.region.constant || a.region.offset != b.region.offset)
		x->region.constant = false;
	return *x;
}

static struct found walk_phi(struct walk *walk, LLVMValueRef phi)
{
	struct found all = {.bottom = phi};
	bool any = false;

	for (size_t i = 0; i < walk->phi_count; i++)
		if (walk->phis[i] == phi)
			return (struct found){.bottom = phi, .region = {.constant = true}};
	if (walk->phi_count == PHIS_MAX)
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);
	walk->phis[walk->phi_count++] = phi;
	for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
		struct found one = walk_pointer(walk, LLVMGetIncomingValue(phi, i));

		/* A loop that carries the pointer unchanged says nothing new. */
		if (one.bottom == phi && one.region.constant && one.region.offset == 0)
			continue;
		all = any ? merge(all, one) : one;
		any = true;
	}
	return all;
}

static struct found add_offset(struct found base, bool constant, int64_t offset)
{
	if (!constant)
		base.region.constant = false;
	base.region.offset += offset;
	return base;
}

/* Sums of sums of words on the stack meet each other again and again. */
static bool is_number(const struct walk *walk, LLVMValueRef sum)
{
	for (size_t i = 0; i < walk->number_count; i++)
		if (walk->numbers[i] == sum)
			return true;
	return false;
}

static struct found walk_sum(struct walk *walk, LLVMValueRef value, bool subtract)
{
	if (is_number(walk, value))
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);

	LLVMValueRef a = LLVMGetOperand(value, 0), b = LLVMGetOperand(value, 1);
	size_t before = walk->phi_count;
	struct found left = walk_pointer(walk, a), right = walk_pointer(walk, b);

	/* What the number is made of may yet be met as a pointer. */
	if (!is_pointer(left) || !is_pointer(right))
		walk->phi_count = before;
	if (!is_pointer(left) && !is_pointer(right) && walk->number_count < NUMBERS_MAX)
		walk->numbers[walk->number_count++] = value;
	if (is_pointer(left) && is_pointer(right)) /* a distance, or nonsense */
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);
	LLVMValueRef other = is_pointer(left) ? b : a;
	bool constant = LLVMIsAConstantInt(other);
	int64_t n = constant ? LLVMConstIntGetSExtValue(other) : 0;

	return add_offset(is_pointer(left) ? left : right, constant, subtract ? -n : n);
}

static bool is_passthrough(LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t length;

	return LLVMIsAFunction(callee) &&
	       !strncmp(LLVMGetValueName2(callee, &length), "llvm.bpf.passthrough", 20);
}

LLVMValueRef llvm_bare_value(LLVMValueRef value)
{
	for (;;) {
		if (LLVMIsAFreezeInst(value))
			value = LLVMGetOperand(value, 0);
		else if (LLVMIsACallInst(value) && is_passthrough(value))
			value = LLVMGetOperand(value, 1);
		else
			return value;
	}
}

static bool is_kernel_object(const char *intrinsic)
{
	const struct ir_helper *helper = ir_helper_by_intrinsic(intrinsic);

	return helper &&
	       (helper->returns == IR_RETURNS_SOCKET || helper->returns == IR_RETURNS_RECORD ||
		helper->returns == IR_RETURNS_KERNEL);
}

/* A word of the stack is what was stored there, as a phi is what comes in. */
static struct found walk_load(struct walk *walk, LLVMValueRef load)
{
	struct found all = {.bottom = load, .region = {.constant = true}};
	struct llvm_slot_values values;
	bool any = false, whole;

	for (size_t i = 0; i < walk->phi_count; i++)
		if (walk->phis[i] == load)
			return all;
	if (walk->phi_count == PHIS_MAX)
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);
	walk->phis[walk->phi_count++] = load;
	if (!llvm_slot_load(walk->program, load, &values, &whole))
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);
	if (values.zero) {
		all = found_of(LLVM_MEMORY_NULL, NULL);
		any = true;
	}
	for (size_t i = 0; i < values.count; i++) {
		struct found one = walk_pointer(walk, values.value[i]);

		if (one.bottom == load && one.region.constant && one.region.offset == 0)
			continue;
		all = any ? merge(all, one) : one;
		any = true;
	}
	if (values.unknown)
		all = any ? merge(all, found_of(LLVM_MEMORY_UNKNOWN, NULL))
			  : found_of(LLVM_MEMORY_UNKNOWN, NULL);
	if (values.pointers || (!whole && is_pointer(all) && all.region.memory != LLVM_MEMORY_NULL))
		return found_of(LLVM_MEMORY_MIXED, NULL);
	return all;
}

/* A value, a map that a map of maps holds, or a socket. */
static struct found walk_lookup(struct walk *walk, LLVMValueRef call)
{
	bool inner;
	int map = llvm_call_map(walk->program, call, &inner);
	struct found f = found_of(inner ? LLVM_MEMORY_INNER : LLVM_MEMORY_MAP, call);

	f.region.index = map;
	if (map != IR_NONE && map_type_holds(walk->program->maps[map].type) == MAP_HOLDS_SOCKETS)
		f.region.memory = LLVM_MEMORY_KERNEL;
	return f;
}

static struct found walk_call(struct walk *walk, LLVMValueRef call)
{
	const char *name = llvm_intrinsic_name(call);
	LLVMValueRef callee = LLVMGetCalledValue(call);

	if (LLVMIsAInlineAsm(callee) && LLVMGetNumArgOperands(call) == 1 &&
	    LLVMTypeOf(LLVMGetOperand(call, 0)) == LLVMTypeOf(call))
		return walk_pointer(walk, LLVMGetOperand(call, 0));
	if (is_passthrough(call))
		return walk_pointer(walk, LLVMGetOperand(call, 1));
	if (!name)
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);
	if (strcmp(name, "cleave.pkt.data") == 0)
		return found_of(LLVM_MEMORY_PACKET, call);
	if (strcmp(name, "cleave.pkt.data_end") == 0)
		return found_of(LLVM_MEMORY_PACKET_END, call);
	if (strcmp(name, "cleave.pkt.data_meta") == 0)
		return found_of(LLVM_MEMORY_PACKET_META, call);
	if (strcmp(name, "cleave.map.lookup") == 0 ||
	    strncmp(name, "cleave.help.map_lookup_percpu_elem", 34) == 0)
		return walk_lookup(walk, call);
	return found_of(is_kernel_object(name) ? LLVM_MEMORY_KERNEL : LLVM_MEMORY_UNKNOWN, call);
}

static struct found walk_constant(struct walk *walk, LLVMValueRef value)
{
	struct found f = found_of(LLVM_MEMORY_UNKNOWN, value);

	if (LLVMIsAConstantPointerNull(value))
		return found_of(LLVM_MEMORY_NULL, NULL);
	if (LLVMIsAGlobalVariable(value)) {
		f.region.index = llvm_map_index(walk->program, value);
		f.region.memory = LLVM_MEMORY_MAP_SELF;
		if (f.region.index == IR_NONE) {
			f.region.index = global_index(walk->program, value);
			f.region.memory = LLVM_MEMORY_GLOBAL;
		}
	}
	return f;
}

/* What zext of trunc to 32 bits folds to. */
static bool is_low_word(LLVMValueRef mask)
{
	LLVMValueRef bits = LLVMGetOperand(mask, 1);

	return LLVMIsAConstantInt(bits) && LLVMGetIntTypeWidth(LLVMTypeOf(bits)) <= 64 &&
	       LLVMConstIntGetZExtValue(bits) == UINT32_MAX;
}

static struct found walk_operation(struct walk *walk, LLVMValueRef value, LLVMOpcode opcode)
{
	int64_t offset;

	switch (opcode) {
	case LLVMGetElementPtr: {
		bool constant = gep_offset(walk, value, &offset);

		return add_offset(walk_pointer(walk, LLVMGetOperand(value, 0)), constant, offset);
	}
	case LLVMBitCast:
	case LLVMAddrSpaceCast:
	case LLVMFreeze:
	case LLVMIntToPtr:
	case LLVMPtrToInt:
	case LLVMTrunc: /* a context word has 32 bits of a pointer, and sources compute with them */
	case LLVMZExt:
		return walk_pointer(walk, LLVMGetOperand(value, 0));
	case LLVMAnd:
		return is_low_word(value) ? walk_pointer(walk, LLVMGetOperand(value, 0))
					  : found_of(LLVM_MEMORY_UNKNOWN, NULL);
	case LLVMAdd:
	case LLVMSub:
		return walk_sum(walk, value, opcode == LLVMSub);
	case LLVMSelect:
		return merge(walk_pointer(walk, LLVMGetOperand(value, 1)),
			     walk_pointer(walk, LLVMGetOperand(value, 2)));
	case LLVMPHI:
		return walk_phi(walk, value);
	case LLVMAlloca:
		return found_of(LLVM_MEMORY_STACK, value);
	case LLVMCall:
		return walk_call(walk, value);
	case LLVMLoad:
		return walk_load(walk, value);
	default:
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);
	}
}

static struct found walk_pointer(struct walk *walk, LLVMValueRef value)
{
	struct found f;

	if (walk->depth == DEPTH_MAX || ++walk->steps > STEPS_MAX)
		return found_of(LLVM_MEMORY_UNKNOWN, NULL);
	walk->depth++;
	if (LLVMIsAInstruction(value))
		f = walk_operation(walk, value, LLVMGetInstructionOpcode(value));
	else if (LLVMIsAConstantExpr(value))
		f = walk_operation(walk, value, LLVMGetConstOpcode(value));
	else if (LLVMIsAArgument(value))
		f = found_of(LLVM_MEMORY_CONTEXT, value);
	else
		f = walk_constant(walk, value);
	walk->depth--;
	return f;
}

struct llvm_region llvm_pointer_region(const struct ir_program *program, LLVMValueRef pointer)
{
	struct walk walk = {.program = program,
			    .layout = LLVMGetModuleDataLayout(program->llvm->module)};
	struct found f = walk_pointer(&walk, pointer);

	if (f.bottom) {
		f = found_of(LLVM_MEMORY_UNKNOWN, NULL);
		f.region.undefined = true;
	}
	return f.region;
}
