/* Anchors, and the small questions about instructions that all of ir_name_effects asks. */
#include "ir/llvm_effects.h"

#include <stdlib.h>
#include <string.h>

#include "ir/helpers.h"
#include "support/arena.h"

static int compare_numbers(const void *a, const void *b)
{
	const struct value_number *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* Numbers instructions in program order and blocks with their index. */
void effects_number_values(struct effects *fx)
{
	const struct ir_program *p = fx->program;
	size_t capacity = 0;
	unsigned ordinal = 0;

	for (size_t b = 0; b < p->block_count; b++) {
		*ARENA_PUSH(p->arena, fx->numbers, fx->number_count, capacity) =
		    (struct value_number){p->blocks[b].value, (unsigned)b};
		for (LLVMValueRef i = LLVMGetFirstInstruction(p->blocks[b].value); i;
		     i = LLVMGetNextInstruction(i))
			*ARENA_PUSH(p->arena, fx->numbers, fx->number_count, capacity) =
			    (struct value_number){i, ++ordinal};
	}
	qsort(fx->numbers, fx->number_count, sizeof *fx->numbers, compare_numbers);
}

static int find_number(const struct effects *fx, const void *value)
{
	struct value_number key = {.value = value};
	const struct value_number *found =
	    bsearch(&key, fx->numbers, fx->number_count, sizeof *fx->numbers, compare_numbers);

	return found ? (int)found->number : IR_NONE;
}

unsigned effects_ordinal(const struct effects *fx, LLVMValueRef instruction)
{
	int number = find_number(fx, instruction);

	return number == IR_NONE ? 0 : (unsigned)number;
}

int effects_block(const struct effects *fx, LLVMValueRef instruction)
{
	return find_number(fx, LLVMGetInstructionParent(instruction));
}

uint64_t effects_type_bytes(const struct effects *fx, LLVMTypeRef type)
{
	return LLVMStoreSizeOfType(fx->layout, type);
}

const char *effects_helper_name(LLVMValueRef instruction)
{
	const char *name = llvm_intrinsic_name(instruction);
	const struct ir_helper *helper = name ? ir_helper_by_intrinsic(name) : NULL;

	return helper ? helper->name : NULL;
}

bool effects_is_intrinsic(LLVMValueRef instruction, const char *prefix)
{
	size_t length;

	if (!LLVMIsACallInst(instruction))
		return false;
	LLVMValueRef callee = LLVMGetCalledValue(instruction);

	return LLVMIsAFunction(callee) &&
	       !strncmp(LLVMGetValueName2(callee, &length), prefix, strlen(prefix));
}

bool effects_const(LLVMValueRef value, uint64_t *number)
{
	if (!LLVMIsAConstantInt(value) || LLVMGetIntTypeWidth(LLVMTypeOf(value)) > 64)
		return false;
	*number = LLVMConstIntGetZExtValue(value);
	return true;
}

const char *effects_context_field(LLVMValueRef instruction)
{
	const char *name = llvm_intrinsic_name(instruction);

	if (!name || strncmp(name, "cleave.ctx.", 11))
		return NULL;
	if (!strcmp(name + 11, "ingress_ifindex"))
		return "ifindex";
	return strcmp(name + 11, "rx_queue_index") ? name + 11 : "queue";
}

static bool moves_head(LLVMValueRef instruction)
{
	const char *name = effects_helper_name(instruction);

	return name && !strcmp(name, "xdp_adjust_head");
}

/* Marks the blocks behind a move of the head, and the block of the move itself. */
void effects_find_head_moves(struct effects *fx)
{
	const struct ir_program *p = fx->program;

	fx->head_moved = arena_array(p->arena, p->block_count, sizeof *fx->head_moved);
	for (size_t b = 0; b < p->block_count; b++)
		for (LLVMValueRef i = LLVMGetFirstInstruction(p->blocks[b].value); i;
		     i = LLVMGetNextInstruction(i))
			fx->head_moved[b] |= moves_head(i);
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t e = 1; e < p->edge_count; e++) {
			const struct ir_edge *edge = &p->edges[e];

			if (!fx->head_moved[edge->from] || fx->head_moved[edge->to])
				continue;
			fx->head_moved[edge->to] = changed = true;
		}
	}
}

bool effects_gep_offset(const struct effects *fx, LLVMValueRef gep, int64_t *offset)
{
	LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);
	int operands = LLVMGetNumOperands(gep);

	*offset = 0;
	for (int i = 1; i < operands; i++) {
		LLVMValueRef index = LLVMGetOperand(gep, (unsigned)i);

		if (!LLVMIsAConstantInt(index))
			return false;
		int64_t n = LLVMConstIntGetSExtValue(index);
		bool field = i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind;

		if (field) {
			*offset += (int64_t)LLVMOffsetOfElement(fx->layout, type, (unsigned)n);
			type = LLVMStructGetTypeAtIndex(type, (unsigned)n);
			continue;
		}
		if (i > 1)
			type = LLVMGetElementType(type);
		*offset += n * (int64_t)LLVMABISizeOfType(fx->layout, type);
	}
	return true;
}

static LLVMOpcode opcode_of(LLVMValueRef value)
{
	if (LLVMIsAInstruction(value))
		return LLVMGetInstructionOpcode(value);
	return LLVMIsAConstantExpr(value) ? LLVMGetConstOpcode(value) : 0;
}

/* One step back along a pointer that moves it by a constant; false at a base. */
static bool step_back(const struct effects *fx, struct anchor *at)
{
	LLVMValueRef v = at->base;
	int64_t offset = 0;

	switch (opcode_of(v)) {
	case LLVMGetElementPtr:
		if (!effects_gep_offset(fx, v, &offset))
			return false;
		break;
	case LLVMAdd:
		if (!LLVMIsAConstantInt(LLVMGetOperand(v, 1)))
			return false;
		offset = LLVMConstIntGetSExtValue(LLVMGetOperand(v, 1));
		break;
	case LLVMBitCast:
	case LLVMFreeze:
	case LLVMIntToPtr:
	case LLVMPtrToInt:
	case LLVMAddrSpaceCast:
		break;
	default:
		return false;
	}
	at->base = LLVMGetOperand(v, 0);
	at->offset += offset;
	return true;
}

static bool is_first_data(const struct effects *fx, LLVMValueRef value)
{
	if (!LLVMIsACallInst(value))
		return false;
	const char *name = llvm_intrinsic_name(value);

	if (!name || strcmp(name, "cleave.pkt.data"))
		return false;
	int block = effects_block(fx, value);

	return block != IR_NONE && !fx->head_moved[block];
}

struct anchor effects_anchor(const struct effects *fx, LLVMValueRef pointer)
{
	struct anchor at = {.base = pointer};

	while (step_back(fx, &at))
		;
	if (is_first_data(fx, at.base))
		at.base = fx->data;
	return at;
}
