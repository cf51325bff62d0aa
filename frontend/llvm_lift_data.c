/* Maps and global variables. */
#include "frontend/llvm_lift.h"

#include <errno.h>
#include <llvm-c/Core.h>
#include <string.h>

#include "frontend/kconfig.h"
#include "support/arena.h"
#include "support/whole_section.h"

#define SECTION_MAPS ".maps"

/* What an element of `.values` points to: a map, a program, or (of another kind) nothing. */
static LLVMValueRef held_value(struct lift *l, const struct bpf_content *content)
{
	LLVMValueRef held = content->held.kind == BPF_REFERENCE_MAP
				? lift_map(l, content->held.index)
				: lift_program_of(l, &content->held);

	return held ?: LLVMConstNull(l->ptr);
}

static LLVMValueRef contents_of(struct lift *l, const struct bpf_map_symbol *map, uint32_t slots)
{
	LLVMValueRef *values = arena_array(l->arena, slots + 1, sizeof *values);

	for (uint32_t i = 0; i < slots; i++)
		values[i] = LLVMConstNull(l->ptr);
	for (size_t c = 0; c < map->content_count; c++)
		if (map->contents[c].index < slots)
			values[map->contents[c].index] = held_value(l, &map->contents[c]);
	return LLVMConstArray2(l->ptr, values, slots);
}

/*
 * A map is as many pointers as its definition has members; what they point to is in its type. What
 * it begins with follows them, as an array.
 */
static LLVMValueRef definition(struct lift *l, const struct bpf_map_symbol *map, uint32_t bytes)
{
	uint32_t values = map->content_count && map->values < bytes ? map->values : bytes;
	LLVMValueRef parts[] = {LLVMConstNull(LLVMArrayType2(l->ptr, values / 8)), NULL};

	if (values == bytes)
		return parts[0];
	parts[1] = contents_of(l, map, (bytes - values) / 8);
	return LLVMConstStructInContext(l->context, parts, 2, false);
}

/* Maps that it holds come before it, as their loader wants; damaged ones may hold each other. */
static LLVMValueRef add_map(struct lift *l, int index, const char *name, uint32_t bytes)
{
	enum { DEPTH_MAX = 4 };
	LLVMValueRef init, g;

	if (l->map_depth == DEPTH_MAX)
		return NULL;
	l->map_depth++;
	init = definition(l, &l->object->maps[index], bytes);
	l->map_depth--;
	if (l->maps[index])
		return NULL;
	g = LLVMAddGlobal(l->module, LLVMTypeOf(init), name);
	LLVMSetInitializer(g, init);
	l->maps[index] = g;
	return g;
}

LLVMValueRef lift_map(struct lift *l, int index)
{
	const struct bpf_map_symbol *map = &l->object->maps[index];
	LLVMMetadataRef type;
	LLVMValueRef g;
	uint32_t legacy[5] = {0}, bytes = map->size;

	if (l->maps[index])
		return l->maps[index];
	if (map->bytes) {
		memcpy(legacy, map->bytes, bytes < sizeof legacy ? bytes : sizeof legacy);
		type = lift_map_type(l, legacy);
		bytes = sizeof legacy * 2;
	} else {
		type = lift_type(l, map->type);
	}
	g = add_map(l, index, map->name, bytes);
	if (!g)
		return l->maps[index];
	LLVMSetSection(g, SECTION_MAPS);
	LLVMSetAlignment(g, 8);
	lift_describe_global(l, g, map->name, false, type);
	return g;
}

static LLVMValueRef initial_bytes(struct lift *l, const struct bpf_data *data, uint32_t from,
				  uint32_t size)
{
	if (!data->bytes)
		return LLVMConstNull(LLVMArrayType2(l->i8, size));
	return LLVMConstStringInContext2(l->context, (const char *)data->bytes + from, size, true);
}

/* Where LLVM would put it by itself, nothing is said. */
static void place_global(LLVMValueRef g, const struct bpf_data *data)
{
	const char *by_itself = data->constant                      ? ".rodata"
				: LLVMIsNull(LLVMGetInitializer(g)) ? ".bss"
								    : ".data";

	if (strcmp(data->section, by_itself))
		LLVMSetSection(g, data->section);
}

static uint32_t alignment_of(uint32_t offset)
{
	return offset % 8 == 0 ? 8 : offset % 4 == 0 ? 4 : offset % 2 == 0 ? 2 : 1;
}

/* Who loads the program may set what is constant to it: LLVM must not compute with it. */
static LLVMValueRef add_global(struct lift *l, const struct bpf_data *data, const char *name,
			       uint32_t from, uint32_t size)
{
	LLVMValueRef init = initial_bytes(l, data, from, size);
	LLVMValueRef g = LLVMAddGlobal(l->module, LLVMTypeOf(init), name);

	LLVMSetInitializer(g, init);
	LLVMSetGlobalConstant(g, data->constant);
	LLVMSetExternallyInitialized(g, data->constant && !data->nameless);
	LLVMSetAlignment(g, alignment_of(from));
	return g;
}

static const char *whole_name(struct lift *l, const struct bpf_data *data)
{
	char *name = arena_printf(l->arena, WHOLE_SECTION_PREFIX "%s",
				  data->section + (*data->section == '.'));

	for (char *dot = name; (dot = strchr(dot, '.'));)
		*dot = '_';
	return name;
}

static LLVMValueRef whole_section(struct lift *l, int index)
{
	const struct bpf_data *data = &l->object->data[index];
	struct lift_data *made = &l->data[index];
	const char *name;

	if (made->whole)
		return made->whole;
	name = whole_name(l, data);
	made->whole = add_global(l, data, name, 0, data->size);
	if (data->nameless) {
		LLVMSetLinkage(made->whole, LLVMPrivateLinkage);
		return made->whole;
	}
	place_global(made->whole, data);
	lift_describe_global(l, made->whole, name, false, lift_bytes_type(l, data->size));
	return made->whole;
}

static LLVMValueRef variable(struct lift *l, int index, size_t v)
{
	const struct bpf_data *data = &l->object->data[index];
	const struct bpf_variable *var = &data->variables[v];
	LLVMValueRef *made = &l->data[index].variables[v];

	if (*made)
		return *made;
	*made = add_global(l, data, var->name, var->offset, var->size);
	place_global(*made, data);
	if (var->local)
		LLVMSetLinkage(*made, LLVMInternalLinkage);
	lift_describe_global(l, *made, var->name, var->local, lift_type(l, var->type));
	return *made;
}

/* The variable around a place; one that ends there only if none begins there. */
static int find_variable(const struct bpf_data *data, int64_t offset)
{
	int ends = -1;

	for (size_t v = 0; v < data->variable_count; v++) {
		const struct bpf_variable *var = &data->variables[v];

		if (offset >= var->offset && offset < (int64_t)var->offset + var->size)
			return (int)v;
		if (offset == (int64_t)var->offset + var->size)
			ends = (int)v;
	}
	return ends;
}

LLVMValueRef lift_data_place(struct lift *l, int index, int64_t offset)
{
	const struct bpf_data *data = &l->object->data[index];
	LLVMValueRef base, distance;
	int v = l->data[index].undivided ? -1 : find_variable(data, offset);

	if (offset < 0 || offset > data->size)
		return NULL;
	base = v < 0 ? whole_section(l, index) : variable(l, index, (size_t)v);
	if (v >= 0)
		offset -= data->variables[v].offset;
	if (!offset)
		return base;
	distance = lift_constant(l, offset);
	return LLVMConstGEP2(l->i8, base, &distance, 1);
}

LLVMValueRef lift_code_place(struct lift *l)
{
	static const char name[] = "cleave.code";
	LLVMValueRef g = LLVMGetNamedGlobal(l->module, name);

	if (g)
		return g;
	g = LLVMAddGlobal(l->module, l->i8, name);
	LLVMSetInitializer(g, LLVMConstNull(l->i8));
	LLVMSetGlobalConstant(g, true);
	LLVMSetLinkage(g, LLVMPrivateLinkage);
	return g;
}

/*
 * A section falls apart into its variables if each place that the code names lies in one. Constants
 * that the linker may merge (.rodata.str1.1) have no place of their own, so nobody sets them.
 */
int lift_make_data(struct lift *l)
{
	struct bpf_object *o = l->object;

	l->maps = arena_array(l->arena, o->map_count + 1, sizeof *l->maps);
	l->data = arena_array(l->arena, o->data_count + 1, sizeof *l->data);
	for (size_t d = 0; d < o->data_count; d++) {
		l->data[d].variables = arena_array(l->arena, o->data[d].variable_count + 1,
						   sizeof *l->data[d].variables);
		l->data[d].undivided = o->data[d].nameless;
	}
	for (size_t c = 0; c < o->code_count; c++)
		for (uint32_t i = 0; i < o->code[c].count; i++) {
			const struct bpf_reference *r = &o->code[c].instructions[i].reference;

			if (r->kind != BPF_REFERENCE_DATA ||
			    find_variable(&o->data[r->index], r->offset) >= 0)
				continue;
			l->data[r->index].undivided = true;
			o->data[r->index].nameless |= o->data[r->index].merged;
		}
	return 0;
}

static const struct btf_type *find_extern(const struct lift *l, const char *name)
{
	const struct bpf_types *types = &l->object->types;
	const struct btf_type *list = bpf_types_section(types, ".kconfig");

	for (uint32_t i = 0; list && i < BTF_INFO_VLEN(list->info); i++) {
		const struct btf_type *var = bpf_types_get(types, bpf_type_variables(list)[i].type);

		if (BTF_INFO_KIND(var->info) == BTF_KIND_VAR &&
		    !strcmp(bpf_types_name(types, var), name))
			return var;
	}
	return NULL;
}

LLVMValueRef lift_extern(struct lift_function *f, const char *name)
{
	struct lift *l = f->lift;
	const struct btf_type *var = find_extern(l, name);
	const char *why = "it is none of the kernel's settings";
	LLVMValueRef function = lift_kfunc(l, name);
	const uint8_t *bytes = var ? kconfig_value(l->arena, &l->object->types, var->type, name,
						   elf_object_is_weak(&l->object->elf, name), &why)
				   : NULL;
	LLVMValueRef init, g;

	if (function)
		return function;
	if (!bytes) {
		lift_refuse(f, "the external variable %s is not supported: %s", name, why);
		return NULL;
	}
	init = LLVMConstStringInContext2(l->context, (const char *)bytes,
					 bpf_types_size(&l->object->types, var->type), true);
	g = LLVMAddGlobal(l->module, LLVMTypeOf(init), name);
	LLVMSetInitializer(g, init);
	LLVMSetGlobalConstant(g, true);
	LLVMSetLinkage(g, LLVMPrivateLinkage);
	LLVMSetAlignment(g, 8);
	return g;
}
