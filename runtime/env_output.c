/*
 * Events of the user part. An attached environment has the kernel part's own program write them, so
 * that a consumer finds one stream whatever part they come from; a native one keeps them in a list.
 *
 * A record that was reserved is the packet's own memory until it is submitted. Records go out in
 * the order in which they were reserved, as they lie in the kernel's ring.
 */
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/env_state.h"
#include "runtime/events.h"
#include "runtime/host_bpf.h"
#include "runtime/map_events.h"

enum { PACKET_BYTES_MIN = 14, PACKET_BYTES_MAX = 3400 }; /* what a test run takes */

static uint32_t packet_bytes(const struct cleave_packet *packet)
{
	return packet ? (uint32_t)(packet->data_end - packet->data) : 0;
}

/* Runs the kernel part's program on one event; its helper's result. */
static int64_t write_attached(struct env *e, const struct cleave_map *map,
			      const struct cleave_packet *packet, const void *bytes, uint32_t size,
			      uint64_t flags)
{
	static const uint8_t nothing[PACKET_BYTES_MIN];
	struct output_queue *queue = &e->set->output;
	uint32_t length = packet_bytes(packet);
	const void *data = packet ? packet->data : nothing;
	int64_t result;
	int err;

	if (queue->prog_fd < 0 || size > CLEAVE_OUTPUT_BYTES)
		return -E2BIG;
	if (length < PACKET_BYTES_MIN) {
		data = nothing;
		length = PACKET_BYTES_MIN;
	}
	map_lock(&queue->lock);
	queue->args->map = map->index;
	queue->args->size = size;
	queue->args->flags = flags;
	memcpy(queue->args->bytes, bytes, size);
	err = host_packet_run(queue->prog_fd, data,
			      length < PACKET_BYTES_MAX ? length : PACKET_BYTES_MAX);
	result = err ? err : queue->args->result;
	map_unlock(&queue->lock);
	return result;
}

/* A sample has the event, then bytes of the packet, and is as long as its padding makes it. */
static int64_t write_sample(struct env *e, const struct cleave_map *map,
			    const struct cleave_packet *packet, const void *bytes, uint32_t size,
			    uint64_t flags)
{
	uint64_t index = flags & BPF_F_INDEX_MASK, more = (flags & BPF_F_CTXLEN_MASK) >> 32;
	uint32_t whole = (((size + (uint32_t)more + 4) + 7) & ~7u) - 4;
	uint8_t *sample;

	if (flags & ~(BPF_F_CTXLEN_MASK | BPF_F_INDEX_MASK))
		return -EINVAL;
	if (more > packet_bytes(packet))
		return -EFAULT;
	if (index != BPF_F_CURRENT_CPU && map->max_entries && index >= map->max_entries)
		return -E2BIG;
	if (index != BPF_F_CURRENT_CPU && index != e->env.cpu)
		return index < e->set->cpus ? -EOPNOTSUPP : -ENOENT;
	sample = e->events ? calloc(1, whole) : NULL;
	if (!sample)
		return 0;
	memcpy(sample, bytes, size);
	memcpy(sample + size, packet->data, more);
	events_add(e->events, map->index, sample, whole);
	free(sample);
	return 0;
}

static int64_t write_native(struct env *e, struct cleave_map *map,
			    const struct cleave_packet *packet, const void *bytes, uint32_t size,
			    uint64_t flags)
{
	if (map->type != BPF_MAP_TYPE_RINGBUF)
		return write_sample(e, map, packet, bytes, size, flags);
	if (e->events)
		events_add(e->events, map->index, bytes, size);
	return 0;
}

static int64_t write_event(struct env *e, struct cleave_map *map,
			   const struct cleave_packet *packet, const void *bytes, uint32_t size,
			   uint64_t flags)
{
	return map->fd >= 0 ? write_attached(e, map, packet, bytes, size, flags)
			    : write_native(e, map, packet, bytes, size, flags);
}

/* Records from the oldest on, as far as they are finished. */
static void write_finished(struct env *e)
{
	uint32_t done = 0;

	while (done < e->record_count && e->records[done].state != ENV_RECORD_OPEN) {
		struct env_record *r = &e->records[done++];

		if (r->state == ENV_RECORD_SUBMITTED)
			write_event(e, r->map, NULL, r->bytes, r->size, r->flags);
	}
	e->record_count -= done;
	memmove(e->records, e->records + done, e->record_count * sizeof *e->records);
	if (!e->record_count)
		e->record_bytes = 0;
}

static uint64_t pending_bytes(const struct env *e, const struct cleave_map *map)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < e->record_count; i++)
		if (e->records[i].map == map)
			sum += map_ring_record_bytes(e->records[i].size);
	return sum;
}

/* Room for a record, or NULL when the ring or the packet's own memory is full. */
static struct env_record *add_record(struct env *e, struct cleave_map *map, uint64_t size)
{
	bool attached = map->fd >= 0;
	struct env_record *r = &e->records[e->record_count];

	if (e->record_count == ENV_RECORDS_MAX || size > CLEAVE_OUTPUT_BYTES ||
	    map_pad8((uint32_t)size) > ENV_RECORD_POOL - e->record_bytes ||
	    !map_ring_has_room(map, size, attached ? pending_bytes(e, map) : 0))
		return NULL;
	if (!attached)
		map_ring_fill(map, size);
	*r = (struct env_record){
	    .map = map, .bytes = e->record_pool + e->record_bytes, .size = (uint32_t)size};
	memset(r->bytes, 0, map_pad8(r->size));
	/* two records never have one address */
	e->record_bytes += map_pad8(r->size) + 8;
	e->record_count++;
	return r;
}

void *env_reserve(struct cleave_env *env, struct cleave_map *map, uint64_t size, uint64_t flags)
{
	struct env_record *r = flags ? NULL : add_record(env_state(env), map, size);

	return r ? r->bytes : NULL;
}

void env_submit(struct cleave_env *env, void *record, uint64_t flags, uint32_t discard)
{
	struct env *e = env_state(env);
	uint32_t i = 0;

	while (i < e->record_count && e->records[i].bytes != record)
		i++;
	if (i == e->record_count)
		return;
	e->records[i].state = discard ? ENV_RECORD_DISCARDED : ENV_RECORD_SUBMITTED;
	e->records[i].flags = flags & (BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP);
	write_finished(e);
}

static int64_t output_to_ring(struct env *e, struct cleave_map *map, const void *bytes,
			      uint64_t size, uint64_t flags)
{
	struct env_record *r;

	if (flags & ~(uint64_t)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return -EINVAL;
	if (!e->record_count && map->fd >= 0)
		return write_attached(e, map, NULL, bytes, (uint32_t)size, flags);
	r = add_record(e, map, size);
	if (!r)
		return -EAGAIN;
	memcpy(r->bytes, bytes, size);
	env_submit(&e->env, r->bytes, flags, 0);
	return 0;
}

int64_t env_output(struct cleave_env *env, struct cleave_map *map,
		   const struct cleave_packet *packet, const void *bytes, uint64_t size,
		   uint64_t flags)
{
	struct env *e = env_state(env);

	if (map->type == BPF_MAP_TYPE_RINGBUF)
		return output_to_ring(e, map, bytes, size, flags);
	return write_event(e, map, packet, bytes, (uint32_t)size, flags);
}

void env_records_end(struct env *e)
{
	e->record_count = 0;
	e->record_bytes = 0;
	for (uint32_t i = 0; i < e->set->map_count; i++)
		if (e->env.maps[i] && e->env.maps[i]->fd < 0 &&
		    e->env.maps[i]->type == BPF_MAP_TYPE_RINGBUF)
			map_ring_drain(e->env.maps[i]);
}

void env_set_events(struct cleave_env *env, struct events *events)
{
	env_state(env)->events = events;
}
