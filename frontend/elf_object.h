/*
 * A BPF object file as it lies in memory: sections, symbols, relocations, each checked against the
 * file's bounds once, so that nobody behind this has to. Nothing is copied but tables; strings and
 * section bytes point into the caller's buffer.
 *
 *     struct elf_object object;
 *     int err = elf_object_read(arena, bytes, size, "nf.bpf.o", &object, &diag);
 */
#ifndef CLEAVE_FRONTEND_ELF_OBJECT_H
#define CLEAVE_FRONTEND_ELF_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct diag;

struct elf_section {
	const char *name;
	const uint8_t *bytes; /* NULL when it has none in the file (.bss) */
	uint64_t size, flags, align;
	uint32_t type, link, info;
};

struct elf_symbol {
	const char *name;
	uint64_t value, size;
	uint32_t section;      /* 0: defined elsewhere */
	unsigned char type;    /* STT_... */
	unsigned char binding; /* STB_... */
};

struct elf_relocation {
	uint64_t offset; /* in the section that it changes */
	uint32_t symbol, type;
	int64_t addend;  /* of RELA; 0 where the addend lies in place */
	bool has_addend; /* a RELA entry */
};

struct elf_object {
	struct arena *arena;
	const char *path;
	struct elf_section *sections; /* [0] is empty */
	uint32_t section_count;
	struct elf_symbol *symbols;
	uint32_t symbol_count;
};

/* Returns 0 or -EINVAL (reported). The bytes must outlive the object. */
int elf_object_read(struct arena *arena, const void *bytes, size_t size, const char *path,
		    struct elf_object *object, struct diag *diag);
/* Index of the section of that name, or 0. */
uint32_t elf_object_find(const struct elf_object *object, const char *name);
/* May what is defined elsewhere be missing? */
bool elf_object_is_weak(const struct elf_object *object, const char *name);
/* A section's relocations in order of offset. Returns 0 or -EINVAL (reported). */
int elf_object_relocations(const struct elf_object *object, uint32_t section,
			   struct elf_relocation **relocations, size_t *count, struct diag *diag);

#endif
