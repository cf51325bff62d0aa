#include "frontend/btf_maps.h"
#include "frontend/map_settings.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "support/arena.h"
#include "support/map_types.h"

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

/* What the map cannot do without; libbpf and the kernel fill in the rest. */
static const char *missing_part(const struct map_type_row *row, const struct ir_map *map)
{
	bool ring = row->key == MAP_KEY_NONE && row->holds == MAP_HOLDS_EVENTS;

	if (!map->key_size && row->key != MAP_KEY_NONE)
		return "key size";
	if (!map->value_size && !ring)
		return "value size";
	return NULL;
}

/* What a map of maps may hold is the definition of one such map. */
static int read_inner(struct arena *arena, struct bpf_map *from, struct ir_map *map,
		      struct diag *diag)
{
	struct bpf_map *inner = bpf_map__inner_map(from);
	const struct map_type_row *row;

	if (!inner && !map->inner.type) {
		diag_error(diag, map->loc,
			   "map %s does not say what the maps in it look like: declare them by "
			   "__array(values, ...), or say it by --map-inner "
			   "%s=TYPE:KEY:VALUE:ENTRIES",
			   map->name, map->name);
		return -EINVAL;
	}
	if (!map->inner.type)
		map->inner = (struct ir_inner){
		    bpf_map__type(inner), bpf_map__key_size(inner), bpf_map__value_size(inner),
		    bpf_map__max_entries(inner), bpf_map__map_flags(inner)};
	row = map_type_find(map->inner.type);
	if (row && row->support == MAP_SUPPORT_TAKEN)
		return 0;
	struct ir_why why = {IR_REASON_UNSUPPORTED_MAP, map_type_text(map->inner.type)};
	diag_error(diag, map->loc, "map %s: %s", map->name, ir_why_sentence(arena, why));
	return -EINVAL;
}

static int check_type(struct arena *arena, const struct map_type_row *row, const struct ir_map *map,
		      struct diag *diag)
{
	struct ir_why why = {IR_REASON_UNSUPPORTED_MAP, map_type_text(map->type)};

	if (row && row->support == MAP_SUPPORT_TAKEN)
		return 0;
	if (row && row->support == MAP_SUPPORT_REFUSED)
		why.reason = IR_REASON_FOREIGN_MAP;
	diag_error(diag, map->loc, "map %s: %s", map->name, ir_why_sentence(arena, why));
	return -EINVAL;
}

/* The kernel's own structs that values may hold; programs reach them by helpers alone. */
static const char *kernels_own(const struct btf *btf, int id, unsigned depth)
{
	static const char *const names[] = {"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer",
					    "bpf_wq",        "bpf_list_head",     "bpf_rb_root"};
	const struct btf_type *type;
	int resolved = btf ? btf__resolve_type(btf, (uint32_t)id) : -ENOENT;
	const char *found = NULL;

	type = resolved < 0 ? NULL : btf__type_by_id(btf, (uint32_t)resolved);
	if (!type || depth == 8)
		return NULL;
	if (btf_is_array(type))
		return kernels_own(btf, (int)btf_array(type)->type, depth + 1);
	if (!btf_is_composite(type))
		return NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(btf__name_by_offset(btf, type->name_off), names[i]))
			return names[i];
	for (int i = 0; i < btf_vlen(type) && !found; i++)
		found = kernels_own(btf, (int)btf_members(type)[i].type, depth + 1);
	return found;
}

/*
 * Maps of events and of programs hold numbers of 4 bytes under numbers of 4 bytes, and some loaders
 * let their definitions leave that out (runtime/host_program.h).
 */
static void complete_sizes(const struct map_type_row *row, struct ir_map *map)
{
	if (!row || row->key != MAP_KEY_INDEX ||
	    (row->holds != MAP_HOLDS_EVENTS && row->holds != MAP_HOLDS_PROGRAMS))
		return;
	map->key_size = map->key_size ? map->key_size : 4;
	map->value_size = map->value_size ? map->value_size : 4;
}

static int read_definition(const struct ir_program *program, const struct btf *btf,
			   struct bpf_map *from, struct ir_map *map, struct diag *diag)
{
	const struct map_type_row *row = map_type_find(bpf_map__type(from));
	const char *missing;
	int err;

	map->type = bpf_map__type(from);
	map->key_size = bpf_map__key_size(from);
	map->value_size = bpf_map__value_size(from);
	if (map->type == BPF_MAP_TYPE_RINGBUF) /* its records' type, which the kernel is not told */
		map->key_size = map->value_size = 0;
	map->max_entries = bpf_map__max_entries(from);
	map->flags = bpf_map__map_flags(from);
	map->extra = (uint32_t)bpf_map__map_extra(from);
	map->kernels_part = kernels_own(btf, (int)bpf_map__btf_value_type_id(from), 0);
	if (bpf_map__inner_map(from) && !map->kernels_part)
		map->kernels_part =
		    kernels_own(btf, (int)bpf_map__btf_value_type_id(bpf_map__inner_map(from)), 0);
	err = program->map_settings ? map_settings_apply(program->map_settings, map, diag) : 0;
	if (!err)
		err = check_type(program->arena, row, map, diag);
	if (err)
		return err;
	complete_sizes(row, map);
	missing = missing_part(row, map);
	if (missing) {
		diag_error(diag, map->loc, "map %s has no %s", map->name, missing);
		return -EINVAL;
	}
	if (!map->max_entries && row->holds != MAP_HOLDS_EVENTS && row->key != MAP_KEY_OBJECT) {
		map->max_entries = MAP_ENTRIES_DEFAULT;
		diag_warning(diag, map->loc,
			     "map %s has no max_entries, which its loader must have set: %d are "
			     "taken (--map-entries %s=N)",
			     map->name, MAP_ENTRIES_DEFAULT, map->name);
	}
	map->completed = map->max_entries != bpf_map__max_entries(from) || map->inner.type;
	map->is_pinned = bpf_map__pin_path(from) != NULL;
	return row->holds == MAP_HOLDS_MAPS ? read_inner(program->arena, from, map, diag) : 0;
}

static int read_definitions(const struct ir_program *program, struct bpf_object *object,
			    struct ir_map *maps, size_t count, struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		struct bpf_map *from = bpf_object__find_map_by_name(object, maps[i].name);

		if (from && !bpf_map__is_internal(from)) {
			err =
			    read_definition(program, bpf_object__btf(object), from, &maps[i], diag)
				?: err;
			continue;
		}
		diag_error(diag, maps[i].loc, "map %s has no definition in BTF", maps[i].name);
		err = -EINVAL;
	}
	return err;
}

int frontend_read_map_definitions(const struct ir_program *program, const void *object, size_t size,
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
		err = read_definitions(program, open, maps, count, diag);
	bpf_object__close(open);
	libbpf_set_print(before);
	return err ? -EINVAL : 0;
}
