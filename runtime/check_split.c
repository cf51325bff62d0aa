/*
 * The split under test: the kernel part in the real kernel, and the user part in this process on
 * the same maps, as the agent would have it. What the kernel part hands over waits here until the
 * caller completes it; the kernel part finds a socket at its port, so it keeps the order of packets
 * behind those.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "runtime/check_globals.h"
#include "runtime/check_kernel.h"
#include "runtime/check_side.h"
#include "runtime/check_user.h"
#include "runtime/env.h"
#include "runtime/host_bpf.h"
#include "runtime/host_events.h"
#include "runtime/map_init.h"
#include "runtime/packet_list.h"
#include "support/diag.h"

/* A packet on its way up. */
struct held {
	uint32_t size, ifindex, entry, length, own; /* length: of the handoff */
	struct cleave_replay_inputs inputs; /* random numbers as the kernel part left them */
	struct events events;               /* of the kernel part */
	uint8_t bytes[HOST_TEST_FRAME];     /* own metadata, handoff, packet */
};

/* TC: the block ends with both */
enum { HANDOFF_TAIL = sizeof(struct cleave_skb) + sizeof(struct cleave_handoff) };

struct split {
	struct check_side side; /* first */
	uint32_t generation;
	struct host_test *test;
	struct check_kernel kernel;
	int *fds, *value_fds;
	struct cleave_order *order; /* or NULL */
	size_t order_bytes;
	int socket; /* in the XSKMAP: tickets in flight count only while somebody is there; or -1 */
	struct check_globals globals;
	struct map_set *set;
	struct user_part *part; /* NULL: no user part */
	user_main_function *user_main;
	struct check_user user;
	struct host_events *events;
	struct held *held; /* a ring */
	uint32_t capacity, first;
	/* Of a pair. */
	bool second;
	struct split *partner;
};

/* The verdict does not tell: with no socket there the redirect falls back. The header does. */
static bool is_handoff(const struct split *s, struct cleave_handoff *header)
{
	if (s->kernel.result.meta < sizeof *header)
		return false;
	memcpy(header, s->kernel.result.bytes + s->kernel.result.meta - sizeof *header,
	       sizeof *header);
	return header->generation == s->generation;
}

/* What the agent would not take. */
static bool is_damaged(const struct split *s, const struct cleave_handoff *header)
{
	const struct bundle *bundle = s->side.bundle;

	for (size_t i = 0; i < bundle->cut_count; i++)
		if (bundle->cuts[i].entry == header->entry)
			return header->length != bundle->cuts[i].length ||
			       (uint32_t)header->length + header->own != s->kernel.result.meta;
	return true;
}

static int hold(struct split *s, const struct cleave_handoff *header,
		const struct test_packet *packet, const struct cleave_replay_inputs *inputs)
{
	struct held *h = &s->held[(s->first + s->side.held) % s->capacity];

	if (!s->user_main || is_damaged(s, header))
		return -EPROTO;
	h->size = s->kernel.result.size;
	h->entry = header->entry;
	h->length = header->length;
	h->own = header->own;
	h->ifindex = packet->ifindex ? packet->ifindex : 1;
	h->inputs = s->kernel.inputs ? *s->kernel.inputs : *inputs;
	events_clear(&h->events);
	host_events_take(s->events, &h->events);
	memcpy(h->bytes, s->kernel.result.bytes, h->own + h->length + h->size);
	s->side.held++;
	return 0;
}

static int run(struct check_side *side, const struct test_packet *packet,
	       const struct cleave_replay_inputs *inputs, struct check_outcome *outcome)
{
	struct split *s = (struct split *)side;
	struct cleave_handoff header;
	int err;

	check_touches_clear(&s->user.touches);
	err = check_kernel_run(&s->kernel, packet, inputs);
	if (err)
		return err;
	if (is_handoff(s, &header))
		return hold(s, &header, packet, inputs);
	check_kernel_outcome(&s->kernel, outcome);
	host_events_take(s->events, &outcome->events);
	return 0;
}

/* Its effects are visible: later packets of its keys may be decided in the kernel again. */
static void publish(struct split *s, const struct held *h)
{
	struct cleave_ticket ticket;

	if (!s->order)
		return;
	if (s->side.bundle->strict && s->side.bundle->ordered_maps) {
		memcpy(&ticket, h->bytes + h->own, sizeof ticket);
		if (CLEAVE_TICKET_PORT(ticket.ticket) < CLEAVE_PORTS_MAX)
			__atomic_store_n(&s->order->done[CLEAVE_TICKET_PORT(ticket.ticket)],
					 CLEAVE_TICKET_SEQ(ticket.ticket), __ATOMIC_RELEASE);
	}
	if (!s->side.held && !(s->partner && s->partner->side.held))
		__atomic_add_fetch(&s->order->epoch, 1, __ATOMIC_RELEASE);
}

static int complete(struct check_side *side, struct check_outcome *outcome)
{
	struct split *s = (struct split *)side;
	struct held *h = &s->held[s->first];
	const uint8_t *block = h->bytes + h->own;
	uint32_t action;

	if (s->user.tc)
		memcpy(&s->user.skb, block + h->length - HANDOFF_TAIL, sizeof s->user.skb);
	check_user_set(&s->user, block + h->length, h->size, h->ifindex);
	memcpy(s->user.handoff, block, h->length);
	s->user.packet.data_meta -= h->own;
	memcpy(s->user.packet.data_meta, h->bytes, h->own);
	s->user.packet.entry = h->entry;
	action = check_user_run(&s->user, s->user_main, &h->inputs);
	check_user_outcome(&s->user, action, outcome);
	events_append(&outcome->events, &h->events);
	host_events_take(s->events, &outcome->events);
	outcome->handed_over = true;
	outcome->entry = h->entry;
	s->first = (s->first + 1) % s->capacity;
	s->side.held--;
	publish(s, h);
	return 0;
}

static void free_split(struct check_side *side)
{
	struct split *s = (struct split *)side;

	check_user_close(&s->user);
	if (!s->second)
		host_events_close(&s->events);
	for (uint32_t i = 0; s->held && i < s->capacity; i++)
		events_free(&s->held[i].events);
	map_set_free(&s->set);
	user_part_close(&s->part);
	check_globals_free(&s->globals);
	host_map_munmap(s->order, s->order_bytes);
	host_test_close(&s->test);
	if (s->socket >= 0)
		close(s->socket);
	free(s->fds);
	free(s->value_fds);
	free(s->held);
	free(s);
}

static const struct check_side_ops ops = {.run = run, .complete = complete, .free = free_split};

static int load_kernel_part(struct split *s, const struct check_side_setup *setup)
{
	const struct bundle_member *object = bundle_find(setup->bundle, BUNDLE_MEMBER_KERNEL);
	struct host_test_load options = {.what = "the kernel part",
					 .bundle = setup->bundle,
					 .program = setup->bundle->program,
					 .tc = bundle_is_tc(setup->bundle),
					 .port_base = s->second,
					 .shared = setup->first ? setup->first->test : NULL,
					 .preset = check_globals_preset,
					 .context = (void *)(uintptr_t)setup};
	int err;

	if (!object) {
		diag_error(setup->diag, NO_LOC, "the bundle has no %s", BUNDLE_MEMBER_KERNEL);
		return -EBADMSG;
	}
	if (getrandom(&s->generation, sizeof s->generation, 0) != sizeof s->generation ||
	    !s->generation)
		s->generation = 0x636c7631;
	options.elf = object->bytes;
	options.size = object->size;
	options.generation = s->generation;
	options.count = setup->count;
	err = host_test_open(&s->test, &options, setup->diag);
	if (!err)
		check_kernel_begin(&s->kernel, s->test, bundle_is_tc(setup->bundle));
	return err;
}

static int find_fds(struct split *s, const struct bundle *bundle)
{
	s->fds = calloc(bundle->map_count + 1, sizeof *s->fds);
	s->value_fds = calloc(bundle->map_count + 1, sizeof *s->value_fds);
	if (!s->fds || !s->value_fds)
		return -ENOMEM;
	for (size_t i = 0; i < bundle->map_count; i++) {
		char name[256];

		snprintf(name, sizeof name, "%s%s", CLEAVE_VALUES_PREFIX, bundle->maps[i].name);
		s->fds[i] = host_test_map_fd(s->test, bundle->maps[i].name);
		s->value_fds[i] = host_test_map_fd(s->test, name);
	}
	return 0;
}

static int map_order(struct split *s)
{
	int fd = host_test_map_fd(s->test, CLEAVE_MAP_ORDER);
	void *memory;
	int err = fd < 0
		      ? 0
		      : host_map_mmap(fd, 1, sizeof(struct cleave_order), &memory, &s->order_bytes);

	if (fd < 0 || err)
		return err;
	s->order = memory;
	s->order->epoch = 1;
	return 0;
}

static int enter_socket(struct split *s)
{
	int fd = host_test_map_fd(s->test, CLEAVE_MAP_XSKS), err;

	if (fd < 0)
		return 0;
	err = s->socket = host_xsk_enter(fd, s->second);
	return err < 0 ? err : 0;
}

static int attach_maps(struct split *s, const struct check_side_setup *setup)
{
	struct map_set_attachment attachment = {
	    .batch_prog_fd = host_test_program_fd(s->test, CLEAVE_PROG_BATCH),
	    .batch_fd = host_test_map_fd(s->test, CLEAVE_MAP_BATCH),
	    .output_prog_fd = host_test_program_fd(s->test, CLEAVE_PROG_OUTPUT),
	    .output_fd = host_test_map_fd(s->test, CLEAVE_MAP_OUTPUT)};
	int err = find_fds(s, setup->bundle);

	if (!err)
		err = map_order(s);
	if (!err)
		err = enter_socket(s);
	if (err) {
		diag_error(setup->diag, NO_LOC, "cannot reach the kernel part's memory: %s",
			   strerror(-err));
		return err;
	}
	err = check_globals_new(&s->globals, setup, s->test);
	if (err)
		return err;
	attachment.map_fds = s->fds;
	attachment.value_fds = s->value_fds;
	attachment.globals = s->globals.addresses;
	attachment.epoch = s->order ? (const uint64_t *)&s->order->epoch : NULL;
	err = map_set_new_attached(setup->bundle, &attachment, &s->set, setup->diag);
	if (!err && setup->first)
		map_set_share(s->set, setup->first->set);
	return err;
}

static int open_events(struct split *s, const struct check_side_setup *setup)
{
	if (!s->second)
		return host_events_open(&s->events, setup->bundle, s->fds);
	s->events = setup->first->events;
	return 0;
}

static int open_user_part(struct split *s, const struct check_side_setup *setup)
{
	int err;

	if (!bundle_find(setup->bundle, BUNDLE_MEMBER_USER))
		return 0;
	err = user_part_open(&s->part, setup->bundle, BUNDLE_MEMBER_USER, setup->diag);
	if (!err)
		s->user_main = user_part_find(s->part, CLEAVE_USER_MAIN);
	if (!err && !s->user_main) {
		diag_error(setup->diag, NO_LOC, "%s in the bundle has no %s", BUNDLE_MEMBER_USER,
			   CLEAVE_USER_MAIN);
		err = -EBADMSG;
	}
	return err;
}

int check_split_new(struct check_side **side, const struct check_side_setup *setup)
{
	struct split *s = calloc(1, sizeof *s);
	int err;

	if (!s)
		return -ENOMEM;
	s->side = (struct check_side){.ops = &ops, .bundle = setup->bundle, .name = "split"};
	s->socket = -1;
	s->second = setup->first != NULL;
	s->capacity = setup->delay + 1;
	s->held = calloc(s->capacity, sizeof *s->held);
	err = s->held ? load_kernel_part(s, setup) : -ENOMEM;
	if (!err)
		err = attach_maps(s, setup);
	if (!err)
		err = open_events(s, setup);
	if (!err)
		err = open_user_part(s, setup);
	if (!err)
		err = check_user_open(&s->user, s->set, setup->cpu, bundle_is_tc(setup->bundle));
	if (!err && setup->init && !s->second)
		err = map_init_write(setup->init, setup->bundle, map_set_maps(s->set), setup->diag);
	if (err) {
		free_split(&s->side);
		return err;
	}
	s->side.maps = map_set_maps(s->set);
	s->side.globals = s->globals.addresses;
	s->side.touches = &s->user.touches;
	s->side.test = s->test;
	s->side.set = s->set;
	s->side.events = s->events;
	if (s->second) {
		s->partner = (struct split *)setup->first;
		s->partner->partner = s;
	}
	*side = &s->side;
	return 0;
}
