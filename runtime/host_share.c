#include "runtime/host_share.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bundle/kernel_abi.h"

#define OWN_PREFIX     "cleave_"
#define SHARED_SECTION ".data.pair" /* frontend/llvm_pair.c puts the variables there */

/* libbpf puts the object's name before a section's. */
static const char *stem(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map), *dot = strchr(name, '.');

	return bpf_map__is_internal(map) && dot ? dot : name;
}

static bool is_private(const struct bpf_map *map)
{
	const char *name = stem(map);

	if (bpf_map__is_internal(map))
		return strstr(name, ".rodata") || strstr(name, ".kconfig");
	if (bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY)
		return true;
	return !strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) && strcmp(name, CLEAVE_MAP_ORDER) &&
	       strcmp(name, CLEAVE_MAP_XSKS);
}

static struct bpf_map *find_same(struct bpf_object *with, const struct bpf_map *map)
{
	struct bpf_map *other;

	bpf_object__for_each_map(other, with) if (!strcmp(stem(other), stem(map)) &&
						  bpf_map__fd(other) >= 0) return other;
	return NULL;
}

static const struct btf_type *section_of(struct bpf_object *object, const char *name)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_DATASEC) : -ENOENT;

	return id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
}

static const char *variable_name(struct bpf_object *object, const struct btf_type *section,
				 unsigned i)
{
	const struct btf *btf = bpf_object__btf(object);

	return btf__name_by_offset(
	    btf, btf__type_by_id(btf, btf_var_secinfos(section)[i].type)->name_off);
}

/* Every variable at the same place. */
static bool has_same_variables(struct bpf_object *a, struct bpf_object *b, const char *name)
{
	const struct btf_type *x = section_of(a, name), *y = section_of(b, name);

	if (!x || !y || btf_vlen(x) != btf_vlen(y))
		return false;
	for (unsigned i = 0; i < btf_vlen(x); i++)
		if (btf_var_secinfos(x)[i].offset != btf_var_secinfos(y)[i].offset ||
		    btf_var_secinfos(x)[i].size != btf_var_secinfos(y)[i].size ||
		    strcmp(variable_name(a, x, i), variable_name(b, y, i)))
			return false;
	return true;
}

int host_share_maps(struct bpf_object *object, struct bpf_object *with)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		struct bpf_map *other = is_private(map) ? NULL : find_same(with, map);
		int err;

		if (!other)
			continue;
		if (bpf_map__is_internal(map) && !has_same_variables(object, with, stem(map))) {
			if (!strcmp(stem(map), SHARED_SECTION))
				return -EBADMSG;
			continue;
		}
		err = bpf_map__reuse_fd(map, bpf_map__fd(other));
		if (err)
			return err;
	}
	return 0;
}
