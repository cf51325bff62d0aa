/*
 * What arrays of programs hold: `.values = {[1] = &next}` of the source, and --tail-calls
 * "MAP[INDEX]=PROGRAM,...", which comes on top.
 */
#include "frontend/llvm_tail_calls.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

struct content {
	LLVMValueRef map, function;
	uint32_t index;
};

struct tail_contents {
	struct content *all;
	size_t count, capacity;
};

static void add_content(struct ir_program *program, struct tail_contents *contents,
			struct content content)
{
	for (size_t i = 0; i < contents->count; i++)
		if (contents->all[i].map == content.map &&
		    contents->all[i].index == content.index) {
			contents->all[i].function = content.function;
			return;
		}
	*ARENA_PUSH(program->arena, contents->all, contents->count, contents->capacity) = content;
}

static void read_values(struct ir_program *program, struct tail_contents *contents,
			LLVMValueRef map)
{
	LLVMValueRef init = LLVMGetInitializer(map), values;
	int members = init && LLVMIsAConstantStruct(init) ? LLVMGetNumOperands(init) : 0;

	values = members ? LLVMGetOperand(init, (unsigned)members - 1) : NULL;
	if (!values || !LLVMIsAConstantArray(values))
		return;
	for (unsigned i = 0; i < LLVMGetArrayLength2(LLVMTypeOf(values)); i++) {
		LLVMValueRef held = LLVMGetOperand(values, i);

		if (LLVMIsAFunction(held))
			add_content(program, contents, (struct content){map, held, i});
	}
}

/* A definition that names programs is one without: whoever loads the map fills it. */
void frontend_forget_programs(LLVMValueRef map)
{
	LLVMValueRef init = LLVMGetInitializer(map), values;
	int members = init && LLVMIsAConstantStruct(init) ? LLVMGetNumOperands(init) : 0;
	bool programs = false;

	values = members ? LLVMGetOperand(init, (unsigned)members - 1) : NULL;
	if (!values || !LLVMIsAConstantArray(values))
		return;
	for (unsigned i = 0; i < LLVMGetArrayLength2(LLVMTypeOf(values)); i++)
		programs |= LLVMIsAFunction(LLVMGetOperand(values, i)) != NULL;
	if (programs)
		LLVMSetInitializer(map, LLVMConstNull(LLVMGlobalGetValueType(map)));
}

static int wrong(struct ir_program *program, struct diag *diag, const char *what)
{
	diag_error(diag, (struct src_loc){.file = program->source},
		   "--tail-calls takes MAP[INDEX]=PROGRAM, separated by commas: %s", what);
	return -EINVAL;
}

static int read_entry(struct ir_program *program, struct tail_contents *contents, const char *text,
		      size_t length, struct diag *diag)
{
	char *entry = arena_strndup(program->arena, text, length), *end;
	char *open = strchr(entry, '['), *close = open ? strstr(open, "]=") : NULL;
	struct content content = {0};
	unsigned long index;

	if (!close || !isdigit((unsigned char)open[1]))
		return wrong(program, diag, entry);
	*open = *close = '\0';
	index = strtoul(open + 1, &end, 10);
	content.map = LLVMGetNamedGlobal(program->llvm->module, entry);
	content.function = LLVMGetNamedFunction(program->llvm->module, close + 2);
	content.index = (uint32_t)index;
	if (*end || index > UINT32_MAX)
		return wrong(program, diag,
			     arena_printf(program->arena, "%s is no index", open + 1));
	if (!content.map)
		return wrong(program, diag,
			     arena_printf(program->arena, "there is no map %s", entry));
	if (!content.function || !frontend_is_program(program, content.function))
		return wrong(program, diag,
			     arena_printf(program->arena, "there is no XDP program %s", close + 2));
	add_content(program, contents, content);
	return 0;
}

int tail_contents_read(struct ir_program *program, struct tail_contents **out, struct diag *diag)
{
	struct tail_contents *contents = arena_alloc(program->arena, sizeof *contents);
	LLVMValueRef g = LLVMGetFirstGlobal(program->llvm->module);
	const char *text = program->tail_calls;
	int err = 0;

	*out = contents;
	for (; g; g = LLVMGetNextGlobal(g))
		if (frontend_is_map(g))
			read_values(program, contents, g);
	while (text && *text && !err) {
		size_t length = strcspn(text, ",");

		err = read_entry(program, contents, text, length, diag);
		text += length + (text[length] == ',');
	}
	return err;
}

bool tail_contents_may_hold(const struct tail_contents *contents, LLVMValueRef map,
			    LLVMValueRef function)
{
	bool known = false;

	for (size_t i = 0; i < contents->count; i++) {
		if (contents->all[i].map != map)
			continue;
		if (contents->all[i].function == function)
			return true;
		known = true;
	}
	return !known;
}

LLVMValueRef frontend_find_uncalled(struct ir_program *program, struct diag *diag)
{
	struct tail_contents *contents;
	LLVMValueRef f = LLVMGetFirstFunction(program->llvm->module), found = NULL;

	if (tail_contents_read(program, &contents, diag))
		return NULL;
	for (; f; f = LLVMGetNextFunction(f)) {
		bool called = !frontend_is_program(program, f);

		for (size_t i = 0; i < contents->count; i++)
			called |= contents->all[i].function == f;
		if (called)
			continue;
		if (found)
			return NULL;
		found = f;
	}
	return found;
}

static int number_of(const struct ir_program *program, LLVMValueRef function)
{
	for (size_t p = 0; p < program->program_count; p++)
		if (program->programs[p].function == function)
			return (int)p;
	return IR_NONE;
}

int frontend_note_tail_calls(struct ir_program *program, struct diag *diag)
{
	struct tail_contents *contents;
	int err = program->program_count ? tail_contents_read(program, &contents, diag) : 0;

	for (size_t m = 0; m < program->map_count && program->program_count && !err; m++) {
		struct ir_map *map = &program->maps[m];
		size_t capacity = 0;

		frontend_forget_programs(map->value);
		for (size_t i = 0; i < contents->count; i++) {
			int number = number_of(program, contents->all[i].function);

			if (contents->all[i].map != map->value || number == IR_NONE)
				continue;
			*ARENA_PUSH(program->arena, map->calls, map->call_count, capacity) =
			    (struct ir_call){contents->all[i].index, (uint32_t)number};
			if (contents->all[i].index >= map->max_entries)
				err = wrong(program, diag,
					    arena_printf(program->arena, "%s has %u entries",
							 map->name, map->max_entries));
		}
	}
	return err;
}
