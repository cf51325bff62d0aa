/* When a type of the object's and one of the kernel's are the same for CO-RE. */
#include "frontend/bpf_core.h"

#include <string.h>

enum { DEPTH_MAX = 32 };

struct pair {
	const struct bpf_types *local, *kernel;
};

size_t bpf_core_name_length(const char *name)
{
	size_t length = strlen(name);

	/* What stands before the last "___" of at least one character on both sides. */
	for (size_t i = length; i-- > 4;)
		if (!strncmp(name + i - 3, "___", 3) && name[i - 4] != '_' && name[i] != '_')
			return i - 3;
	return length;
}

bool bpf_core_same_name(const char *a, const char *b)
{
	size_t length = bpf_core_name_length(a);

	return length == bpf_core_name_length(b) && !strncmp(a, b, length);
}

static unsigned kind_of(const struct btf_type *t)
{
	unsigned kind = BTF_INFO_KIND(t->info);

	return kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind;
}

bool bpf_core_same_kind(const struct btf_type *a, const struct btf_type *b)
{
	return kind_of(a) == kind_of(b);
}

static bool is_composite(const struct btf_type *t)
{
	return kind_of(t) == BTF_KIND_STRUCT || kind_of(t) == BTF_KIND_UNION;
}

static uint32_t int_data(const struct btf_type *t)
{
	uint32_t data;

	memcpy(&data, t + 1, sizeof data);
	return data;
}

/* A name that is missing on one side says nothing. */
static bool names_agree(const struct pair *p, const struct btf_type *a, const struct btf_type *b)
{
	const char *left = bpf_types_name(p->local, a), *right = bpf_types_name(p->kernel, b);

	return !*left || !*right || bpf_core_same_name(left, right);
}

bool bpf_core_fields_agree(const struct bpf_types *local, uint32_t a,
			   const struct bpf_types *kernel, uint32_t b)
{
	struct pair p = {local, kernel};

	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		const struct btf_type *left = bpf_types_bare(local, a),
				      *right = bpf_types_bare(kernel, b);

		if (!left || !right)
			return false;
		if (is_composite(left) && is_composite(right))
			return true;
		if (!bpf_core_same_kind(left, right))
			return false;
		switch (kind_of(left)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
			return true;
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
			return names_agree(&p, left, right);
		case BTF_KIND_INT:
			return !BTF_INT_OFFSET(int_data(left)) && !BTF_INT_OFFSET(int_data(right));
		case BTF_KIND_ARRAY:
			a = bpf_type_array(left)->type;
			b = bpf_type_array(right)->type;
			break;
		default:
			return false;
		}
	}
	return false;
}

/* ---- existence ---- */

static bool agree(const struct pair *p, uint32_t a, uint32_t b, unsigned depth);

static bool prototypes_agree(const struct pair *p, const struct btf_type *a,
			     const struct btf_type *b, unsigned depth)
{
	const struct btf_param *left = (const void *)(a + 1), *right = (const void *)(b + 1);

	if (BTF_INFO_VLEN(a->info) != BTF_INFO_VLEN(b->info))
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(a->info); i++)
		if (!agree(p, left[i].type, right[i].type, depth + 1))
			return false;
	return agree(p, a->type, b->type, depth + 1);
}

static bool agree(const struct pair *p, uint32_t a, uint32_t b, unsigned depth)
{
	const struct btf_type *left = bpf_types_bare(p->local, a),
			      *right = bpf_types_bare(p->kernel, b);

	if (!left || !right)
		return !left && !right;
	if (depth > DEPTH_MAX || !bpf_core_same_kind(left, right))
		return false;
	switch (kind_of(left)) {
	case BTF_KIND_INT:
		return !BTF_INT_OFFSET(int_data(left)) && !BTF_INT_OFFSET(int_data(right));
	case BTF_KIND_PTR:
		return agree(p, left->type, right->type, depth + 1);
	case BTF_KIND_ARRAY:
		return agree(p, bpf_type_array(left)->type, bpf_type_array(right)->type, depth + 1);
	case BTF_KIND_FUNC_PROTO:
		return prototypes_agree(p, left, right, depth);
	default:
		return true;
	}
}

bool bpf_core_types_agree(const struct bpf_types *local, uint32_t a, const struct bpf_types *kernel,
			  uint32_t b)
{
	struct pair p = {local, kernel};
	const struct btf_type *left = bpf_types_get(local, a), *right = bpf_types_get(kernel, b);

	return left && right && bpf_core_same_kind(left, right) && agree(&p, a, b, 0);
}

/* ---- matching ---- */

static bool match(const struct pair *p, uint32_t a, uint32_t b, bool behind_pointer,
		  unsigned depth);

static bool member_matches(const struct pair *p, const struct btf_member *m,
			   const struct btf_type *in, bool behind_pointer, unsigned depth)
{
	const struct btf_member *n = bpf_type_members(in);
	const char *name = bpf_types_string(p->local, m->name_off);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(in->info); i++)
		if (!strcmp(name, bpf_types_string(p->kernel, n[i].name_off)) &&
		    match(p, m->type, n[i].type, behind_pointer, depth + 1))
			return true;
	return false;
}

static bool composites_match(const struct pair *p, const struct btf_type *a,
			     const struct btf_type *b, bool behind_pointer, unsigned depth)
{
	if (BTF_INFO_VLEN(a->info) > BTF_INFO_VLEN(b->info))
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(a->info); i++)
		if (!member_matches(p, &bpf_type_members(a)[i], b, behind_pointer, depth))
			return false;
	return true;
}

static uint32_t enumerator_name(const struct btf_type *t, uint32_t i)
{
	if (BTF_INFO_KIND(t->info) == BTF_KIND_ENUM64)
		return ((const struct btf_enum64 *)(t + 1))[i].name_off;
	return ((const struct btf_enum *)(t + 1))[i].name_off;
}

static bool enums_match(const struct pair *p, const struct btf_type *a, const struct btf_type *b)
{
	if (BTF_INFO_VLEN(a->info) > BTF_INFO_VLEN(b->info))
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(a->info); i++) {
		const char *name = bpf_types_string(p->local, enumerator_name(a, i));
		bool found = false;

		for (uint32_t n = 0; n < BTF_INFO_VLEN(b->info) && !found; n++)
			found = bpf_core_same_name(
			    name, bpf_types_string(p->kernel, enumerator_name(b, n)));
		if (!found)
			return false;
	}
	return true;
}

static bool protos_match(const struct pair *p, const struct btf_type *a, const struct btf_type *b,
			 unsigned depth)
{
	const struct btf_param *left = (const void *)(a + 1), *right = (const void *)(b + 1);

	if (BTF_INFO_VLEN(a->info) != BTF_INFO_VLEN(b->info))
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(a->info); i++)
		if (!match(p, left[i].type, right[i].type, false, depth + 1))
			return false;
	return match(p, a->type, b->type, false, depth + 1);
}

/* Behind a pointer a struct that is only declared stands for one that is defined. */
static bool declared_matches(const struct btf_type *a, const struct btf_type *b)
{
	const struct btf_type *forward = BTF_INFO_KIND(a->info) == BTF_KIND_FWD ? a : b;
	const struct btf_type *other = forward == a ? b : a;
	unsigned kind = BTF_INFO_KFLAG(forward->info) ? BTF_KIND_UNION : BTF_KIND_STRUCT;

	return BTF_INFO_KIND(forward->info) == BTF_KIND_FWD && kind_of(other) == kind;
}

static bool match(const struct pair *p, uint32_t a, uint32_t b, bool behind_pointer, unsigned depth)
{
	const struct btf_type *left = bpf_types_bare(p->local, a),
			      *right = bpf_types_bare(p->kernel, b);

	if (!left || !right)
		return !left && !right;
	if (depth > DEPTH_MAX || !names_agree(p, left, right))
		return false;
	if (!bpf_core_same_kind(left, right))
		return behind_pointer && declared_matches(left, right);
	switch (kind_of(left)) {
	case BTF_KIND_FWD:
		return BTF_INFO_KFLAG(left->info) == BTF_INFO_KFLAG(right->info);
	case BTF_KIND_ENUM:
		return enums_match(p, left, right);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return behind_pointer || composites_match(p, left, right, behind_pointer, depth);
	case BTF_KIND_INT:
		return left->size == right->size &&
		       (BTF_INT_ENCODING(int_data(left)) & BTF_INT_SIGNED) ==
			   (BTF_INT_ENCODING(int_data(right)) & BTF_INT_SIGNED);
	case BTF_KIND_PTR:
		return match(p, left->type, right->type, true, depth + 1);
	case BTF_KIND_ARRAY:
		return bpf_type_array(left)->nelems == bpf_type_array(right)->nelems &&
		       match(p, bpf_type_array(left)->type, bpf_type_array(right)->type,
			     behind_pointer, depth + 1);
	case BTF_KIND_FUNC_PROTO:
		return protos_match(p, left, right, depth);
	default:
		return kind_of(left) == BTF_KIND_FLOAT && left->size == right->size;
	}
}

bool bpf_core_types_match(const struct bpf_types *local, uint32_t a, const struct bpf_types *kernel,
			  uint32_t b)
{
	struct pair p = {local, kernel};

	return match(&p, a, b, false, 0);
}
