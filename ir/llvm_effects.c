/* ir_name_effects: what each op does to packet and state, in the words of the network engineer. */
#include "ir/llvm_effects.h"

#include <string.h>

#include "ir/graph.h"
#include "support/arena.h"

/* Any read of the packet's start before the head moves stands for all of them. */
static LLVMValueRef find_data(const struct effects *fx)
{
	const struct ir_program *p = fx->program;

	for (size_t b = 0; b < p->block_count; b++)
		for (LLVMValueRef i = LLVMGetFirstInstruction(p->blocks[b].value); i;
		     i = LLVMGetNextInstruction(i)) {
			const char *name = llvm_intrinsic_name(i);

			if (name && !strcmp(name, "cleave.pkt.data") && !fx->head_moved[b])
				return i;
		}
	return NULL;
}

static void name_op(struct effects *fx, struct ir_op *op)
{
	switch (op->kind) {
	case IR_OP_PKT_READ:
	case IR_OP_PKT_WRITE:
	case IR_OP_PKT_COPY_IN:
	case IR_OP_PKT_COPY_OUT:
	case IR_OP_CHECKSUM:
		effects_name_packet(fx, op);
		break;
	case IR_OP_MAP_LOOKUP:
		op->add_only = effects_is_add_only(fx, op->value);
		effects_name_key(fx, op);
		break;
	case IR_OP_MAP_UPDATE:
	case IR_OP_MAP_DELETE:
		effects_name_key(fx, op);
		break;
	case IR_OP_VERDICT:
		effects_name_verdicts(fx, op);
		break;
	default:
		break;
	}
}

int ir_name_effects(struct ir_program *program, struct diag *diag)
{
	struct effects fx = {.program = program,
			     .layout = LLVMGetModuleDataLayout(program->llvm->module),
			     .idom = ir_compute_dominators(program)};

	effects_number_values(&fx);
	effects_name_functions(&fx);
	effects_find_head_moves(&fx);
	fx.data = find_data(&fx);
	effects_find_hints(&fx);
	effects_compute_facts(&fx);
	effects_find_stack_writes(&fx);
	for (size_t o = 0; o < program->op_count; o++)
		name_op(&fx, &program->ops[o]);
	for (size_t m = 0; m < program->map_count; m++)
		program->maps[m].packet_local =
		    effects_is_packet_local(&fx, (int)m, &program->maps[m].local_key);
	return 0;
}
