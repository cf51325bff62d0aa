/*
 * An object's BTF: types, strings and the line table, read from memory. All that bpf_types_read
 * takes has its records inside the section and its type numbers inside the table; what has not is
 * refused whole, as if there were no BTF. Types may still form circles: who follows them counts.
 */
#ifndef CLEAVE_FRONTEND_BPF_TYPES_H
#define CLEAVE_FRONTEND_BPF_TYPES_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct bpf_types {
	struct arena *arena;
	const char *strings;
	uint32_t string_bytes;
	const struct btf_type **type; /* [1..count]; [0] is void */
	uint32_t count;
};

/* One row of the line table: from this instruction of the section on. */
struct bpf_line {
	uint32_t instruction; /* in units of 8 bytes */
	const char *file;
	uint32_t line, column;
};

/* One CO-RE relocation, as the kernel's struct bpf_core_relo. */
struct bpf_core {
	uint32_t instruction;
	uint32_t type;      /* number of the local type */
	const char *access; /* "0:1:2" */
	uint32_t kind;      /* enum bpf_core_relo_kind */
};

/* False: there is none, or it is damaged. */
bool bpf_types_read(struct arena *arena, const void *bytes, size_t size, struct bpf_types *types);
const char *bpf_types_string(const struct bpf_types *types, uint32_t offset);
/* The type without const, volatile, typedef and the like; NULL for void. */
const struct btf_type *bpf_types_bare(const struct bpf_types *types, uint32_t id);
const struct btf_type *bpf_types_get(const struct bpf_types *types, uint32_t id);
const char *bpf_types_name(const struct bpf_types *types, const struct btf_type *type);
/* Bytes of a type, or 0 when it has none. */
uint64_t bpf_types_size(const struct bpf_types *types, uint32_t id);
/* Of the whole record. */
size_t bpf_types_record_bytes(const struct btf_type *type);
/* The section's variables, or NULL. */
const struct btf_type *bpf_types_section(const struct bpf_types *types, const char *name);

static inline const struct btf_member *bpf_type_members(const struct btf_type *type)
{
	return (const void *)(type + 1);
}

static inline const struct btf_array *bpf_type_array(const struct btf_type *type)
{
	return (const void *)(type + 1);
}

static inline const struct btf_var_secinfo *bpf_type_variables(const struct btf_type *type)
{
	return (const void *)(type + 1);
}

/* The rows of .BTF.ext for a section, in order; none when it is damaged. */
void bpf_types_lines(const struct bpf_types *types, const void *ext, size_t size,
		     const char *section, struct bpf_line **lines, size_t *count);
void bpf_types_core(const struct bpf_types *types, const void *ext, size_t size,
		    const char *section, struct bpf_core **relocations, size_t *count);

#endif
