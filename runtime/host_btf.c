/* BTF through libbpf. */
#include "runtime/host_btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/diag.h"

enum { NAMES_MAX = 32 }; /* typedefs and qualifiers before a type, as libbpf has it */

struct host_btf {
	struct bpf_object *object;
	const struct btf *btf; /* the object's */
};

int host_btf_open(const void *elf, size_t size, struct host_btf **btf, struct diag *diag)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "cleave_types");
	struct host_btf *b = calloc(1, sizeof *b);
	libbpf_print_fn_t print;
	int err = 0;

	if (!b)
		return -ENOMEM;
	print = libbpf_set_print(NULL);
	b->object = bpf_object__open_mem(elf, size, &opts);
	libbpf_set_print(print);
	if (!b->object)
		err = -errno;
	else
		b->btf = bpf_object__btf(b->object);
	if (!err && !b->btf)
		err = -ENOENT;
	if (err) {
		diag_error(diag, NO_LOC,
			   "the program's object has no readable type information: %s",
			   strerror(-err));
		host_btf_close(&b);
		return err;
	}
	*btf = b;
	return 0;
}

void host_btf_close(struct host_btf **btf)
{
	if (!*btf)
		return;
	bpf_object__close((*btf)->object);
	free(*btf);
	*btf = NULL;
}

bool host_btf_map(const struct host_btf *btf, const char *name, uint32_t *key, uint32_t *value)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(btf->object, name);

	if (!map)
		return false;
	*key = bpf_map__btf_key_type_id(map);
	*value = bpf_map__btf_value_type_id(map);
	return true;
}

bool host_btf_inner(const struct host_btf *btf, const char *name, uint32_t *key, uint32_t *value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(btf->object, name);
	const struct bpf_map *inner = map ? bpf_map__inner_map(map) : NULL;

	if (!inner)
		return false;
	*key = bpf_map__btf_key_type_id(inner);
	*value = bpf_map__btf_value_type_id(inner);
	return true;
}

uint32_t host_btf_global(const struct host_btf *btf, const char *name)
{
	int32_t id = btf__find_by_name_kind(btf->btf, name, BTF_KIND_VAR);

	return id > 0 ? btf__type_by_id(btf->btf, (uint32_t)id)->type : 0;
}

static bool is_big_endian_name(const char *name)
{
	return !strcmp(name, "__be16") || !strcmp(name, "__be32") || !strcmp(name, "__be64");
}

/* Looks through typedefs and qualifiers; NULL too when they go round in a circle. */
static const struct btf_type *resolve(const struct btf *btf, uint32_t id, bool *big_endian)
{
	const struct btf_type *t = id ? btf__type_by_id(btf, id) : NULL;

	for (unsigned depth = 0; t && (btf_is_mod(t) || btf_is_typedef(t)); depth++) {
		if (depth == NAMES_MAX)
			return NULL;
		if (btf_is_typedef(t) && is_big_endian_name(btf__name_by_offset(btf, t->name_off)))
			*big_endian = true;
		t = btf__type_by_id(btf, t->type);
	}
	return t;
}

static void view_array(const struct btf *btf, const struct btf_type *t, struct btf_type_view *view)
{
	view->shape = BTF_SHAPE_ARRAY;
	view->element = btf_array(t)->type;
	view->count = btf_array(t)->nelems;
}

void host_btf_type(const struct host_btf *btf, uint32_t id, struct btf_type_view *view)
{
	bool big_endian = false;
	const struct btf_type *t = resolve(btf->btf, id, &big_endian);
	int64_t size = id ? btf__resolve_size(btf->btf, id) : 0;

	*view = (struct btf_type_view){.name = "", .size = size > 0 ? (uint32_t)size : 0};
	if (!t)
		return;
	if (btf_is_int(t)) {
		view->shape = BTF_SHAPE_NUMBER;
		view->is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
		view->big_endian = big_endian;
	} else if (btf_is_any_enum(t)) {
		view->shape = BTF_SHAPE_NUMBER;
		view->is_signed = btf_kflag(t);
	} else if (btf_is_array(t)) {
		view_array(btf->btf, t, view);
	} else if (btf_is_composite(t)) {
		view->shape = BTF_SHAPE_STRUCT;
		view->name = btf__name_by_offset(btf->btf, t->name_off);
		view->count = btf_vlen(t);
	}
}

void host_btf_member(const struct host_btf *btf, uint32_t id, uint32_t index,
		     struct btf_member_view *view)
{
	bool ignored = false;
	const struct btf_type *t = resolve(btf->btf, id, &ignored);
	const struct btf_member *m = btf_members(t) + index;

	*view = (struct btf_member_view){.name = btf__name_by_offset(btf->btf, m->name_off),
					 .type = m->type,
					 .bit = btf_member_bit_offset(t, index),
					 .bits = btf_member_bitfield_size(t, index)};
}

bool host_btf_enumerator(const struct host_btf *btf, uint32_t id, const char *name, int64_t *value)
{
	bool ignored = false;
	const struct btf_type *t = resolve(btf->btf, id, &ignored);

	if (!t || !btf_is_enum(t))
		return false;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum *e = btf_enum(t) + i;

		if (strcmp(btf__name_by_offset(btf->btf, e->name_off), name))
			continue;
		*value = btf_kflag(t) ? (int64_t)e->val : (int64_t)(uint32_t)e->val;
		return true;
	}
	return false;
}
