#include "frontend/bpf_types.h"

#include <string.h>

#include "support/arena.h"

#define BTF_KIND_LAST BTF_KIND_ENUM64

/* Bytes behind the header of a record, by kind; -1: unknown kind. */
static int64_t tail_bytes(const struct btf_type *t)
{
	uint32_t n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int64_t)n * (int64_t)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return (int64_t)n * (int64_t)sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return (int64_t)n * (int64_t)sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return (int64_t)n * (int64_t)sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return (int64_t)n * (int64_t)sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

size_t bpf_types_record_bytes(const struct btf_type *type)
{
	return sizeof *type + (size_t)tail_bytes(type);
}

static bool check_members(const struct bpf_types *types, const struct btf_type *t)
{
	const struct btf_member *m = bpf_type_members(t);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++)
		if (m[i].type > types->count)
			return false;
	return true;
}

static bool check_variables(const struct bpf_types *types, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = bpf_type_variables(t);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++)
		if (!v[i].type || v[i].type > types->count)
			return false;
	return true;
}

/* Do all type numbers of a record exist? */
static bool check_record(const struct bpf_types *types, const struct btf_type *t)
{
	const struct btf_param *p = (const void *)(t + 1);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_ARRAY:
		return bpf_type_array(t)->type <= types->count &&
		       bpf_type_array(t)->index_type <= types->count;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(types, t);
	case BTF_KIND_DATASEC:
		return check_variables(types, t);
	case BTF_KIND_FUNC_PROTO:
		for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++)
			if (p[i].type > types->count)
				return false;
		return t->type <= types->count;
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_TYPE_TAG:
		return t->type <= types->count;
	default:
		return true;
	}
}

static bool index_types(struct bpf_types *types, const uint8_t *at, uint32_t size)
{
	size_t cap = 0, count = 0;

	*ARENA_PUSH(types->arena, types->type, count, cap) = NULL;
	while (size) {
		const struct btf_type *t = (const void *)at;
		int64_t tail = size >= sizeof *t ? tail_bytes(t) : -1;

		if (tail < 0 || (uint64_t)tail > size - sizeof *t)
			return false;
		*ARENA_PUSH(types->arena, types->type, count, cap) = t;
		at += sizeof *t + (size_t)tail;
		size -= (uint32_t)sizeof *t + (uint32_t)tail;
	}
	types->count = (uint32_t)count - 1;
	for (uint32_t i = 1; i <= types->count; i++)
		if (!check_record(types, types->type[i]))
			return false;
	return true;
}

/* A copy is aligned, whatever the section's place in the file. */
bool bpf_types_read(struct arena *arena, const void *bytes, size_t size, struct bpf_types *types)
{
	const struct btf_header *h;
	uint8_t *copy;

	*types = (struct bpf_types){.arena = arena, .strings = ""};
	types->type = arena_array(arena, 1, sizeof *types->type);
	if (!bytes || size < sizeof *h || size > UINT32_MAX)
		return false;
	copy = arena_alloc(arena, size);
	memcpy(copy, bytes, size);
	h = (const void *)copy;
	if (h->magic != BTF_MAGIC || h->hdr_len < sizeof *h || h->hdr_len > size || h->hdr_len % 4)
		return false;
	size -= h->hdr_len;
	if (h->type_off % 4 || h->type_off > size || h->type_len > size - h->type_off ||
	    h->str_off > size || h->str_len > size - h->str_off || !h->str_len ||
	    copy[h->hdr_len + h->str_off + h->str_len - 1])
		return false;
	types->strings = (const char *)copy + h->hdr_len + h->str_off;
	types->string_bytes = h->str_len;
	if (index_types(types, copy + h->hdr_len + h->type_off, h->type_len))
		return true;
	types->count = 0;
	return false;
}

const char *bpf_types_string(const struct bpf_types *types, uint32_t offset)
{
	return offset < types->string_bytes ? types->strings + offset : "";
}

const char *bpf_types_name(const struct bpf_types *types, const struct btf_type *type)
{
	return bpf_types_string(types, type->name_off);
}

const struct btf_type *bpf_types_get(const struct bpf_types *types, uint32_t id)
{
	return id && id <= types->count ? types->type[id] : NULL;
}

enum { DEPTH_MAX = 32 };

static bool qualifier(const struct btf_type *type)
{
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return true;
	default:
		return false;
	}
}

const struct btf_type *bpf_types_bare(const struct bpf_types *types, uint32_t id)
{
	const struct btf_type *type = bpf_types_get(types, id);

	for (unsigned depth = 0; type && qualifier(type); depth++)
		type = depth < DEPTH_MAX ? bpf_types_get(types, type->type) : NULL;
	return type;
}

uint64_t bpf_types_size(const struct bpf_types *types, uint32_t id)
{
	uint64_t count = 1;

	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		const struct btf_type *type = bpf_types_bare(types, id);

		if (!type)
			return 0;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			return count * type->size;
		case BTF_KIND_PTR:
			return count * 8;
		case BTF_KIND_VAR:
			id = type->type;
			break;
		case BTF_KIND_ARRAY:
			if (__builtin_mul_overflow(count, bpf_type_array(type)->nelems, &count) ||
			    count > UINT32_MAX)
				return 0;
			id = bpf_type_array(type)->type;
			break;
		default:
			return 0;
		}
	}
	return 0;
}

const struct btf_type *bpf_types_section(const struct bpf_types *types, const char *name)
{
	for (uint32_t i = 1; i <= types->count; i++)
		if (BTF_INFO_KIND(types->type[i]->info) == BTF_KIND_DATASEC &&
		    !strcmp(bpf_types_name(types, types->type[i]), name))
			return types->type[i];
	return NULL;
}
