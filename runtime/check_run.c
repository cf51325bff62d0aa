/* Running a packet list on all sides. */
#include "runtime/check_run.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check_describe.h"
#include "runtime/packet_list.h"
#include "runtime/packet_random.h"
#include "support/diag.h"

enum {
	STATE_EVERY = 64,        /* packets between comparisons of small maps */
	STATE_ENTRIES_MAX = 256, /* what small means */
	FRAME_BYTES_MIN = 14,
};

struct run {
	const struct check_job *job;
	const struct packet_list *list;
	struct check_result *result;
	struct check_side *oracle, *split, *native;
	struct check_outcome *expected; /* a ring: of packets whose outcome is not in yet */
	size_t first, waiting, capacity;
	struct check_outcome got;
};

static void close_sides(struct run *r)
{
	check_side_free(&r->oracle);
	check_side_free(&r->split);
	check_side_free(&r->native);
	r->first = r->waiting = 0;
}

static int open_sides(struct run *r)
{
	const struct check_job *job = r->job;
	struct check_side_setup setup = {.bundle = job->bundle,
					 .init = job->init,
					 .cpu = job->cpu,
					 .delay = job->delay,
					 .diag = job->diag};
	struct check_side_setup whole = {.bundle = job->whole,
					 .init = job->whole_init,
					 .cpu = job->cpu,
					 .whole = true,
					 .diag = job->diag};
	int err = job->whole ? check_native_new(&r->oracle, &whole)
			     : check_oracle_new(&r->oracle, &setup);

	if (!err)
		err = check_split_new(&r->split, &setup);
	if (!err && job->native)
		err = check_native_new(&r->native, &setup);
	if (err)
		close_sides(r);
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

static void count_outcome(struct check_result *result, const struct check_outcome *got)
{
	result->packets++;
	result->verdicts[got->verdict <= XDP_REDIRECT ? got->verdict : 5]++;
	if (!got->handed_over)
		return;
	result->handed_over++;
	if (got->entry < CLEAVE_ENTRIES_MAX)
		result->entries[got->entry]++;
}

/* r->got is the outcome of the packet that has waited longest. Elements can be compared only when
   no packet is on its way. */
static int judge(struct run *r)
{
	const struct check_outcome *expected = &r->expected[r->first];
	struct check_diff diff;

	r->got.packet = expected->packet;
	r->first = (r->first + 1) % r->capacity;
	r->waiting--;
	count_outcome(r->result, &r->got);
	if (check_compare_outcomes(expected, &r->got, &diff) ||
	    (!r->split->held && !r->waiting &&
	     check_compare_touched(r->oracle, r->split, r->split->touches, &diff)))
		return settle(r, r->split, expected, &diff, expected->packet);
	return 0;
}

static int complete_down_to(struct run *r, uint32_t held)
{
	int err = 0;

	while (!err && r->split->held > held) {
		err = r->split->ops->complete(r->split, &r->got);
		if (!err)
			err = judge(r);
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
	if (check_compare_outcomes(expected, &r->got, &diff) ||
	    check_compare_touched(r->oracle, r->native, r->native->touches, &diff))
		return settle(r, r->native, expected, &diff, expected->packet);
	/* Its keys are those that the kernel part touched too. */
	if (!r->split->held &&
	    check_compare_touched(r->oracle, r->split, r->native->touches, &diff))
		return settle(r, r->split, expected, &diff, expected->packet);
	return 0;
}

/* A packet decided in the kernel overtakes those on their way; its own outcome is the newest. */
static int judge_newest(struct run *r, size_t slot)
{
	const struct check_outcome *expected = &r->expected[slot];
	struct check_diff diff;

	r->got.packet = expected->packet;
	r->waiting--;
	count_outcome(r->result, &r->got);
	if (check_compare_outcomes(expected, &r->got, &diff))
		return settle(r, r->split, expected, &diff, expected->packet);
	return 0;
}

static int run_split(struct run *r, const struct test_packet *packet,
		     const struct cleave_replay_inputs *inputs, size_t slot)
{
	unsigned held = r->split->held;
	int err = r->split->ops->run(r->split, packet, inputs, &r->got);

	if (err)
		return err;
	if (r->split->held == held)
		return judge_newest(r, slot);
	return complete_down_to(r, r->job->delay);
}

static int run_packet(struct run *r, size_t index)
{
	const struct test_packet *packet = &r->list->packets[index];
	struct cleave_replay_inputs inputs = {
	    .ktime_ns = packet->time_ns,
	    .random = packet_random_seed(packet->time_ns ^ r->job->seed)};
	size_t slot = (r->first + r->waiting) % r->capacity;
	struct check_outcome *expected = &r->expected[slot];
	int err;

	err = r->oracle->ops->run(r->oracle, packet, &inputs, expected);
	if (err)
		return err;
	expected->packet = index;
	r->waiting++;
	err = run_split(r, packet, &inputs, slot);
	if (!err && r->native)
		err = compare_native(r, packet, &inputs, &r->expected[slot]);
	return err;
}

static int compare_state(struct run *r, uint32_t entries_max, size_t at)
{
	static const struct check_outcome none;
	struct check_diff diff;

	if (check_compare_state(r->oracle, r->split, entries_max, &diff))
		return settle(r, r->split, &none, &diff, at);
	if (r->native && check_compare_state(r->oracle, r->native, entries_max, &diff))
		return settle(r, r->native, &none, &diff, at);
	return 0;
}

/* One packet, and what is due after it. 1: the sides were settled (mismatch, or a new start). */
static int step(struct run *r, size_t index)
{
	int err = run_packet(r, index);

	if (!err && index % STATE_EVERY == STATE_EVERY - 1 && !r->split->held)
		err = compare_state(r, STATE_ENTRIES_MAX, index);
	return err;
}

static bool is_runnable(const struct test_packet *packet)
{
	return packet->size >= FRAME_BYTES_MIN && packet->size <= HOST_TEST_BYTES_MAX;
}

static int run_all(struct run *r)
{
	int err = 0;

	for (size_t i = 0; i < r->list->count && err >= 0 && !r->result->mismatch; i++) {
		if (is_runnable(&r->list->packets[i]))
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

int check_run(const struct check_job *job, const struct packet_list *list,
	      struct check_result *result)
{
	struct run r = {
	    .job = job, .list = list, .result = result, .capacity = (size_t)job->delay + 2};
	int err;

	*result = (struct check_result){0};
	r.expected = calloc(r.capacity, sizeof *r.expected);
	if (!r.expected)
		return -ENOMEM;
	err = open_sides(&r);
	if (!err)
		err = run_all(&r);
	close_sides(&r);
	free(r.expected);
	return err;
}
