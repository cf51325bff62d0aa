/*
 * Home `shared values`: a kernel hash M maps a key to the index of a slot in the mmapable array
 * cv_M, and the slot holds the value. Whoever knows the index (a packet that was handed over, or a
 * look-up) touches the value in memory; only insert, delete and the look-up of a new key are system
 * calls.
 *
 * Slots are given out by both sides, the kernel part (backends/xdp/rt) and every worker, without a
 * common lock. This is the protocol; both sides must keep it. A slot is struct cleave_value_slot,
 * then the key padded to 8, then the value padded to 8. Its word `used` is 0, or counts the changes
 * of its state:
 *
 *     used == 0         never used   free at once
 *     used odd          claimed      one side is filling it in; everybody else keeps off
 *     used even, not 0  published    the key does not change while it is so. The slot is
 *                                      owned    if M[slot.key] == its index
 *                                      unowned  otherwise: replaced, deleted or evicted. That is
 * for good: only a new claim can make it owned again
 *
 * To claim slot i, with u = its `used` read before anything else:
 *     1. u odd: not this one.
 *     2. u == 0: go to 5.
 *     3. M[slot.key] == i: owned, not this one.
 *     4. Unowned. If seen_s is 0, the grace period starts: compare-and-swap `used` from u to u + 1;
 * if won, set seen_epoch = epoch and seen_s = seconds (never 0), then `used` to u + 2 with a
 * release store. Not this one yet. If seen_s is set, but neither epoch - seen_epoch >= 2 (where
 * there is an epoch) nor seconds - seen_s >= 2 (at least one whole second): not yet.
 *     5. Compare-and-swap `used` from u to u + 1. Lost: not this one. Won: claimed.
 * All other words of a slot are written only between winning `used` and releasing it, and the count
 * makes sure that what steps 3 and 4 read is of the slot as it still is.
 * Then fill it in (index, key, value, seen_epoch = seen_s = 0), make it owned by M.update(key, i,
 * flags), and only then set `used` to u + 2 (skipping 0), a release store. If M.update fails,
 * restore seen_epoch and seen_s and put `used` back to u: nobody can have learnt this index in
 * between, so the slot is as free as before.
 *
 * Replacing the value of a key that exists takes a new slot as well, because that is what the
 * kernel's hash does: a pointer from before the update keeps showing the old value. A side that
 * dies while it holds a claim loses that one slot until the map is made anew.
 *
 * Which slots to try is each side's own choice. They must be random: slots are taken and given up
 * in similar orders, so a cursor that goes round comes upon long runs of slots that are owned, or
 * whose grace period has not begun. Of slots = 2 * max_entries + 1024 more than half are unowned,
 * and of those that are tried the unseen ones start their grace period, so that in the long run as
 * many are free as unseen: some four tries for each update of a full map. Only when more than
 * max_entries keys change within a grace period an update fails, with -ENOMEM, as the kernel's hash
 * does without memory.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "bundle/kernel_abi.h"
#include "runtime/host_bpf.h"
#include "runtime/map_ops.h"

enum {
	GRACE_EPOCHS = 2,
	GRACE_S = 2,
	PROBES_MAX = 512, /* each but the first uses is a bpf() look-up, about half a microsecond */
};

struct shared_values {
	struct cleave_map map;
	uint8_t *memory;
	size_t bytes;
	uint32_t slots, slot_bytes, key_bytes;
	uint32_t tries; /* counts the slots tried; all workers of this map object take turns */
	const uint64_t *epoch;
};

/* What a claim changed, so that it can be undone. */
struct claim {
	struct cleave_value_slot *slot;
	uint32_t index, used, seen_epoch, seen_s;
};

static struct cleave_value_slot *slot_at(const struct shared_values *v, uint32_t index)
{
	return (struct cleave_value_slot *)(v->memory + (size_t)index * v->slot_bytes);
}

static uint8_t *slot_key(struct cleave_value_slot *slot)
{
	return (uint8_t *)(slot + 1);
}

static uint8_t *slot_value(const struct shared_values *v, struct cleave_value_slot *slot)
{
	return slot_key(slot) + v->key_bytes;
}

static uint32_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec ? (uint32_t)now.tv_sec : 1;
}

static uint32_t now_epoch(const struct shared_values *v)
{
	return v->epoch ? (uint32_t)__atomic_load_n(v->epoch, __ATOMIC_ACQUIRE) : 0;
}

static int find_index(const struct shared_values *v, const void *key, uint32_t *index)
{
	int err = host_map_lookup(v->map.fd, key, index);

	if (err)
		return err;
	return *index < v->slots ? 0 : -ENOENT;
}

static bool win(struct cleave_value_slot *slot, uint32_t used)
{
	return __atomic_compare_exchange_n(&slot->used, &used, used + 1, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static void release(struct cleave_value_slot *slot, uint32_t used)
{
	__atomic_store_n(&slot->used, used + 2 ? used + 2 : 2, __ATOMIC_RELEASE);
}

/* Steps 3 and 4. */
static bool is_reusable(const struct shared_values *v, struct cleave_value_slot *slot,
			uint32_t index, uint32_t used)
{
	uint32_t owner, seen_s, seen_epoch;

	if (!find_index(v, slot_key(slot), &owner) && owner == index)
		return false;
	seen_s = __atomic_load_n(&slot->seen_s, __ATOMIC_RELAXED);
	seen_epoch = __atomic_load_n(&slot->seen_epoch, __ATOMIC_RELAXED);
	if (seen_s)
		return (v->epoch && now_epoch(v) - seen_epoch >= GRACE_EPOCHS) ||
		       now_s() - seen_s >= GRACE_S;
	if (win(slot, used)) {
		__atomic_store_n(&slot->seen_epoch, now_epoch(v), __ATOMIC_RELAXED);
		__atomic_store_n(&slot->seen_s, now_s(), __ATOMIC_RELAXED);
		release(slot, used);
	}
	return false;
}

static bool try_claim(const struct shared_values *v, uint32_t index, struct claim *claim)
{
	struct cleave_value_slot *slot = slot_at(v, index);
	uint32_t used = __atomic_load_n(&slot->used, __ATOMIC_ACQUIRE);

	if (used & 1)
		return false;
	if (used && !is_reusable(v, slot, index, used))
		return false;
	if (!win(slot, used))
		return false;
	*claim = (struct claim){slot, index, used, slot->seen_epoch, slot->seen_s};
	return true;
}

/* Slots in an order that does not repeat: a counter through the finalizer of XXH32. */
static uint32_t next_try(struct shared_values *v)
{
	uint32_t x = __atomic_fetch_add(&v->tries, 1, __ATOMIC_RELAXED);

	x ^= x >> 15;
	x *= 0x85EBCA77u;
	x ^= x >> 13;
	x *= 0xC2B2AE3Du;
	x ^= x >> 16;
	return (uint32_t)((uint64_t)x * v->slots >> 32);
}

static int find_slot(struct shared_values *v, struct claim *claim)
{
	for (uint32_t i = 0; i < PROBES_MAX; i++)
		if (try_claim(v, next_try(v), claim))
			return 0;
	return -ENOMEM;
}

static void undo(const struct claim *claim)
{
	claim->slot->seen_epoch = claim->seen_epoch;
	claim->slot->seen_s = claim->seen_s;
	__atomic_store_n(&claim->slot->used, claim->used, __ATOMIC_RELEASE);
}

static int values_write(struct cleave_map *map, const void *key, const void *value, uint64_t flags)
{
	struct shared_values *v = (struct shared_values *)map;
	struct claim claim;
	int err;

	if (flags > MAP_EXIST)
		return -EINVAL;
	err = find_slot(v, &claim);
	if (err)
		return err;
	claim.slot->index = claim.index;
	claim.slot->seen_epoch = claim.slot->seen_s = 0;
	memcpy(slot_key(claim.slot), key, map->key_size);
	memcpy(slot_value(v, claim.slot), value, map->value_size);
	err = host_map_update(map->fd, key, &claim.index, flags);
	if (err)
		undo(&claim);
	else
		release(claim.slot, claim.used);
	return err;
}

static int values_update(struct cleave_env *env, struct cleave_map *map, const void *key,
			 const void *value, uint64_t flags)
{
	return values_write(map, key, value, flags);
}

static void *values_value(struct cleave_map *map, uint32_t index)
{
	struct shared_values *v = (struct shared_values *)map;

	return index < v->slots ? slot_value(v, slot_at(v, index)) : NULL;
}

static void *values_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	uint32_t index;

	return find_index((struct shared_values *)map, key, &index) ? NULL
								    : values_value(map, index);
}

static int values_read(struct cleave_map *map, const void *key, void *value)
{
	const void *found = values_lookup(NULL, map, key);

	if (!found)
		return -ENOENT;
	memcpy(value, found, map->value_size);
	return 0;
}

static int values_erase(struct cleave_map *map, const void *key)
{
	return host_map_delete(map->fd, key);
}

static int values_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return host_map_delete(map->fd, key);
}

static int values_next_key(struct cleave_map *map, const void *key, void *next)
{
	return host_map_next_key(map->fd, key, next);
}

struct dumping {
	struct cleave_map *map;
	map_visit *visit;
	void *context;
};

static int dump_element(void *context, const void *key, void *value)
{
	const struct dumping *d = context;
	uint32_t index;
	const void *found;

	memcpy(&index, value, sizeof index);
	found = values_value(d->map, index);
	return found ? d->visit(d->context, key, found, d->map->value_size) : 0;
}

static int values_dump(struct cleave_map *map, map_visit *visit, void *context)
{
	struct dumping d = {map, visit, context};

	return host_map_walk(map->fd, map->key_size, sizeof(uint32_t), dump_element, &d);
}

static void values_free(struct cleave_map *map)
{
	struct shared_values *v = (struct shared_values *)map;

	host_map_munmap(v->memory, v->bytes);
	free(v);
}

static const struct map_ops values_ops = {
    .lookup = values_lookup,
    .update = values_update,
    .delete = values_delete,
    .value = values_value,
    .read = values_read,
    .write = values_write,
    .erase = values_erase,
    .next_key = values_next_key,
    .dump = values_dump,
    .free = values_free,
};

int map_shared_values_new(const struct bundle_map *spec, const struct map_attachment *attachment,
			  struct cleave_map **map)
{
	uint32_t slot_bytes = (uint32_t)sizeof(struct cleave_value_slot) +
			      map_pad8(spec->key_size) + map_pad8(spec->value_size);
	struct host_map_layout values;
	struct shared_values *v;
	int err;

	if (!spec->slots || attachment->values_fd < 0)
		return -EINVAL;
	err = host_map_read_layout(attachment->values_fd, &values);
	if (err || values.value_size != slot_bytes)
		return err ? err : -EBADMSG;
	v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	map_head_init(&v->map, &values_ops, spec, 1);
	v->map.fd = attachment->fd;
	v->map.index = attachment->index;
	v->epoch = attachment->epoch;
	v->slots = spec->slots;
	v->key_bytes = map_pad8(spec->key_size);
	v->slot_bytes = slot_bytes;
	/* elsewhere than other sides, or they would all try what another has just taken */
	if (getrandom(&v->tries, sizeof v->tries, 0) != sizeof v->tries)
		v->tries = (uint32_t)getpid() << 16;
	err = host_map_mmap(attachment->values_fd, v->slots, v->slot_bytes, (void **)&v->memory,
			    &v->bytes);
	if (err) {
		free(v);
		return err;
	}
	*map = &v->map;
	return 0;
}
