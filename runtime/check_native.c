/*
 * A program that was compiled for this host: both parts (replay.so), or the whole as user part.
 * Used by replay, as a second opinion in check, and as the oracle of programs that the kernel
 * cannot run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check_globals.h"
#include "runtime/check_side.h"
#include "runtime/check_user.h"
#include "runtime/env.h"
#include "runtime/host_bpf.h"
#include "runtime/map_init.h"
#include "runtime/packet_list.h"
#include "runtime/test_skb.h"
#include "support/diag.h"

struct native {
	struct check_side side; /* first */
	struct map_set *set;
	struct user_part *part;
	user_main_function *kernel_main, *user_main; /* kernel_main NULL: whole */
	struct check_user user;
};

/* What the first part left right before the packet. Its length is not the manifest's: map values
 * are pointers here. */
static int take_handoff(struct native *n)
{
	struct cleave_packet *p = &n->user.packet;
	size_t room = (size_t)(p->data - n->user.frame);
	struct cleave_handoff header;

	if (room < sizeof header)
		return -EPROTO;
	memcpy(&header, p->data - sizeof header, sizeof header);
	if (header.generation != CLEAVE_REPLAY_GENERATION || header.entry != p->entry ||
	    header.length < sizeof header || header.length + header.own > room ||
	    header.length > sizeof n->user.handoff)
		return -EPROTO;
	memcpy(n->user.handoff, p->data - header.length, header.length);
	memmove(p->data - header.own, p->data - header.length - header.own, header.own);
	p->data_meta = p->data - header.own;
	return 0;
}

/* So that a header is always of this run; the part may have moved the packet's start. */
static void clear_handoff(struct native *n)
{
	memset(n->user.handoff, 0, sizeof n->user.handoff);
	memset(n->user.packet.data - sizeof(struct cleave_handoff), 0,
	       sizeof(struct cleave_handoff));
}

static int run(struct check_side *side, const struct test_packet *packet,
	       const struct cleave_replay_inputs *inputs, struct check_outcome *outcome)
{
	struct native *n = (struct native *)side;
	struct cleave_replay_inputs own = *inputs;
	uint32_t action = CLEAVE_HANDED_OVER;

	test_skb_begin(packet, &n->user.skb);
	check_user_set(&n->user, packet->bytes, packet->size,
		       packet->ifindex ? packet->ifindex : 1);
	outcome->handed_over = false;
	outcome->entry = 0;
	clear_handoff(n);
	if (n->kernel_main)
		action = check_user_run(&n->user, n->kernel_main, &own);
	if (action == CLEAVE_HANDED_OVER) {
		int err = n->kernel_main ? take_handoff(n) : 0;

		if (err)
			return err;
		outcome->handed_over = n->kernel_main != NULL;
		outcome->entry = n->user.packet.entry;
		action = check_user_run(&n->user, n->user_main, &own);
	}
	check_user_outcome(&n->user, action, outcome);
	return 0;
}

static void free_native(struct check_side *side)
{
	struct native *n = (struct native *)side;

	check_user_close(&n->user);
	map_set_free(&n->set);
	user_part_close(&n->part);
	free(n);
}

static const struct check_side_ops ops = {.run = run, .free = free_native};

static int open_part(struct native *n, const struct check_side_setup *setup)
{
	const char *member = setup->whole ? BUNDLE_MEMBER_USER : BUNDLE_MEMBER_REPLAY;
	int err = user_part_open(&n->part, setup->bundle, member, setup->diag);

	if (err)
		return err;
	if (!setup->whole)
		n->kernel_main = user_part_find(n->part, CLEAVE_KERNEL_MAIN);
	n->user_main = user_part_find(n->part, CLEAVE_USER_MAIN);
	if ((setup->whole || n->kernel_main) && n->user_main)
		return 0;
	diag_error(setup->diag, NO_LOC, "%s in the bundle lacks its functions", member);
	return -EBADMSG;
}

static void preset_globals(struct native *n, const struct check_side_setup *setup)
{
	uint8_t *const *globals = map_set_globals(n->set);

	for (size_t i = 0; setup->init && i < setup->init->global_count; i++)
		memcpy(globals[setup->init->globals[i].global], setup->init->globals[i].bytes,
		       setup->init->globals[i].size);
}

int check_native_new(struct check_side **side, const struct check_side_setup *setup)
{
	struct native *n = calloc(1, sizeof *n);
	int cpus = host_possible_cpus(), err;

	if (!n)
		return -ENOMEM;
	n->side = (struct check_side){.ops = &ops, .bundle = setup->bundle, .name = "native"};
	err = open_part(n, setup);
	if (!err)
		err = map_set_new_native(setup->bundle, cpus > 0 ? (uint32_t)cpus : 1, &n->set,
					 setup->diag);
	if (!err && setup->first)
		map_set_share(n->set, setup->first->set);
	if (!err && setup->init && !setup->first) {
		preset_globals(n, setup);
		err = map_init_write(setup->init, setup->bundle, map_set_maps(n->set), setup->diag);
	}
	if (!err)
		err = check_user_open(&n->user, n->set, setup->cpu, bundle_is_tc(setup->bundle));
	if (err) {
		free_native(&n->side);
		return err;
	}
	n->side.maps = map_set_maps(n->set);
	n->side.globals = map_set_globals(n->set);
	n->side.touches = &n->user.touches;
	n->side.set = n->set;
	*side = &n->side;
	return 0;
}
