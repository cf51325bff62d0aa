/* Maps, global variables and the licence of an object. */
#include "frontend/bpf_object.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "support/arena.h"

#define SECTION_MAPS        ".maps"
#define SECTION_MAPS_LEGACY "maps"
#define SECTION_LICENSE     "license"

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

int bpf_object_find_map(const struct bpf_object *object, uint32_t section, int64_t offset)
{
	for (size_t m = 0; m < object->map_count; m++)
		if (object->maps[m].elf_section == section && object->maps[m].offset == offset)
			return (int)m;
	return -1;
}

int bpf_object_find_data(const struct bpf_object *object, uint32_t section)
{
	for (size_t d = 0; d < object->data_count; d++)
		if (object->data[d].elf_section == section)
			return (int)d;
	return -1;
}

/* The type of a section's variable of that name in BTF, or 0. */
static uint32_t find_type(const struct bpf_object *o, const char *section, const char *name)
{
	const struct btf_type *list = bpf_types_section(&o->types, section);

	for (uint32_t i = 0; list && i < BTF_INFO_VLEN(list->info); i++) {
		const struct btf_type *var =
		    bpf_types_get(&o->types, bpf_type_variables(list)[i].type);

		if (BTF_INFO_KIND(var->info) == BTF_KIND_VAR &&
		    !strcmp(bpf_types_name(&o->types, var), name))
			return var->type;
	}
	return 0;
}

/* An object's symbol that names bytes of the section. */
static bool names_bytes(const struct elf_symbol *symbol, uint32_t section, uint64_t size)
{
	return symbol->section == section && *symbol->name &&
	       (symbol->type == STT_OBJECT || symbol->type == STT_NOTYPE) && symbol->value < size &&
	       symbol->size <= size - symbol->value;
}

/* What a member of a map's definition points to: `__type(key, T)` or `__uint(key_size, 4)`. */
static uint32_t read_size(const struct bpf_types *types, const struct btf_member *m,
			  const char *type_name, const char *number_name)
{
	const struct btf_type *pointer = bpf_types_bare(types, m->type), *array;
	const char *name = bpf_types_string(types, m->name_off);

	if (!pointer || BTF_INFO_KIND(pointer->info) != BTF_KIND_PTR)
		return 0;
	if (!strcmp(name, type_name))
		return (uint32_t)bpf_types_size(types, pointer->type);
	array = bpf_types_bare(types, pointer->type);
	if (strcmp(name, number_name) || !array || BTF_INFO_KIND(array->info) != BTF_KIND_ARRAY)
		return 0;
	return bpf_type_array(array)->nelems;
}

static void read_sizes(const struct bpf_object *o, struct bpf_map_symbol *map)
{
	const struct btf_type *type = bpf_types_bare(&o->types, map->type);
	uint32_t legacy[3]; /* type, key and value size */

	if (map->bytes && map->size >= sizeof legacy) {
		memcpy(legacy, map->bytes, sizeof legacy);
		map->key_size = legacy[1];
		map->value_size = legacy[2];
	}
	if (!type || BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT)
		return;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		const struct btf_member *m = &bpf_type_members(type)[i];

		map->key_size += read_size(&o->types, m, "key", "key_size");
		map->value_size += read_size(&o->types, m, "value", "value_size");
	}
}

/* The last member of a definition is an array of no length: `.values`. */
static uint32_t find_values(const struct bpf_object *o, const struct bpf_map_symbol *map)
{
	const struct btf_type *type = bpf_types_bare(&o->types, map->type);
	uint32_t count = type ? BTF_INFO_VLEN(type->info) : 0;
	const struct btf_member *last;

	if (!count || BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT)
		return map->size;
	last = &bpf_type_members(type)[count - 1];
	return strcmp(bpf_types_string(&o->types, last->name_off), "values") ? map->size
									     : last->offset / 8;
}

static bool hold(struct bpf_object *o, const struct elf_symbol *symbol, int64_t addend,
		 struct bpf_reference *held)
{
	int map = bpf_object_find_map(o, symbol->section, (int64_t)symbol->value + addend);

	*held = (struct bpf_reference){BPF_REFERENCE_MAP, map, 0, NULL};
	for (size_t c = 0; c < o->code_count; c++)
		if (o->code[c].elf_section == symbol->section)
			*held = (struct bpf_reference){BPF_REFERENCE_CODE, (int)c,
						       ((int64_t)symbol->value + addend) / 8, NULL};
	return held->index >= 0;
}

/*
 * `.values = {...}`: references to maps or programs in the definition. What loaders of their own
 * want in old definitions behind the five numbers (a path, a map like those inside) says nothing
 * here.
 */
static int read_value(struct bpf_object *o, struct bpf_map_symbol *map,
		      const struct elf_relocation *r, struct diag *diag)
{
	uint64_t at = r->offset - map->offset;
	struct bpf_content content;

	if (map->bytes)
		return 0;
	if (at < map->values || (at - map->values) % 8 ||
	    !hold(o, &o->elf.symbols[r->symbol], r->addend, &content.held)) {
		diag_error(diag, (struct src_loc){.file = o->path},
			   "what map %s begins with is neither a map nor a program", map->name);
		return -EINVAL;
	}
	content.index = (uint32_t)((at - map->values) / 8);
	*ARENA_PUSH(o->arena, map->contents, map->content_count, map->content_cap) = content;
	return 0;
}

static int read_values(struct bpf_object *o, uint32_t section, struct diag *diag)
{
	struct elf_relocation *r;
	size_t count;
	int err = elf_object_relocations(&o->elf, section, &r, &count, diag);

	for (size_t i = 0; i < count && !err; i++)
		for (size_t m = 0; m < o->map_count && !err; m++)
			if (o->maps[m].elf_section == section && r[i].offset >= o->maps[m].offset &&
			    r[i].offset - o->maps[m].offset < o->maps[m].size)
				err = read_value(o, &o->maps[m], &r[i], diag);
	return err;
}

static int read_maps(struct bpf_object *o, uint32_t section, bool legacy, struct diag *diag)
{
	const struct elf_section *s = &o->elf.sections[section];

	for (uint32_t i = 0; i < o->elf.symbol_count; i++) {
		const struct elf_symbol *symbol = &o->elf.symbols[i];
		struct bpf_map_symbol *map;

		if (!names_bytes(symbol, section, s->size) ||
		    bpf_object_find_map(o, section, (int64_t)symbol->value) >= 0)
			continue;
		map = ARENA_PUSH(o->arena, o->maps, o->map_count, o->map_cap);
		*map = (struct bpf_map_symbol){
		    .name = symbol->name,
		    .elf_section = section,
		    .offset = (uint32_t)symbol->value,
		    .size = (uint32_t)symbol->size,
		    .type = legacy ? 0 : find_type(o, s->name, symbol->name),
		    .bytes = legacy && s->bytes ? s->bytes + symbol->value : NULL};
		read_sizes(o, map);
		map->values = find_values(o, map);
		if (legacy || map->type)
			continue;
		diag_error(diag, (struct src_loc){.file = o->path},
			   "map %s has no definition in BTF (compile with -g)", map->name);
		return -EINVAL;
	}
	return read_values(o, section, diag);
}

static bool overlaps(const struct bpf_data *data, const struct elf_symbol *symbol)
{
	for (size_t v = 0; v < data->variable_count; v++)
		if (symbol->value < data->variables[v].offset + data->variables[v].size &&
		    data->variables[v].offset < symbol->value + symbol->size)
			return true;
	return false;
}

static void read_variables(struct bpf_object *o, struct bpf_data *data)
{
	size_t cap = 0;

	for (uint32_t i = 0; i < o->elf.symbol_count; i++) {
		const struct elf_symbol *symbol = &o->elf.symbols[i];

		if (!names_bytes(symbol, data->elf_section, data->size) || !symbol->size ||
		    overlaps(data, symbol))
			continue;
		*ARENA_PUSH(o->arena, data->variables, data->variable_count, cap) =
		    (struct bpf_variable){.name = symbol->name,
					  .offset = (uint32_t)symbol->value,
					  .size = (uint32_t)symbol->size,
					  .type = find_type(o, data->section, symbol->name),
					  .local = symbol->binding == STB_LOCAL};
	}
}

static bool holds_data(const struct elf_section *s)
{
	return (s->type == SHT_PROGBITS || s->type == SHT_NOBITS) && s->flags & SHF_ALLOC &&
	       !(s->flags & SHF_EXECINSTR) &&
	       (starts_with(s->name, ".rodata") || starts_with(s->name, ".data") ||
		starts_with(s->name, ".bss"));
}

static int read_data(struct bpf_object *o, uint32_t section, struct diag *diag)
{
	const struct elf_section *s = &o->elf.sections[section];
	struct bpf_data *data;

	enum { BYTES_MAX = 64 << 20 };
	if (s->size > BYTES_MAX) {
		diag_error(diag, (struct src_loc){.file = o->path}, "section %s is too large",
			   s->name);
		return -EINVAL;
	}
	data = ARENA_PUSH(o->arena, o->data, o->data_count, o->data_cap);
	*data = (struct bpf_data){.section = s->name,
				  .elf_section = section,
				  .bytes = s->bytes,
				  .size = (uint32_t)s->size,
				  .constant = starts_with(s->name, ".rodata"),
				  .merged = s->flags & SHF_MERGE,
				  .nameless = starts_with(s->name, ".rodata.")};
	read_variables(o, data);
	data->nameless = data->nameless && !data->variable_count;
	return 0;
}

static void read_license(struct bpf_object *o, const struct elf_section *s)
{
	if (s->bytes)
		o->license = arena_strdup(o->arena,
					  arena_strndup(o->arena, (const char *)s->bytes, s->size));
}

/* iproute2 and old libbpf: `maps`, or one section for each. */
static bool is_legacy(const char *section)
{
	return !strcmp(section, SECTION_MAPS_LEGACY) ||
	       starts_with(section, SECTION_MAPS_LEGACY "/");
}

int bpf_object_read_data(struct bpf_object *object, struct diag *diag)
{
	struct bpf_object *o = object;
	int err = 0;

	for (uint32_t i = 1; i < o->elf.section_count; i++) {
		const struct elf_section *s = &o->elf.sections[i];

		if (!strcmp(s->name, SECTION_LICENSE))
			read_license(o, s);
		else if (!strcmp(s->name, SECTION_MAPS))
			err = read_maps(o, i, false, diag) ?: err;
		else if (is_legacy(s->name) && s->type == SHT_PROGBITS)
			err = read_maps(o, i, true, diag) ?: err;
		else if (holds_data(s) && s->size)
			err = read_data(o, i, diag) ?: err;
	}
	return err;
}
