/* cleaved check: every variant of an NF against the unmodified program. */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/captures.h"
#include "runtime/check_options.h"
#include "runtime/check_report.h"
#include "runtime/check_run.h"
#include "runtime/check_shrink.h"
#include "runtime/commands.h"
#include "runtime/map_fill.h"
#include "runtime/map_init.h"
#include "runtime/packet_gen.h"
#include "runtime/packet_list.h"
#include "runtime/packet_pools.h"
#include "runtime/pcap_file.h"
#include "runtime/test_interfaces.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/exit_codes.h"
#include "support/file.h"
#include "support/memory_file.h"

enum { SHRINK_RUNS_MAX = 400 };

struct check {
	struct check_options options;
	struct arena *arena;
	struct diag diag;
	char **paths;
	size_t path_count, path_capacity, dir_from; /* paths from dir_from on are in --dir */
	struct bundle **bundles;
	const struct bundle *whole; /* the native oracle, when one is needed */
	const char *refusal; /* by this kernel, of a program that should have been accepted */
	bool kernel_takes_it;
	struct packet_list packets;
	uint32_t cpu;
	json_t *json;
	unsigned mismatches;
};

static int exit_code(int err)
{
	switch (err) {
	case 0:
		return EXIT_CLEAVE_OK;
	case -EPERM:
	case -EACCES:
	case -ENODEV:
	case -ENOMEM:
	case -EOPNOTSUPP:
		return EXIT_CLEAVE_HOST;
	default:
		return EXIT_CLEAVE_INPUT;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_bundle_name(const char *name)
{
	size_t length = strlen(name);

	return length > 7 && !strcmp(name + length - 7, ".cleave");
}

static int find_in_dir(struct check *c)
{
	DIR *dir = opendir(c->options.dir);
	const struct dirent *entry;

	if (!dir) {
		diag_error(&c->diag, NO_LOC, "cannot read %s: %s", c->options.dir, strerror(errno));
		return -EINVAL;
	}
	while ((entry = readdir(dir)))
		if (is_bundle_name(entry->d_name))
			*ARENA_PUSH(c->arena, c->paths, c->path_count, c->path_capacity) =
			    arena_printf(c->arena, "%s/%s", c->options.dir, entry->d_name);
	closedir(dir);
	qsort(c->paths + c->dir_from, c->path_count - c->dir_from, sizeof *c->paths, by_name);
	return 0;
}

static int find_bundles(struct check *c)
{
	int err = 0;

	for (size_t i = 0; i < c->options.bundle_count; i++)
		*ARENA_PUSH(c->arena, c->paths, c->path_count, c->path_capacity) =
		    c->options.bundles[i];
	c->dir_from = c->path_count;
	if (c->options.dir)
		err = find_in_dir(c);
	if (!err && !c->path_count) {
		diag_error(&c->diag, NO_LOC, "there is no bundle (*.cleave) in %s", c->options.dir);
		err = -EINVAL;
	}
	return err;
}

/* All are read before the first runs: a native oracle may be any of them. */
static int read_bundles(struct check *c)
{
	bool needs_whole = false;
	int err = 0;

	c->bundles = arena_array(c->arena, c->path_count, sizeof *c->bundles);
	for (size_t i = 0; i < c->path_count && !err; i++) {
		err = bundle_read(c->paths[i], &c->bundles[i], &c->diag);
		if (err)
			break;
		needs_whole |= !c->bundles[i]->kernel_can_run_source;
		if (!c->whole && !strcmp(c->bundles[i]->split, "user"))
			c->whole = c->bundles[i];
	}
	if (!err && needs_whole && !c->whole) {
		diag_error(
		    &c->diag, NO_LOC,
		    "the kernel cannot run this program whole, so a bundle made with --split "
		    "user is needed beside the others, to compare with");
		err = -EINVAL;
	}
	return err;
}

static int read_packets(struct check *c)
{
	struct packet_list *list = &c->packets;
	int err = captures_read(c->options.pcaps, c->options.pcap_count, &c->options.ifindexes,
				list, &c->diag);

	while (!err && list->count > c->options.packets)
		free(list->packets[--list->count].bytes);
	return err;
}

static int generate_packets(struct check *c)
{
	struct packet_pools pools;
	int err = 0;

	packet_pools_default(&pools, c->arena);
	if (c->options.gen)
		err = packet_pools_read(&pools, c->arena, c->options.gen, &c->diag);
	if (!err)
		packet_gen_fill(&c->packets, &pools, c->options.seed, c->options.packets);
	return err;
}

/* A capture that is read must not be written. */
static int check_outputs(struct check *c)
{
	const char *out[] = {c->options.save, c->options.save_packets};

	for (size_t o = 0; o < sizeof out / sizeof *out; o++)
		for (size_t i = 0; out[o] && i < c->options.pcap_count; i++)
			if (file_is_same(c->options.pcaps[i], out[o])) {
				diag_error(&c->diag, NO_LOC,
					   "%s would be overwritten; see --save-mismatch",
					   c->options.pcaps[i]);
				return -EINVAL;
			}
	return 0;
}

static int make_packets(struct check *c)
{
	int err = check_outputs(c);

	if (!err)
		err = c->options.pcap_count ? read_packets(c) : generate_packets(c);
	if (!err && c->options.save_packets)
		err = pcap_file_write(c->options.save_packets, &c->packets, &c->diag);
	return err;
}

/* Per-CPU values must be seen from one CPU, and nothing of the host must be touched. */
static int prepare_host(struct check *c)
{
	int cpu = sched_getcpu(), err;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	if (cpu < 0 || sched_setaffinity(0, sizeof set, &set)) {
		diag_error(&c->diag, NO_LOC, "cannot stay on one CPU: %s", strerror(errno));
		return -EPERM;
	}
	c->cpu = (uint32_t)cpu;
	err = test_interfaces_enter(&c->diag);
	for (size_t i = 0; i < c->packets.count && !err; i++)
		err = test_interfaces_add(c->packets.packets[i].ifindex, &c->diag);
	return err;
}

/* The devices that a start state names must exist before a kernel takes it. */
static int add_devices(struct check *c, const struct bundle *bundle, const struct map_init *init)
{
	int err = 0;

	for (size_t i = 0; i < init->entry_count && !err; i++) {
		const struct bundle_map *map = &bundle->maps[init->entries[i].map];
		uint32_t ifindex;

		if (map->type != 14 /* DEVMAP */ && map->type != 25 /* DEVMAP_HASH */)
			continue;
		memcpy(&ifindex, init->entries[i].value, sizeof ifindex);
		err = test_interfaces_add(ifindex, &c->diag);
	}
	return err;
}

/*
 * The bundle says whether the kernel should take the unmodified program; the kernel has the last
 * word, either way. What it says is kept, and shown only when there is no native oracle to fall
 * back on.
 */
static int probe_oracle(struct check *c)
{
	struct check_side_setup setup = {.bundle = c->bundles[0]};
	bool expected = setup.bundle->kernel_can_run_source;
	char *words = NULL;
	size_t size;
	struct diag quiet = {.out = open_memstream(&words, &size), .prog = c->diag.prog};
	int err;

	if (!quiet.out)
		return -ENOMEM;
	setup.diag = &quiet;
	err = expected || bundle_find(setup.bundle, BUNDLE_MEMBER_SOURCE)
		  ? check_oracle_probe(&setup)
		  : -ENOENT;
	fclose(quiet.out);
	c->kernel_takes_it = !err;
	if (!expected) {
		err = 0; /* as it was told */
	} else if (err == -EINVAL && c->whole) {
		c->refusal = "its verifier refuses it";
		err = 0;
	} else if (err) {
		fputs(words, c->diag.out);
	}
	free(words);
	return err;
}

/* Shrinking is a service: on a busy machine it must not look like a check that hangs. */
enum { SHRINK_S = 20 };

struct shrink_context {
	const struct check_job *job;
	time_t until;
	int err;
};

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool still_fails(void *context, const struct packet_list *list)
{
	struct shrink_context *s = context;
	struct check_result result;
	int err;

	if (now_s() > s->until)
		return false;
	err = check_run(s->job, list, &result);
	free(result.text);
	if (err)
		s->err = err;
	return !err && result.mismatch;
}

static void copy_list(struct packet_list *to, const struct packet_list *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		packet_list_add(to, from->packets[i].bytes, from->packets[i].size,
				from->packets[i].ifindex, from->packets[i].time_ns);
}

/* The same counts as the long run, but the words of the short one. */
static void shrink_mismatch(struct check *c, const struct check_job *job,
			    struct check_variant *variant, struct packet_list *list)
{
	struct shrink_context context = {.job = job, .until = now_s() + SHRINK_S};
	struct check_result again;
	size_t count = variant->result.last + 1;

	copy_list(list, &c->packets, count < c->packets.count ? count : c->packets.count);
	variant->shrunk_from = list->count;
	check_shrink(list, SHRINK_RUNS_MAX, still_fails, &context);
	if (!check_run(job, list, &again) && again.mismatch) {
		free(variant->result.text);
		variant->result.text = again.text;
		variant->result.at = again.at;
		variant->result.kind = again.kind;
	} else {
		free(again.text);
	}
	variant->shortest = list;
}

static const char *mismatch_path(struct check *c)
{
	const char *path = c->options.save, *dot = strrchr(path, '.');
	int stem = dot ? (int)(dot - path) : (int)strlen(path);

	if (c->mismatches <= 1)
		return path;
	return arena_printf(c->arena, "%.*s-%u%s", stem, path, c->mismatches, dot ? dot : "");
}

/* maps: the file with what maps began with, or NULL. */
static const char *repeat_options(const struct check *c, const char *maps)
{
	const struct check_options *o = &c->options;

	return arena_printf(c->arena, " --seed %llu --delay %u%s%s", (unsigned long long)o->seed,
			    o->delay, maps ? " --map-init " : "", maps ? maps : "");
}

static void report(struct check *c, const struct check_variant *variant)
{
	if (c->options.json)
		json_array_append_new(c->json, check_report_json(variant));
	else
		check_report_text(stdout, variant);
	fflush(stdout);
}

static struct map_fill fill_of(const struct check *c)
{
	return (struct map_fill){
	    .elements = c->options.map_fill, .seed = c->options.seed, .packets = &c->packets};
}

/* What the file says, and what is drawn for the maps that it does not name. */
static int read_start_of(struct check *c, const struct bundle *bundle, struct map_init *init)
{
	struct map_fill fill = fill_of(c);
	int err = 0;

	*init = (struct map_init){0};
	if (c->options.map_init)
		err = map_init_read(init, c->arena, c->options.map_init, bundle, &c->diag);
	if (!err && fill.elements)
		err = map_fill_add(init, c->arena, bundle, &fill, &c->diag);
	return err;
}

/* The start state beside the packets that show a mismatch: what was drawn follows from others. */
static const char *save_start(struct check *c, const char *packets, const struct map_init *init,
			      const struct bundle *bundle)
{
	const char *dot = strrchr(packets, '.');
	char *path = arena_printf(c->arena, "%.*s.maps.json",
				  dot ? (int)(dot - packets) : (int)strlen(packets), packets);

	return map_fill_save(path, init, bundle, &c->diag) ? NULL : path;
}

static int read_start_state(struct check *c, struct check_job *job, struct map_init *init,
			    struct map_init *whole_init)
{
	int err;

	if (!c->options.map_init && !c->options.map_fill)
		return 0;
	err = read_start_of(c, job->bundle, init);
	if (!err)
		err = add_devices(c, job->bundle, init);
	if (!err && job->whole)
		err = read_start_of(c, job->whole, whole_init);
	job->init = init;
	job->whole_init = job->whole ? whole_init : NULL;
	return err;
}

/* Why the kernel cannot be the oracle, or NULL. */
static const char *find_refusal(const struct check *c, const struct bundle *bundle)
{
	if (bundle->kernel_can_run_source || c->kernel_takes_it)
		return c->refusal;
	return bundle->kernel_refusal ? bundle->kernel_refusal : "it is expressive";
}

static int check_one(struct check *c, size_t index)
{
	const struct bundle *bundle = c->bundles[index];
	const char *refusal = find_refusal(c, bundle);
	char name[MEMORY_FILE_NAME_BYTES];
	struct check_variant variant = {
	    .path = memory_file_name(c->paths[index], name) ? name : c->paths[index],
	    .bundle = bundle,
	    .native_oracle = refusal != NULL,
	    .refusal = refusal};
	struct check_job job = {.bundle = bundle,
				.whole = c->whole,
				.native_oracle = refusal != NULL,
				.seed = c->options.seed,
				.cpu = c->cpu,
				.delay = c->options.delay,
				.native =
				    c->options.native && bundle_find(bundle, BUNDLE_MEMBER_REPLAY),
				.diag = &c->diag};
	struct packet_list shortest = {0};
	struct map_init init, whole_init;
	struct map_fill fill = fill_of(c);
	int err = read_start_state(c, &job, &init, &whole_init);

	if (!err && c->options.map_fill && !index)
		map_fill_print(stderr, &init, bundle, &fill);
	if (!err)
		err = check_run(&job, &c->packets, &variant.result);
	if (!err && variant.result.mismatch) {
		c->mismatches++;
		shrink_mismatch(c, &job, &variant, &shortest);
		variant.saved = mismatch_path(c);
		variant.options = repeat_options(
		    c, c->options.map_fill ? save_start(c, variant.saved, &init, bundle)
					   : c->options.map_init);
		if (pcap_file_write(variant.saved, &shortest, &c->diag))
			variant.saved = NULL;
	}
	if (!err)
		report(c, &variant);
	free(variant.result.text);
	packet_list_free(&shortest);
	return err;
}

static int run(struct check *c)
{
	int err = find_bundles(c);

	if (!err)
		err = read_bundles(c);
	if (!err)
		err = make_packets(c);
	if (!err)
		err = prepare_host(c);
	if (!err)
		err = probe_oracle(c);
	for (size_t i = 0; i < c->path_count && !err; i++)
		err = check_one(c, i);
	if (!err && c->options.json) {
		json_dumpf(c->json, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	}
	return err;
}

int check_main(int argc, char **argv)
{
	struct check c = {.diag = {.out = stderr, .prog = "cleaved check"}};
	bool done;
	int code = check_options_parse(&c.options, argc, argv, &done);

	if (code || done)
		return code;
	c.arena = arena_new();
	c.json = json_array();
	code = exit_code(run(&c));
	if (!code && c.mismatches)
		code = EXIT_CLEAVE_INPUT;
	for (size_t i = 0; c.bundles && i < c.path_count; i++)
		bundle_free(&c.bundles[i]);
	packet_list_free(&c.packets);
	json_decref(c.json);
	arena_free(&c.arena);
	return code;
}
