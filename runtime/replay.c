/*
 * cleaved replay: both layers of a bundle in this process, on a capture. No privilege, no
 * interface: what the kernel part would decide is decided by the same code compiled for this host
 * (replay.so).
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/user_abi.h"
#include "runtime/check_compare.h"
#include "runtime/check_side.h"
#include "runtime/commands.h"
#include "runtime/ifindex_list.h"
#include "runtime/map_init.h"
#include "runtime/packet_list.h"
#include "runtime/packet_random.h"
#include "runtime/pcap_file.h"
#include "runtime/verdict_text.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/exit_codes.h"
#include "support/file.h"

struct replay {
	const char *bundle_path, *in, *out, *map_init, *verdicts;
	struct ifindex_list ifindexes;
	uint64_t seed;
	bool json;
	struct arena *arena;
	struct diag diag;
	struct bundle *bundle;
	struct check_side *side;
	struct packet_list packets;
	struct pcap_file *pcap;
	struct file_output verdict_file;
	/* [0]: decided in the kernel part, [1]: in the user part */
	uint64_t count[2][VERDICT_CELLS], entry[CLEAVE_ENTRIES_MAX], not_run;
};

static const char usage[] =
    "usage: cleaved replay BUNDLE --pcap IN.pcap [-w OUT.pcap] [OPTION]...\n"
    "Runs both layers of a bundle in this process on a capture; needs no privilege.\n"
    "  --pcap FILE          packets in\n"
    "  -w, --write FILE     packets that go on (XDP_PASS, TC_ACT_OK ...), as they are then;\n"
    "                       - is standard output\n"
    "  --ifindex N[,N]...   interfaces that packets arrive on, in turn (default 1)\n"
    "  --map-init FILE      what maps and global variables start with (JSON)\n"
    "  --verdicts FILE      a line for each packet: number, layer, entry, verdict, length\n"
    "  --seed S             of random numbers (default 1)\n"
    "  --json               the counts as JSON\n";

enum { OPT_PCAP = 256, OPT_IFINDEX, OPT_MAP_INIT, OPT_VERDICTS, OPT_SEED, OPT_JSON };

static const struct option longs[] = {
    {"pcap", required_argument, NULL, OPT_PCAP},
    {"write", required_argument, NULL, 'w'},
    {"ifindex", required_argument, NULL, OPT_IFINDEX},
    {"map-init", required_argument, NULL, OPT_MAP_INIT},
    {"verdicts", required_argument, NULL, OPT_VERDICTS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool set_option(struct replay *r, int option)
{
	char *end = "";

	switch (option) {
	case OPT_PCAP:
		r->in = optarg;
		break;
	case 'w':
		r->out = strcmp(optarg, "-") ? optarg : "/dev/stdout";
		break;
	case OPT_IFINDEX:
		r->ifindexes.text = optarg;
		return ifindex_list_is_valid(&r->ifindexes);
	case OPT_MAP_INIT:
		r->map_init = optarg;
		break;
	case OPT_VERDICTS:
		r->verdicts = optarg;
		break;
	case OPT_SEED:
		r->seed = strtoull(optarg, &end, 0);
		return end != optarg && !*end;
	case OPT_JSON:
		r->json = true;
		break;
	default:
		return false;
	}
	return true;
}

static int parse_options(struct replay *r, int argc, char **argv, bool *done)
{
	int option;

	*done = false;
	optind = 1;
	while ((option = getopt_long(argc, argv, "hw:", longs, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			*done = true;
			return EXIT_CLEAVE_OK;
		}
		if (!set_option(r, option)) {
			fputs(usage, stderr);
			return EXIT_CLEAVE_USAGE;
		}
	}
	if (argc - optind != 1 || !r->in) {
		fputs(usage, stderr);
		return EXIT_CLEAVE_USAGE;
	}
	r->bundle_path = argv[optind];
	return EXIT_CLEAVE_OK;
}

/* A bundle whose whole program is the user part can be replayed without replay.so. */
static int open_side(struct replay *r)
{
	struct check_side_setup setup = {.bundle = r->bundle, .diag = &r->diag};
	struct map_init init;
	int err;

	setup.whole = !bundle_find(r->bundle, BUNDLE_MEMBER_REPLAY) &&
		      !strcmp(r->bundle->split, "user") &&
		      bundle_find(r->bundle, BUNDLE_MEMBER_USER);
	if (!setup.whole && !bundle_find(r->bundle, BUNDLE_MEMBER_REPLAY)) {
		diag_error(&r->diag, NO_LOC,
			   "%s was not built for replay: `cleave build --replay NF.bpf.c` builds "
			   "one that is",
			   r->bundle_path);
		return -EINVAL;
	}
	if (r->map_init) {
		err = map_init_read(&init, r->arena, r->map_init, r->bundle, &r->diag);
		if (err)
			return err;
		setup.init = &init;
	}
	return check_native_new(&r->side, &setup);
}

/* What is read must not be written. */
static int check_outputs(struct replay *r)
{
	const char *in[] = {r->in, r->bundle_path, r->map_init, NULL},
		   *out[] = {r->out, r->verdicts};

	for (size_t o = 0; o < 2; o++)
		for (size_t i = 0; out[o] && i < 3; i++)
			if (in[i] && file_is_same(in[i], out[o])) {
				diag_error(&r->diag, NO_LOC, "%s would be overwritten", in[i]);
				return -EINVAL;
			}
	return 0;
}

static int open_files(struct replay *r)
{
	int err = check_outputs(r);

	if (!err)
		err = pcap_file_read(r->in, &r->packets, &r->diag);
	if (err)
		return err;
	ifindex_list_apply(&r->ifindexes, &r->packets);
	if (r->out)
		err = pcap_file_create(r->out, &r->pcap, &r->diag);
	if (!err && r->verdicts) {
		err = file_output_open(&r->verdict_file, r->verdicts);
		if (err)
			diag_error(&r->diag, (struct src_loc){r->verdicts}, "cannot write: %s",
				   strerror(-err));
	}
	return err;
}

static bool is_tc(const struct replay *r)
{
	return bundle_is_tc(r->bundle);
}

static void note_verdict(struct replay *r, size_t index, const struct check_outcome *o)
{
	FILE *out = r->verdict_file.stream;

	if (!out)
		return;
	fprintf(out, "%zu %s %u %s %u", index + 1, o->handed_over ? "user" : "kernel", o->entry,
		check_verdict_text(is_tc(r), o->verdict), o->size);
	if (verdict_redirects(is_tc(r), o->verdict))
		fprintf(out, " %s %u",
			o->redirect_kind == CLEAVE_REDIRECT_MAP &&
				o->redirect_map < r->bundle->map_count
			    ? r->bundle->maps[o->redirect_map].name
			    : "interface",
			o->redirect_target);
	fputc('\n', out);
}

static int run_packet(struct replay *r, size_t index)
{
	static struct check_outcome outcome;
	const struct test_packet *p = &r->packets.packets[index];
	struct cleave_replay_inputs inputs = {.ktime_ns = p->time_ns,
					      .random = packet_random_seed(p->time_ns ^ r->seed)};
	int err;

	if (p->size > HOST_TEST_BYTES_MAX) {
		r->not_run++;
		return 0;
	}
	err = r->side->ops->run(r->side, p, &inputs, &outcome);
	if (err) {
		diag_error(&r->diag, NO_LOC, "packet %zu: the handoff is damaged", index + 1);
		return err;
	}
	r->count[outcome.handed_over][verdict_cell_of(is_tc(r), outcome.verdict)]++;
	if (outcome.handed_over && outcome.entry < CLEAVE_ENTRIES_MAX)
		r->entry[outcome.entry]++;
	note_verdict(r, index, &outcome);
	if (r->pcap && verdict_goes_on(is_tc(r), outcome.verdict))
		pcap_file_add(r->pcap, outcome.bytes, outcome.size, p->time_ns);
	return 0;
}

static uint64_t total(const struct replay *r, unsigned layer)
{
	uint64_t sum = 0;

	for (unsigned v = 0; v < verdict_cell_count(is_tc(r)); v++)
		sum += r->count[layer][v];
	return sum;
}

/* Where the counts go: not into a capture on standard output. */
static FILE *talk(const struct replay *r)
{
	return r->out && !strcmp(r->out, "/dev/stdout") ? stderr : stdout;
}

static void print_text(const struct replay *r, FILE *out)
{
	uint64_t all = total(r, 0) + total(r, 1);

	fprintf(out, "%-16s %12s %12s\n", "", "kernel", "user");
	for (unsigned v = 0; v < verdict_cell_count(is_tc(r)); v++)
		if (r->count[0][v] || r->count[1][v])
			fprintf(out, "%-16s %12" PRIu64 " %12" PRIu64 "\n",
				verdict_cell_text(is_tc(r), v), r->count[0][v], r->count[1][v]);
	fprintf(out, "%-16s %12" PRIu64 " %12" PRIu64 "  (%.1f %% of %" PRIu64 ")\n", "packets",
		total(r, 0), total(r, 1), all ? 100.0 * (double)total(r, 1) / (double)all : 0.0,
		all);
	for (size_t i = 0; i < r->bundle->cut_count; i++) {
		const struct bundle_cut *cut = &r->bundle->cuts[i];

		if (cut->entry < CLEAVE_ENTRIES_MAX)
			fprintf(out, "cut %u at %s:%u%s: %" PRIu64 " packets, %u bytes each\n",
				cut->entry, cut->file ? cut->file : "?", cut->line,
				cut->held_only ? " (held)" : "", r->entry[cut->entry], cut->length);
	}
	if (r->not_run)
		fprintf(out,
			"%" PRIu64 " packets left out: longer than the %d bytes of an XDP frame\n",
			r->not_run, HOST_TEST_BYTES_MAX);
}

static json_t *layer_json(const struct replay *r, unsigned layer)
{
	json_t *object = json_object();

	for (unsigned v = 0; v < verdict_cell_count(is_tc(r)); v++)
		json_object_set_new(object, verdict_cell_text(is_tc(r), v),
				    json_integer((json_int_t)r->count[layer][v]));
	return object;
}

static void print_json(const struct replay *r, FILE *out)
{
	json_t *cuts = json_array();
	json_t *root = json_pack("{s:I, s:I, s:o, s:o, s:I, s:o}", "packets",
				 (json_int_t)(total(r, 0) + total(r, 1)), "handed_over",
				 (json_int_t)total(r, 1), "kernel", layer_json(r, 0), "user",
				 layer_json(r, 1), "not_run", (json_int_t)r->not_run, "cuts", cuts);

	for (size_t i = 0; i < r->bundle->cut_count; i++) {
		const struct bundle_cut *cut = &r->bundle->cuts[i];

		if (cut->entry < CLEAVE_ENTRIES_MAX)
			json_array_append_new(
			    cuts, json_pack("{s:i, s:s, s:i, s:b, s:I}", "entry", (int)cut->entry,
					    "file", cut->file ? cut->file : "", "line",
					    (int)cut->line, "held_only", cut->held_only, "packets",
					    (json_int_t)r->entry[cut->entry]));
	}
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}

static int report_verdicts(struct replay *r, int err)
{
	if (err)
		diag_error(&r->diag, (struct src_loc){r->verdicts}, "cannot write: %s",
			   strerror(-err));
	return err;
}

/* Both or none: what a replay that failed has written is of no use. */
static int close_files(struct replay *r, int err)
{
	int late = 0;

	if (!err && r->pcap)
		err = pcap_file_flush(r->pcap, &r->diag);
	if (!err && r->verdict_file.stream)
		err = report_verdicts(r, file_output_flush(&r->verdict_file));
	if (r->verdict_file.stream)
		late = report_verdicts(r, file_output_close(&r->verdict_file, !err));
	err = err ? err : late;
	late = pcap_file_close(&r->pcap, !err, &r->diag);
	return err ? err : late;
}

static int run(struct replay *r)
{
	int err = bundle_read(r->bundle_path, &r->bundle, &r->diag);

	if (!err && r->bundle->second) {
		diag_error(&r->diag, (struct src_loc){.file = r->bundle_path},
			   "it holds two programs, and a capture does not say which one takes a "
			   "packet; `cleave check` runs both");
		err = -EINVAL;
	}
	if (!err)
		err = open_side(r);
	if (!err)
		err = open_files(r);
	for (size_t i = 0; i < r->packets.count && !err; i++)
		err = run_packet(r, i);
	err = close_files(r, err);
	if (err)
		return err;
	if (r->json)
		print_json(r, talk(r));
	else
		print_text(r, talk(r));
	return 0;
}

static int exit_code(int err)
{
	switch (err) {
	case -EIO:
	case -ENOSPC:
	case -EDQUOT:
	case -EROFS:
	case -EACCES:
	case -EPERM:
	case -ENOMEM:
		return EXIT_CLEAVE_HOST;
	default:
		return EXIT_CLEAVE_INPUT;
	}
}

int replay_main(int argc, char **argv)
{
	struct replay r = {.seed = 1, .diag = {.out = stderr, .prog = "cleaved replay"}};
	bool done;
	int code = parse_options(&r, argc, argv, &done), err;

	if (code || done)
		return code;
	r.arena = arena_new();
	err = run(&r);
	check_side_free(&r.side);
	packet_list_free(&r.packets);
	bundle_free(&r.bundle);
	arena_free(&r.arena);
	if (!err)
		return EXIT_CLEAVE_OK;
	return exit_code(err);
}
