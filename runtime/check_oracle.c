/* The oracle: the unmodified program in the real kernel. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check_globals.h"
#include "runtime/check_kernel.h"
#include "runtime/check_side.h"
#include "runtime/env.h"
#include "runtime/host_events.h"
#include "runtime/map_init.h"
#include "runtime/packet_list.h"
#include "support/diag.h"

struct oracle {
	struct check_side side; /* first */
	struct bundle bundle;   /* the same maps, each an ordinary kernel map */
	struct bundle_map *specs;
	int *fds;
	struct host_test *test;
	struct map_set *set;
	struct check_globals globals;
	struct check_kernel kernel;
	struct host_events *events;
	bool second; /* of a pair: events are the first's to read */
};

static int run(struct check_side *side, const struct test_packet *packet,
	       const struct cleave_replay_inputs *inputs, struct check_outcome *outcome)
{
	struct oracle *o = (struct oracle *)side;
	int err = check_kernel_run(&o->kernel, packet, inputs);

	if (err)
		return err;
	check_kernel_outcome(&o->kernel, outcome);
	host_events_take(o->events, &outcome->events);
	return 0;
}

static void free_oracle(struct check_side *side)
{
	struct oracle *o = (struct oracle *)side;

	if (!o->second)
		host_events_close(&o->events);
	map_set_free(&o->set);
	check_globals_free(&o->globals);
	host_test_close(&o->test);
	free(o->specs);
	free(o->fds);
	free(o);
}

static const struct check_side_ops ops = {.run = run, .free = free_oracle};

static int load(struct host_test **test, const struct check_side_setup *setup, bool once)
{
	const struct bundle_member *object = bundle_find(setup->bundle, BUNDLE_MEMBER_SOURCE);
	struct host_test_load options = {.what = "the unmodified program",
					 .program = setup->bundle->program,
					 .bundle = setup->bundle,
					 .tc = bundle_is_tc(setup->bundle),
					 .once = once,
					 .replay = setup->bundle->replay_inputs,
					 .shared = setup->first ? setup->first->test : NULL,
					 .preset = check_globals_preset,
					 .context = (void *)(uintptr_t)setup};

	if (!object) {
		diag_error(setup->diag, NO_LOC, "the bundle has no %s", BUNDLE_MEMBER_SOURCE);
		return -EBADMSG;
	}
	options.elf = object->bytes;
	options.size = object->size;
	return host_test_open(test, &options, setup->diag);
}

int check_oracle_probe(const struct check_side_setup *setup)
{
	struct host_test *test = NULL;
	struct check_side_setup second = *setup;
	int err = load(&test, setup, !setup->bundle->kernel_can_run_source);

	host_test_close(&test);
	second.bundle = setup->bundle->second;
	return err || !second.bundle ? err : check_oracle_probe(&second);
}

/* Every map lives in the kernel here, whatever home the plan gave it. */
static int attach_maps(struct oracle *o, const struct check_side_setup *setup)
{
	struct map_set_attachment attachment = {
	    .batch_prog_fd = -1, .batch_fd = -1, .output_prog_fd = -1, .output_fd = -1};
	size_t count = setup->bundle->map_count;
	int err;

	o->specs = calloc(count + 1, sizeof *o->specs);
	o->fds = calloc(count + 1, sizeof *o->fds);
	if (!o->specs || !o->fds)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		o->specs[i] = setup->bundle->maps[i];
		if (o->specs[i].home != MAP_HOME_PACKET_LOCAL)
			o->specs[i].home = MAP_HOME_KERNEL;
		o->fds[i] = host_test_map_fd(o->test, o->specs[i].name);
		if (o->fds[i] < 0) {
			diag_error(setup->diag, NO_LOC, "the unmodified program has no map \"%s\"",
				   o->specs[i].name);
			return -EBADMSG;
		}
	}
	o->bundle = *setup->bundle;
	o->bundle.maps = o->specs;
	attachment.map_fds = attachment.value_fds = o->fds;
	err = map_set_new_attached(&o->bundle, &attachment, &o->set, setup->diag);
	if (!err && setup->first)
		map_set_share(o->set, setup->first->set);
	return err;
}

static int open_events(struct oracle *o, const struct check_side_setup *setup)
{
	o->second = setup->first != NULL;
	if (!o->second)
		return host_events_open(&o->events, setup->bundle, o->fds);
	o->events = setup->first->events;
	return 0;
}

int check_oracle_new(struct check_side **side, const struct check_side_setup *setup)
{
	struct oracle *o = calloc(1, sizeof *o);
	int err;

	if (!o)
		return -ENOMEM;
	o->side = (struct check_side){.ops = &ops, .bundle = setup->bundle, .name = "oracle"};
	err = load(&o->test, setup, false);
	if (!err)
		err = attach_maps(o, setup);
	if (!err)
		err = open_events(o, setup);
	if (!err)
		err = check_globals_new(&o->globals, setup, o->test);
	if (!err && setup->init && !setup->first)
		err = map_init_write(setup->init, setup->bundle, map_set_maps(o->set), setup->diag);
	if (err) {
		free_oracle(&o->side);
		return err;
	}
	check_kernel_begin(&o->kernel, o->test, bundle_is_tc(setup->bundle));
	o->side.maps = map_set_maps(o->set);
	o->side.test = o->test;
	o->side.set = o->set;
	o->side.events = o->events;
	o->side.globals = o->globals.addresses;
	*side = &o->side;
	return 0;
}

void check_side_free(struct check_side **side)
{
	if (*side)
		(*side)->ops->free(*side);
	*side = NULL;
}
