/*
 * Two programs of one source that share state, and go into one bundle. Each is loaded by itself;
 * what either names has the same place in both: the same row in the lists of maps and globals, and,
 * of variables that change, the same offset in a section that has nothing else in it.
 *
 * An array of programs is no such state: it holds programs of one kind.
 */
#include "frontend/frontend.h"
#include "frontend/llvm_stages.h"

#include <linux/bpf.h>
#include <llvm-c/BitReader.h>
#include <string.h>

#include "support/arena.h"

#define SECTION_SHARED ".data.pair"

static bool is_named(const struct ir_program *program, const char *name)
{
	for (size_t i = 0; i < program->shared_count; i++)
		if (!strcmp(program->shared[i], name))
			return true;
	return false;
}

bool frontend_is_shared(const struct ir_program *program, LLVMValueRef global)
{
	size_t length;

	return is_named(program, LLVMGetValueName2(global, &length));
}

void frontend_keep_shared(struct ir_program *program)
{
	LLVMModuleRef module = program->llvm->original;

	for (LLVMValueRef g = LLVMGetFirstGlobal(module); g; g = LLVMGetNextGlobal(g)) {
		if (!LLVMGetInitializer(g) || !frontend_is_shared(program, g))
			continue;
		/* Nothing drops it where only the other program has a use for it. */
		LLVMSetLinkage(g, LLVMExternalLinkage);
		if (!LLVMGetSection(g) && !LLVMIsGlobalConstant(g))
			LLVMSetSection(g, SECTION_SHARED);
	}
}

static bool has_hook(LLVMValueRef f, enum ir_program_kind *kind, bool *egress)
{
	const char *section = LLVMGetSection(f);

	if (LLVMIsDeclaration(f) || !ir_section_kind(section, kind))
		return false;
	*egress = *kind == IR_PROGRAM_TC && strstr(section, "egress");
	return true;
}

static bool find_two(LLVMModuleRef module, LLVMValueRef found[2])
{
	enum ir_program_kind kind[2];
	bool egress[2], later;
	size_t count = 0;

	for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
		enum ir_program_kind of;
		bool leaves;

		if (!has_hook(f, &of, &leaves))
			continue;
		if (count == 2)
			return false;
		found[count] = f;
		kind[count] = of;
		egress[count++] = leaves;
	}
	if (count != 2 || (kind[0] == kind[1] && egress[0] == egress[1]))
		return false;
	later = kind[0] != kind[1] ? kind[0] == IR_PROGRAM_TC : egress[0];
	if (later) { /* in the order in which a packet comes by: XDP, ingress, egress */
		LLVMValueRef first = found[1];

		found[1] = found[0];
		found[0] = first;
	}
	return true;
}

bool frontend_find_pair(struct arena *arena, const struct frontend_source *source,
			const char *names[2])
{
	LLVMContextRef context = LLVMContextCreate();
	LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
	    source->bitcode, source->bitcode_size, source->path);
	LLVMModuleRef module = NULL;
	LLVMValueRef found[2];
	size_t length;
	bool pair = !LLVMParseBitcodeInContext2(context, buffer, &module);

	if (pair) {
		frontend_name_programs(arena, module, source);
		pair = find_two(module, found);
	}

	for (int i = 0; pair && i < 2; i++)
		names[i] = arena_strdup(arena, LLVMGetValueName2(found[i], &length));
	if (module)
		LLVMDisposeModule(module);
	LLVMDisposeMemoryBuffer(buffer);
	LLVMContextDispose(context);
	return pair;
}

size_t frontend_find_shared(struct arena *arena, const struct ir_program *a,
			    const struct ir_program *b, const char ***names)
{
	const struct ir_program *both[] = {a, b};
	size_t count = 0, capacity = 0;

	*names = NULL;
	for (int i = 0; i < 2; i++) {
		for (size_t m = 0; m < both[i]->map_count; m++)
			if (both[i]->maps[m].type != BPF_MAP_TYPE_PROG_ARRAY)
				*ARENA_PUSH(arena, *names, count, capacity) = both[i]->maps[m].name;
		for (size_t g = 0; g < both[i]->global_count; g++)
			*ARENA_PUSH(arena, *names, count, capacity) = both[i]->globals[g].name;
	}
	return count;
}
