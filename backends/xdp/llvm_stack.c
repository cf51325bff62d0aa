/*
 * The kernel part's stack as the verifier follows it: in slots of 8 bytes. A number of 4 bytes that
 * the compiler keeps there is known exactly only while nobody writes to the other half of its slot
 * (check_stack_write_fixed_off, kernel/bpf/verifier.c); with a map's key in there, a loop's counter
 * is forgotten and the loop never ends. LLVM aligns what it keeps to 8, so it is enough that the
 * program's own objects fill whole slots. They do where there is room for that, and else at least
 * the last does, which is the one that what LLVM keeps comes behind.
 *
 * A stack that is larger than the kernel's is not made smaller here; but here is known where.
 */
#include "backends/xdp/llvm_xdp.h"
#include "ir/llvm_graph.h"
#include "support/arena.h"

#include <llvm-c/Target.h>
#include <string.h>

/* Beyond that the stack is for what has to be there. */
enum { SLOT = 8, PADDED_MAX = 384 };

struct objects {
	LLVMValueRef *object;
	size_t count, capacity;
};

static uint64_t padded(uint64_t bytes)
{
	return (bytes + SLOT - 1) / SLOT * SLOT;
}

static uint64_t object_bytes(const struct llvm_clone *c, LLVMValueRef object)
{
	LLVMValueRef count = LLVMGetOperand(object, 0);
	uint64_t each =
	    LLVMABISizeOfType(LLVMGetModuleDataLayout(c->module), LLVMGetAllocatedType(object));

	return LLVMIsAConstantInt(count) ? each * LLVMConstIntGetZExtValue(count) : 0;
}

static struct objects find_objects(struct llvm_clone *c)
{
	struct objects all = {0};
	LLVMValueRef i = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(c->function));

	for (; i; i = LLVMGetNextInstruction(i))
		if (LLVMIsAAllocaInst(i) && object_bytes(c, i))
			*ARENA_PUSH(c->arena, all.object, all.count, all.capacity) = i;
	return all;
}

static void pad(struct llvm_clone *c, LLVMValueRef object)
{
	uint64_t bytes = padded(object_bytes(c, object));
	LLVMValueRef whole;

	LLVMPositionBuilderBefore(c->builder, object);
	LLVMSetCurrentDebugLocation2(c->builder, NULL);
	whole = LLVMBuildAlloca(c->builder, LLVMArrayType2(c->i8, bytes), "");
	LLVMSetAlignment(whole, LLVMGetAlignment(object) > SLOT ? LLVMGetAlignment(object) : SLOT);
	LLVMReplaceAllUsesWith(object, whole);
	LLVMInstructionEraseFromParent(object);
}

void llvm_fill_stack_slots(struct llvm_clone *c)
{
	struct objects all = find_objects(c);
	uint64_t bytes = 0;

	for (size_t i = 0; i < all.count; i++)
		bytes += padded(object_bytes(c, all.object[i]));
	for (size_t i = bytes > PADDED_MAX && all.count ? all.count - 1 : 0; i < all.count; i++)
		pad(c, all.object[i]);
}

struct places {
	struct src_loc *place;
	size_t count, capacity;
};

static void add_place(struct llvm_clone *c, struct places *all, LLVMValueRef instruction)
{
	struct src_loc loc = ir_instruction_loc(c->program, instruction);

	if (!loc.line)
		return;
	for (size_t i = 0; i < all->count; i++)
		if (ir_is_at(&all->place[i], loc.file, loc.line))
			return;
	*ARENA_PUSH(c->arena, all->place, all->count, all->capacity) = loc;
}

static bool is_lifetime(LLVMValueRef user)
{
	LLVMValueRef callee = LLVMIsACallInst(user) ? LLVMGetCalledValue(user) : NULL;
	size_t length;

	return callee && LLVMIsAFunction(callee) &&
	       strncmp(LLVMGetValueName2(callee, &length), "llvm.lifetime", 13) == 0;
}

/* An address is made where LLVM likes it to be; what counts is who looks through it. */
static void add_places(struct llvm_clone *c, struct places *all, LLVMValueRef address)
{
	for (LLVMUseRef use = LLVMGetFirstUse(address); use; use = LLVMGetNextUse(use)) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMIsAGetElementPtrInst(user))
			add_places(c, all, user);
		else if (!is_lifetime(user))
			add_place(c, all, user);
	}
}

size_t llvm_find_stack_places(struct llvm_clone *c, struct src_loc **places)
{
	struct objects objects = find_objects(c);
	LLVMValueRef largest = NULL;
	struct places all = {0};

	for (size_t i = 0; i < objects.count; i++)
		if (!largest || object_bytes(c, objects.object[i]) > object_bytes(c, largest))
			largest = objects.object[i];
	if (largest)
		add_places(c, &all, largest);
	*places = all.place;
	return all.count;
}
