/* Copies of modules, and shorthands for building in them. */
#include "backends/llvm_clone.h"
#include "support/arena.h"

#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdlib.h>
#include <string.h>

struct llvm_clone_entry {
	LLVMValueRef from, to;
};

static size_t hash_value(const struct llvm_clone *c, LLVMValueRef value)
{
	return ((uintptr_t)value >> 4) * 0x9E3779B97F4A7C15ull >> 20 & c->mask;
}

static void pair(struct llvm_clone *c, LLVMValueRef from, LLVMValueRef to)
{
	size_t i = hash_value(c, from);

	while (c->table[i].from)
		i = (i + 1) & c->mask;
	c->table[i] = (struct llvm_clone_entry){from, to};
}

static size_t count_values(const struct ir_llvm *llvm)
{
	size_t n = 0;

	for (LLVMValueRef g = LLVMGetFirstGlobal(llvm->module); g; g = LLVMGetNextGlobal(g))
		n++;
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(llvm->function); b;
	     b = LLVMGetNextBasicBlock(b)) {
		n++;
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			n++;
	}
	return n;
}

/* A clone keeps the order of everything, so walking both side by side pairs them. */
static void pair_all(struct llvm_clone *c)
{
	const struct ir_llvm *llvm = c->program->llvm;
	LLVMValueRef g = LLVMGetFirstGlobal(llvm->module), h = LLVMGetFirstGlobal(c->module);
	LLVMBasicBlockRef a = LLVMGetFirstBasicBlock(llvm->function);
	LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(c->function);
	size_t n = count_values(llvm);

	for (c->mask = 63; c->mask < 2 * n;)
		c->mask = 2 * c->mask + 1;
	c->table = arena_array(c->arena, c->mask + 1, sizeof *c->table);
	for (; g; g = LLVMGetNextGlobal(g), h = LLVMGetNextGlobal(h))
		pair(c, g, h);
	pair(c, LLVMGetParam(llvm->function, 0), c->packet);
	for (; a; a = LLVMGetNextBasicBlock(a), b = LLVMGetNextBasicBlock(b)) {
		LLVMValueRef i = LLVMGetFirstInstruction(a), j = LLVMGetFirstInstruction(b);

		pair(c, LLVMBasicBlockAsValue(a), LLVMBasicBlockAsValue(b));
		for (; i; i = LLVMGetNextInstruction(i), j = LLVMGetNextInstruction(j))
			pair(c, i, j);
	}
}

struct llvm_clone *llvm_clone_new(const struct plan *plan)
{
	const struct ir_program *program = plan->program;
	struct llvm_clone *c = arena_alloc(program->arena, sizeof *c);
	LLVMContextRef context = program->llvm->context;
	size_t length;

	c->plan = plan;
	c->program = program;
	c->arena = program->arena;
	c->context = context;
	c->module = LLVMCloneModule(program->llvm->module);
	c->function =
	    LLVMGetNamedFunction(c->module, LLVMGetValueName2(program->llvm->function, &length));
	c->packet = LLVMGetParam(c->function, 0);
	c->builder = LLVMCreateBuilderInContext(context);
	c->i8 = LLVMInt8TypeInContext(context);
	c->i16 = LLVMInt16TypeInContext(context);
	c->i32 = LLVMInt32TypeInContext(context);
	c->i64 = LLVMInt64TypeInContext(context);
	c->ptr = LLVMPointerTypeInContext(context, 0);
	c->none = LLVMVoidTypeInContext(context);
	pair_all(c);
	return c;
}

void llvm_clone_free(struct llvm_clone **clone)
{
	if (!*clone)
		return;
	LLVMDisposeBuilder((*clone)->builder);
	if ((*clone)->module)
		LLVMDisposeModule((*clone)->module);
	*clone = NULL;
}

LLVMValueRef llvm_clone_value(const struct llvm_clone *c, LLVMValueRef original)
{
	for (size_t i = hash_value(c, original); c->table[i].from; i = (i + 1) & c->mask)
		if (c->table[i].from == original)
			return c->table[i].to;
	return original;
}

void llvm_clone_replace(struct llvm_clone *c, LLVMValueRef copy, LLVMValueRef now)
{
	for (size_t i = 0; i <= c->mask; i++)
		if (c->table[i].from && c->table[i].to == copy)
			c->table[i].to = now;
	LLVMReplaceAllUsesWith(copy, now);
	LLVMInstructionEraseFromParent(copy);
}

LLVMBasicBlockRef llvm_clone_block(const struct llvm_clone *c, int block)
{
	return LLVMValueAsBasicBlock(
	    llvm_clone_value(c, LLVMBasicBlockAsValue(c->program->blocks[block].value)));
}

LLVMValueRef llvm_u32(const struct llvm_clone *c, uint64_t n)
{
	return LLVMConstInt(c->i32, n, 0);
}

LLVMValueRef llvm_u64(const struct llvm_clone *c, uint64_t n)
{
	return LLVMConstInt(c->i64, n, 0);
}

LLVMValueRef llvm_at(struct llvm_clone *c, LLVMValueRef base, int64_t offset)
{
	LLVMValueRef n = LLVMConstInt(c->i64, (uint64_t)offset, 1);

	return offset ? LLVMBuildGEP2(c->builder, c->i8, base, &n, 1, "") : base;
}

LLVMValueRef llvm_stack(struct llvm_clone *c, uint64_t bytes, const char *name)
{
	LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(c->function);
	LLVMBuilderRef builder = LLVMCreateBuilderInContext(c->context);

	LLVMPositionBuilder(builder, entry, LLVMGetFirstInstruction(entry));
	LLVMValueRef object = LLVMBuildAlloca(builder, LLVMArrayType2(c->i8, bytes), name);
	LLVMSetAlignment(object, 8);
	LLVMDisposeBuilder(builder);
	return object;
}

LLVMValueRef llvm_opaque(struct llvm_clone *c, LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);
	LLVMTypeRef function = LLVMFunctionType(type, &type, 1, 0);
	LLVMValueRef hide =
	    LLVMGetInlineAsm(function, "", 0, "=r,0", 4, 1, 0, LLVMInlineAsmDialectATT, 0);

	return LLVMBuildCall2(c->builder, function, hide, &value, 1, "");
}

LLVMValueRef llvm_call(struct llvm_clone *c, const char *name, LLVMTypeRef result,
		       LLVMValueRef *arguments, unsigned count)
{
	LLVMValueRef callee = LLVMGetNamedFunction(c->module, name);
	LLVMTypeRef types[16], type;

	for (unsigned i = 0; i < count; i++)
		types[i] = LLVMTypeOf(arguments[i]);
	type = LLVMFunctionType(result, types, count, 0);
	if (!callee)
		callee = LLVMAddFunction(c->module, name, type);
	return LLVMBuildCall2(c->builder, type, callee, arguments, count, "");
}

LLVMValueRef llvm_local_element(struct llvm_clone *c, int map)
{
	const struct ir_map *m = &c->program->maps[map];
	LLVMValueRef key = llvm_stack(c, 4, "local");
	LLVMValueRef arguments[] = {llvm_clone_value(c, m->value), key};

	LLVMBuildStore(c->builder, llvm_u32(c, m->local_key), key);
	return llvm_call(c, "cleave.map.lookup", c->ptr, arguments, 2);
}

void llvm_clear_object(struct llvm_clone *c, LLVMValueRef original)
{
	LLVMTargetDataRef layout = LLVMGetModuleDataLayout(c->module);
	LLVMValueRef object = llvm_clone_value(c, original);
	LLVMValueRef after = LLVMGetNextInstruction(object);
	uint64_t bytes = LLVMABISizeOfType(layout, LLVMGetAllocatedType(object));

	while (LLVMIsAAllocaInst(after))
		after = LLVMGetNextInstruction(after);
	LLVMPositionBuilderBefore(c->builder, after);
	llvm_set_place(c, NULL);
	LLVMBuildMemSet(c->builder, object, LLVMConstInt(c->i8, 0, 0), llvm_u64(c, bytes),
			LLVMGetAlignment(object));
}

void llvm_copy(struct llvm_clone *c, LLVMValueRef to, unsigned to_align, LLVMValueRef from,
	       unsigned from_align, uint64_t bytes)
{
	LLVMBuildMemCpy(c->builder, to, to_align, from, from_align, llvm_u64(c, bytes));
}

unsigned llvm_known_align(const struct llvm_clone *c, LLVMValueRef original)
{
	struct llvm_region region = llvm_pointer_region(c->program, original);
	unsigned align = 1;

	if (!region.constant)
		return 1;
	if (region.memory == LLVM_MEMORY_STACK && region.root)
		align = LLVMGetAlignment(region.root);
	else if (region.memory == LLVM_MEMORY_MAP)
		align = 8;
	while (align > 1 && region.offset % (int64_t)align)
		align /= 2;
	return align ? align : 1;
}

void llvm_set_place(struct llvm_clone *c, LLVMValueRef near)
{
	LLVMMetadataRef scope = LLVMGetSubprogram(c->function);
	LLVMMetadataRef place = near ? LLVMInstructionGetDebugLoc(near) : NULL;

	if (!place && scope)
		place = LLVMDIBuilderCreateDebugLocation(c->context, 0, 0, scope, NULL);
	LLVMSetCurrentDebugLocation2(c->builder, place);
}

int llvm_run_passes(LLVMModuleRef module, const char *passes, void *target_machine,
		    struct diag *diag)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error = LLVMRunPasses(module, passes, target_machine, options);

	LLVMDisposePassBuilderOptions(options);
	if (!error)
		return 0;
	char *text = LLVMGetErrorMessage(error);
	diag_error(diag, NO_LOC, "LLVM refused the passes %s: %s", passes, text);
	LLVMDisposeErrorMessage(text);
	return -EIO;
}

int llvm_drop_unreachable(struct llvm_clone *c, struct diag *diag)
{
	return llvm_run_passes(c->module, "function(simplifycfg)", NULL, diag);
}

static void set_attribute(LLVMContextRef context, LLVMValueRef function, const char *name)
{
	unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

	LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(context, kind, 0));
}

/* Programs have a section, global functions of the run-time part say noinline. */
static bool is_inlined(LLVMValueRef function)
{
	unsigned noinline = LLVMGetEnumAttributeKindForName("noinline", 8);
	const char *section = LLVMGetSection(function);

	return !(section && *section) &&
	       !LLVMGetEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex, noinline);
}

static void make_internal(struct llvm_clone *c, LLVMModuleRef runtime)
{
	for (LLVMValueRef f = LLVMGetFirstFunction(runtime); f; f = LLVMGetNextFunction(f)) {
		size_t length;
		const char *name = LLVMGetValueName2(f, &length);
		LLVMValueRef mine = LLVMGetNamedFunction(c->module, name);

		if (mine && !LLVMIsDeclaration(f) && is_inlined(f))
			set_attribute(c->context, mine, "alwaysinline");
	}
}

int llvm_link_bitcode(struct llvm_clone *c, const unsigned char *bytes, size_t size,
		      struct diag *diag)
{
	LLVMMemoryBufferRef buffer =
	    LLVMCreateMemoryBufferWithMemoryRange((const char *)bytes, size, "run-time part", 0);
	LLVMModuleRef runtime, again;

	if (LLVMParseBitcodeInContext2(c->context, buffer, &runtime)) {
		LLVMDisposeMemoryBuffer(buffer);
		diag_error(diag, NO_LOC, "the run-time bitcode inside cleave does not parse");
		return -EIO;
	}
	LLVMDisposeMemoryBuffer(buffer);
	LLVMSetModuleDataLayout(runtime, LLVMGetModuleDataLayout(c->module));
	LLVMSetTarget(runtime, LLVMGetTarget(c->module));
	again = LLVMCloneModule(runtime);
	if (LLVMLinkModules2(c->module, runtime)) {
		LLVMDisposeModule(again);
		diag_error(diag, NO_LOC, "the run-time part does not link to the program");
		return -EIO;
	}
	make_internal(c, again);
	for (LLVMValueRef f = LLVMGetFirstFunction(again); f; f = LLVMGetNextFunction(f)) {
		size_t length;
		LLVMValueRef mine = LLVMGetNamedFunction(c->module, LLVMGetValueName2(f, &length));

		if (mine && !LLVMIsDeclaration(f) && is_inlined(f))
			LLVMSetLinkage(mine, LLVMInternalLinkage);
	}
	LLVMDisposeModule(again);
	return 0;
}

static bool is_lifetime(LLVMValueRef i)
{
	LLVMValueRef callee = LLVMIsACallInst(i) ? LLVMGetCalledValue(i) : NULL;
	size_t length;

	return callee && LLVMIsAFunction(callee) &&
	       strncmp(LLVMGetValueName2(callee, &length), "llvm.lifetime", 13) == 0;
}

void llvm_drop_lifetimes(struct llvm_clone *c)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(c->function);

	for (; block; block = LLVMGetNextBasicBlock(block))
		for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
			next = LLVMGetNextInstruction(i);
			if (is_lifetime(i))
				LLVMInstructionEraseFromParent(i);
		}
}

void llvm_drop_lifetime(struct llvm_clone *c, LLVMValueRef original)
{
	LLVMUseRef use = LLVMGetFirstUse(llvm_clone_value(c, original)), next;

	for (; use; use = next) {
		LLVMValueRef user = LLVMGetUser(use);

		next = LLVMGetNextUse(use);
		if (is_lifetime(user))
			LLVMInstructionEraseFromParent(user);
	}
}
