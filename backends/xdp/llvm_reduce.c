/*
 * Clang's module without what the chosen program has nothing to do with: other programs of the
 * file, and maps that only they use or nobody does. The kernel is asked about the one program.
 */
#include "backends/xdp/llvm_xdp.h"
#include "support/arena.h"

#include <string.h>

struct reached {
	struct arena *arena;
	LLVMValueRef *value;
	size_t count, capacity;
};

static bool has(const struct reached *r, LLVMValueRef value)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->value[i] == value)
			return true;
	return false;
}

/* A global, or those that a constant is made of. */
static void reach(struct reached *r, LLVMValueRef value)
{
	if (LLVMIsAGlobalValue(value)) {
		if (!has(r, value))
			*ARENA_PUSH(r->arena, r->value, r->count, r->capacity) = value;
	} else if (LLVMIsAConstant(value)) {
		for (int o = 0; o < LLVMGetNumOperands(value); o++)
			reach(r, LLVMGetOperand(value, (unsigned)o));
	}
}

static void reach_from_function(struct reached *r, LLVMValueRef f)
{
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			for (int o = 0; o < LLVMGetNumOperands(i); o++)
				if (!LLVMValueIsBasicBlock(LLVMGetOperand(i, (unsigned)o)))
					reach(r, LLVMGetOperand(i, (unsigned)o));
}

static struct reached find_reached(struct llvm_clone *c)
{
	struct reached r = {.arena = c->arena};

	reach(&r, c->function);
	for (size_t p = 0; p < c->program->program_count; p++)
		reach(&r, LLVMGetNamedFunction(c->module, c->program->programs[p].name));
	for (size_t i = 0; i < r.count; i++) {
		if (LLVMIsAFunction(r.value[i]))
			reach_from_function(&r, r.value[i]);
		else if (LLVMIsAGlobalVariable(r.value[i]) && LLVMGetInitializer(r.value[i]))
			reach(&r, LLVMGetInitializer(r.value[i]));
	}
	return r;
}

static bool is_map(LLVMValueRef global)
{
	const char *section = LLVMGetSection(global);

	return section && strcmp(section, ".maps") == 0;
}

/* A map of the other program of a pair: the common state is whole on both sides. */
static bool is_of_pair(const struct ir_program *program, LLVMValueRef map)
{
	size_t length;

	for (size_t i = 0; i < program->shared_count; i++)
		if (!strcmp(program->shared[i], LLVMGetValueName2(map, &length)))
			return true;
	return false;
}

static bool is_aggregate(LLVMTypeRef type)
{
	return LLVMGetTypeKind(type) == LLVMStructTypeKind ||
	       LLVMGetTypeKind(type) == LLVMArrayTypeKind;
}

/*
 * A function that BPF cannot call, for its arguments are more than the registers or it returns a
 * struct: clang lets it be one, for its optimiser may yet make it another.
 */
static void inline_uncallable(struct llvm_clone *c, LLVMValueRef f)
{
	unsigned never = LLVMGetEnumAttributeKindForName("noinline", 8),
		 always = LLVMGetEnumAttributeKindForName("alwaysinline", 12);

	if (LLVMCountParams(f) <= 5 && !is_aggregate(LLVMGetReturnType(LLVMGlobalGetValueType(f))))
		return;
	LLVMRemoveEnumAttributeAtIndex(f, LLVMAttributeFunctionIndex, never);
	LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(c->context, always, 0));
}

/* What is internal and used by nobody goes with the next pass. Other variables stay: they have
 * their places in their sections. */
void llvm_reduce_to_program(struct llvm_clone *c)
{
	static const char *const lists[] = {"llvm.used", "llvm.compiler.used"};
	struct reached r = find_reached(c);

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (LLVMGetNamedGlobal(c->module, lists[i]))
			LLVMDeleteGlobal(LLVMGetNamedGlobal(c->module, lists[i]));
	for (LLVMValueRef f = LLVMGetFirstFunction(c->module); f; f = LLVMGetNextFunction(f)) {
		if (LLVMIsDeclaration(f))
			continue;
		inline_uncallable(c, f);
		if (!has(&r, f))
			LLVMSetLinkage(f, LLVMInternalLinkage);
	}
	for (LLVMValueRef g = LLVMGetFirstGlobal(c->module); g; g = LLVMGetNextGlobal(g))
		if (is_map(g) && LLVMGetInitializer(g) && !has(&r, g) && !is_of_pair(c->program, g))
			LLVMSetLinkage(g, LLVMInternalLinkage);
}
