/* Maps, globals and the licence, as LLVM's globals and the maps' BTF name them. */
#include "frontend/llvm_stages.h"
#include "frontend/map_settings.h"

#include <errno.h>
#include <linux/bpf.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/btf_maps.h"
#include "support/arena.h"

#define SECTION_MAPS        ".maps"
#define SECTION_MAPS_LEGACY "maps"
#define SECTION_LICENSE     "license"

static bool section_is(LLVMValueRef global, const char *name)
{
	const char *section = LLVMGetSection(global);

	return section && !strcmp(section, name);
}

/* struct bpf_map_def: clang's object is read instead, as any old object is. */
static bool is_legacy(LLVMValueRef global)
{
	const char *section = LLVMGetSection(global);

	return section && (!strcmp(section, SECTION_MAPS_LEGACY) ||
			   !strncmp(section, SECTION_MAPS_LEGACY "/", sizeof SECTION_MAPS_LEGACY));
}

bool frontend_is_map(LLVMValueRef global)
{
	return section_is(global, SECTION_MAPS);
}

static const char *global_name(struct ir_program *program, LLVMValueRef global)
{
	size_t length;
	const char *name = LLVMGetValueName2(global, &length);

	return arena_strndup(program->arena, name, length);
}

static void read_license(struct ir_program *program, LLVMValueRef global)
{
	LLVMValueRef init = LLVMGetInitializer(global);
	size_t length;

	if (init && LLVMIsConstantString(init))
		program->license = arena_strdup(program->arena, LLVMGetAsString(init, &length));
}

/* LLVM's order is that of first use. */
static int by_place(const void *left, const void *right)
{
	const struct ir_map *a = left, *b = right;
	int files = strcmp(a->loc.file, b->loc.file);

	if (files)
		return files;
	if (a->loc.line != b->loc.line)
		return a->loc.line < b->loc.line ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Also one that the program does not use: libbpf takes no object with it. */
static bool has_legacy_map(const struct ir_program *program)
{
	LLVMValueRef g = LLVMGetFirstGlobal(program->llvm->original);

	while (g && !is_legacy(g))
		g = LLVMGetNextGlobal(g);
	return g != NULL;
}

/* Only what the program touches: its file may hold more programs with maps of their own. */
static int collect_maps(struct ir_program *program, struct diag *diag)
{
	LLVMValueRef g = LLVMGetFirstGlobal(program->llvm->module), next;
	size_t cap = 0;
	int err = 0;

	if (!program->from_object && has_legacy_map(program))
		return -EAGAIN;
	for (; g; g = next) {
		struct ir_map *map;

		next = LLVMGetNextGlobal(g);
		if (is_legacy(g) && LLVMGetFirstUse(g)) {
			diag_error(diag, frontend_value_loc(program, g),
				   "map %s is defined without BTF; define it in SEC(\".maps\")",
				   global_name(program, g));
			err = -EINVAL;
		}
		if (!section_is(g, SECTION_MAPS))
			continue;
		if (!LLVMGetFirstUse(g) && !frontend_is_shared(program, g)) {
			LLVMDeleteGlobal(g);
			continue;
		}
		map = ARENA_PUSH(program->arena, program->maps, program->map_count, cap);
		map->name = global_name(program, g);
		map->loc = frontend_value_loc(program, g);
		map->value = g;
	}
	if (program->map_count)
		qsort(program->maps, program->map_count, sizeof *program->maps, by_place);
	return err;
}

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* The section that libbpf makes a map of, or NULL when it is none of the program's data. */
static const char *data_section(LLVMValueRef global)
{
	static const char *const kinds[] = {".rodata", ".data", ".bss"};
	const char *section = LLVMGetSection(global);

	for (size_t i = 0; section && i < sizeof kinds / sizeof *kinds; i++) {
		size_t length = strlen(kinds[i]);

		if (starts_with(section, kinds[i]) && (!section[length] || section[length] == '.'))
			return section;
	}
	if (section)
		return NULL;
	if (LLVMIsGlobalConstant(global))
		return kinds[0];
	return LLVMIsNull(LLVMGetInitializer(global)) ? kinds[2] : kinds[1];
}

static int collect_global(struct ir_program *program, LLVMValueRef g, size_t *cap,
			  struct diag *diag)
{
	LLVMTargetDataRef layout = LLVMGetModuleDataLayout(program->llvm->module);
	struct ir_global *global;
	const char *section;

	if (section_is(g, SECTION_MAPS) || (!LLVMGetFirstUse(g) && !frontend_is_shared(program, g)))
		return 0;
	/* Strings and tables that the compiler made: no symbol, so nobody can set them. */
	if (LLVMGetLinkage(g) == LLVMPrivateLinkage && LLVMIsGlobalConstant(g))
		return 0;
	if (frontend_is_kernel_offset(g)) /* its loader fills it in */
		return 0;
	if (!LLVMGetInitializer(g) && section_is(g, ".kconfig") && !program->from_object)
		return -EAGAIN;
	if (!LLVMGetInitializer(g))
		return frontend_refuse(program, diag, frontend_value_loc(program, g),
				       IR_REASON_UNSUPPORTED_CALL,
				       arena_printf(program->arena,
						    "the external variable %s (of another source? "
						    "link both objects: bpftool gen object)",
						    global_name(program, g)));
	section = data_section(g);
	if (!section)
		return frontend_refuse(
		    program, diag, frontend_value_loc(program, g), IR_REASON_UNSUPPORTED_CALL,
		    arena_printf(program->arena, "a variable in section %s", LLVMGetSection(g)));
	global = ARENA_PUSH(program->arena, program->globals, program->global_count, *cap);
	global->name = global_name(program, g);
	global->section = section;
	global->size = (uint32_t)LLVMABISizeOfType(layout, LLVMGlobalGetValueType(g));
	global->constant = starts_with(section, ".rodata");
	global->value = g;
	/* The kernel part keeps all of them, where the agent and its successor find them: not
	 * merged into .rodata.cst8, and not dropped where only user has a use for one. */
	LLVMSetUnnamedAddress(g, LLVMNoUnnamedAddr);
	LLVMSetLinkage(g, LLVMExternalLinkage);
	return 0;
}

/* The last member of the definition, `values`, as an array of pointers; NULL without one. */
static LLVMValueRef values_of(LLVMValueRef global)
{
	LLVMValueRef init = LLVMGetInitializer(global), last;
	int members = init ? LLVMGetNumOperands(init) : 0;

	if (!members || !LLVMIsAConstantStruct(init))
		return NULL;
	last = LLVMGetOperand(init, (unsigned)members - 1);
	return LLVMIsAConstantArray(last) ? last : NULL;
}

static int map_of(const struct ir_program *program, LLVMValueRef global)
{
	for (size_t m = 0; m < program->map_count; m++)
		if (program->maps[m].value == global)
			return (int)m;
	return IR_NONE;
}

/* A map with two names is one state, which nothing else would notice. */
static void mark_held(struct ir_map *holder, struct ir_map *held)
{
	held->is_held = true;
	for (LLVMUseRef use = LLVMGetFirstUse(held->value); use; use = LLVMGetNextUse(use))
		if (LLVMIsAInstruction(LLVMGetUser(use)))
			holder->is_aliased = held->is_aliased = true;
}

/* Which maps the maps of maps begin with: `.values = {&a, [3] = &b}`. */
static void find_held(struct ir_program *program)
{
	for (size_t m = 0; m < program->map_count; m++) {
		struct ir_map *map = &program->maps[m];
		LLVMValueRef values = map->inner.type ? values_of(map->value) : NULL;

		if (!values)
			continue;
		map->held_count = LLVMGetArrayLength2(LLVMTypeOf(values));
		map->held = arena_array(program->arena, map->held_count + 1, sizeof *map->held);
		for (size_t i = 0; i < map->held_count; i++) {
			map->held[i] = map_of(program, LLVMGetOperand(values, (unsigned)i));
			if (map->held[i] != IR_NONE)
				mark_held(map, &program->maps[map->held[i]]);
		}
	}
}

/* Of a pair: arrays of programs are the one's or the other's, the rest has one place in both. */
static void move_program_arrays(struct ir_program *program)
{
	struct ir_map *sorted = arena_array(program->arena, program->map_count + 1, sizeof *sorted);
	size_t count = 0;

	for (int last = 0; last < 2; last++)
		for (size_t m = 0; m < program->map_count; m++)
			if ((program->maps[m].type == BPF_MAP_TYPE_PROG_ARRAY) == last)
				sorted[count++] = program->maps[m];
	program->maps = sorted;
}

static bool has_map(const void *context, const char *name)
{
	const struct ir_program *program = context;

	return LLVMGetNamedGlobal(program->llvm->module, name) != NULL;
}

static void check_settings(const struct ir_program *program, struct diag *diag)
{
	const char *unknown =
	    program->map_settings
		? map_settings_unknown(program->arena, program->map_settings, has_map, program)
		: NULL;

	if (unknown)
		diag_warning(diag, (struct src_loc){.file = program->source},
			     "--map-entries or --map-inner names %s, a map that the program does "
			     "not use",
			     unknown);
}

int frontend_collect_globals(struct ir_program *program, struct diag *diag)
{
	LLVMMemoryBufferRef object = NULL;
	LLVMValueRef g;
	size_t cap = 0;
	int err = collect_maps(program, diag);

	if (err == -EAGAIN)
		return err;
	for (g = LLVMGetFirstGlobal(program->llvm->module); g; g = LLVMGetNextGlobal(g)) {
		if (section_is(g, SECTION_LICENSE))
			read_license(program, g);
		err = collect_global(program, g, &cap, diag) ?: err;
		if (err == -EAGAIN)
			return err;
	}
	check_settings(program, diag);
	if (err || !program->map_count)
		return err;
	err = frontend_emit_maps_object(program, &object, diag);
	if (err)
		return err;
	err = frontend_read_map_definitions(program, LLVMGetBufferStart(object),
					    LLVMGetBufferSize(object), program->maps,
					    program->map_count, diag);
	LLVMDisposeMemoryBuffer(object);
	if (!err && program->shared_count)
		move_program_arrays(program);
	if (!err)
		find_held(program);
	return err;
}
