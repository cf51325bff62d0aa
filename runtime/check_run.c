/* Running a packet list on all sides. */
#include "runtime/check_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check_describe.h"
#include "runtime/check_touches.h"
#include "runtime/packet_list.h"
#include "runtime/packet_random.h"
#include "runtime/value_mask.h"
#include "runtime/verdict_text.h"
#include "support/diag.h"

enum {
	STATE_EVERY = 64,        /* packets between comparisons of small maps, at least */
	STATE_ENTRIES_MAX = 256, /* what small means */
	STATE_ALL_EVERY = 2048,  /* packets between comparisons of all maps, at least */
	FRAME_BYTES_MIN = 14,
	DRAW_BYTES = 64, /* of a packet, to draw by */
};

struct run {
	const struct check_job *job;
	const struct packet_list *list;
	struct check_result *result;
	struct check_side *oracle, *split, *native;
	uint8_t **masks;                /* value_mask.h */
	struct check_side *scout;       /* knows what the oracle touches; or NULL */
	struct check_outcome *expected; /* a ring: of packets whose outcome is not in yet */
	size_t first, waiting, capacity;
	uint32_t delay;
	struct check_outcome got, scouted;
	struct check_touches touches;  /* since the sides were last compared */
	size_t since_state, since_all; /* packets since maps were compared whole */
	size_t newest;                 /* index of the packet run last */
};

static void close_sides(struct run *r)
{
	check_side_free(&r->oracle);
	check_side_free(&r->split);
	check_side_free(&r->native);
	check_side_free(&r->scout);
	check_touches_clear(&r->touches);
	r->first = r->waiting = 0;
}

static int open_sides(struct run *r)
{
	const struct check_job *job = r->job;
	bool native_oracle = job->native_oracle || job->no_kernel;
	struct check_side_setup setup = {.bundle = job->bundle,
					 .init = job->init,
					 .cpu = job->cpu,
					 .delay = r->delay,
					 .diag = job->diag};
	struct check_side_setup whole = {.bundle = job->whole,
					 .init = job->whole_init,
					 .cpu = job->cpu,
					 .whole = true,
					 .diag = job->diag};
	int err = native_oracle ? check_pair_new(check_native_new, &r->oracle, &whole)
				: check_pair_new(check_oracle_new, &r->oracle, &setup);

	if (!err && !native_oracle && job->whole)
		err = check_pair_new(check_native_new, &r->scout, &whole);
	if (!err)
		err = check_pair_new(job->no_kernel ? check_native_new : check_split_new, &r->split,
				     &setup);
	if (!err && job->native && !job->no_kernel)
		err = check_pair_new(check_native_new, &r->native, &setup);
	if (err)
		close_sides(r);
	else
		r->oracle->masks = r->masks;
	return err;
}

/*
 * The two sides differ. Full LRU maps may have dropped different elements before: then both are
 * right, and both start over with the next packet. Else it is a mismatch. Returns 1 for either, or
 * an error.
 */
static int settle(struct run *r, const struct check_side *tested,
		  const struct check_outcome *expected, const struct check_diff *diff, size_t at)
{
	size_t size;
	FILE *out;
	int err;

	if (check_lru_diverged(r->oracle, tested)) {
		close_sides(r);
		r->result->restarts++;
		err = open_sides(r);
		return err ? err : 1;
	}
	r->result->mismatch = true;
	r->result->at = at;
	r->result->last = r->newest;
	r->result->kind = diff->kind;
	free(r->result->text);
	out = open_memstream(&r->result->text, &size);
	if (out) {
		if (tested == r->native)
			fputs("  (replay.so, both parts in this process)\n", out);
		check_describe(out, r->oracle, tested, expected, &r->got, diff);
		fclose(out);
	}
	return 1;
}

static void count_outcome(struct check_result *result, const struct check_outcome *got, bool second)
{
	size_t *entries = second ? result->second_entries : result->entries;

	result->packets++;
	result->verdicts[verdict_cell_of(got->tc, got->verdict)]++;
	if (!got->handed_over)
		return;
	result->handed_over++;
	if (got->entry < CLEAVE_ENTRIES_MAX)
		entries[got->entry]++;
}

/* Of a pair, the program that takes the packet. */
static const struct bundle *bundle_of(const struct run *r, const struct test_packet *packet)
{
	return check_pair_takes(r->job->bundle, packet);
}

/* r->got is the outcome of the packet that has waited longest, or of the newest. */
static int judge(struct run *r, const struct check_outcome *expected)
{
	struct check_diff diff;

	r->got.packet = expected->packet;
	r->waiting--;
	count_outcome(r->result, &r->got,
		      bundle_of(r, &r->list->packets[expected->packet]) != r->job->bundle);
	if (check_compare_outcomes(expected, &r->got, &diff))
		return settle(r, r->split, expected, &diff, expected->packet);
	return 0;
}

static int complete_down_to(struct run *r, uint32_t held)
{
	int err = 0;

	while (!err && r->split->held > held) {
		const struct check_outcome *expected = &r->expected[r->first];

		err = r->split->ops->complete(r->split, &r->got);
		if (err)
			break;
		check_touches_merge(&r->touches, r->split->touches);
		r->first = (r->first + 1) % r->capacity;
		err = judge(r, expected);
	}
	return err;
}

static int compare_native(struct run *r, const struct test_packet *packet,
			  const struct cleave_replay_inputs *inputs,
			  const struct check_outcome *expected)
{
	struct check_diff diff;
	int err = r->native->ops->run(r->native, packet, inputs, &r->got);

	if (err)
		return err;
	check_touches_merge(&r->touches, r->native->touches);
	if (check_compare_outcomes(expected, &r->got, &diff) ||
	    check_compare_touched(r->oracle, r->native, r->native->touches, &diff))
		return settle(r, r->native, expected, &diff, expected->packet);
	return 0;
}

/* Packets that may be in flight after this one: none, half of what is, or all. */
static uint32_t draw_held(const struct run *r, const struct test_packet *packet)
{
	uint64_t random = r->job->seed ^ packet->time_ns;

	if (!r->delay)
		return 0;
	for (uint32_t i = 0; i < packet->size && i < DRAW_BYTES; i++)
		random = random * 31 + packet->bytes[i];
	random = packet_random_seed(random);
	switch (packet_random_below(&random, 8)) {
	case 0:
		return 0;
	case 1:
		return r->split->held / 2;
	default:
		return r->delay;
	}
}

/* A packet decided in the kernel overtakes those in flight: its own outcome is the newest. */
static int run_split(struct run *r, const struct test_packet *packet,
		     const struct cleave_replay_inputs *inputs, const struct check_outcome *newest)
{
	unsigned held = r->split->held;
	int err = r->split->ops->run(r->split, packet, inputs, &r->got);

	if (err)
		return err;
	if (r->split->held == held)
		err = judge(r, newest);
	if (r->split->held > r->result->in_flight)
		r->result->in_flight = r->split->held;
	return err ? err : complete_down_to(r, draw_held(r, packet));
}

static int run_oracle(struct run *r, const struct test_packet *packet,
		      const struct cleave_replay_inputs *inputs, struct check_outcome *expected)
{
	int err = r->oracle->ops->run(r->oracle, packet, inputs, expected);

	if (!err && r->scout)
		err = r->scout->ops->run(r->scout, packet, inputs, &r->scouted);
	if (!err && r->oracle->touches)
		check_touches_merge(&r->touches, r->oracle->touches);
	if (!err && r->scout)
		check_touches_merge(&r->touches, r->scout->touches);
	return err;
}

static int run_packet(struct run *r, size_t index)
{
	const struct test_packet *packet = &r->list->packets[index];
	struct cleave_replay_inputs inputs = {
	    .ktime_ns = packet->time_ns,
	    .random = packet_random_seed(packet->time_ns ^ r->job->seed)};
	struct check_outcome *expected = &r->expected[(r->first + r->waiting) % r->capacity];
	int err = run_oracle(r, packet, &inputs, expected);

	if (err)
		return err;
	r->newest = index;
	expected->packet = index;
	r->waiting++;
	if (r->native)
		err = compare_native(r, packet, &inputs, expected);
	return err ? err : run_split(r, packet, &inputs, expected);
}

/* For what no packet shows. */
static const struct check_outcome none;

static int compare_state(struct run *r, uint32_t entries_max, size_t at)
{
	struct check_diff diff;

	if (check_compare_state(r->oracle, r->split, entries_max, &diff))
		return settle(r, r->split, &none, &diff, at);
	if (r->native && check_compare_state(r->oracle, r->native, entries_max, &diff))
		return settle(r, r->native, &none, &diff, at);
	return 0;
}

/* Nothing is in flight: what was touched, and now and then everything. */
static int compare_maps(struct run *r, size_t index)
{
	bool all = r->since_all >= STATE_ALL_EVERY || r->touches.overflow;
	bool small = r->since_state >= STATE_EVERY;
	struct check_diff diff;
	int err = 0;

	if (check_compare_touched(r->oracle, r->split, &r->touches, &diff))
		err = settle(r, r->split, &none, &diff, index);
	else if (all || small)
		err = compare_state(r, all ? UINT32_MAX : STATE_ENTRIES_MAX, index);
	if (all || small)
		r->since_state = 0;
	if (all)
		r->since_all = 0;
	check_touches_clear(&r->touches);
	return err;
}

/* One packet, and what is due after it. 1: the sides were settled (mismatch, or a new start). */
static int step(struct run *r, size_t index)
{
	int err = run_packet(r, index);

	r->since_state++;
	r->since_all++;
	return !err && !r->split->held ? compare_maps(r, index) : err;
}

/* The kernel's test run takes no less; of TC, no frame with part of a network header either. */
static uint32_t least_bytes(const struct run *r, const struct test_packet *packet)
{
	static const struct {
		uint8_t type[2];
		uint32_t bytes;
	} headers[] = {{{0x08, 0x00}, 20}, {{0x86, 0xdd}, 40}};

	if (!bundle_is_tc(bundle_of(r, packet)))
		return FRAME_BYTES_MIN;
	for (size_t i = 0; i < 2 && packet->size >= FRAME_BYTES_MIN; i++)
		if (!memcmp(packet->bytes + FRAME_BYTES_MIN - 2, headers[i].type, 2))
			return FRAME_BYTES_MIN + headers[i].bytes;
	return FRAME_BYTES_MIN + 1;
}

static bool is_runnable(const struct run *r, const struct test_packet *packet)
{
	return (packet->size >= least_bytes(r, packet) || r->job->no_kernel) &&
	       packet->size <= HOST_TEST_BYTES_MAX;
}

static int run_all(struct run *r)
{
	int err = 0;

	for (size_t i = 0; i < r->list->count && err >= 0 && !r->result->mismatch; i++) {
		if (is_runnable(r, &r->list->packets[i]))
			err = step(r, i);
		else
			r->result->not_run++;
		if (err < 0)
			diag_error(r->job->diag, NO_LOC, "packet %zu cannot be run: %s", i + 1,
				   strerror(-err));
	}
	if (err < 0 || r->result->mismatch)
		return err < 0 ? err : 0;
	err = complete_down_to(r, 0);
	if (!err)
		err = compare_state(r, UINT32_MAX, r->list->count);
	return err < 0 ? err : 0;
}

static int run_job(const struct check_job *job, const struct packet_list *list,
		   struct check_result *result)
{
	struct run *r = calloc(1, sizeof *r);
	int err;

	*result = (struct check_result){0};
	if (!r)
		return -ENOMEM;
	r->job = job;
	r->list = list;
	r->result = result;
	r->delay = job->bundle->strict && !job->no_kernel ? job->delay : 0;
	r->capacity = (size_t)r->delay + 2;
	r->expected = calloc(r->capacity, sizeof *r->expected);
	r->masks = value_masks_new(job->bundle);
	err = r->expected && r->masks ? open_sides(r) : -ENOMEM;
	if (!err)
		err = run_all(r);
	close_sides(r);
	value_masks_free(&r->masks, job->bundle);
	for (size_t i = 0; r->expected && i < r->capacity; i++)
		events_free(&r->expected[i].events);
	events_free(&r->got.events);
	events_free(&r->scouted.events);
	free(r->expected);
	free(r);
	return err;
}

static size_t count_short(const struct check_job *job, const struct packet_list *list)
{
	const struct run r = {.job = job};
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->packets[i].size < least_bytes(&r, &list->packets[i]);
	return count;
}

/* The whole list once more without the kernel, so that short packets meet the state they would. */
static int run_short(const struct check_job *job, const struct packet_list *list,
		     struct check_result *result)
{
	struct check_job native = *job;
	struct check_result again;
	size_t count = count_short(job, list);
	int err;

	if (!count || !job->whole || !job->native)
		return 0;
	native.no_kernel = true;
	err = run_job(&native, list, &again);
	if (!err && again.mismatch) {
		again.not_run = result->not_run;
		free(result->text);
		*result = again;
	} else {
		free(again.text);
	}
	result->only_native = count;
	return err;
}

int check_run(const struct check_job *job, const struct packet_list *list,
	      struct check_result *result)
{
	int err = run_job(job, list, result);

	return err || result->mismatch ? err : run_short(job, list, result);
}
