/* The only file of the maps that knows libbpf. */
#include "runtime/host_bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "support/whole_section.h"

enum { BATCH_ELEMENTS = 1024 }; /* read by one call; more than any bucket holds */

int host_map_lookup(int fd, const void *key, void *value)
{
	return bpf_map_lookup_elem(fd, key, value) ? -errno : 0;
}

int host_map_update(int fd, const void *key, const void *value, uint64_t flags)
{
	return bpf_map_update_elem(fd, key, value, flags) ? -errno : 0;
}

int host_map_delete(int fd, const void *key)
{
	return bpf_map_delete_elem(fd, key) ? -errno : 0;
}

int host_map_push(int fd, const void *value, uint64_t flags)
{
	return host_map_update(fd, NULL, value, flags);
}

int host_map_pop(int fd, void *value)
{
	return bpf_map_lookup_and_delete_elem(fd, NULL, value) ? -errno : 0;
}

int host_map_peek(int fd, void *value)
{
	return host_map_lookup(fd, NULL, value);
}

int host_map_next_key(int fd, const void *key, void *next)
{
	return bpf_map_get_next_key(fd, key, next) ? -errno : 0;
}

/* keys, values and the two places where a walk stands. */
struct batch {
	uint32_t key_bytes, count;
	size_t value_bytes;
	uint8_t *keys, *values, *from, *to;
};

static int visit_batch(const struct batch *b, host_map_visit *visit, void *context)
{
	int err = 0;

	for (uint32_t i = 0; i < b->count && !err; i++)
		err = visit(context, b->keys + (size_t)i * b->key_bytes,
			    b->values + i * b->value_bytes);
	return err;
}

static int walk_batches(int fd, struct batch *b, host_map_visit *visit, void *context)
{
	bool first = true, last = false;
	int err = 0;

	while (!err && !last) {
		b->count = BATCH_ELEMENTS;
		last = bpf_map_lookup_batch(fd, first ? NULL : b->from, b->to, b->keys, b->values,
					    &b->count, NULL) < 0;
		if (last && errno != ENOENT)
			return first ? -EOPNOTSUPP : -errno;
		err = visit_batch(b, visit, context);
		memcpy(b->from, b->to, b->key_bytes < 8 ? 8 : b->key_bytes);
		first = false;
	}
	return err;
}

int host_map_walk(int fd, uint32_t key_bytes, size_t value_bytes, host_map_visit *visit,
		  void *context)
{
	size_t place = key_bytes < 8 ? 8 : key_bytes; /* a key, or a bucket's number */
	struct batch b = {.key_bytes = key_bytes, .value_bytes = value_bytes};
	int err = -ENOMEM;

	b.values = malloc((key_bytes + value_bytes) * BATCH_ELEMENTS + 2 * place);
	if (b.values) {
		b.from = b.values + value_bytes * BATCH_ELEMENTS;
		b.to = b.from + place;
		b.keys = b.to + place;
		err = walk_batches(fd, &b, visit, context);
	}
	free(b.values);
	return err;
}

int host_map_open(uint32_t id)
{
	int fd = bpf_map_get_fd_by_id(id);

	return fd < 0 ? -errno : fd;
}

int host_map_create(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
		    uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create((enum bpf_map_type)type, "cleave_inner", key_size, value_size,
				max_entries, &opts);

	return fd < 0 ? -errno : fd;
}

int host_map_read_layout(int fd, struct host_map_layout *layout)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof info;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	*layout = (struct host_map_layout){info.type, info.key_size, info.value_size};
	return 0;
}

static int map_array(int fd, uint32_t entries, uint32_t stride, int protection, void **memory,
		     size_t *bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*bytes = ((size_t)entries * stride + page - 1) & ~(page - 1);
	*memory = mmap(NULL, *bytes, protection, MAP_SHARED, fd, 0);
	if (*memory != MAP_FAILED)
		return 0;
	*memory = NULL;
	return -errno;
}

int host_map_mmap(int fd, uint32_t entries, uint32_t stride, void **memory, size_t *bytes)
{
	return map_array(fd, entries, stride, PROT_READ | PROT_WRITE, memory, bytes);
}

int host_map_mmap_read(int fd, uint32_t entries, uint32_t stride, void **memory, size_t *bytes)
{
	return map_array(fd, entries, stride, PROT_READ, memory, bytes);
}

void host_map_munmap(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}

int host_xsk_enter(int map_fd, uint32_t key)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = host_map_update(map_fd, &key, &fd, BPF_ANY);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int host_ring_mmap(int fd, void **consumer, size_t *consumer_bytes, void **producer,
		   size_t *producer_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	*consumer_bytes = *producer_bytes = page;
	*producer = NULL;
	if (*consumer == MAP_FAILED) {
		*consumer = NULL;
		return -errno;
	}
	*producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (*producer != MAP_FAILED)
		return 0;
	*producer = NULL;
	return -errno;
}

int host_packet_run(int prog_fd, const void *packet, uint32_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = size, .repeat = 1);

	return bpf_prog_test_run_opts(prog_fd, &opts) ? -errno : 0;
}

int host_prog_run(int fd, void *context, size_t context_bytes)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = context,
		    .ctx_size_in = (uint32_t)context_bytes);

	return bpf_prog_test_run_opts(fd, &opts) ? -errno : 0;
}

int host_pass_program(void)
{
	const struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "cleave_pass", "GPL", code, 2, NULL);

	return fd < 0 ? -errno : fd;
}

int host_pass_packet(int program, uint32_t ifindex, const uint8_t *bytes, uint32_t meta,
		     uint32_t size)
{
	struct xdp_md context = {.data = meta, .data_end = meta + size, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = meta + size,
		    .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = 1, .batch_size = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return bpf_prog_test_run_opts(program, &opts) ? -errno : 0;
}

int host_possible_cpus(void)
{
	return libbpf_num_possible_cpus();
}

int host_jiffies_read(uint32_t *jiffies)
{
	const struct bpf_insn code[] = {
	    {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	uint8_t packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof packet);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "jiffies", "GPL", code, 2, NULL), err;

	if (fd < 0)
		return fd;
	err = bpf_prog_test_run_opts(fd, &opts);
	*jiffies = opts.retval;
	close(fd);
	return err;
}

static int be_quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* Does the section hold variables of that kind? Compilers put small constants (.rodata.cst8) and
 * strings (.rodata.str1.1) into sections of their own. */
static bool is_section_of(const char *name, const char *kind)
{
	size_t length = strlen(kind);

	return !strncmp(name, kind, length) && (!name[length] || name[length] == '.');
}

static const struct btf_var_secinfo *find_in_section(const struct btf *btf,
						     const struct btf_type *section,
						     const struct bundle_global *global)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(section);

	for (unsigned i = 0; i < btf_vlen(section); i++, info++) {
		const struct btf_type *variable = btf__type_by_id(btf, info->type);
		const char *name = variable ? btf__name_by_offset(btf, variable->name_off) : NULL;

		if (name && !strcmp(name, global->name) && info->size == global->size)
			return info;
	}
	return NULL;
}

/* The variable in the BTF that libbpf completed when it opened the object, and its section's name.
 */
static const struct btf_var_secinfo *
find_variable(const struct btf *btf, const struct bundle_global *global, const char **section)
{
	const struct btf_var_secinfo *info = NULL;

	for (unsigned id = 1; id < btf__type_cnt(btf) && !info; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!btf_is_datasec(type))
			continue;
		*section = btf__name_by_offset(btf, type->name_off);
		if (is_section_of(*section, global->section))
			info = find_in_section(btf, type, global);
	}
	return info;
}

/* A variable that stands for the whole of its section. */
static int read_section(struct bpf_object *object, const struct bundle_global *global,
			uint8_t *value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, global->section);
	size_t size = 0;
	const uint8_t *initial = map ? bpf_map__initial_value(map, &size) : NULL;

	if (!initial || size != global->size)
		return -ENOENT;
	memcpy(value, initial, size);
	return 0;
}

static int read_global(struct bpf_object *object, const struct bundle_global *global,
		       uint8_t *value)
{
	const struct btf *btf = bpf_object__btf(object);
	const char *section = NULL;
	const struct btf_var_secinfo *info = btf ? find_variable(btf, global, &section) : NULL;
	struct bpf_map *map = info ? bpf_object__find_map_by_name(object, section) : NULL;
	size_t size = 0;
	const uint8_t *initial = map ? bpf_map__initial_value(map, &size) : NULL;

	if (!info && !strncmp(global->name, WHOLE_SECTION_PREFIX, strlen(WHOLE_SECTION_PREFIX)))
		return read_section(object, global, value);
	if (!initial || info->offset > size || global->size > size - info->offset)
		return -ENOENT;
	memcpy(value, initial + info->offset, global->size);
	return 0;
}

int host_globals_read(const struct bundle *bundle, uint8_t *const *values)
{
	const struct bundle_member *source = bundle_find(bundle, BUNDLE_MEMBER_SOURCE);
	libbpf_print_fn_t print;
	struct bpf_object *object;
	int err = 0;

	if (!bundle->global_count)
		return 0;
	if (!source) /* of a program that BPF cannot express, this much is BPF */
		source = bundle_find(bundle, BUNDLE_MEMBER_KERNEL);
	if (!source)
		return -ENOENT;
	print = libbpf_set_print(be_quiet);
	object = bpf_object__open_mem(source->bytes, source->size, NULL);
	libbpf_set_print(print);
	if (!object)
		return -errno;
	for (size_t i = 0; i < bundle->global_count && !err; i++)
		err = read_global(object, &bundle->globals[i], values[i]);
	bpf_object__close(object);
	return err;
}

void host_section_share(struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	if (bpf_map__is_internal(map) && !strstr(name, ".rodata") && !strstr(name, ".kconfig"))
		bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_MMAPABLE);
}
