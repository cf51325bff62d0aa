#include "frontend/object_modern.h"

#include <elf.h>
#include <linux/btf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "frontend/bpf_object.h"
#include "support/arena.h"

enum { FIELDS = 5, DEFINITION_BYTES = FIELDS * 8 };

static const char *const fields[FIELDS] = {"type", "key_size", "value_size", "max_entries",
					   "map_flags"};

/* Bytes that grow. */
struct text {
	struct arena *arena;
	char *bytes;
	size_t size;
};

static size_t append(struct text *to, const void *bytes, size_t size)
{
	size_t at = to->size;

	to->bytes = arena_grow(to->arena, to->bytes, at, at + size, 1);
	if (bytes)
		memcpy(to->bytes + at, bytes, size);
	to->size += size;
	return at;
}

static uint32_t append_string(struct text *to, const char *string)
{
	return (uint32_t)append(to, string, strlen(string) + 1);
}

static void align(struct text *to)
{
	while (to->size % 8)
		append(to, NULL, 1);
}

/* ---- BTF: what was there, and the definitions ---- */

struct writer {
	struct text types, strings;
	uint32_t count;  /* of types so far */
	uint32_t number; /* the id of `int` */
};

static uint32_t add_type(struct writer *w, uint32_t name, unsigned kind, unsigned length,
			 uint32_t size_or_type)
{
	struct btf_type type = {name, kind << 24 | length, {size_or_type}};

	append(&w->types, &type, sizeof type);
	return ++w->count;
}

static void add_word(struct writer *w, uint32_t word)
{
	append(&w->types, &word, sizeof word);
}

/* int (*field)[number] */
static uint32_t add_field(struct writer *w, uint32_t number)
{
	struct btf_array array = {w->number, w->number, number};
	uint32_t id = add_type(w, 0, BTF_KIND_ARRAY, 0, 0);

	append(&w->types, &array, sizeof array);
	return add_type(w, 0, BTF_KIND_PTR, 0, id);
}

static uint32_t add_map(struct writer *w, const struct bpf_map_symbol *map)
{
	uint32_t numbers[FIELDS] = {0}, ids[FIELDS], id;

	memcpy(numbers, map->bytes, map->size < sizeof numbers ? map->size : sizeof numbers);
	for (unsigned f = 0; f < FIELDS; f++)
		ids[f] = add_field(w, numbers[f]);
	id = add_type(w, 0, BTF_KIND_STRUCT, FIELDS, DEFINITION_BYTES);
	for (unsigned f = 0; f < FIELDS; f++) {
		struct btf_member member = {append_string(&w->strings, fields[f]), ids[f], 64 * f};

		append(&w->types, &member, sizeof member);
	}
	id = add_type(w, append_string(&w->strings, map->name), BTF_KIND_VAR, 0, id);
	add_word(w, 1); /* global */
	return id;
}

static void add_maps(struct writer *w, const struct bpf_object *o)
{
	uint32_t *ids = arena_array(o->arena, o->map_count + 1, sizeof *ids), legacy = 0, name;

	w->number = add_type(w, append_string(&w->strings, "int"), BTF_KIND_INT, 0, 4);
	add_word(w, BTF_INT_SIGNED << 24 | 32);
	for (size_t m = 0; m < o->map_count; m++)
		if (o->maps[m].bytes)
			ids[legacy++] = add_map(w, &o->maps[m]);
	name = append_string(&w->strings, ".maps");
	add_type(w, name, BTF_KIND_DATASEC, legacy, legacy * DEFINITION_BYTES);
	for (uint32_t i = 0; i < legacy; i++) {
		struct btf_var_secinfo place = {ids[i], i * DEFINITION_BYTES, DEFINITION_BYTES};

		append(&w->types, &place, sizeof place);
	}
}

/* Its section is gone: a struct of as many members, which need not say anything. */
static void retire(struct btf_type *list, uint32_t number)
{
	struct btf_member *members = (void *)(list + 1);
	uint32_t count = BTF_INFO_VLEN(list->info);

	*list = (struct btf_type){0, (uint32_t)BTF_KIND_STRUCT << 24 | count, {4}};
	for (uint32_t i = 0; i < count; i++)
		members[i] = (struct btf_member){0, number, 0};
}

static bool is_legacy(const char *section)
{
	return !strcmp(section, "maps") || !strncmp(section, "maps/", 5);
}

static void copy_types(struct writer *w, const struct bpf_object *o)
{
	const struct bpf_types *t = &o->types;
	uint32_t number = t->count + 1;

	append(&w->strings, t->string_bytes ? t->strings : "",
	       t->string_bytes ? t->string_bytes : 1);
	for (uint32_t id = 1; id <= t->count; id++) {
		const char *start = (const char *)t->type[id];
		size_t bytes = bpf_types_record_bytes(t->type[id]);
		size_t at = append(&w->types, start, bytes);

		if (BTF_INFO_KIND(t->type[id]->info) == BTF_KIND_DATASEC &&
		    is_legacy(bpf_types_name(t, t->type[id])))
			retire((void *)(w->types.bytes + at), number);
	}
	w->count = t->count;
}

static void write_btf(const struct bpf_object *o, struct text *btf)
{
	struct writer w = {.types.arena = o->arena, .strings.arena = o->arena};
	struct btf_header header = {
	    .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof header};

	copy_types(&w, o);
	add_maps(&w, o);
	header.type_len = header.str_off = (uint32_t)w.types.size;
	header.str_len = (uint32_t)w.strings.size;
	append(btf, &header, sizeof header);
	append(btf, w.types.bytes, w.types.size);
	append(btf, w.strings.bytes, w.strings.size);
}

/* ---- ELF ---- */

struct file {
	const struct bpf_object *o;
	struct text out;
	Elf64_Shdr *sections;
	uint32_t count;
	struct text names;
};

static void begin(struct file *f, const char *bytes, size_t size)
{
	Elf64_Ehdr header;
	const struct elf_section *names;

	memcpy(&header, bytes, sizeof header);
	append(&f->out, bytes, size);
	f->count = header.e_shnum;
	f->sections = arena_array(f->o->arena, f->count + 2, sizeof *f->sections);
	memcpy(f->sections, bytes + header.e_shoff, f->count * sizeof *f->sections);
	names = &f->o->elf.sections[header.e_shstrndx];
	append(&f->names, names->bytes, names->size);
}

static void put_section(struct file *f, uint32_t index, const char *name, const void *bytes,
			size_t size)
{
	Elf64_Shdr *s = &f->sections[index];

	align(&f->out);
	s->sh_name = append_string(&f->names, name);
	s->sh_type = SHT_PROGBITS;
	s->sh_offset = append(&f->out, bytes, size);
	s->sh_size = size;
	s->sh_addralign = 8;
}

/* All definitions in one section, in the order of the maps. */
static uint32_t put_maps(struct file *f)
{
	uint32_t first = 0;
	size_t legacy = 0;

	for (size_t m = 0; m < f->o->map_count; m++) {
		if (!f->o->maps[m].bytes)
			continue;
		first = first ? first : f->o->maps[m].elf_section;
		legacy++;
	}
	put_section(f, first, ".maps", NULL, legacy * DEFINITION_BYTES);
	f->sections[first].sh_flags = SHF_ALLOC | SHF_WRITE;
	return first;
}

static void put_btf(struct file *f)
{
	struct text btf = {.arena = f->o->arena};
	uint32_t index = elf_object_find(&f->o->elf, ".BTF");

	write_btf(f->o, &btf);
	if (!index)
		index = f->count++;
	put_section(f, index, ".BTF", btf.bytes, btf.size);
}

/* The legacy map at a symbol's place: its number among them, or -1. */
static int number_of(const struct bpf_object *o, const Elf64_Sym *symbol)
{
	int number = 0;

	for (size_t m = 0; m < o->map_count; m++) {
		if (!o->maps[m].bytes)
			continue;
		if (o->maps[m].elf_section == symbol->st_shndx &&
		    o->maps[m].offset == symbol->st_value)
			return number;
		number++;
	}
	return -1;
}

static void move_symbols(struct file *f, uint32_t maps)
{
	for (uint32_t s = 1; s < f->count; s++) {
		if (f->sections[s].sh_type != SHT_SYMTAB)
			continue;
		for (size_t at = 0; at + sizeof(Elf64_Sym) <= f->sections[s].sh_size;
		     at += sizeof(Elf64_Sym)) {
			char *place = f->out.bytes + f->sections[s].sh_offset + at;
			Elf64_Sym symbol;
			int number;

			memcpy(&symbol, place, sizeof symbol);
			number = number_of(f->o, &symbol);
			if (number < 0 || ELF64_ST_TYPE(symbol.st_info) == STT_SECTION)
				continue;
			symbol.st_shndx = (Elf64_Half)maps;
			symbol.st_value = (Elf64_Addr)number * DEFINITION_BYTES;
			symbol.st_size = DEFINITION_BYTES;
			symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
			memcpy(place, &symbol, sizeof symbol);
		}
	}
}

static void end(struct file *f)
{
	Elf64_Ehdr header;

	memcpy(&header, f->out.bytes, sizeof header);
	put_section(f, header.e_shstrndx, ".strtab", NULL, 0);
	f->sections[header.e_shstrndx].sh_type = SHT_STRTAB;
	f->sections[header.e_shstrndx].sh_offset = append(&f->out, f->names.bytes, f->names.size);
	f->sections[header.e_shstrndx].sh_size = f->names.size;
	align(&f->out);
	header.e_shnum = (Elf64_Half)f->count;
	header.e_shoff = append(&f->out, f->sections, f->count * sizeof *f->sections);
	memcpy(f->out.bytes, &header, sizeof header);
}

static bool has_legacy(const struct bpf_object *o)
{
	for (size_t m = 0; m < o->map_count; m++)
		if (o->maps[m].bytes)
			return true;
	return false;
}

void object_modernise(struct arena *arena, const char **bytes, size_t *size)
{
	struct diag quiet = {.out = fopen("/dev/null", "w")};
	struct bpf_object o;
	struct file f = {.o = &o, .out.arena = arena, .names.arena = arena};

	if (quiet.out && !bpf_object_read(arena, *bytes, *size, "", &o, &quiet) && has_legacy(&o)) {
		begin(&f, *bytes, *size);
		move_symbols(&f, put_maps(&f));
		put_btf(&f);
		end(&f);
		*bytes = f.out.bytes;
		*size = f.out.size;
	}
	if (quiet.out)
		fclose(quiet.out);
}
