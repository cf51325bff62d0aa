/* The command line of cleaved check. */
#ifndef CLEAVE_RUNTIME_CHECK_OPTIONS_H
#define CLEAVE_RUNTIME_CHECK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/ifindex_list.h"

enum { CHECK_CAPTURES_MAX = 16 };

struct check_options {
	const char *dir; /* every *.cleave in it is checked too */
	/* packets from here instead of the generator */
	const char *pcaps[CHECK_CAPTURES_MAX];
	size_t pcap_count;
	size_t packets;
	uint64_t seed;
	const char *map_init, *gen, *save, *save_packets;
	uint32_t map_fill;             /* random elements of each map at most; 0: none */
	struct ifindex_list ifindexes; /* where packets of a capture arrive, in turn */
	bool json, native;
	uint32_t delay;
	char **bundles;
	size_t bundle_count;
};

/* Returns an exit code; EXIT_CLEAVE_OK with *done set when there is nothing more to do (--help). */
int check_options_parse(struct check_options *options, int argc, char **argv, bool *done);

#endif
