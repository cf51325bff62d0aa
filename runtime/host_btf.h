/*
 * The types of a program's maps and global variables, from the BTF of its object. Needs no
 * privilege.
 *
 *     struct host_btf *btf;
 *     int err = host_btf_open(elf, size, &btf, diag);
 *     host_btf_map(btf, "flows", &key, &value);
 *     host_btf_type(btf, key, &type);       type.shape == BTF_SHAPE_STRUCT ...
 *
 * Types are numbers; 0 is "not known". Typedefs and qualifiers are looked through; __be16, __be32
 * and
 * __be64 are remembered as big_endian.
 */
#ifndef CLEAVE_RUNTIME_HOST_BTF_H
#define CLEAVE_RUNTIME_HOST_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;
struct host_btf;

enum btf_shape {
	BTF_SHAPE_UNKNOWN,
	BTF_SHAPE_NUMBER, /* integer, enum, bool */
	BTF_SHAPE_ARRAY,
	BTF_SHAPE_STRUCT, /* or union */
};

struct btf_type_view {
	enum btf_shape shape;
	uint32_t size;
	bool big_endian, is_signed;
	const char *name;        /* of a struct; "" when it has none */
	uint32_t element, count; /* of an array; members of a struct */
};

struct btf_member_view {
	const char *name; /* "" for an anonymous struct or union */
	uint32_t type;
	uint32_t bit, bits; /* from the start of the struct; bits is 0 unless a bit field */
};

/* The bytes must outlive it. Returns 0 or a negative errno, reported to diag. */
int host_btf_open(const void *elf, size_t size, struct host_btf **btf, struct diag *diag);
void host_btf_close(struct host_btf **btf);

/* Types of a map's key and value; 0 for one that the source gives only a size. False: no such map.
 */
/* The same of the maps that the map of this name holds. */
bool host_btf_inner(const struct host_btf *btf, const char *name, uint32_t *key, uint32_t *value);
bool host_btf_map(const struct host_btf *btf, const char *name, uint32_t *key, uint32_t *value);
/* Type of a global variable, 0 when there is none. */
uint32_t host_btf_global(const struct host_btf *btf, const char *name);

void host_btf_type(const struct host_btf *btf, uint32_t id, struct btf_type_view *view);
/* Member index of a struct; index < view.count. */
void host_btf_member(const struct host_btf *btf, uint32_t id, uint32_t index,
		     struct btf_member_view *view);
/* The number behind an enumerator's name in enum id; false when it has none of that name. */
bool host_btf_enumerator(const struct host_btf *btf, uint32_t id, const char *name, int64_t *value);

#endif
