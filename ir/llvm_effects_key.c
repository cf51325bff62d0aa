/* The parts of a map op's key and where each comes from. */
#include "ir/llvm_effects.h"

#include "support/arena.h"

/* Longer keys are named by their source as a whole. */
enum { KEY_BYTES_MAX = 256 };

static void add_part(struct effects *fx, struct ir_op *op, size_t *capacity,
		     struct ir_key_part part)
{
	*ARENA_PUSH(fx->program->arena, op->key, op->key_count, *capacity) = part;
}

/* Neighbouring bytes that the same writes made are one part. */
static void split_stack_key(struct effects *fx, struct ir_op *op, const struct llvm_region *region,
			    uint32_t key_size)
{
	struct reach *reach = arena_array(fx->program->arena, key_size, sizeof *reach);
	size_t capacity = 0;

	for (uint32_t b = 0; b < key_size; b++)
		effects_reach(fx, region->root, op->value, region->offset + b, &reach[b]);
	for (uint32_t from = 0, to; from < key_size; from = to) {
		for (to = from + 1; to < key_size; to++)
			if (!effects_same_reach(&reach[from], &reach[to]))
				break;
		add_part(
		    fx, op, &capacity,
		    (struct ir_key_part){from, to - from,
					 effects_stack_source(fx, region->root, op->value,
							      region->offset + from, to - from)});
	}
}

void effects_name_key(struct effects *fx, struct ir_op *op)
{
	const struct ir_map *map = op->map == IR_NONE ? NULL : &fx->program->maps[op->map];
	uint32_t key_size = !map ? 0 : op->inner ? map->inner.key_size : map->key_size;
	size_t capacity = 0;

	if (!key_size || !LLVMIsACallInst(op->value) || LLVMGetNumArgOperands(op->value) < 2)
		return;
	LLVMValueRef key = LLVMGetOperand(op->value, 1);
	struct llvm_region region = llvm_pointer_region(fx->program, key);

	if (region.memory == LLVM_MEMORY_STACK && region.root && region.constant &&
	    key_size <= KEY_BYTES_MAX) {
		split_stack_key(fx, op, &region, key_size);
		return;
	}
	add_part(
	    fx, op, &capacity,
	    (struct ir_key_part){0, key_size, effects_memory_source(fx, key, op->value, key_size)});
}
