#include "runtime/host_events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "runtime/events.h"

enum { PERF_PAGES = 256 };

/* One map's consumer: a ring, or a perf buffer. */
struct source {
	struct host_events *owner;
	struct ring_buffer *ring;
	struct perf_buffer *perf;
	uint32_t map;
	int fd;
	size_t taken; /* bytes, from this buffer */
};

struct host_events {
	struct source *sources;
	uint32_t count;
	struct events *list; /* where those go that are being taken */
};

static int take_record(void *context, void *data, size_t size)
{
	struct source *s = context;

	if (s->owner->list)
		events_add(s->owner->list, s->map, data, (uint32_t)size);
	return 0;
}

static void take_sample(void *context, int cpu, void *data, uint32_t size)
{
	struct source *s = context;

	s->taken += size + 16;
	if (s->owner->list)
		events_add(s->owner->list, s->map, data, size);
}

static void note_lost(void *context, int cpu, unsigned long long count)
{
	struct source *s = context;

	if (s->owner->list)
		s->owner->list->lost = true;
}

static int open_source(struct source *s, uint32_t type, int fd)
{
	if (type == BPF_MAP_TYPE_RINGBUF) {
		s->ring = ring_buffer__new(fd, take_record, s, NULL);
		return s->ring ? 0 : -errno;
	}
	s->perf = perf_buffer__new(fd, PERF_PAGES, take_sample, note_lost, s, NULL);
	return s->perf ? 0 : -errno;
}

static int open_sources(struct host_events *events, const struct bundle *bundle, const int *fds)
{
	int err = 0;

	for (uint32_t i = 0; i < bundle->map_count && !err; i++) {
		uint32_t type = bundle->maps[i].type;
		struct source *s = &events->sources[events->count];

		if (fds[i] < 0 ||
		    (type != BPF_MAP_TYPE_RINGBUF && type != BPF_MAP_TYPE_PERF_EVENT_ARRAY))
			continue;
		*s = (struct source){.owner = events, .map = i, .fd = fds[i]};
		err = open_source(s, type, fds[i]);
		events->count += !err;
	}
	return err;
}

int host_events_open(struct host_events **out, const struct bundle *bundle, const int *fds)
{
	struct host_events *events = calloc(1, sizeof *events);
	int err;

	*out = NULL;
	if (!events)
		return -ENOMEM;
	events->sources = calloc(bundle->map_count + 1, sizeof *events->sources);
	err = events->sources ? open_sources(events, bundle, fds) : -ENOMEM;
	if (err || !events->count)
		host_events_close(&events);
	*out = events;
	return err;
}

void host_events_close(struct host_events **out)
{
	struct host_events *events = *out;

	*out = NULL;
	if (!events)
		return;
	for (uint32_t i = 0; i < events->count; i++) {
		ring_buffer__free(events->sources[i].ring);
		perf_buffer__free(events->sources[i].perf);
	}
	free(events->sources);
	free(events);
}

/*
 * The kernel pads a sample with whatever was in the buffer, and says that it belongs to it
 * (kernel/events/core.c, perf_output_sample). In a new buffer that is zeroes.
 */
static void renew_buffer(struct source *s, struct events *list)
{
	if (s->taken < PERF_PAGES / 2 * (size_t)sysconf(_SC_PAGESIZE))
		return;
	perf_buffer__free(s->perf);
	s->perf = NULL;
	s->taken = 0;
	list->lost |= open_source(s, BPF_MAP_TYPE_PERF_EVENT_ARRAY, s->fd) != 0;
}

void host_events_take(struct host_events *events, struct events *list)
{
	if (!events)
		return;
	events->list = list;
	for (uint32_t i = 0; i < events->count; i++) {
		struct source *s = &events->sources[i];

		if (s->ring)
			ring_buffer__consume(s->ring);
		if (!s->perf)
			continue;
		perf_buffer__consume(s->perf);
		renew_buffer(s, list);
	}
	events->list = NULL;
}
