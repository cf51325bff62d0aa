/*
 * What the verifier needs to find in the code, and LLVM's optimiser does not know of. Runs last, on
 * code that no pass changes any more; except for what a pass would take away.
 *
 * A failed bounds check spoils the one register that it was made with: its range becomes "beyond
 * the packet's end", and a later check of another pointer of the same origin then makes it
 * shorter than what was known before (mark_pkt_end and find_good_pkt_pointers,
 * kernel/bpf/verifier.c). clang's code seldom uses that register again; but where a cut takes the
 * loop away, `p + 2 <= end` and the store to `header->checksum` become the same address. So a
 * pointer that is still used where a check of it has failed is checked in a register of its own.
 *
 * A test for NULL must stay one. LLVM sees that a pointer chosen by "is it IPv4?" is NULL where it
 * is not, and asks again for the protocol instead; the verifier does not put the two together.
 *
 * A pointer that was moved by a number is checked once, and reaches as far as the check only in the
 * register that was checked or what is a constant away from it. LLVM adds the number anew where it
 * pleases, which is a pointer of its own to the verifier: so such a pointer is made opaque.
 *
 * The low 32 bits of a packet pointer cannot be kept on the stack, although the difference of two
 * can be taken: it is taken as soon as both are there.
 *
 * What nobody has set is any number to LLVM, and a register that cannot be read to the verifier: a
 * cut takes away the paths on which such a variable was set. It is 0 there.
 *
 * And what the code generator cannot bear: a number of 32 bits, made 64 bits wide and then masked
 * to 32 again. Where the mask does nothing, LLVM 19 drops the widening with it, although others may
 * use that (eliminateZExt, BPFMIPeephole.cpp), and crashes.
 */
#include "backends/xdp/llvm_xdp.h"
#include "ir/context_fields.h"
#include "support/arena.h"

static unsigned context_offset(const struct llvm_clone *c, const char *intrinsic)
{
	bool writes;

	return ir_context_field_of(c->program->kind, intrinsic, &writes)->offset;
}

/* A word of the context as load_context makes it. */
static bool is_context_word(const struct llvm_clone *c, LLVMValueRef value, uint64_t offset)
{
	if (!LLVMIsALoadInst(value) || !LLVMGetVolatile(value))
		return false;
	LLVMValueRef from = LLVMGetOperand(value, 0);

	return LLVMIsAGetElementPtrInst(from) && LLVMGetOperand(from, 0) == c->packet &&
	       LLVMGetNumOperands(from) == 2 && LLVMIsAConstantInt(LLVMGetOperand(from, 1)) &&
	       LLVMConstIntGetZExtValue(LLVMGetOperand(from, 1)) == offset;
}

static LLVMValueRef peel_casts(LLVMValueRef value)
{
	while (LLVMIsAIntToPtrInst(value) || LLVMIsAPtrToIntInst(value) || LLVMIsAZExtInst(value) ||
	       LLVMIsATruncInst(value))
		value = LLVMGetOperand(value, 0);
	return value;
}

static bool is_packet_end(const struct llvm_clone *c, LLVMValueRef value)
{
	return is_context_word(c, peel_casts(value), context_offset(c, "cleave.pkt.data_end"));
}

struct blocks {
	LLVMBasicBlockRef *block;
	size_t count, capacity;
};

static bool has_block(const struct blocks *set, LLVMBasicBlockRef block)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->block[i] == block)
			return true;
	return false;
}

static void add_block(struct arena *arena, struct blocks *set, LLVMBasicBlockRef block)
{
	if (!has_block(set, block))
		*ARENA_PUSH(arena, set->block, set->count, set->capacity) = block;
}

/* All that can be reached from the blocks in the set, without passing `without`. */
static void add_reachable(struct arena *arena, struct blocks *set, LLVMBasicBlockRef without)
{
	for (size_t i = 0; i < set->count; i++) {
		LLVMValueRef end = LLVMGetBasicBlockTerminator(set->block[i]);

		for (unsigned s = 0; s < LLVMGetNumSuccessors(end); s++)
			if (LLVMGetSuccessor(end, s) != without)
				add_block(arena, set, LLVMGetSuccessor(end, s));
	}
}

/* Is the pointer below the packet's end when the comparison says `truth`? */
static bool holds_when(LLVMValueRef compare, bool end_is_second, bool truth)
{
	LLVMIntPredicate p = LLVMGetICmpPredicate(compare);
	bool below = p == LLVMIntULT || p == LLVMIntULE, above = p == LLVMIntUGT || p == LLVMIntUGE;

	if (!end_is_second) {
		bool was_below = below;

		below = above;
		above = was_below;
	}
	return truth ? below : above;
}

/* The blocks in which the check may have failed. */
static struct blocks blocks_behind(struct llvm_clone *c, LLVMValueRef compare, bool end_is_second)
{
	LLVMValueRef end = LLVMGetBasicBlockTerminator(LLVMGetInstructionParent(compare));
	bool direct =
	    LLVMIsABranchInst(end) && LLVMIsConditional(end) && LLVMGetCondition(end) == compare;
	struct blocks behind = {0};

	for (unsigned s = 0; s < LLVMGetNumSuccessors(end); s++)
		if (!direct || !holds_when(compare, end_is_second, s == 0))
			add_block(c->arena, &behind, LLVMGetSuccessor(end, s));
	add_reachable(c->arena, &behind, NULL);
	return behind;
}

static bool is_used_behind(struct llvm_clone *c, LLVMValueRef compare, unsigned operand)
{
	LLVMValueRef pointer = LLVMGetOperand(compare, operand);
	struct blocks behind = {0};

	for (LLVMUseRef use = LLVMGetFirstUse(pointer); use; use = LLVMGetNextUse(use)) {
		LLVMValueRef user = LLVMGetUser(use);
		LLVMBasicBlockRef at = LLVMGetInstructionParent(user);

		if (user == compare)
			continue;
		if (!behind.count)
			behind = blocks_behind(c, compare, operand == 0);
		if (LLVMIsAPHINode(user)) {
			for (unsigned n = 0; n < LLVMCountIncoming(user); n++)
				if (LLVMGetIncomingValue(user, n) == pointer &&
				    (has_block(&behind, LLVMGetIncomingBlock(user, n)) ||
				     LLVMGetIncomingBlock(user, n) ==
					 LLVMGetInstructionParent(compare)))
					return true;
		} else if (has_block(&behind, at)) {
			return true;
		}
	}
	return false;
}

static void check_apart(struct llvm_clone *c, LLVMValueRef compare)
{
	for (unsigned operand = 0; operand < 2; operand++) {
		LLVMValueRef pointer = LLVMGetOperand(compare, operand);

		if (!LLVMIsAInstruction(pointer) || is_packet_end(c, pointer) ||
		    !is_packet_end(c, LLVMGetOperand(compare, 1 - operand)) ||
		    !is_used_behind(c, compare, operand))
			continue;
		LLVMPositionBuilderBefore(c->builder, compare);
		LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(compare));
		LLVMSetOperand(compare, operand, llvm_opaque(c, pointer));
	}
}

static LLVMValueRef place_behind(LLVMValueRef value)
{
	do
		value = LLVMGetNextInstruction(value);
	while (LLVMIsAPHINode(value));
	return value;
}

/* Of two values that both come before something on every path: does `a` come before `b`? */
static bool comes_before(struct llvm_clone *c, LLVMValueRef a, LLVMValueRef b)
{
	LLVMBasicBlockRef at_a = LLVMGetInstructionParent(a), at_b = LLVMGetInstructionParent(b);
	struct blocks around = {0};

	if (at_a == at_b) {
		while (a && a != b)
			a = LLVMGetNextInstruction(a);
		return a == b;
	}
	if (at_a == LLVMGetEntryBasicBlock(c->function))
		return true;
	add_block(c->arena, &around, LLVMGetEntryBasicBlock(c->function));
	add_reachable(c->arena, &around, at_a);
	return !has_block(&around, at_b);
}

static void move_before(struct llvm_clone *c, LLVMValueRef instruction, LLVMValueRef place)
{
	if (instruction == place)
		return;
	LLVMInstructionRemoveFromParent(instruction);
	LLVMPositionBuilderBefore(c->builder, place);
	LLVMInsertIntoBuilder(c->builder, instruction);
}

/* The casts between a pointer and the subtraction go with it. */
static LLVMValueRef move_casts(struct llvm_clone *c, LLVMValueRef value, LLVMValueRef root,
			       LLVMValueRef place)
{
	if (value == root || !LLVMIsAInstruction(value))
		return value;
	LLVMValueRef from = move_casts(c, LLVMGetOperand(value, 0), root, place);
	LLVMValueRef again = LLVMInstructionClone(value);

	LLVMSetOperand(again, 0, from);
	LLVMPositionBuilderBefore(c->builder, place);
	LLVMInsertIntoBuilder(c->builder, again);
	return again;
}

static bool is_pointer_root(LLVMValueRef root)
{
	return LLVMIsAInstruction(root) &&
	       (LLVMIsALoadInst(root) || LLVMGetTypeKind(LLVMTypeOf(root)) == LLVMPointerTypeKind);
}

static void subtract_early(struct llvm_clone *c, LLVMValueRef difference)
{
	LLVMValueRef root[2];

	for (unsigned o = 0; o < 2; o++) {
		root[o] = peel_casts(LLVMGetOperand(difference, o));
		if (!is_pointer_root(root[o]))
			return;
	}
	if (!is_packet_end(c, root[0]) && !is_packet_end(c, root[1]) &&
	    !is_context_word(c, root[0], context_offset(c, "cleave.pkt.data")) &&
	    !is_context_word(c, root[1], context_offset(c, "cleave.pkt.data")))
		return;
	LLVMValueRef place = place_behind(comes_before(c, root[0], root[1]) ? root[1] : root[0]);
	for (unsigned o = 0; o < 2; o++)
		LLVMSetOperand(difference, o,
			       move_casts(c, LLVMGetOperand(difference, o), root[o], place));
	move_before(c, difference, place);
}

static void drop_mask(LLVMValueRef mask)
{
	LLVMValueRef masked = LLVMGetOperand(mask, 0), number = LLVMGetOperand(mask, 1);
	LLVMValueRef wide = masked;

	if (!LLVMIsAConstantInt(number) || LLVMConstIntGetZExtValue(number) != UINT32_MAX)
		return;
	while (LLVMIsAFreezeInst(wide))
		wide = LLVMGetOperand(wide, 0);
	if (!LLVMIsAZExtInst(wide) || LLVMGetIntTypeWidth(LLVMTypeOf(LLVMGetOperand(wide, 0))) > 32)
		return;
	LLVMReplaceAllUsesWith(mask, masked);
	LLVMInstructionEraseFromParent(mask);
}

static void define_operands(LLVMValueRef i)
{
	for (int n = 0; n < LLVMGetNumOperands(i); n++) {
		LLVMValueRef operand = LLVMGetOperand(i, (unsigned)n);
		LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(operand));

		if (LLVMIsUndef(operand) &&
		    (kind == LLVMIntegerTypeKind || kind == LLVMPointerTypeKind))
			LLVMSetOperand(i, (unsigned)n, LLVMConstNull(LLVMTypeOf(operand)));
	}
}

static void keep_habit(struct llvm_clone *c, LLVMValueRef i)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
	LLVMValueRef difference = llvm_take_difference_first(c, i);

	if (opcode == LLVMICmp)
		check_apart(c, i);
	else if (difference || opcode == LLVMSub)
		subtract_early(c, difference ? difference : i);
	else if (opcode == LLVMAnd)
		drop_mask(i);
}

void llvm_keep_habits(struct llvm_clone *c)
{
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(c->function); b;
	     b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b), next; i; i = next) {
			next = LLVMGetNextInstruction(i);
			define_operands(i);
			keep_habit(c, i);
		}
}

static bool is_null_test(const struct llvm_clone *c, LLVMValueRef original)
{
	if (!LLVMIsAICmpInst(original) || !LLVMIsNull(LLVMGetOperand(original, 1)))
		return false;
	LLVMValueRef pointer = LLVMGetOperand(original, 0);

	if (!LLVMIsAPHINode(pointer) && !LLVMIsASelectInst(pointer))
		return false;
	struct llvm_region region = llvm_pointer_region(c->program, pointer);
	return region.memory == LLVM_MEMORY_PACKET && region.nullable;
}

void llvm_keep_null_tests(struct llvm_clone *c)
{
	for (size_t b = 0; b < c->program->block_count; b++) {
		LLVMValueRef i = LLVMGetFirstInstruction(c->program->blocks[b].value);

		for (; i; i = LLVMGetNextInstruction(i)) {
			if (!is_null_test(c, i))
				continue;
			LLVMValueRef test = llvm_clone_value(c, i);

			LLVMPositionBuilderBefore(c->builder, test);
			LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(test));
			LLVMSetOperand(test, 0, llvm_opaque(c, LLVMGetOperand(test, 0)));
		}
	}
}

/* The packet's start plus a number that is not constant. */
static bool is_moved_pointer(const struct llvm_clone *c, LLVMValueRef original)
{
	if (!LLVMIsAGetElementPtrInst(original))
		return false;
	for (int n = 1; n < LLVMGetNumOperands(original); n++)
		if (!LLVMIsAConstant(LLVMGetOperand(original, (unsigned)n)))
			return llvm_pointer_region(c->program, original).memory ==
			       LLVM_MEMORY_PACKET;
	return false;
}

static void make_opaque(struct llvm_clone *c, LLVMValueRef pointer)
{
	LLVMValueRef opaque;

	LLVMPositionBuilderBefore(c->builder, LLVMGetNextInstruction(pointer));
	LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(pointer));
	opaque = llvm_opaque(c, pointer);
	LLVMReplaceAllUsesWith(pointer, opaque);
	LLVMSetOperand(opaque, 0, pointer);
}

void llvm_keep_moved_pointers(struct llvm_clone *c)
{
	for (size_t b = 0; b < c->program->block_count; b++) {
		LLVMValueRef i = LLVMGetFirstInstruction(c->program->blocks[b].value);

		for (; i; i = LLVMGetNextInstruction(i))
			if (is_moved_pointer(c, i))
				make_opaque(c, llvm_clone_value(c, i));
	}
}
