/* Global variables of a side. */
#include "runtime/check_globals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/host_bpf.h"
#include "runtime/map_init.h"
#include "support/diag.h"

void check_globals_preset(void *context, const char *section, const char *variable, uint8_t *bytes,
			  uint32_t size)
{
	const struct check_side_setup *setup = context;

	for (size_t i = 0; setup->init && i < setup->init->global_count; i++) {
		const struct map_init_global *g = &setup->init->globals[i];
		const struct bundle_global *spec = &setup->bundle->globals[g->global];

		/* Names are unique; a pair's variables lie in another section than clang's. */
		if (!strcmp(spec->name, variable) && g->size == size)
			memcpy(bytes, g->bytes, size);
	}
}

static int make_own(struct check_globals *globals, const struct check_side_setup *setup)
{
	const struct bundle *b = setup->bundle;
	size_t bytes = 0;

	for (size_t i = 0; i < b->global_count; i++)
		bytes += ((size_t)b->globals[i].size + 63) & ~(size_t)63;
	globals->own = calloc(1, bytes + 1);
	globals->addresses = calloc(b->global_count + 1, sizeof *globals->addresses);
	if (!globals->own || !globals->addresses)
		return -ENOMEM;
	for (size_t i = 0, at = 0; i < b->global_count; i++) {
		globals->addresses[i] = globals->own + at;
		at += ((size_t)b->globals[i].size + 63) & ~(size_t)63;
	}
	return host_globals_read(b, globals->addresses);
}

int check_globals_new(struct check_globals *globals, const struct check_side_setup *setup,
		      struct host_test *test)
{
	int err = make_own(globals, setup);

	if (err)
		diag_error(setup->diag, NO_LOC,
			   "cannot read the start values of the global variables: %s",
			   strerror(-err));
	for (size_t i = 0; i < setup->bundle->global_count && !err; i++) {
		const struct bundle_global *g = &setup->bundle->globals[i];
		uint32_t size = 0;
		uint8_t *shared =
		    test && !g->constant ? host_test_variable(test, g->name, &size) : NULL;

		if (shared && size == g->size)
			globals->addresses[i] = shared;
		else
			check_globals_preset((void *)(uintptr_t)setup, g->section, g->name,
					     globals->addresses[i], g->size);
	}
	return err;
}

void check_globals_free(struct check_globals *globals)
{
	free(globals->addresses);
	free(globals->own);
	*globals = (struct check_globals){0};
}
