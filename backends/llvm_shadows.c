#include "backends/llvm_shadows.h"
#include "support/arena.h"

static LLVMTypeRef shadow_type(const struct llvm_shadows *s)
{
	return s->keys ? s->clone->ptr : s->clone->i32;
}

static void remember(struct llvm_shadows *s, LLVMValueRef original, LLVMValueRef shadow)
{
	*ARENA_PUSH(s->clone->arena, s->value, s->count, s->value_capacity) = original;
	*ARENA_PUSH(s->clone->arena, s->shadow, s->shadow_count, s->shadow_capacity) = shadow;
}

/* Takes the key down at the look-up: its place may be overwritten before the packet leaves. */
static LLVMValueRef shadow_lookup(struct llvm_shadows *s, LLVMValueRef original)
{
	struct llvm_clone *c = s->clone;
	LLVMValueRef call = llvm_clone_value(c, original), key = LLVMGetOperand(call, 1), shadow;
	int map = llvm_map_index(c->program, LLVMGetOperand(original, 0));
	unsigned align = llvm_known_align(c, LLVMGetOperand(original, 1));

	LLVMPositionBuilderBefore(c->builder, call);
	llvm_set_place(c, call);
	if (s->keys) {
		uint32_t bytes = c->program->maps[map].key_size;

		shadow = llvm_stack(c, bytes, "key");
		llvm_copy(c, shadow, 8, key, align, bytes);
	} else {
		shadow = LLVMBuildLoad2(c->builder, c->i32, key, "index");
		LLVMSetAlignment(shadow, align < 4 ? align : 4);
	}
	return shadow;
}

static LLVMValueRef shadow_phi(struct llvm_shadows *s, LLVMValueRef original)
{
	struct llvm_clone *c = s->clone;
	LLVMValueRef phi = llvm_clone_value(c, original);

	LLVMPositionBuilderBefore(c->builder, phi);
	llvm_set_place(c, phi);
	LLVMValueRef shadow = LLVMBuildPhi(c->builder, shadow_type(s), "shadow");
	remember(s, original, shadow);
	for (unsigned n = 0; n < LLVMCountIncoming(original); n++) {
		LLVMValueRef in = llvm_shadow_of(s, LLVMGetIncomingValue(original, n));
		LLVMBasicBlockRef from = LLVMGetIncomingBlock(phi, n);

		LLVMAddIncoming(shadow, &in, &from, 1);
	}
	return shadow;
}

static LLVMValueRef shadow_select(struct llvm_shadows *s, LLVMValueRef original)
{
	struct llvm_clone *c = s->clone;
	LLVMValueRef yes = llvm_shadow_of(s, LLVMGetOperand(original, 1));
	LLVMValueRef no = llvm_shadow_of(s, LLVMGetOperand(original, 2));
	LLVMValueRef select = llvm_clone_value(c, original);

	LLVMPositionBuilderBefore(c->builder, select);
	llvm_set_place(c, select);
	return LLVMBuildSelect(c->builder, LLVMGetOperand(select, 0), yes, no, "shadow");
}

/* Whatever it is, it is copied as far as a key goes. */
static LLVMValueRef key_of_null(struct llvm_shadows *s)
{
	struct llvm_clone *c = s->clone;
	uint32_t bytes = 8;

	for (size_t m = 0; m < c->program->map_count; m++)
		if (c->plan->maps[m].home == MAP_HOME_KERNEL_BATCHED &&
		    c->program->maps[m].key_size > bytes)
			bytes = c->program->maps[m].key_size;
	if (!s->none)
		s->none = llvm_stack(c, bytes, "nokey");
	return s->none;
}

/* The index or key of a map-value pointer, followed through phis and selects to its look-ups. */
LLVMValueRef llvm_shadow_of(struct llvm_shadows *s, LLVMValueRef original)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->value[i] == original)
			return s->shadow[i];
	if (!LLVMIsAInstruction(original))
		return s->keys ? key_of_null(s) : llvm_u32(s->clone, ~0u);
	LLVMValueRef shadow;
	switch (LLVMGetInstructionOpcode(original)) {
	case LLVMPHI:
		return shadow_phi(s, original);
	case LLVMSelect:
		shadow = shadow_select(s, original);
		break;
	case LLVMCall:
		shadow = shadow_lookup(s, original);
		break;
	default: /* a cast or a GEP by nothing */
		return llvm_shadow_of(s, LLVMGetOperand(original, 0));
	}
	remember(s, original, shadow);
	return shadow;
}
