/*
 * measure: what a packet of one mix costs the contenders, in turns.
 *
 *     measure --drive drive.bpf.o --gen gen.json --map-init maps.json
 *             whole=original:nf.cleave split=kernel:nf.cleave user=user:nf-user.cleave
 *
 * NAME=KIND:BUNDLE; the first is what the others are compared with, round by round. KIND: original
 * (the unmodified program in the kernel), kernel (the kernel part), kernel+count (the same,
 * counting verdicts), user (a --split user bundle, in this process). Prints JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/drive.h"
#include "eval/measure.h"
#include "runtime/map_init.h"
#include "runtime/packet_gen.h"
#include "runtime/packet_pools.h"
#include "runtime/test_interfaces.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/exit_codes.h"

enum { CONTENDERS_MAX = 12, BYTES_MIN = 14, TURNS = 8192, ROUNDS = 61 };

struct measure {
	const char *drive_path, *gen;
	size_t packet_count, rounds, turns, pad;
	struct arena *arena;
	struct diag diag;
	struct packet_list packets;
	struct drive *drive;
	struct contender *idle[2]; /* what measuring itself costs: in user, in the kernel */
	struct contender *contenders[CONTENDERS_MAX];
	struct bundle *bundles[CONTENDERS_MAX]; /* contenders refer to them */
	size_t count;
	uint32_t cpu;
};

static const char usage[] =
    "usage: measure --drive FILE [OPTION]... NAME=KIND:BUNDLE[:MAP-INIT]...\n"
    "  --gen FILE      pools of the generated packets (JSON)\n"
    "  --pad BYTES     longer at least; zeros are added\n"
    "  --packets N     of the mix (default 4096)\n"
    "  --rounds N      (default 61)\n"
    "  --turns N       packets of one contender in one round (default 8192)\n"
    "KIND: original, kernel, kernel+count, user\n";

static const struct option longs[] = {
    {"drive", required_argument, NULL, 'd'},
    {"gen", required_argument, NULL, 'g'},
    {"packets", required_argument, NULL, 'p'},
    {"rounds", required_argument, NULL, 'r'},
    {"turns", required_argument, NULL, 't'},
    {"pad", required_argument, NULL, 'a'},
    {0},
};

static bool read_number(const char *text, size_t max, size_t *number)
{
	char *end;

	*number = strtoul(text, &end, 10);
	return end != text && !*end && *number > 0 && *number <= max;
}

static bool set_option(struct measure *m, int option)
{
	switch (option) {
	case 'd':
		m->drive_path = optarg;
		return true;
	case 'g':
		m->gen = optarg;
		return true;
	case 'a':
		return read_number(optarg, DRIVE_BYTES_MAX, &m->pad);
	case 'p':
		return read_number(optarg, DRIVE_PACKETS_MAX, &m->packet_count);
	case 'r':
		return read_number(optarg, 10000, &m->rounds);
	case 't':
		return read_number(optarg, 100000000, &m->turns);
	default:
		return false;
	}
}

static bool parse_options(struct measure *m, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!set_option(m, option))
			return false;
	return m->drive_path && optind < argc && argc - optind <= CONTENDERS_MAX;
}

/* Generated packets that the driver's buffer takes. */
static int make_packets(struct measure *m)
{
	struct packet_list all = {0};
	struct packet_pools pools;
	int err = 0;

	packet_pools_default(&pools, m->arena);
	if (m->gen)
		err = packet_pools_read(&pools, m->arena, m->gen, &m->diag);
	if (!err)
		packet_gen_fill(&all, &pools, 1, 2 * m->packet_count);
	for (size_t i = 0; i < all.count && m->packets.count < m->packet_count; i++) {
		const struct test_packet *p = &all.packets[i];
		uint8_t bytes[DRIVE_BYTES_MAX] = {0};

		if (p->size < BYTES_MIN || p->size > DRIVE_BYTES_MAX)
			continue;
		memcpy(bytes, p->bytes, p->size);
		packet_list_add(&m->packets, bytes, p->size < m->pad ? (uint32_t)m->pad : p->size,
				p->ifindex ? p->ifindex : 1, p->time_ns);
	}
	packet_list_free(&all);
	return err;
}

static int prepare_host(struct measure *m)
{
	int cpu = sched_getcpu(), err;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	if (cpu < 0 || sched_setaffinity(0, sizeof set, &set)) {
		diag_error(&m->diag, NO_LOC, "cannot stay on one CPU: %s", strerror(errno));
		return -EPERM;
	}
	m->cpu = (uint32_t)cpu;
	err = test_interfaces_enter(&m->diag);
	for (size_t i = 0; i < m->packets.count && !err; i++)
		err = test_interfaces_add(m->packets.packets[i].ifindex, &m->diag);
	return err;
}

static int add_devices(struct measure *m, const struct bundle *bundle, const struct map_init *init)
{
	int err = 0;

	for (size_t i = 0; i < init->entry_count && !err; i++) {
		uint32_t type = bundle->maps[init->entries[i].map].type, ifindex;

		if (type != BPF_MAP_TYPE_DEVMAP && type != BPF_MAP_TYPE_DEVMAP_HASH)
			continue;
		memcpy(&ifindex, init->entries[i].value, sizeof ifindex);
		err = test_interfaces_add(ifindex, &m->diag);
	}
	return err;
}

/* Splits NAME=KIND:BUNDLE[:MAP-INIT] in place; fields[3] may be NULL. */
static bool split_words(char *text, char *fields[4])
{
	fields[0] = text;
	fields[1] = strchr(text, '=');
	fields[2] = fields[1] ? strchr(fields[1], ':') : NULL;
	if (!fields[2])
		return false;
	*fields[1]++ = '\0';
	*fields[2]++ = '\0';
	fields[3] = strchr(fields[2], ':');
	if (fields[3])
		*fields[3]++ = '\0';
	return true;
}

static bool is_kernel_kind(const char *kind)
{
	return !strcmp(kind, "original") || !strcmp(kind, "kernel") ||
	       !strcmp(kind, "kernel+count");
}

static int open_contender(struct measure *m, const char *kind, const char *map_init,
			  struct bundle *bundle, struct contender **c)
{
	struct check_side_setup setup = {.bundle = bundle, .cpu = m->cpu, .diag = &m->diag};
	struct map_init init;
	int err = 0;

	if (map_init) {
		err = map_init_read(&init, m->arena, map_init, bundle, &m->diag);
		if (!err)
			err = add_devices(m, bundle, &init);
		setup.init = &init;
	}
	if (err)
		return err;
	if (is_kernel_kind(kind))
		return contender_kernel_new(c, m->drive, kind, &setup, &m->packets);
	if (!strcmp(kind, "user"))
		return contender_user_new(c, &setup, &m->packets);
	diag_error(&m->diag, NO_LOC, "there is no kind `%s`", kind);
	return -EINVAL;
}

static int make_room(const struct measure *m, struct contender *c)
{
	c->ns = calloc(m->rounds, sizeof *c->ns);
	return c->ns ? 0 : -ENOMEM;
}

static int add_contender(struct measure *m, char *text)
{
	struct contender **c = &m->contenders[m->count];
	struct bundle **bundle = &m->bundles[m->count];
	char *fields[4];
	int err;

	if (!split_words(text, fields)) {
		diag_error(&m->diag, NO_LOC, "not NAME=KIND:BUNDLE: %s", text);
		return -EINVAL;
	}
	err = bundle_read(fields[2], bundle, &m->diag);
	if (!err)
		err = open_contender(m, fields[1], fields[3], *bundle, c);
	if (err)
		return err;
	(*c)->name = fields[0];
	m->count++;
	return make_room(m, *c);
}

static int open_all(struct measure *m, char **words, int count)
{
	int err = drive_open(&m->drive, m->drive_path, &m->packets, &m->diag);

	if (!err)
		err = contender_user_new(&m->idle[0], NULL, &m->packets);
	if (!err)
		err = contender_kernel_new(&m->idle[1], m->drive, "idle", NULL, NULL);
	for (unsigned i = 0; i < 2 && !err; i++)
		err = make_room(m, m->idle[i]);
	for (int i = 0; i < count && !err; i++)
		err = add_contender(m, words[i]);
	return err;
}

static void close_all(struct measure *m)
{
	for (size_t i = 0; i < m->count; i++)
		m->contenders[i]->ops->free(m->contenders[i]);
	for (unsigned i = 0; i < 2; i++)
		if (m->idle[i])
			m->idle[i]->ops->free(m->idle[i]);
	for (size_t i = 0; i < CONTENDERS_MAX; i++)
		if (m->bundles[i])
			bundle_free(&m->bundles[i]);
	drive_close(&m->drive);
	packet_list_free(&m->packets);
	arena_free(&m->arena);
}

static int run_one(struct measure *m, struct contender *c, size_t round)
{
	int64_t ns = c->ops->run(c, m->turns);

	if (ns < 0)
		return (int)ns;
	c->ns[round] = (double)ns / (double)m->turns;
	return 0;
}

/* One round: everybody once, in alternating order so that a drift of the clock rate cancels out. */
static int run_round(struct measure *m, size_t round)
{
	int err = 0;

	for (unsigned i = 0; i < 2 && !err; i++)
		err = run_one(m, m->idle[i], round);
	for (size_t i = 0; i < m->count && !err; i++)
		err = run_one(m, m->contenders[round % 2 ? m->count - 1 - i : i], round);
	return err;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *values, size_t count, double *sorted)
{
	memcpy(sorted, values, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, by_value);
	return sorted[count / 2];
}

/* The median of all rounds: a single one would carry its own noise into every contender. */
static int subtract_idle(struct measure *m)
{
	double *sorted = malloc(m->rounds * sizeof *sorted);

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < m->count; i++) {
		struct contender *c = m->contenders[i];
		double idle = median(m->idle[c->in_kernel]->ns, m->rounds, sorted);

		for (size_t r = 0; r < m->rounds; r++)
			c->ns[r] -= idle;
	}
	free(sorted);
	return 0;
}

static double rounded(double x)
{
	return (double)(int64_t)(x * 1000 + (x < 0 ? -0.5 : 0.5)) / 1000;
}

static json_t *statistics(const double *values, size_t count)
{
	double *sorted = malloc(count * sizeof *sorted), middle;
	json_t *json;

	if (!sorted)
		return NULL;
	middle = median(values, count, sorted);
	json =
	    json_pack("{s:f,s:f,s:f,s:f,s:f}", "median", rounded(middle), "min", rounded(sorted[0]),
		      "max", rounded(sorted[count - 1]), "quarter", rounded(sorted[count / 4]),
		      "three_quarters", rounded(sorted[count - 1 - count / 4]));
	free(sorted);
	return json;
}

static json_t *contender_json(const struct measure *m, const struct contender *c, double *ratios)
{
	for (size_t r = 0; r < m->rounds; r++)
		ratios[r] = c->ns[r] / m->contenders[0]->ns[r];
	return json_pack("{s:s,s:s,s:i,s:f,s:o,s:o}", "name", c->name, "kind", c->kind,
			 "instructions", (int)c->instructions, "to_user", rounded(c->to_user), "ns",
			 statistics(c->ns, m->rounds), "ratio", statistics(ratios, m->rounds));
}

static int print(const struct measure *m)
{
	double *ratios = calloc(m->rounds, sizeof *ratios);
	json_t *list = json_array(), *json;

	for (size_t i = 0; ratios && i < m->count; i++)
		json_array_append_new(list, contender_json(m, m->contenders[i], ratios));
	free(ratios);
	json = json_pack("{s:i,s:i,s:i,s:o}", "packets", (int)m->packets.count, "rounds",
			 (int)m->rounds, "turns", (int)m->turns, "contenders", list);
	json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(json);
	return ferror(stdout) ? EXIT_CLEAVE_HOST : EXIT_CLEAVE_OK;
}

int main(int argc, char **argv)
{
	struct measure m = {.packet_count = 4096,
			    .rounds = ROUNDS,
			    .turns = TURNS,
			    .diag = {.out = stderr, .prog = "measure"}};
	int err;

	if (!parse_options(&m, argc, argv)) {
		fputs(usage, stderr);
		return EXIT_CLEAVE_USAGE;
	}
	m.arena = arena_new();
	err = make_packets(&m);
	if (!err)
		err = prepare_host(&m);
	if (!err)
		err = open_all(&m, argv + optind, argc - optind);
	for (size_t r = 0; r < m.rounds && !err; r++)
		err = run_round(&m, r);
	if (!err)
		err = subtract_idle(&m);
	if (err)
		fprintf(stderr, "measure: gave up: %s\n", strerror(-err));
	else
		err = print(&m);
	close_all(&m);
	return err < 0 ? EXIT_CLEAVE_HOST : err;
}
