#include "runtime/layer_object.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "runtime/host_bpf.h"
#include "runtime/host_program.h"
#include "runtime/host_share.h"
#include "runtime/layer_programs.h"
#include "support/diag.h"

/* What libbpf says is shown only when a load fails, and then its end: the verifier's reason is
 * there. */
static char log_text[16384];
static size_t log_used;

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t room = sizeof log_text - log_used;
	int n;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (room < sizeof log_text / 4) {
		memmove(log_text, log_text + sizeof log_text / 2, log_used - sizeof log_text / 2);
		log_used -= sizeof log_text / 2;
		room = sizeof log_text - log_used;
	}
	n = vsnprintf(log_text + log_used, room, format, args);
	if (n > 0)
		log_used += (size_t)n < room ? (size_t)n : room - 1;
	return 0;
}

static void report_load_failure(struct diag *diag, int err)
{
	const char *tail = log_text;

	log_text[log_used] = '\0';
	if (log_used > 3000)
		tail = log_text + log_used - 3000;
	if (err == -EPERM || err == -EACCES)
		diag_error(
		    diag, NO_LOC,
		    "the kernel does not let this process load programs: run as root, or grant "
		    "CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW and CAP_PERFMON");
	else
		diag_error(diag, NO_LOC, "the kernel refuses the kernel part (%s); it says:\n%s",
			   strerror(-err), tail);
}

/* Offset of the variable in its section, from the object's BTF; or a negative errno. */
static int find_variable(const struct btf *btf, const char *section, const char *name)
{
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *type;
	const struct btf_var_secinfo *var;

	if (id < 0)
		return -ENOENT;
	type = btf__type_by_id(btf, (uint32_t)id);
	var = btf_var_secinfos(type);
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *t = btf__type_by_id(btf, var[i].type);

		if (!strcmp(btf__name_by_offset(btf, t->name_off), name))
			return (int)var[i].offset;
	}
	return -ENOENT;
}

static int find_in_section(struct bpf_object *object, const char *section, const char *name,
			   uint32_t size, struct section_view *view)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);
	const struct btf *btf = bpf_object__btf(object);
	int offset = btf ? find_variable(btf, section, name) : -ENOENT;

	*view = (struct section_view){.fd = -1};
	if (!map || offset < 0)
		return -ENOENT;
	view->fd = bpf_map__fd(map);
	view->bytes = (uint8_t *)bpf_map__initial_value(map, &view->size);
	view->offset = (uint32_t)offset;
	return view->bytes && view->offset + (size_t)size <= view->size ? 0 : -ENOENT;
}

int kernel_object_find_global(const struct kernel_object *object, const char *section,
			      const char *name, uint32_t size, struct section_view *view)
{
	return find_in_section(object->object, section, name, size, view);
}

static int set_global(struct bpf_object *object, const char *section, const char *name,
		      const void *bytes, uint32_t size)
{
	struct section_view view;
	int err = find_in_section(object, section, name, size, &view);

	if (!err)
		memcpy(view.bytes + view.offset, bytes, size);
	return err;
}

/* The agent's configuration, and what the operator gave to global variables before the start. */
static int set_globals(struct bpf_object *object, const struct kernel_load *load,
		       const struct cleave_kernel_config *config)
{
	int err = set_global(object, ".rodata", CLEAVE_CONFIG_SYMBOL, config, sizeof *config);

	for (uint32_t i = 0; i < load->global_count && !err; i++) {
		const struct kernel_global *g = &load->globals[i];

		/* One that only the user part uses may be gone from the object. */
		set_global(object, g->section, g->name, g->bytes, g->size);
	}
	return err;
}

/* The NF's own maps have a layout in the manifest; Cleave's have that of the NF map they serve, or
 * none. */
static uint64_t find_layout(const struct bundle *bundle, const char *name)
{
	size_t prefix = strlen(CLEAVE_VALUES_PREFIX);

	if (!strncmp(name, CLEAVE_VALUES_PREFIX, prefix))
		name += prefix;
	for (size_t i = 0; i < bundle->map_count; i++)
		if (!strcmp(bundle->maps[i].name, name))
			return bundle->maps[i].layout;
	return 0;
}

/*
 * Read-only data differs per instance. The socket map must not be taken over: the old program would
 * hand packets of its generation to our sockets before the swap.
 */
static bool is_private(const char *name)
{
	return strstr(name, ".rodata") || !strcmp(name, CLEAVE_MAP_XSKS);
}

static const char *pin_stem(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot : name; /* libbpf prefixes sections with the object's name */
}

static bool has_layout(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof info;

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) &&
	       /* The kernel adds this flag to device maps by itself. */
	       !((info.map_flags ^ bpf_map__map_flags(map)) & ~(uint32_t)BPF_F_RDONLY_PROG);
}

static void adopt_map(struct bpf_map *map, const struct bundle *bundle, const struct pins *pins,
		      uint32_t *adopted)
{
	const char *name = bpf_map__name(map);
	char pin[PINS_PATH_MAX];
	int fd;

	if (is_private(name) || bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY)
		return;
	pins_map_name(pin, sizeof pin, pin_stem(name), find_layout(bundle, name));
	fd = pins_get(pins, pin);
	if (fd < 0)
		return;
	if (has_layout(fd, map) && bpf_map__reuse_fd(map, fd) == 0)
		++*adopted;
	close(fd);
}

/* The map at the pin, if there is one, has to be what the source says. */
static int check_pinned(const struct bpf_map *map, const char *path, struct diag *diag)
{
	int fd = bpf_obj_get(path);
	bool fits = fd < 0 || has_layout(fd, map);

	if (fd >= 0)
		close(fd);
	if (fits)
		return 0;
	diag_error(
	    diag, NO_LOC,
	    "map %s: what is pinned at %s has another type, other sizes or other flags; remove "
	    "it, or choose another folder with --pin-path",
	    bpf_map__name(map), path);
	return -EEXIST;
}

/*
 * A map that the source pins by its name (LIBBPF_PIN_BY_NAME): libbpf takes the one that is there,
 * or makes it and pins it. It stays when the agent ends.
 */
static int place_pinned(struct bpf_map *map, const struct kernel_load *load, struct diag *diag)
{
	const char *folder = load->pin_folder ? load->pin_folder : pins_root();
	char path[PATH_MAX];
	int err;

	if (!folder) {
		diag_error(diag, NO_LOC, "map %s is to be pinned, and there is no BPF file system",
			   bpf_map__name(map));
		return -ENOENT;
	}
	snprintf(path, sizeof path, "%s/%s", folder, bpf_map__name(map));
	err = check_pinned(map, path, diag);
	return err ? err : bpf_map__set_pin_path(map, path);
}

static int place_map(struct bpf_map *map, const struct kernel_load *load, struct bpf_object *shared,
		     const struct pins *pins, uint32_t *adopted, struct diag *diag)
{
	bool first = !shared && !load->shared;

	host_section_share(map);
	if (bpf_map__pin_path(map) && first)
		return place_pinned(map, load, diag);
	bpf_map__set_pin_path(map, NULL); /* another instance has it */
	if (first)
		adopt_map(map, load->bundle, pins, adopted);
	return 0;
}

/* Its programs belong to one instance each. */
static bool is_program_array(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY;
}

static int share_maps(struct bpf_object *object, struct bpf_object *shared)
{
	struct bpf_map *map, *from = NULL;
	int err;

	bpf_object__for_each_map(map, object)
	{
		from = bpf_object__next_map(shared, from);
		if (strstr(bpf_map__name(map), ".rodata") || is_program_array(map))
			continue;
		err = bpf_map__reuse_fd(map, bpf_map__fd(from));
		if (err)
			return err;
	}
	return 0;
}

/* The NF by its function name; any XDP program if the manifest's name is not there. */
static struct bpf_program *find_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *prog = name ? bpf_object__find_program_by_name(object, name) : NULL;

	if (prog)
		return prog;
	bpf_object__for_each_program(prog, object) if (bpf_program__type(prog) ==
						       BPF_PROG_TYPE_XDP) return prog;
	return NULL;
}

/* TC: each instance has its own pair, and its programs the instance's configuration. */
static bool is_of_pair(const char *name)
{
	return !strcmp(name, CLEAVE_PROG_UP) || !strcmp(name, CLEAVE_PROG_DOWN) ||
	       !strcmp(name, CLEAVE_PROG_BACK);
}

static int prepare(struct bpf_object *object, struct bpf_program *prog,
		   const struct kernel_load *load, const struct cleave_kernel_config *config,
		   struct bpf_object *shared)
{
	struct bpf_program *other;
	int err;

	/* The batch program is loaded once, with the first instance; the maps are the same. */
	bpf_object__for_each_program(other, object)
	{
		bool batch = !strcmp(bpf_program__name(other), CLEAVE_PROG_BATCH) ||
			     !strcmp(bpf_program__name(other), CLEAVE_PROG_OUTPUT);

		bool pair = is_of_pair(bpf_program__name(other));

		bpf_program__set_autoload(
		    other, other == prog || pair || (batch && !shared) ||
			       layer_is_called(load->bundle, bpf_program__name(other)));
	}
	err = set_globals(object, load, config);
	if (err)
		return err;
	return shared ? share_maps(object, shared) : 0;
}

static void read_program(struct kernel_object *out, struct bpf_program *prog)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;

	out->prog_fd = bpf_program__fd(prog);
	if (bpf_obj_get_info_by_fd(out->prog_fd, &info, &size) == 0)
		out->prog_id = info.id;
}

int kernel_object_load(struct kernel_object *out, const struct kernel_load *load,
		       const struct cleave_kernel_config *config, struct bpf_object *shared,
		       const struct pins *pins, uint32_t *adopted, struct diag *diag)
{
	const struct bundle_member *member = bundle_find(load->bundle, BUNDLE_MEMBER_KERNEL);
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "cleave");
	struct bpf_program *prog;
	struct bpf_map *map;
	int err;

	log_used = 0;
	libbpf_set_print(keep_log);
	out->object = bpf_object__open_mem(member->bytes, member->size, &options);
	if (!out->object) {
		diag_error(diag, NO_LOC, "the bundle's kernel part is not a BPF object: %s",
			   strerror(errno));
		return -EBADMSG;
	}
	host_program_types(out->object);
	host_map_sizes(out->object);
	prog = find_program(out->object, load->bundle->program);
	err = prog ? prepare(out->object, prog, load, config, shared) : -ENOENT;
	if (err) {
		diag_error(diag, NO_LOC, "the bundle's kernel part lacks its program or `%s`",
			   CLEAVE_CONFIG_SYMBOL);
		kernel_object_free(out);
		return -EBADMSG;
	}
	bpf_object__for_each_map(map, out->object) if (!err) err =
	    place_map(map, load, shared, pins, adopted, diag);
	if (err) {
		kernel_object_free(out);
		return err;
	}
	err = !shared && load->shared
		  ? host_share_maps(out->object, kernel_part_object(load->shared))
		  : 0;
	if (!err)
		err = bpf_object__load(out->object);
	if (!err)
		err = layer_fill_programs(out->object, load->bundle);
	if (err) {
		report_load_failure(diag, err);
		kernel_object_free(out);
		return err;
	}
	read_program(out, prog);
	return 0;
}

void kernel_object_free(struct kernel_object *object)
{
	bpf_object__close(object->object);
	*object = (struct kernel_object){.prog_fd = -1};
}

int kernel_object_pin_maps(const struct kernel_object *object, const struct bundle *bundle,
			   const struct pins *pins)
{
	struct bpf_map *map;
	char pin[PINS_PATH_MAX];
	int err;

	bpf_object__for_each_map(map, object->object)
	{
		const char *name = bpf_map__name(map);

		if (is_private(name) || bpf_map__pin_path(map))
			continue;
		pins_map_name(pin, sizeof pin, pin_stem(name), find_layout(bundle, name));
		err = pins_put(pins, bpf_map__fd(map), pin);
		if (err)
			return err;
	}
	return 0;
}
