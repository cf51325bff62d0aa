#include "frontend/elf_object.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"
#include "support/diag.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

struct reader {
	struct elf_object *object;
	const uint8_t *bytes;
	size_t size;
	struct diag *diag;
};

static int complain(const struct elf_object *object, struct diag *diag, const char *what)
{
	diag_error(diag, (struct src_loc){.file = object->path}, "%s", what);
	return -EINVAL;
}

static bool inside(const struct reader *r, uint64_t offset, uint64_t size)
{
	return offset <= r->size && size <= r->size - offset;
}

/* A string of a table that ends inside it; "" for what lies outside. */
static const char *string_at(const uint8_t *table, uint64_t size, uint64_t offset)
{
	if (!table || offset >= size || !memchr(table + offset, '\0', size - offset))
		return "";
	return (const char *)table + offset;
}

static int check_header(const struct reader *r, Elf64_Ehdr *header)
{
	if (r->size < sizeof *header)
		return complain(r->object, r->diag, "the object is cut short");
	memcpy(header, r->bytes, sizeof *header);
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return complain(r->object, r->diag, "this is no BPF object (it is not 64-bit)");
	if (header->e_ident[EI_DATA] != ELFDATA2LSB)
		return complain(r->object, r->diag,
				"this is a big-endian object; only little-endian BPF is read "
				"(compile with -target bpfel)");
	/* Old compilers knew no number for BPF. */
	if (header->e_machine != EM_BPF && header->e_machine != EM_NONE)
		return complain(r->object, r->diag,
				"this is an object for another machine than BPF "
				"(compile with -target bpf)");
	if (header->e_type != ET_REL)
		return complain(r->object, r->diag,
				"this is linked; a relocatable object is needed");
	if (header->e_shentsize != sizeof(Elf64_Shdr) || !header->e_shnum ||
	    header->e_shstrndx >= header->e_shnum)
		return complain(r->object, r->diag, "the object has no table of sections");
	return 0;
}

static int read_section(struct reader *r, const Elf64_Shdr *from, struct elf_section *to)
{
	*to = (struct elf_section){.size = from->sh_size,
				   .flags = from->sh_flags,
				   .align = from->sh_addralign,
				   .type = from->sh_type,
				   .link = from->sh_link,
				   .info = from->sh_info,
				   .name = ""};
	if (from->sh_type == SHT_NULL || from->sh_type == SHT_NOBITS)
		return 0;
	if (!inside(r, from->sh_offset, from->sh_size))
		return complain(r->object, r->diag, "a section lies outside of the object");
	to->bytes = r->bytes + from->sh_offset;
	return 0;
}

static int read_sections(struct reader *r, const Elf64_Ehdr *header)
{
	struct elf_object *o = r->object;
	uint64_t table = (uint64_t)header->e_shnum * sizeof(Elf64_Shdr);
	const struct elf_section *names;
	int err = 0;

	if (!inside(r, header->e_shoff, table))
		return complain(o, r->diag, "the object is cut short");
	o->section_count = header->e_shnum;
	o->sections = arena_array(o->arena, o->section_count, sizeof *o->sections);
	for (uint32_t i = 0; i < o->section_count && !err; i++) {
		Elf64_Shdr from;

		memcpy(&from, r->bytes + header->e_shoff + i * sizeof from, sizeof from);
		err = read_section(r, &from, &o->sections[i]);
	}
	names = &o->sections[header->e_shstrndx];
	for (uint32_t i = 1; i < o->section_count && !err; i++) {
		Elf64_Shdr from;

		memcpy(&from, r->bytes + header->e_shoff + i * sizeof from, sizeof from);
		o->sections[i].name = string_at(names->bytes, names->size, from.sh_name);
	}
	return err;
}

static void read_symbol(const struct elf_object *o, const Elf64_Sym *from,
			const struct elf_section *strings, struct elf_symbol *to)
{
	bool special = from->st_shndx >= o->section_count;

	*to = (struct elf_symbol){
	    .name = string_at(strings->bytes, strings->size, from->st_name),
	    .value = from->st_value,
	    .size = from->st_size,
	    .section = special ? 0 : from->st_shndx,
	    .type = (unsigned char)(special ? STT_FILE : ELF64_ST_TYPE(from->st_info)),
	    .binding = (unsigned char)ELF64_ST_BIND(from->st_info)};
}

static int read_symbols(struct reader *r)
{
	struct elf_object *o = r->object;
	const struct elf_section *table = NULL;

	for (uint32_t i = 1; i < o->section_count; i++)
		if (o->sections[i].type == SHT_SYMTAB)
			table = &o->sections[i];
	if (!table || !table->bytes || table->link >= o->section_count)
		return complain(o, r->diag,
				"the object has no table of symbols (was it stripped?)");
	o->symbol_count = (uint32_t)(table->size / sizeof(Elf64_Sym));
	o->symbols = arena_array(o->arena, o->symbol_count + 1, sizeof *o->symbols);
	for (uint32_t i = 0; i < o->symbol_count; i++) {
		Elf64_Sym from;

		memcpy(&from, table->bytes + i * sizeof from, sizeof from);
		read_symbol(o, &from, &o->sections[table->link], &o->symbols[i]);
	}
	return 0;
}

int elf_object_read(struct arena *arena, const void *bytes, size_t size, const char *path,
		    struct elf_object *object, struct diag *diag)
{
	struct reader r = {object, bytes, size, diag};
	Elf64_Ehdr header;
	int err;

	*object = (struct elf_object){.arena = arena, .path = path};
	err = check_header(&r, &header);
	if (!err)
		err = read_sections(&r, &header);
	return err ? err : read_symbols(&r);
}

uint32_t elf_object_find(const struct elf_object *object, const char *name)
{
	for (uint32_t i = 1; i < object->section_count; i++)
		if (!strcmp(object->sections[i].name, name))
			return i;
	return 0;
}

static int by_offset(const void *left, const void *right)
{
	const struct elf_relocation *a = left, *b = right;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

static int read_relocations(const struct elf_object *object, const struct elf_section *from,
			    struct elf_relocation *to, struct diag *diag)
{
	bool rela = from->type == SHT_RELA;
	size_t each = rela ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);

	for (size_t i = 0; i < from->size / each; i++) {
		Elf64_Rela entry = {0};

		memcpy(&entry, from->bytes + i * each, each);
		to[i] = (struct elf_relocation){.offset = entry.r_offset,
						.symbol = (uint32_t)ELF64_R_SYM(entry.r_info),
						.type = (uint32_t)ELF64_R_TYPE(entry.r_info),
						.addend = entry.r_addend,
						.has_addend = rela};
		if (to[i].symbol >= object->symbol_count)
			return complain(object, diag, "a relocation names no symbol");
	}
	return 0;
}

int elf_object_relocations(const struct elf_object *object, uint32_t section,
			   struct elf_relocation **relocations, size_t *count, struct diag *diag)
{
	int err = 0;

	*relocations = NULL;
	*count = 0;
	for (uint32_t i = 1; i < object->section_count && !err; i++) {
		const struct elf_section *s = &object->sections[i];
		bool rela = s->type == SHT_RELA;
		size_t n = s->size / (rela ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel));

		if ((!rela && s->type != SHT_REL) || s->info != section || !s->bytes || !n)
			continue;
		*relocations = arena_grow(object->arena, *relocations, *count, *count + n,
					  sizeof **relocations);
		err = read_relocations(object, s, *relocations + *count, diag);
		*count += n;
	}
	if (*count)
		qsort(*relocations, *count, sizeof **relocations, by_offset);
	return err;
}

bool elf_object_is_weak(const struct elf_object *object, const char *name)
{
	for (uint32_t s = 0; s < object->symbol_count; s++)
		if (!object->symbols[s].section && !strcmp(object->symbols[s].name, name))
			return object->symbols[s].binding == STB_WEAK;
	return false;
}
