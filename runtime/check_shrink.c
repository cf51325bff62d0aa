/* Delta debugging over packets. */
#include "runtime/check_shrink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/packet_list.h"

enum { FRAME_BYTES_MIN = 14 };

struct shrink {
	struct packet_list *list;
	struct packet_list trial; /* shares the packets' bytes with list */
	unsigned runs, runs_max;
	check_fails *fails;
	void *context;
};

static bool try_trial(struct shrink *s)
{
	if (s->runs == s->runs_max)
		return false;
	s->runs++;
	return s->fails(s->context, &s->trial);
}

/* Without packets [from, to): does it still fail? Then they are gone for good. */
static bool drop_range(struct shrink *s, size_t from, size_t to)
{
	struct packet_list *list = s->list;

	memcpy(s->trial.packets, list->packets, from * sizeof *list->packets);
	memcpy(s->trial.packets + from, list->packets + to,
	       (list->count - to) * sizeof *list->packets);
	s->trial.count = list->count - (to - from);
	if (!s->trial.count || !try_trial(s))
		return false;
	for (size_t i = from; i < to; i++)
		free(list->packets[i].bytes);
	memcpy(list->packets, s->trial.packets, s->trial.count * sizeof *list->packets);
	list->count = s->trial.count;
	return true;
}

/* Drops ever smaller runs of packets until not one can be dropped. */
static void drop_packets(struct shrink *s)
{
	size_t chunk = s->list->count / 2;

	while (chunk && s->runs < s->runs_max) {
		bool dropped = false;
		size_t at = s->list->count;

		/* From the end: what comes late depends on what comes early. */
		while (at) {
			size_t from = at > chunk ? at - chunk : 0;

			dropped |= drop_range(s, from, at);
			at = from;
		}
		if (chunk > 1)
			chunk /= 2;
		else if (!dropped)
			chunk = 0;
	}
}

static bool cut_packet(struct shrink *s, size_t index, uint32_t size)
{
	memcpy(s->trial.packets, s->list->packets, s->list->count * sizeof *s->list->packets);
	s->trial.count = s->list->count;
	s->trial.packets[index].size = size;
	if (!try_trial(s))
		return false;
	s->list->packets[index].size = size;
	return true;
}

/* Halves what is behind the shortest length that was not enough. */
static void cut_packets(struct shrink *s)
{
	for (size_t i = 0; i < s->list->count; i++) {
		uint32_t low = FRAME_BYTES_MIN;

		while (low < s->list->packets[i].size && s->runs < s->runs_max) {
			uint32_t size = low + (s->list->packets[i].size - low) / 2;

			if (!cut_packet(s, i, size))
				low = size + 1;
		}
	}
}

unsigned check_shrink(struct packet_list *list, unsigned runs_max, check_fails *fails,
		      void *context)
{
	struct shrink s = {.list = list, .runs_max = runs_max, .fails = fails, .context = context};

	s.trial.packets = calloc(list->count ? list->count : 1, sizeof *list->packets);
	assert(s.trial.packets);
	drop_packets(&s);
	cut_packets(&s);
	free(s.trial.packets);
	return s.runs;
}
