/* XDP and TC objects under BPF_PROG_TEST_RUN. */
#include "runtime/host_test.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "runtime/host_bpf.h"
#include "runtime/host_program.h"
#include "runtime/host_complete.h"
#include "runtime/host_replay.h"
#include "runtime/host_share.h"
#include "runtime/layer_programs.h"
#include "runtime/packet_list.h"
#include "runtime/test_skb.h"
#include "support/diag.h"
#include "support/map_types.h"
#include "support/whole_section.h"

enum { LOG_COUNTS_ONLY = 4 /* BPF_LOG_STATS, include/linux/bpf_verifier.h */ };

enum { SECTIONS_MAX = 16, LOG_BYTES = 4096, LOG_SHOWN = 1500 };

/* A .data or .bss in memory. */
struct section {
	const char *name;
	void *memory;
	size_t bytes;  /* of the mapping */
	uint32_t size; /* of the section */
};

struct host_test {
	struct bpf_object *object;
	int prog_fd;
	bool tc;
	uint32_t generation;
	struct section sections[SECTIONS_MAX];
	unsigned section_count;
	struct host_replay *replay; /* what runs instead of the program, or NULL */
};

/* The end of what libbpf last said, for the message when a load fails. */
static char log_text[LOG_BYTES];
static size_t log_used;

/* The verifier's log comes in one piece, its reason at the end. */
static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text;
	int n = level == LIBBPF_DEBUG ? -1 : vasprintf(&text, format, args);
	size_t size, skip, keep;

	if (n < 0)
		return 0;
	size = (size_t)n;
	skip = size >= LOG_BYTES ? size - LOG_BYTES + 1 : 0;
	size -= skip;
	keep = log_used + size < LOG_BYTES ? log_used : LOG_BYTES - 1 - size;
	memmove(log_text, log_text + log_used - keep, keep);
	memcpy(log_text + keep, text + skip, size);
	log_used = keep + size;
	free(text);
	return 0;
}

/* libbpf puts the object's name before the section's. */
static const char *section_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map), *dot = strchr(name, '.');

	return dot ? dot : name;
}

typedef int visit_variable(void *context, const char *section, const char *name, uint8_t *bytes,
			   uint32_t size);

static int visit_section(const struct btf *btf, const char *section, uint8_t *bytes, size_t size,
			 visit_variable *visit, void *context)
{
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	const struct btf_var_secinfo *var = type ? btf_var_secinfos(type) : NULL;
	int err = 0;

	for (unsigned i = 0; type && i < btf_vlen(type) && !err; i++) {
		const struct btf_type *t = btf__type_by_id(btf, var[i].type);

		if (var[i].offset <= size && var[i].size <= size - var[i].offset)
			err = visit(context, section, btf__name_by_offset(btf, t->name_off),
				    bytes + var[i].offset, var[i].size);
	}
	return err;
}

/* Start values: the caller's, and the configuration of a kernel part. */
static int preset_variable(void *context, const char *section, const char *name, uint8_t *bytes,
			   uint32_t size)
{
	const struct host_test_load *load = context;
	struct cleave_kernel_config config = {.generation = load->generation,
					      .port_base = load->port_base,
					      .gone_action = 1 /* XDP_DROP */,
					      .count = load->count};

	if (!strcmp(name, CLEAVE_CONFIG_SYMBOL) && size == sizeof config)
		memcpy(bytes, &config, sizeof config);
	else if (load->preset)
		load->preset(load->context, section, name, bytes, size);
	return 0;
}

static void preset_sections(struct bpf_object *object, const struct host_test_load *load)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		size_t size = 0;
		/* libbpf's initial value is its own writable copy */
		uint8_t *bytes = (uint8_t *)(uintptr_t)bpf_map__initial_value(map, &size);

		if (btf && bytes && bpf_map__is_internal(map))
			visit_section(btf, section_name(map), bytes, size, preset_variable,
				      (void *)(uintptr_t)load);
	}
}

/*
 * Of a program whose section says nothing (an old object's "prog") the bundle knows the type. A
 * program of a devmap's or cpumap's elements cannot be run by itself but as one of an interface.
 */
static void type_program(struct bpf_program *prog, bool tc)
{
	enum bpf_prog_type type = bpf_program__type(prog);

	if (type == BPF_PROG_TYPE_XDP)
		bpf_program__set_expected_attach_type(prog, BPF_XDP);
	if (type != BPF_PROG_TYPE_UNSPEC)
		return;
	bpf_program__set_type(prog, tc ? BPF_PROG_TYPE_SCHED_CLS : BPF_PROG_TYPE_XDP);
	if (!tc)
		bpf_program__set_expected_attach_type(prog, BPF_XDP);
}

static bool is_known_map(const struct bundle *bundle, const char *name);

/*
 * An array of programs that the program does not use may begin with any of the object's: libbpf
 * fills it all the same, and fails where one of them is not loaded. Then all of them are, with all
 * their maps.
 */
static bool fills_unknown_arrays(const struct bpf_object *object, const struct host_test_load *load)
{
	struct bpf_map *map;

	bpf_object__for_each_map(
	    map, object) if (load->replay && load->bundle &&
			     bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY &&
			     !is_known_map(load->bundle, bpf_map__name(map))) return true;
	return false;
}

static struct bpf_program *choose_programs(struct bpf_object *object,
					   const struct host_test_load *load)
{
	struct bpf_program *prog, *chosen = bpf_object__find_program_by_name(object, load->program);
	bool all = fills_unknown_arrays(object, load);

	host_program_types(object);
	host_map_sizes(object);
	bpf_object__for_each_program(prog, object)
	{
		const char *name = bpf_program__name(prog);
		bool wanted = all || prog == chosen || !strcmp(name, CLEAVE_PROG_BATCH) ||
			      !strcmp(name, CLEAVE_PROG_OUTPUT) ||
			      (load->bundle && layer_is_called(load->bundle, name));

		bpf_program__set_autoload(prog, wanted);
		if (wanted)
			type_program(prog, load->tc);
	}
	return chosen;
}

static bool is_known_map(const struct bundle *bundle, const char *name)
{
	for (size_t i = 0; i < bundle->map_count; i++)
		if (!strcmp(bundle->maps[i].name, name))
			return true;
	return !strncmp(name, "cleave_", 7) ||
	       !strncmp(name, CLEAVE_VALUES_PREFIX, sizeof CLEAVE_VALUES_PREFIX - 1);
}

/* Maps in maps and arrays of programs have others in them that the program does not name. */
static bool has_contents(const struct bpf_map *map)
{
	enum map_holds holds = map_type_holds(bpf_map__type(map));

	return holds == MAP_HOLDS_MAPS || holds == MAP_HOLDS_PROGRAMS;
}

/* What other programs of the file use may be more than the kernel takes as it stands. */
static void leave_out_unused_maps(struct bpf_object *object, const struct bundle *bundle)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) if (has_contents(map) &&
						  is_known_map(bundle, bpf_map__name(map))) return;
	bpf_object__for_each_map(map, object) if (!bpf_map__is_internal(map) &&
						  !is_known_map(bundle, bpf_map__name(map)))
	    bpf_map__set_autocreate(map, false);
}

static int map_section(struct host_test *test, struct bpf_map *map)
{
	struct section *s = &test->sections[test->section_count];
	const char *name = section_name(map);
	int err;

	if (!bpf_map__is_internal(map) || strstr(name, ".rodata") || strstr(name, ".kconfig") ||
	    !(bpf_map__map_flags(map) & BPF_F_MMAPABLE) || test->section_count == SECTIONS_MAX)
		return 0;
	err = host_map_mmap(bpf_map__fd(map), 1, bpf_map__value_size(map), &s->memory, &s->bytes);
	if (err)
		return err;
	s->name = name;
	s->size = bpf_map__value_size(map);
	test->section_count++;
	return 0;
}

/* The verifier answers EACCES too, but then there is a log. Its refusals are -EINVAL to our
 * callers. */
static int report(struct diag *diag, const struct host_test_load *load, int err)
{
	const char *tail = log_used > LOG_SHOWN ? log_text + log_used - LOG_SHOWN : log_text;
	const char *line = tail == log_text ? NULL : strchr(tail, '\n');

	log_text[log_used] = '\0';
	if (line)
		tail = line + 1;
	if (strstr(log_text, "PROG LOAD LOG")) {
		diag_error(diag, NO_LOC, "the kernel's verifier refuses %s; it says:\n%s",
			   load->what, tail);
		return -EINVAL;
	}
	if (err == -EPERM || err == -EACCES)
		diag_error(
		    diag, NO_LOC,
		    "the kernel does not let this process load %s. Checking runs programs in "
		    "the kernel: run it as root, or with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON "
		    "and CAP_SYS_ADMIN",
		    load->what);
	else
		diag_error(diag, NO_LOC, "cannot load %s (%s); libbpf says:\n%s", load->what,
			   strerror(-err), tail);
	return err;
}

/*
 * Nothing is left behind on the host; and what a Bloom filter wrongly takes for a member depends on
 * its seed, which must be the same on all sides.
 */
static void prepare_map(struct bpf_map *map)
{
	bpf_map__set_pin_path(map, NULL);
	host_section_share(map);
	if (bpf_map__type(map) == BPF_MAP_TYPE_BLOOM_FILTER)
		bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_ZERO_SEED);
}

/* What Cleave made has the variable that shows it. */
static int replay_inputs(struct host_test *test, const struct bpf_program *prog,
			 const struct host_test_load *load)
{
	static char log[1 << 16];
	int err;

	if (!load->replay || host_test_variable(test, CLEAVE_REPLAY_SYMBOL, NULL) ||
	    host_test_variable(test, CLEAVE_SKB_SYMBOL, NULL) ||
	    host_test_variable(test, CLEAVE_REDIRECT_SYMBOL, NULL))
		return 0;
	*log = '\0';
	err = host_replay_open(&test->replay, test->object, prog, load->bundle, log, sizeof log);
	if (!err && test->replay)
		test->prog_fd = host_replay_fd(test->replay, prog);
	if (*log)
		log_used = (size_t)snprintf(log_text, sizeof log_text, "PROG LOAD LOG\n%.3000s",
					    strlen(log) > 3000 ? log + strlen(log) - 3000 : log);
	return err;
}

static int open_and_load(struct host_test *test, const struct host_test_load *load)
{
	char counts[256]; /* with a place for a log of its own libbpf does not ask again */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "cleave_check",
		    .kernel_log_buf = load->once ? counts : NULL,
		    .kernel_log_size = load->once ? sizeof counts : 0,
		    .kernel_log_level = load->once ? LOG_COUNTS_ONLY : 0);
	struct host_completed completed = {0};
	struct bpf_program *prog;
	struct bpf_map *map;
	int err;

	test->object = bpf_object__open_mem(load->elf, load->size, &opts);
	if (!test->object)
		return -errno;
	prog = choose_programs(test->object, load);
	if (!prog) {
		log_used = (size_t)snprintf(log_text, sizeof log_text, "no program \"%s\"\n",
					    load->program);
		return -ENOENT;
	}
	bpf_object__for_each_map(map, test->object) prepare_map(map);
	if (load->bundle && !fills_unknown_arrays(test->object, load))
		leave_out_unused_maps(test->object, load->bundle);
	preset_sections(test->object, load);
	err = load->shared ? host_share_maps(test->object, load->shared->object) : 0;
	if (!err && load->bundle)
		err = host_complete_maps(&completed, test->object, load->bundle);
	if (!err)
		err = bpf_object__load(test->object);
	host_completed_close(&completed);
	if (!err && load->bundle)
		err = layer_fill_programs(test->object, load->bundle);
	if (err)
		return err;
	test->prog_fd = bpf_program__fd(prog);
	test->tc = load->tc;
	test->generation = load->generation;
	bpf_object__for_each_map(map, test->object)
	{
		err = map_section(test, map);
		if (err)
			return err;
	}
	return replay_inputs(test, prog, load);
}

int host_test_open(struct host_test **out, const struct host_test_load *load, struct diag *diag)
{
	struct host_test *test = calloc(1, sizeof *test);
	libbpf_print_fn_t print;
	int err;

	if (!test)
		return -ENOMEM;
	log_used = 0;
	print = libbpf_set_print(keep_log);
	err = open_and_load(test, load);
	libbpf_set_print(print);
	if (err) {
		host_test_close(&test);
		return report(diag, load, err);
	}
	*out = test;
	return 0;
}

void host_test_close(struct host_test **out)
{
	struct host_test *test = *out;

	if (!test)
		return;
	for (unsigned i = 0; i < test->section_count; i++)
		host_map_munmap(test->sections[i].memory, test->sections[i].bytes);
	host_replay_close(&test->replay);
	bpf_object__close(test->object);
	free(test);
	*out = NULL;
}

int host_test_map_fd(const struct host_test *test, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(test->object, name);

	return fd < 0 ? -1 : fd;
}

int host_test_program_fd(const struct host_test *test, const char *name)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(test->object, name);
	int fd = prog ? bpf_program__fd(prog) : -1;

	return fd < 0 ? -1 : fd;
}

struct wanted {
	const char *name;
	void *bytes;
	uint32_t size;
};

static int match_variable(void *context, const char *section, const char *name, uint8_t *bytes,
			  uint32_t size)
{
	struct wanted *w = context;

	if (strcmp(w->name, name))
		return 0;
	w->bytes = bytes;
	w->size = size;
	return 1;
}

/* The variable's name has other dots than the section's. */
static bool is_named_as(const char *section, const char *variable)
{
	while (*section && (*section == *variable || (*section == '.' && *variable == '_')))
		section++, variable++;
	return !*section && !*variable;
}

/* section_data is all of .data, where the object does not name it otherwise. */
static void find_section(const struct host_test *test, const char *name, struct wanted *w)
{
	size_t prefix = strlen(WHOLE_SECTION_PREFIX);

	if (strncmp(name, WHOLE_SECTION_PREFIX, prefix))
		return;
	for (unsigned i = 0; i < test->section_count; i++)
		if (is_named_as(test->sections[i].name + 1, name + prefix)) {
			w->bytes = test->sections[i].memory;
			w->size = test->sections[i].size;
		}
}

void *host_test_variable(struct host_test *test, const char *name, uint32_t *size)
{
	const struct btf *btf = bpf_object__btf(test->object);
	struct wanted w = {.name = name};
	void *replayed = test->replay ? host_replay_variable(test->replay, name, size) : NULL;

	if (replayed)
		return replayed;
	for (unsigned i = 0; btf && i < test->section_count && !w.bytes; i++)
		visit_section(btf, test->sections[i].name, test->sections[i].memory,
			      test->sections[i].bytes, match_variable, &w);
	if (!w.bytes)
		find_section(test, name, &w);
	if (size)
		*size = w.size;
	return w.bytes;
}

/* The handoff's front goes: then block and packet lie as behind XDP. */
static void drop_front(const struct host_test *test, struct host_test_result *result)
{
	struct cleave_handoff front;

	result->meta = 0;
	memcpy(&front, result->bytes, sizeof front);
	if (!test->generation || result->size < sizeof front ||
	    front.generation != test->generation || result->size - sizeof front < front.length)
		return;
	result->meta = front.length;
	result->size -= (uint32_t)sizeof front + front.length;
	memmove(result->bytes, result->bytes + sizeof front, result->meta + result->size);
}

static int run_tc(struct host_test *test, const struct test_packet *packet,
		  struct host_test_result *result)
{
	struct cleave_skb skb;
	struct __sk_buff in = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->bytes, .data_size_in = packet->size,
		    .data_out = result->bytes, .data_size_out = sizeof result->bytes, .ctx_in = &in,
		    .ctx_size_in = sizeof in, .repeat = 1);

	test_skb_begin(packet, &skb);
	in.mark = skb.mark;
	in.priority = skb.priority;
	in.ifindex = skb.ifindex;
	in.ingress_ifindex = skb.ingress_ifindex;
	in.tstamp = skb.tstamp;
	memcpy(in.cb, skb.cb, sizeof in.cb);
	if (bpf_prog_test_run_opts(test->prog_fd, &opts))
		return -errno;
	result->verdict = opts.retval;
	result->size = opts.data_size_out;
	drop_front(test, result);
	return 0;
}

int host_test_run(struct host_test *test, const struct test_packet *packet,
		  struct host_test_result *result)
{
	struct xdp_md in = {.data_end = packet->size, .ingress_ifindex = packet->ifindex},
		      out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->bytes, .data_size_in = packet->size,
		    .data_out = result->bytes, .data_size_out = sizeof result->bytes, .ctx_in = &in,
		    .ctx_size_in = sizeof in, .ctx_out = &out, .ctx_size_out = sizeof out,
		    .repeat = 1);

	if (test->tc)
		return run_tc(test, packet, result);
	if (bpf_prog_test_run_opts(test->prog_fd, &opts))
		return -errno;
	result->verdict = opts.retval;
	result->meta = out.data;
	if (result->meta > opts.data_size_out)
		return -EPROTO;
	result->size = opts.data_size_out - result->meta;
	return 0;
}
