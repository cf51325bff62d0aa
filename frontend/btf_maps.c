#include "frontend/btf_maps.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <string.h>

#include "support/arena.h"

/* libbpf has one print callback for the process; the last warning is what explains a failure. */
static char last_warning[256];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN) {
		vsnprintf(last_warning, sizeof last_warning, format, args);
		last_warning[strcspn(last_warning, "\n")] = '\0';
	}
	return 0;
}

static bool type_supported(uint32_t type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
		return true;
	default:
		return false;
	}
}

static int read_definition(struct arena *arena, const struct bpf_map *from, struct ir_map *map,
			   struct diag *diag)
{
	struct ir_why why = {IR_REASON_UNSUPPORTED_MAP, NULL};

	map->type = bpf_map__type(from);
	map->key_size = bpf_map__key_size(from);
	map->value_size = bpf_map__value_size(from);
	map->max_entries = bpf_map__max_entries(from);
	map->flags = bpf_map__map_flags(from);
	if (!type_supported(map->type)) {
		why.detail = ir_map_type_text(map->type);
		diag_error(diag, map->loc, "map %s: %s", map->name, ir_why_sentence(arena, why));
		return -EINVAL;
	}
	if (!map->key_size || !map->value_size || !map->max_entries) {
		diag_error(diag, map->loc, "map %s has no %s", map->name,
			   !map->key_size     ? "key size"
			   : !map->value_size ? "value size"
					      : "max_entries");
		return -EINVAL;
	}
	if (bpf_map__pin_path(from))
		diag_warning(diag, map->loc, "map %s is not pinned where the source asks for it",
			     map->name);
	return 0;
}

static int read_definitions(struct arena *arena, struct bpf_object *object, struct ir_map *maps,
			    size_t count, struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		const struct bpf_map *from = bpf_object__find_map_by_name(object, maps[i].name);

		if (from && !bpf_map__is_internal(from)) {
			err = read_definition(arena, from, &maps[i], diag) ?: err;
			continue;
		}
		diag_error(diag, maps[i].loc, "map %s has no definition in BTF", maps[i].name);
		err = -EINVAL;
	}
	return err;
}

int frontend_read_map_definitions(struct arena *arena, const void *object, size_t size,
				  struct ir_map *maps, size_t count, struct diag *diag)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "maps");
	libbpf_print_fn_t before = libbpf_set_print(keep_warning);
	struct bpf_object *open;
	int err;

	last_warning[0] = '\0';
	open = bpf_object__open_mem(object, size, &opts);
	err = open ? 0 : -errno;
	if (err)
		diag_error(diag, count ? maps[0].loc : NO_LOC, "the maps cannot be read: %s",
			   last_warning[0] ? last_warning : strerror(-err));
	else
		err = read_definitions(arena, open, maps, count, diag);
	bpf_object__close(open);
	libbpf_set_print(before);
	return err ? -EINVAL : 0;
}
