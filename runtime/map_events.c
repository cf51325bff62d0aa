#include "runtime/map_events.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/host_bpf.h"

struct sink {
	struct cleave_map map;
	uint64_t bytes; /* of a ring */
	uint64_t used;  /* native: since the consumer came */
	/* attached rings: the two pages with the positions (kernel/bpf/ringbuf.c) */
	void *consumer, *producer;
	size_t consumer_bytes, producer_bytes;
};

static uint64_t position(const void *page)
{
	return __atomic_load_n((const uint64_t *)page, __ATOMIC_ACQUIRE);
}

bool map_ring_has_room(const struct cleave_map *map, uint64_t size, uint64_t pending)
{
	const struct sink *s = (const struct sink *)map;
	uint64_t used = s->used;

	if (s->producer)
		used = position(s->producer) - position(s->consumer);
	return map_ring_record_bytes(size) <= s->bytes &&
	       used + pending + map_ring_record_bytes(size) < s->bytes;
}

void map_ring_fill(struct cleave_map *map, uint64_t size)
{
	((struct sink *)map)->used += map_ring_record_bytes(size);
}

void map_ring_drain(struct cleave_map *map)
{
	((struct sink *)map)->used = 0;
}

static void events_map_free(struct cleave_map *map)
{
	struct sink *s = (struct sink *)map;

	host_map_munmap(s->consumer, s->consumer_bytes);
	host_map_munmap(s->producer, s->producer_bytes);
	free(s);
}

static const struct map_ops events_ops = {.free = events_map_free};

/* As libbpf does with a size that the kernel would not take (adjust_ringbuf_sz). */
static uint64_t ring_bytes(uint32_t declared)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	while (bytes < declared)
		bytes *= 2;
	return bytes;
}

static struct sink *new_sink(const struct bundle_map *spec)
{
	struct sink *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	map_head_init(&s->map, &events_ops, spec, 1);
	if (spec->type == BPF_MAP_TYPE_RINGBUF)
		s->bytes = ring_bytes(spec->max_entries);
	return s;
}

int map_events_new(const struct bundle_map *spec, struct cleave_map **map)
{
	struct sink *s = new_sink(spec);

	*map = s ? &s->map : NULL;
	return s ? 0 : -ENOMEM;
}

int map_events_attach(const struct bundle_map *spec, const struct map_attachment *attachment,
		      struct cleave_map **map)
{
	struct sink *s = new_sink(spec);
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->map.fd = attachment->fd;
	s->map.index = attachment->index;
	if (spec->type == BPF_MAP_TYPE_RINGBUF) {
		err = host_ring_mmap(s->map.fd, &s->consumer, &s->consumer_bytes, &s->producer,
				     &s->producer_bytes);
	}
	if (err)
		events_map_free(&s->map);
	else
		*map = &s->map;
	return err;
}
