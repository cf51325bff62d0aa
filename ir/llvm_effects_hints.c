/*
 * Which headers the source's own types say a pointer points at.
 *
 * The C API of LLVM 19 cannot walk debug records, only calls of llvm.dbg.value. So a clone of the
 * module goes back to calls, and its instructions are matched with the program's by their order:
 * the program's own module stays as it is.
 */
#include "ir/llvm_effects.h"

#include <llvm-c/DebugInfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

enum {
	/* Operands of the metadata nodes: LLVM 19, DebugInfoMetadata.h. */
	VARIABLE_TYPE = 3,
	TYPE_BASE = 3,
	TYPE_ELEMENTS = 4,
	OPERANDS_MAX = 64,
	TYPE_DEPTH_MAX = 8,
};

static bool is_debug_call(LLVMValueRef instruction)
{
	return effects_is_intrinsic(instruction, "llvm.dbg.");
}

LLVMValueRef effects_node_operand(LLVMValueRef node, unsigned index)
{
	LLVMValueRef operands[OPERANDS_MAX];
	unsigned count = LLVMGetMDNodeNumOperands(node);

	if (index >= count || count > OPERANDS_MAX)
		return NULL;
	LLVMGetMDNodeOperands(node, operands);
	return operands[index];
}

static LLVMMetadataKind kind_of(LLVMValueRef metadata)
{
	return LLVMGetMetadataKind(LLVMValueAsMetadata(metadata));
}

static enum packet_proto struct_proto(LLVMValueRef type)
{
	size_t length = 0;
	char name[64];
	const char *text = LLVMDITypeGetName(LLVMValueAsMetadata(type), &length);

	if (!text || !length || length >= sizeof name)
		return PACKET_PROTO_COUNT;
	memcpy(name, text, length);
	name[length] = '\0';
	return packet_proto_find_struct(name);
}

static void add_hint(struct effects *fx, struct header_hint hint)
{
	*ARENA_PUSH(fx->program->arena, fx->hints, fx->hint_count, fx->hint_capacity) = hint;
}

/* Hints for a struct type at hint.at: itself, or the headers that are its members. */
static void add_type_hints(struct effects *fx, LLVMValueRef type, struct header_hint hint,
			   unsigned depth)
{
	if (!type || depth > TYPE_DEPTH_MAX)
		return;
	LLVMMetadataKind kind = kind_of(type);
	if (kind == LLVMDIDerivedTypeMetadataKind) { /* pointer, typedef, const, member */
		add_type_hints(fx, effects_node_operand(type, TYPE_BASE), hint, depth + 1);
		return;
	}
	if (kind != LLVMDICompositeTypeMetadataKind)
		return;
	hint.proto = struct_proto(type);
	if (hint.proto != PACKET_PROTO_COUNT) {
		add_hint(fx, hint);
		return;
	}
	LLVMValueRef elements = effects_node_operand(type, TYPE_ELEMENTS);
	unsigned count = elements ? LLVMGetMDNodeNumOperands(elements) : 0;
	int64_t start = hint.at.offset;

	for (unsigned i = 0; i < count && count <= OPERANDS_MAX; i++) {
		LLVMValueRef member = effects_node_operand(elements, i);

		if (!member || kind_of(member) != LLVMDIDerivedTypeMetadataKind)
			continue;
		uint64_t bits = LLVMDITypeGetOffsetInBits(LLVMValueAsMetadata(member));

		hint.at.offset = start + (int64_t)(bits / 8);
		add_type_hints(fx, effects_node_operand(member, TYPE_BASE), hint, depth + 1);
	}
}

/* The constant that the debug expression adds to the value; false when it does anything else. */
static bool expression_offset(LLVMValueRef expression, int64_t *offset)
{
	char *text = LLVMPrintValueToString(expression);
	char *open = text ? strstr(text, "!DIExpression(") : NULL;
	const char *args = open ? open + strlen("!DIExpression(") : "?";
	bool simple = false;
	long long number = 0;

	if (*args == ')' || !strncmp(args, "DW_OP_stack_value)", 18)) {
		simple = true;
	} else if (sscanf(args, "DW_OP_plus_uconst, %lld", &number) == 1) {
		const char *rest = strchr(args, ',') + 1;

		rest += strspn(rest, " 0123456789");
		simple = *rest == ')' || !strncmp(rest, ", DW_OP_stack_value)", 20);
	}
	*offset = number;
	LLVMDisposeMessage(text);
	return simple;
}

/* The program's instructions in function order, and the clone's, by address, with their place in
 * that order. */
struct pairing {
	const LLVMValueRef *ours;
	const struct value_number *theirs;
	size_t count;
};

static LLVMValueRef our_value(const struct pairing *pairs, LLVMValueRef theirs)
{
	size_t low = 0, high = pairs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct value_number *n = &pairs->theirs[middle];

		if (n->value == theirs)
			return pairs->ours[n->number];
		if ((const void *)theirs < n->value)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void read_debug_value(struct effects *fx, const struct pairing *pairs, LLVMValueRef call,
			     LLVMValueRef before)
{
	LLVMValueRef wrapped = LLVMGetOperand(call, 0), variable = LLVMGetOperand(call, 1);
	LLVMValueRef value, ours;
	int64_t offset;

	if (kind_of(wrapped) != LLVMLocalAsMetadataMetadataKind ||
	    kind_of(variable) != LLVMDILocalVariableMetadataKind)
		return;
	LLVMGetMDNodeOperands(wrapped, &value);
	ours = LLVMIsAInstruction(value) ? our_value(pairs, value) : NULL;
	if (!ours || LLVMGetTypeKind(LLVMTypeOf(ours)) != LLVMPointerTypeKind ||
	    !expression_offset(LLVMGetOperand(call, 2), &offset))
		return;
	if (llvm_pointer_region(fx->program, ours).memory != LLVM_MEMORY_PACKET)
		return;
	struct header_hint hint = {.at = effects_anchor(fx, ours),
				   .block = effects_block(fx, before),
				   .ordinal = effects_ordinal(fx, before)};

	hint.at.offset += offset;
	add_type_hints(fx, effects_node_operand(variable, VARIABLE_TYPE), hint, 0);
}

static int compare_values(const void *a, const void *b)
{
	const struct value_number *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* Pairs the instructions of two functions that differ in debug calls only. */
static struct pairing pair_instructions(struct effects *fx, LLVMValueRef clone)
{
	struct arena *arena = fx->program->arena;
	LLVMValueRef *ours = NULL;
	struct value_number *theirs = NULL;
	size_t our_count = 0, our_capacity = 0, their_count = 0, their_capacity = 0;
	LLVMBasicBlockRef b;

	for (b = LLVMGetFirstBasicBlock(fx->program->llvm->function); b;
	     b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			if (!is_debug_call(i))
				*ARENA_PUSH(arena, ours, our_count, our_capacity) = i;
	for (b = LLVMGetFirstBasicBlock(clone); b; b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			if (!is_debug_call(i)) {
				struct value_number n = {i, (unsigned)their_count};

				*ARENA_PUSH(arena, theirs, their_count, their_capacity) = n;
			}
	if (our_count != their_count)
		return (struct pairing){0};
	qsort(theirs, their_count, sizeof *theirs, compare_values);
	return (struct pairing){ours, theirs, our_count};
}

/* The program's instruction that a debug call of the clone stands before. */
static LLVMValueRef next_of_ours(const struct pairing *pairs, LLVMValueRef call)
{
	LLVMValueRef i = call;

	while (i && is_debug_call(i))
		i = LLVMGetNextInstruction(i);
	return i ? our_value(pairs, i) : NULL;
}

void effects_find_hints(struct effects *fx)
{
	const struct ir_llvm *llvm = fx->program->llvm;
	LLVMModuleRef clone = LLVMCloneModule(llvm->module);
	size_t length;
	LLVMValueRef function =
	    LLVMGetNamedFunction(clone, LLVMGetValueName2(llvm->function, &length));

	LLVMSetIsNewDbgInfoFormat(clone, 0);
	struct pairing pairs = pair_instructions(fx, function);
	LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function);

	for (; b && pairs.count; b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
		     i = LLVMGetNextInstruction(i)) {
			LLVMValueRef before;

			if (!effects_is_intrinsic(i, "llvm.dbg.value"))
				continue;
			before = next_of_ours(&pairs, i);
			if (before && effects_block(fx, before) != IR_NONE)
				read_debug_value(fx, &pairs, i, before);
		}
	LLVMDisposeModule(clone);
}
