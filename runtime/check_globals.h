/*
 * The start values of an NF's global variables, and where a side keeps them: in the memory of an
 * object in the kernel where that has them, else in a buffer of the side's own.
 */
#ifndef CLEAVE_RUNTIME_CHECK_GLOBALS_H
#define CLEAVE_RUNTIME_CHECK_GLOBALS_H

#include <stdint.h>

#include "runtime/check_side.h"

struct check_globals {
	uint8_t **addresses; /* by the bundle's index */
	uint8_t *own;
};

/* For struct host_test_load: writes the start values of --map-init; context is the side's setup. */
void check_globals_preset(void *context, const char *section, const char *variable, uint8_t *bytes,
			  uint32_t size);
/* test may be NULL: then all are the side's own. Returns 0 or a negative errno
 * (reported). */
int check_globals_new(struct check_globals *globals, const struct check_side_setup *setup,
		      struct host_test *test);
void check_globals_free(struct check_globals *globals);

#endif
