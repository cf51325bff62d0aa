/* Which function is the program, what it reaches, and all of that inlined into it. */
#include "frontend/llvm_stages.h"

#include <errno.h>
#include <string.h>

#include "support/arena.h"

bool frontend_is_program(const struct ir_program *program, LLVMValueRef function)
{
	enum ir_program_kind kind;

	return !LLVMIsDeclaration(function) && ir_section_kind(LLVMGetSection(function), &kind) &&
	       (!program->section || kind == program->kind);
}

/* A program of a map's elements is taken as an interface's where it is asked for by its name. */
static void name_interface(struct ir_program *program, const char *name, struct diag *diag)
{
	LLVMModuleRef modules[] = {program->llvm->module, program->llvm->original};
	LLVMValueRef f = name ? LLVMGetNamedFunction(modules[0], name) : NULL;
	const char *section = f && !LLVMIsDeclaration(f) ? LLVMGetSection(f) : NULL;
	const char *instead = ir_map_program_section(section);

	if (!instead)
		return;
	diag_warning(diag, frontend_value_loc(program, f),
		     "%s, of section %s, is taken as a program that is attached to an interface",
		     name, section);
	for (size_t m = 0; m < sizeof modules / sizeof *modules; m++)
		LLVMSetSection(LLVMGetNamedFunction(modules[m], name), instead);
}

int frontend_choose_program(struct ir_program *program, const char *name, struct diag *diag)
{
	struct src_loc loc = {.file = program->source};
	LLVMValueRef chosen = NULL, f = LLVMGetFirstFunction(program->llvm->module);
	const char *names = NULL;
	enum ir_program_kind kind;
	unsigned count = 0;
	size_t length;

	name_interface(program, name, diag);
	for (; f; f = LLVMGetNextFunction(f)) {
		const char *own = LLVMGetValueName2(f, &length);

		if (LLVMIsDeclaration(f) || !ir_section_kind(LLVMGetSection(f), &kind))
			continue;
		count++;
		names = names ? arena_printf(program->arena, "%s, %s", names, own) : own;
		if (!name || !strcmp(name, own))
			chosen = f;
	}
	if (!count)
		return frontend_refuse(program, diag, loc, IR_REASON_NO_PROGRAM, NULL);
	if (!chosen) {
		diag_error(diag, loc, "there is no XDP or TC program %s in it; there is %s", name,
			   names);
		return -EINVAL;
	}
	if (!name && count > 1)
		chosen = frontend_find_uncalled(program, diag);
	if (!chosen)
		return frontend_refuse(program, diag, loc, IR_REASON_MANY_PROGRAMS, names);
	program->llvm->function = chosen;
	program->name = arena_strdup(program->arena, LLVMGetValueName2(chosen, &length));
	program->section = arena_strdup(program->arena, LLVMGetSection(chosen));
	ir_section_kind(program->section, &program->kind);
	return 0;
}

/* Depth-first walk over the calls; `path` are the functions being walked, outermost first. */
struct walk {
	struct ir_program *program;
	struct diag *diag;
	LLVMValueRef *path, *done;
	size_t path_count, path_cap, done_count, done_cap;
};

static bool contains(LLVMValueRef *list, size_t count, LLVMValueRef value)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return false;
}

static int walk_function(struct walk *walk, LLVMValueRef function);

static int walk_callee(struct walk *walk, LLVMValueRef call, LLVMValueRef callee)
{
	size_t length;

	if (!LLVMIsAFunction(callee) || LLVMIsDeclaration(callee))
		return 0;
	if (contains(walk->path, walk->path_count, callee))
		return frontend_refuse(walk->program, walk->diag,
				       frontend_value_loc(walk->program, call), IR_REASON_RECURSION,
				       LLVMGetValueName2(callee, &length));
	if (contains(walk->done, walk->done_count, callee))
		return 0;
	return walk_function(walk, callee);
}

/* What is called, and callbacks that the kernel will call: what those call is inlined into them. */
static int walk_call(struct walk *walk, LLVMValueRef call)
{
	int err = walk_callee(walk, call, LLVMGetCalledValue(call));

	for (unsigned a = 0; a < LLVMGetNumArgOperands(call) && !err; a++)
		err = walk_callee(walk, call, LLVMGetOperand(call, a));
	return err;
}

static int walk_function(struct walk *walk, LLVMValueRef function)
{
	struct arena *arena = walk->program->arena;
	LLVMValueRef i = frontend_first_instruction(function);
	int err = 0;

	*ARENA_PUSH(arena, walk->path, walk->path_count, walk->path_cap) = function;
	for (; i && !err; i = frontend_next_instruction(i))
		if (LLVMIsACallInst(i))
			err = walk_call(walk, i);
	walk->path_count--;
	*ARENA_PUSH(arena, walk->done, walk->done_count, walk->done_cap) = function;
	return err;
}

static unsigned attribute_kind(const char *name)
{
	return LLVMGetEnumAttributeKindForName(name, strlen(name));
}

static void remove_attributes(LLVMValueRef function, LLVMAttributeIndex index,
			      const char *const names[])
{
	for (; *names; names++)
		LLVMRemoveEnumAttributeAtIndex(function, index, attribute_kind(*names));
}

static void force_inline(LLVMContextRef context, LLVMValueRef function)
{
	static const char *const against[] = {"noinline", "optnone", NULL};

	remove_attributes(function, LLVMAttributeFunctionIndex, against);
	LLVMAddAttributeAtIndex(
	    function, LLVMAttributeFunctionIndex,
	    LLVMCreateEnumAttribute(context, attribute_kind("alwaysinline"), 0));
}

/* A call site may say noinline on its own. */
static void clear_call_sites(LLVMValueRef function)
{
	LLVMValueRef i = frontend_first_instruction(function);

	for (; i; i = frontend_next_instruction(i))
		if (LLVMIsACallInst(i))
			LLVMRemoveCallSiteEnumAttribute(i, LLVMAttributeFunctionIndex,
							attribute_kind("noinline"));
}

/* What clang concluded about the body does not hold for the bodies that come of it. */
static void forget_conclusions(LLVMValueRef function)
{
	static const char *const of_body[] = {"memory",       "norecurse",  "nofree",
					      "nosync",       "willreturn", "speculatable",
					      "alwaysinline", "optnone",    NULL};
	static const char *const of_return[] = {"range", NULL};
	static const char *const of_context[] = {"nocapture", "readonly", "readnone",
						 "writeonly", "nofree",   NULL};

	remove_attributes(function, LLVMAttributeFunctionIndex, of_body);
	remove_attributes(function, LLVMAttributeReturnIndex, of_return);
	for (unsigned i = 0; i < LLVMCountParams(function); i++)
		remove_attributes(function, i + 1, of_context);
}

/* llvm.used and llvm.compiler.used keep what the program does not reach. */
static void delete_used_lists(LLVMModuleRef module)
{
	static const char *const names[] = {"llvm.used", "llvm.compiler.used"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		LLVMValueRef list = LLVMGetNamedGlobal(module, names[i]);

		if (list)
			LLVMDeleteGlobal(list);
	}
}

/* Inlined bodies get the clean-up that clang would have given them; other programs keep clang's
 * shape. */
#define PASSES_INLINE "always-inline,globaldce"
#define PASSES_CLEAN  "function(sroa,early-cse,simplifycfg)"

/*
 * Maps that only unreached code or unreached maps name are none of the program's. While they are
 * visible outside, they would keep the programs and maps that they hold. Those of the other program
 * of a pair stay.
 */
static void show_maps(struct ir_program *program, bool shown)
{
	LLVMModuleRef module = program->llvm->module;

	for (LLVMValueRef g = LLVMGetFirstGlobal(module); g; g = LLVMGetNextGlobal(g)) {
		const char *section = LLVMGetSection(g);

		if (section && !strcmp(section, ".maps") && !frontend_is_shared(program, g))
			LLVMSetLinkage(g, shown ? LLVMExternalLinkage : LLVMInternalLinkage);
	}
}

/* Its name is still needed once its code is elsewhere. */
static bool is_joined(const struct ir_program *program, LLVMValueRef function)
{
	for (size_t p = 0; p < program->program_count; p++)
		if (program->programs[p].function == function)
			return true;
	return false;
}

static int inline_all(struct walk *walk, struct diag *diag)
{
	struct ir_program *program = walk->program;
	struct ir_llvm *llvm = program->llvm;
	LLVMValueRef f = LLVMGetFirstFunction(llvm->module);
	int err;

	for (; f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f) && f != llvm->function && !is_joined(program, f))
			LLVMSetLinkage(f, LLVMInternalLinkage);
	for (size_t i = 0; i < walk->done_count; i++) {
		if (walk->done[i] != llvm->function)
			force_inline(llvm->context, walk->done[i]);
		clear_call_sites(walk->done[i]);
	}
	delete_used_lists(llvm->module);
	forget_conclusions(llvm->function);
	show_maps(program, false);
	err = frontend_run_passes(program, PASSES_INLINE, diag);
	show_maps(program, true);
	if (!err)
		err = frontend_link_tail_calls(program, diag);
	if (!err && walk->done_count > 1)
		err = frontend_run_passes(program, PASSES_CLEAN, diag);
	return err;
}

static int check_inlined(struct ir_program *program, struct diag *diag)
{
	LLVMValueRef i = frontend_first_instruction(program->llvm->function);
	size_t length;
	int err = 0;

	for (; i; i = frontend_next_instruction(i)) {
		LLVMValueRef callee = LLVMIsACallInst(i) ? LLVMGetCalledValue(i) : NULL;

		if (callee && LLVMIsAFunction(callee) && !LLVMIsDeclaration(callee))
			err = frontend_refuse(program, diag, frontend_value_loc(program, i),
					      IR_REASON_UNSUPPORTED_CALL,
					      arena_printf(program->arena, "inlining %s",
							   LLVMGetValueName2(callee, &length)));
	}
	return err;
}

int frontend_inline_calls(struct ir_program *program, struct diag *diag)
{
	struct walk walk = {.program = program, .diag = diag};
	int err = walk_function(&walk, program->llvm->function);

	if (!err)
		err = inline_all(&walk, diag);
	return err ?: check_inlined(program, diag);
}
