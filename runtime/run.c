/* `cleaved run`: options, the agent's life in the foreground, its output. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/bpf.h>

#include "runtime/agent.h"
#include "runtime/agent_maps.h"
#include "runtime/commands.h"
#include "support/exit_codes.h"

static const char usage_text[] =
    "usage: cleaved run BUNDLE -i INTERFACE [-i INTERFACE ...] [options]\n"
    "  --when-user-gone drop|pass  what becomes of packets that need a user part that is not there "
    "(drop)\n"
    "  --order strict|relaxed      keep packets of one state key in order between layers (as "
    "built)\n"
    "  --mode auto|native|generic  how the interface runs XDP (auto)\n"
    "  --hook ingress|egress       where a TC program runs (as its section says, else ingress)\n"
    "  --copy | --zero-copy        insist on one way of AF_XDP (the driver's best)\n"
    "  --workers N                 threads (one per queue, at most one per CPU)\n"
    "  --map-init FILE             what maps and globals start with\n"
    "  --pin-path FOLDER           where maps are that the source pins by name (/sys/fs/bpf)\n"
    "  --force                     replace an XDP program that is there\n"
    "  --count                     count verdicts of the kernel part too\n"
    "  --stats-interval S          print counters every S seconds\n"
    "  --duration S                stop after S seconds\n"
    "  --json                      counters as JSON\n";

enum option_id {
	OPT_GONE = 256,
	OPT_ORDER,
	OPT_FORCE,
	OPT_MODE,
	OPT_COPY,
	OPT_ZERO_COPY,
	OPT_WORKERS,
	OPT_MAP_INIT,
	OPT_STATS,
	OPT_JSON,
	OPT_COUNT,
	OPT_DURATION,
	OPT_HOOK,
	OPT_PIN_FOLDER,
};

static const struct option long_options[] = {
    {"interface", required_argument, NULL, 'i'},
    {"when-user-gone", required_argument, NULL, OPT_GONE},
    {"order", required_argument, NULL, OPT_ORDER},
    {"force", no_argument, NULL, OPT_FORCE},
    {"mode", required_argument, NULL, OPT_MODE},
    {"hook", required_argument, NULL, OPT_HOOK},
    {"copy", no_argument, NULL, OPT_COPY},
    {"zero-copy", no_argument, NULL, OPT_ZERO_COPY},
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"map-init", required_argument, NULL, OPT_MAP_INIT},
    {"pin-path", required_argument, NULL, OPT_PIN_FOLDER},
    {"stats-interval", required_argument, NULL, OPT_STATS},
    {"json", no_argument, NULL, OPT_JSON},
    {"count", no_argument, NULL, OPT_COUNT},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* The index of value among words (NULL ends them), or -1, reported. */
static int find_word(const char *option, const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(value, words[i]))
			return i;
	fprintf(stderr, "cleaved: error: --%s takes", option);
	for (int i = 0; words[i]; i++)
		fprintf(stderr, "%s%s", i ? "|" : " ", words[i]);
	fprintf(stderr, ", not `%s`\n", value);
	return -1;
}

static bool read_seconds(const char *option, const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	if (*text && !*end && *seconds > 0 && *seconds < 1e9)
		return true;
	fprintf(stderr, "cleaved: error: --%s takes a number of seconds, not `%s`\n", option, text);
	return false;
}

static bool read_workers(const char *text, uint32_t *workers)
{
	char *end;
	long n = strtol(text, &end, 10);

	*workers = (uint32_t)n;
	if (*text && !*end && n >= 1 && n <= PORTS_MAX)
		return true;
	fprintf(stderr, "cleaved: error: --workers takes a number from 1 to %d, not `%s`\n",
		PORTS_MAX, text);
	return false;
}

static bool add_interface(struct agent_options *o, const char *name)
{
	if (o->interface_count == PORTS_MAX) {
		fprintf(stderr, "cleaved: error: more than %d interfaces\n", PORTS_MAX);
		return false;
	}
	o->ifnames[o->interface_count++] = name;
	return true;
}

static bool read_word_option(struct agent_options *o, int id, const char *value)
{
	static const char *const gone[] = {"drop", "pass", NULL};
	static const char *const order[] = {"strict", "relaxed", NULL};
	static const char *const mode[] = {"auto", "native", "generic", NULL};
	static const char *const hook[] = {"ingress", "egress", NULL};
	int word = id == OPT_GONE    ? find_word("when-user-gone", value, gone)
		   : id == OPT_ORDER ? find_word("order", value, order)
		   : id == OPT_HOOK  ? find_word("hook", value, hook)
				     : find_word("mode", value, mode);

	if (word < 0)
		return false;
	if (id == OPT_GONE)
		o->gone_action = word ? XDP_PASS : XDP_DROP;
	else if (id == OPT_ORDER)
		o->relaxed = word;
	else if (id == OPT_HOOK)
		o->hook = hook[word];
	else
		o->mode = (enum attach_mode)word;
	return true;
}

static bool read_option(struct agent_options *o, int id, const char *value)
{
	switch (id) {
	case 'i':
		return add_interface(o, value);
	case OPT_GONE:
	case OPT_ORDER:
	case OPT_MODE:
	case OPT_HOOK:
		return read_word_option(o, id, value);
	case OPT_FORCE:
		o->force = true;
		return true;
	case OPT_COPY:
	case OPT_ZERO_COPY:
		o->copy = id == OPT_COPY ? IO_COPY_YES : IO_COPY_NO;
		return true;
	case OPT_WORKERS:
		return read_workers(value, &o->workers);
	case OPT_MAP_INIT:
		o->map_init = value;
		return true;
	case OPT_PIN_FOLDER:
		o->pin_folder = value;
		return true;
	case OPT_STATS:
		return read_seconds("stats-interval", value, &o->stats_interval_s);
	case OPT_JSON:
		o->json = true;
		return true;
	case OPT_COUNT:
		o->count = true;
		return true;
	case OPT_DURATION:
		return read_seconds("duration", value, &o->duration_s);
	}
	return false;
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct agent_options *o, int argc, char **argv)
{
	int id;

	*o = (struct agent_options){.gone_action = XDP_DROP};
	optind = 1;
	while ((id = getopt_long(argc, argv, "hi:", long_options, NULL)) != -1) {
		if (id == 'h') {
			fputs(usage_text, stdout);
			return EXIT_CLEAVE_OK;
		}
		if (id == '?') {
			fputs(usage_text, stderr);
			return EXIT_CLEAVE_USAGE;
		}
		if (!read_option(o, id, optarg))
			return EXIT_CLEAVE_USAGE;
	}
	if (optind + 1 != argc || !o->interface_count) {
		fprintf(stderr, "cleaved: error: %s\n%s",
			optind + 1 != argc ? "exactly one bundle, please"
					   : "name an interface with -i",
			usage_text);
		return EXIT_CLEAVE_USAGE;
	}
	o->bundle_path = argv[optind];
	return -1;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_counters(const struct agent *agent, bool live)
{
	struct counters all, *counters = &all;

	agent_counters(agent, &all);
	if (agent->options->json) {
		json_t *json = agent_status_json(agent, counters);

		json_dumpf(json, stdout, live ? JSON_COMPACT : JSON_INDENT(2));
		putchar('\n');
		json_decref(json);
		fflush(stdout);
		return;
	}
	if (live && isatty(STDOUT_FILENO))
		agent_print_headline(agent, stdout);
	counters_print(counters, agent->bundle, stdout);
}

/* Of every program: a pair has two. */
static void print_all_counters(const struct agent *agent, bool live)
{
	if (live && !agent->options->json && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	for (const struct agent *a = agent; a; a = a->second) {
		if (agent->second && !agent->options->json && !live)
			printf("%s%s\n", a == agent ? "" : "\n", a->bundle->program);
		print_counters(a, live);
	}
}

static void write_status(struct agent *agent)
{
	struct counters counters;

	for (struct agent *a = agent; a; a = a->second) {
		agent_counters(a, &counters);
		agent_write_status(a, &counters);
		agent_maps_follow(a);
	}
}

/* Until a signal, the end of --duration, or the loss of every interface (then an exit code). */
static int live(struct agent *agent, const sigset_t *signals)
{
	const struct agent_options *o = agent->options;
	double start = now_s(), next_stats = start + o->stats_interval_s, next_status = start;

	for (;;) {
		struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
		double now = now_s();

		if (o->duration_s && now - start >= o->duration_s)
			return EXIT_CLEAVE_OK;
		if (now >= next_status) {
			write_status(agent);
			next_status = now + 1;
			if (!agent_has_interface(agent)) {
				fprintf(stderr, "cleaved: error: the interface is gone\n");
				return EXIT_CLEAVE_HOST;
			}
		}
		if (o->stats_interval_s && now >= next_stats) {
			print_all_counters(agent, true);
			next_stats += o->stats_interval_s;
		}
		if (sigtimedwait(signals, NULL, &tick) > 0)
			return EXIT_CLEAVE_OK;
	}
}

int run_main(int argc, char **argv)
{
	struct agent_options options;
	struct agent *agent;
	sigset_t signals;
	int code = read_options(&options, argc, argv);

	if (code >= 0)
		return code;
	agent = calloc(1, sizeof *agent);
	if (!agent)
		return EXIT_CLEAVE_HOST;
	/* Whoever reads the counters may leave: the agent stays. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	code = agent_start(agent, &options);
	if (code == EXIT_CLEAVE_OK) {
		for (struct agent *a = agent; a; a = a->second)
			agent_print_headline(a, options.json ? stderr : stdout);
		code = live(agent, &signals);
		agent_quiesce(agent);
		for (struct agent *a = agent; a; a = a->second)
			agent_remove_status(a);
		print_all_counters(agent, false);
		agent_stop(agent);
	}
	free(agent);
	return code;
}
