/* The command line of cleaved check. */
#include "runtime/check_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/map_fill.h"
#include "support/exit_codes.h"

enum { PACKETS_DEFAULT = 10000, PACKETS_MAX = 100000000, DELAY_DEFAULT = 32, DELAY_MAX = 4096 };

static const char usage[] =
    "usage: cleaved check [OPTION]... BUNDLE...\n"
    "Runs each bundle and the unmodified program on the same packets and compares everything.\n"
    "  --dir DIR            check every *.cleave in DIR too\n"
    "  --pcap FILE          packets from a capture instead of generated ones; given more than\n"
    "                       once: one capture per interface, merged by time\n"
    "  --ifindex N[,N]...   interfaces that its packets arrive on, in turn (default 1); of\n"
    "                       several captures one interface each\n"
    "  --packets N          how many (default 10000, or the whole capture)\n"
    "  --seed S             of packets and random numbers (default 1)\n"
    "  --gen FILE           pools of addresses, ports, weights for generated packets (JSON)\n"
    "  --map-init FILE      what maps and global variables start with (JSON)\n"
    "  --map-fill N         maps begin with up to N random elements each (default 0: empty)\n"
    "  --delay N            up to N packets are in flight to user at a time (default 32)\n"
    "  --native             compare replay.so too, where the bundle has one\n"
    "  --save-mismatch FILE where the shortest packet list goes (default mismatch.pcap)\n"
    "  --save-packets FILE  where all the packets go, as a capture\n"
    "  --json               the result as JSON\n";

enum {
	OPT_DIR = 256,
	OPT_PCAP,
	OPT_IFINDEX,
	OPT_PACKETS,
	OPT_SEED,
	OPT_GEN,
	OPT_MAP_INIT,
	OPT_MAP_FILL,
	OPT_DELAY,
	OPT_NATIVE,
	OPT_SAVE,
	OPT_SAVE_PACKETS,
	OPT_JSON,
};

static const struct option longs[] = {
    {"dir", required_argument, NULL, OPT_DIR},
    {"pcap", required_argument, NULL, OPT_PCAP},
    {"ifindex", required_argument, NULL, OPT_IFINDEX},
    {"packets", required_argument, NULL, OPT_PACKETS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"gen", required_argument, NULL, OPT_GEN},
    {"map-init", required_argument, NULL, OPT_MAP_INIT},
    {"map-fill", required_argument, NULL, OPT_MAP_FILL},
    {"delay", required_argument, NULL, OPT_DELAY},
    {"native", no_argument, NULL, OPT_NATIVE},
    {"save-mismatch", required_argument, NULL, OPT_SAVE},
    {"save-packets", required_argument, NULL, OPT_SAVE_PACKETS},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 0);
	if (end != text && !*end && *text != '-' && *number <= max)
		return true;
	fprintf(stderr, "cleaved check: not a number from 0 to %llu: %s\n", (unsigned long long)max,
		text);
	return false;
}

static bool set_number(struct check_options *o, int option, const char *text)
{
	uint64_t number;

	switch (option) {
	case OPT_PACKETS:
		if (!parse_number(text, PACKETS_MAX, &number))
			return false;
		o->packets = (size_t)number;
		return true;
	case OPT_MAP_FILL:
		if (!parse_number(text, MAP_FILL_ELEMENTS_MAX, &number))
			return false;
		o->map_fill = (uint32_t)number;
		return true;
	case OPT_DELAY:
		if (!parse_number(text, DELAY_MAX, &number))
			return false;
		o->delay = (uint32_t)number;
		return true;
	default:
		return parse_number(text, UINT64_MAX, &o->seed);
	}
}

static bool set_option(struct check_options *o, int option, const char *text)
{
	switch (option) {
	case OPT_DIR:
		o->dir = text;
		return true;
	case OPT_PCAP:
		if (o->pcap_count == CHECK_CAPTURES_MAX)
			return false;
		o->pcaps[o->pcap_count++] = text;
		return true;
	case OPT_IFINDEX:
		o->ifindexes.text = text;
		return ifindex_list_is_valid(&o->ifindexes);
	case OPT_PACKETS:
	case OPT_SEED:
	case OPT_DELAY:
	case OPT_MAP_FILL:
		return set_number(o, option, text);
	case OPT_GEN:
		o->gen = text;
		return true;
	case OPT_MAP_INIT:
		o->map_init = text;
		return true;
	case OPT_NATIVE:
		o->native = true;
		return true;
	case OPT_SAVE_PACKETS:
		o->save_packets = text;
		return true;
	case OPT_SAVE:
		o->save = text;
		return true;
	case OPT_JSON:
		o->json = true;
		return true;
	default:
		return false;
	}
}

int check_options_parse(struct check_options *options, int argc, char **argv, bool *done)
{
	int option;

	*options = (struct check_options){
	    .packets = 0, .seed = 1, .delay = DELAY_DEFAULT, .save = "mismatch.pcap"};
	*done = false;
	optind = 1;
	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			*done = true;
			return EXIT_CLEAVE_OK;
		}
		if (!set_option(options, option, optarg)) {
			fputs(usage, stderr);
			return EXIT_CLEAVE_USAGE;
		}
	}
	options->bundles = argv + optind;
	options->bundle_count = (size_t)(argc - optind);
	if (!options->bundle_count && !options->dir) {
		fputs(usage, stderr);
		return EXIT_CLEAVE_USAGE;
	}
	if (!options->packets)
		options->packets = options->pcap_count ? SIZE_MAX : PACKETS_DEFAULT;
	return EXIT_CLEAVE_OK;
}
