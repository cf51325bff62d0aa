/* Builds the graph: blocks in reverse postorder, edges, ops, then loops and frequencies. */
#include "ir/ir.h"
#include "ir/graph.h"
#include "ir/llvm_graph.h"
#include "ir/llvm_slots.h"
#include "ir/llvm_ir.h"
#include "ir/source_file.h"
#include "ir/tail_calls.h"
#include "support/arena.h"
#include "support/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int find_block(LLVMBasicBlockRef *order, size_t count, LLVMBasicBlockRef block)
{
	for (size_t i = 0; i < count; i++)
		if (order[i] == block)
			return (int)i;
	return IR_NONE;
}

struct order {
	LLVMBasicBlockRef *seen, *post;
	size_t seen_count, post_count;
};

/* Depth first with a stack of our own: programs may have thousands of blocks in one chain. */
static void order_blocks(struct order *order, struct arena *arena, LLVMBasicBlockRef entry,
			 size_t n)
{
	LLVMBasicBlockRef *stack = arena_array(arena, n + 1, sizeof(LLVMBasicBlockRef));
	unsigned *next = arena_array(arena, n + 1, sizeof(unsigned));
	size_t depth = 1;

	stack[0] = entry;
	order->seen[order->seen_count++] = entry;
	while (depth) {
		LLVMValueRef end = LLVMGetBasicBlockTerminator(stack[depth - 1]);

		/* Successors from last to first, so that the first comes out first. */
		unsigned count = LLVMGetNumSuccessors(end);
		if (next[depth - 1] == count) {
			order->post[order->post_count++] = stack[--depth];
			continue;
		}
		LLVMBasicBlockRef to = LLVMGetSuccessor(end, count - 1 - next[depth - 1]++);
		if (find_block(order->seen, order->seen_count, to) != IR_NONE)
			continue;
		order->seen[order->seen_count++] = to;
		stack[depth] = to;
		next[depth++] = 0;
	}
}

static void add_blocks(struct ir_program *program)
{
	struct arena *arena = program->arena;
	size_t n = LLVMCountBasicBlocks(program->llvm->function);
	struct order order = {.seen = arena_array(arena, n, sizeof(LLVMBasicBlockRef)),
			      .post = arena_array(arena, n, sizeof(LLVMBasicBlockRef))};

	order_blocks(&order, arena, LLVMGetEntryBasicBlock(program->llvm->function), n);
	program->block_count = order.post_count;
	program->blocks = arena_array(arena, order.post_count, sizeof(struct ir_block));
	for (size_t b = 0; b < order.post_count; b++) {
		program->blocks[b].value = order.post[order.post_count - 1 - b];
		program->blocks[b].label = arena_printf(arena, "b%zu", b);
	}
}

int ir_block_of(const struct ir_program *program, LLVMBasicBlockRef block)
{
	for (size_t b = 0; b < program->block_count; b++)
		if (program->blocks[b].value == block)
			return (int)b;
	return IR_NONE;
}

static void add_edge(struct ir_program *program, size_t *capacity, int from, int to,
		     unsigned successor)
{
	struct ir_edge *e =
	    ARENA_PUSH(program->arena, program->edges, program->edge_count, *capacity);

	*e = (struct ir_edge){.from = from, .to = to, .successor = (int)successor};
}

static void add_edges(struct ir_program *program)
{
	size_t capacity = 0;

	add_edge(program, &capacity, IR_NONE, 0, 0);
	for (size_t b = 0; b < program->block_count; b++) {
		LLVMValueRef end = LLVMGetBasicBlockTerminator(program->blocks[b].value);

		for (unsigned s = 0; s < LLVMGetNumSuccessors(end); s++)
			add_edge(program, &capacity, (int)b,
				 ir_block_of(program, LLVMGetSuccessor(end, s)), s);
	}
	for (size_t e = 0; e < program->edge_count; e++) {
		struct ir_edge *edge = &program->edges[e];

		program->blocks[edge->to].in_count++;
		if (edge->from != IR_NONE)
			program->blocks[edge->from].out_count++;
	}
	for (size_t b = 0; b < program->block_count; b++) {
		struct ir_block *block = &program->blocks[b];

		block->in = arena_array(program->arena, block->in_count, sizeof(int));
		block->out = arena_array(program->arena, block->out_count, sizeof(int));
		block->in_count = block->out_count = 0;
	}
	for (size_t e = 0; e < program->edge_count; e++) {
		struct ir_edge *edge = &program->edges[e];
		struct ir_block *to = &program->blocks[edge->to];

		to->in[to->in_count++] = (int)e;
		if (edge->from != IR_NONE) {
			struct ir_block *from = &program->blocks[edge->from];

			from->out[from->out_count++] = (int)e;
		}
	}
}

static int called_number(LLVMBasicBlockRef block)
{
	LLVMValueRef first = LLVMGetFirstInstruction(block);
	const char *name = llvm_intrinsic_name(first);

	return name && strcmp(name, TAIL_ENTERED) == 0
		   ? (int)LLVMConstIntGetZExtValue(LLVMGetOperand(first, 0))
		   : IR_NONE;
}

/* From where a call succeeds to where its program begins. */
static void mark_success(struct ir_program *program, size_t b)
{
	const struct ir_block *block = &program->blocks[b];
	LLVMValueRef i = LLVMGetFirstInstruction(block->value);
	const char *name;

	while (i && !((name = llvm_intrinsic_name(i)) && strcmp(name, TAIL_ENTER) == 0))
		i = LLVMGetNextInstruction(i);
	for (size_t n = 0; i && n < block->in_count; n++)
		program->edges[block->in[n]].tail = true;
	for (size_t n = 0; i && n < block->out_count; n++)
		program->edges[block->out[n]].tail = true;
}

/*
 * The block in front of a called program's first is entered by tail calls alone, and the kernel
 * makes these by itself up to the block behind. What leads from there to the program that packets
 * start in goes back, but closes no loop either.
 */
static void mark_tail_calls(struct ir_program *program)
{
	for (size_t b = 0; b < program->block_count && program->program_count; b++) {
		const struct ir_block *block = &program->blocks[b], *front, *begin;
		int number = called_number(block->value);

		mark_success(program, b);
		if (number == IR_NONE)
			continue;
		program->programs[number].block = (int)b;
		front = &program->blocks[program->edges[block->in[0]].from];
		begin = &program->blocks[program->edges[block->out[0]].to];
		program->edges[block->in[0]].tail = true;
		for (size_t i = 0; i < front->in_count; i++)
			program->edges[front->in[i]].tail = true;
		for (size_t o = 0; o < begin->out_count && number == 0; o++)
			program->edges[begin->out[o]].tail = true;
	}
}

struct src_loc ir_instruction_loc(const struct ir_program *program, LLVMValueRef instruction)
{
	unsigned line = LLVMGetDebugLocLine(instruction), length = 0, folder_length = 0;
	const char *file = LLVMGetDebugLocFilename(instruction, &length);
	const char *folder = LLVMGetDebugLocDirectory(instruction, &folder_length);

	if (!line || !file)
		return (struct src_loc){0};
	struct src_loc loc = {.line = line, .column = LLVMGetDebugLocColumn(instruction)};
	if (file[0] == '/' || !folder_length || (folder_length == 1 && folder[0] == '.'))
		loc.file = ir_shown_file(program, file, length);
	else
		loc.file = arena_printf(program->arena, "%.*s/%.*s", (int)folder_length, folder,
					(int)length, file);
	return loc;
}

bool ir_block_has_line(const struct ir_program *program, size_t block, const char *file,
		       unsigned line)
{
	LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[block].value);

	for (; i; i = LLVMGetNextInstruction(i)) {
		struct src_loc loc = ir_instruction_loc(program, i);

		if (ir_is_at(&loc, file, line))
			return true;
	}
	return false;
}

/* What costs something: neither a marker for the compiler nor a pointer's new name. */
static bool costs(LLVMValueRef instruction)
{
	switch (LLVMGetInstructionOpcode(instruction)) {
	case LLVMPHI:
	case LLVMAlloca:
	case LLVMBitCast:
	case LLVMIntToPtr:
	case LLVMPtrToInt:
	case LLVMFreeze:
		return false;
	case LLVMCall: {
		LLVMValueRef callee = LLVMGetCalledValue(instruction);
		size_t length;

		return !(LLVMIsAFunction(callee) &&
			 strncmp(LLVMGetValueName2(callee, &length), "llvm.lifetime", 13) == 0);
	}
	default:
		return true;
	}
}

static void add_ops(struct ir_program *program)
{
	size_t capacity = 0;

	for (size_t b = 0; b < program->block_count; b++) {
		struct ir_block *block = &program->blocks[b];
		LLVMValueRef i = LLVMGetFirstInstruction(block->value);

		block->first_op = (int)program->op_count;
		for (; i; i = LLVMGetNextInstruction(i)) {
			if (!block->loc.line)
				block->loc = ir_instruction_loc(program, i);
			block->instructions += costs(i);
			ir_add_instruction_ops(program, (int)b, i, &capacity);
		}
		block->op_count = (int)program->op_count - block->first_op;
	}
}

static void link_lookups(struct ir_program *program)
{
	for (size_t o = 0; o < program->op_count; o++) {
		struct ir_op *op = &program->ops[o];

		if (!op->value || op->lookup != IR_NONE - 1)
			continue;
		op->lookup = IR_NONE;
		LLVMValueRef root = llvm_pointer_region(program, ir_access_pointer(op->value)).root;
		for (size_t l = 0; root && l < program->op_count; l++)
			if (program->ops[l].kind == IR_OP_MAP_LOOKUP &&
			    program->ops[l].value == root)
				op->lookup = (int)l;
	}
}

static void fill_function_names(struct ir_program *program)
{
	for (size_t b = 0; b < program->block_count; b++)
		if (!program->blocks[b].function)
			program->blocks[b].function = program->name;
	for (size_t o = 0; o < program->op_count; o++)
		if (!program->ops[o].function)
			program->ops[o].function = program->name;
}

static uint32_t count_stack_bytes(const struct ir_program *program)
{
	LLVMTargetDataRef layout = LLVMGetModuleDataLayout(program->llvm->module);
	LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[0].value);
	uint64_t bytes = 0;

	for (; i; i = LLVMGetNextInstruction(i))
		if (LLVMIsAAllocaInst(i))
			bytes += (LLVMABISizeOfType(layout, LLVMGetAllocatedType(i)) + 7) & ~7ull;
	return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

int ir_build_graph(struct ir_program *program, struct diag *diag)
{
	size_t blocks = LLVMCountBasicBlocks(program->llvm->function);

	if (blocks > IR_BLOCKS_MAX) {
		diag_error(diag, (struct src_loc){.file = program->source},
			   "the program has %zu blocks after inlining; %d is the limit", blocks,
			   IR_BLOCKS_MAX);
		return -E2BIG;
	}
	add_blocks(program);
	add_edges(program);
	mark_tail_calls(program);
	llvm_find_slots(program);
	add_ops(program);
	link_lookups(program);
	fill_function_names(program);
	program->stack_bytes = count_stack_bytes(program);
	ir_find_loops(program);
	ir_guess_frequencies(program);
	return 0;
}
