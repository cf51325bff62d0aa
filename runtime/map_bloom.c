/*
 * Native BLOOM_FILTER, bit for bit that of kernel/bpf/bloom_filter.c with BPF_F_ZERO_SEED: the same
 * number of bits and hashes, so that the two agree also on what they wrongly take for a member.
 *
 * The hash is Bob Jenkins' lookup3 (http://burtleburtle.net/bob/c/lookup3.c), which
 * gives the same over words and over bytes.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/map_ops.h"

enum { HASHES_DEFAULT = 5, HASHES_MASK = 0xf, BITS_MIN = 64 };
#define BITS_MAX (1ull << 31)

struct bloom {
	struct cleave_map map;
	uint32_t mask, hashes;
	uint64_t *bits;
	size_t bytes;
};

struct lookup3 {
	uint32_t a, b, c;
};

static uint32_t rotate(uint32_t word, unsigned by)
{
	return word << by | word >> (32 - by);
}

static void mix(struct lookup3 *h)
{
	static const unsigned by[] = {4, 6, 8, 16, 19, 4};

	for (unsigned i = 0; i < 6; i++) {
		uint32_t a = h->a - h->c;

		a ^= rotate(h->c, by[i]);
		h->c += h->b;
		/* the three change places each time */
		*h = (struct lookup3){h->b, h->c, a};
	}
}

static void finish(struct lookup3 *h)
{
	static const unsigned by[] = {14, 11, 25, 16, 4, 14, 24};

	for (unsigned i = 0; i < 7; i++) {
		uint32_t c = (h->c ^ h->b) - rotate(h->b, by[i]);

		*h = (struct lookup3){h->b, c, h->a};
	}
}

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof word);
	return word;
}

static uint32_t hash(const uint8_t *bytes, uint32_t size, uint32_t seed)
{
	uint32_t start = 0xdeadbeef + size + seed;
	struct lookup3 h = {start, start, start};
	uint8_t rest[12] = {0};

	for (; size > 12; size -= 12, bytes += 12) {
		h.a += word_at(bytes);
		h.b += word_at(bytes + 4);
		h.c += word_at(bytes + 8);
		mix(&h);
	}
	memcpy(rest, bytes, size);
	h.a += word_at(rest);
	h.b += word_at(rest + 4);
	h.c += word_at(rest + 8);
	finish(&h);
	return h.b; /* what c has become after seven changes of places */
}

static int bloom_push(struct cleave_map *map, const void *value, uint64_t flags)
{
	struct bloom *b = (struct bloom *)map;

	if (flags != BPF_ANY)
		return -EINVAL;
	for (uint32_t i = 0; i < b->hashes; i++) {
		uint32_t bit = hash(value, map->value_size, i) & b->mask;

		__atomic_fetch_or(&b->bits[bit / 64], 1ull << bit % 64, __ATOMIC_RELAXED);
	}
	return 0;
}

static int bloom_peek(struct cleave_map *map, void *value)
{
	const struct bloom *b = (const struct bloom *)map;

	for (uint32_t i = 0; i < b->hashes; i++) {
		uint32_t bit = hash(value, map->value_size, i) & b->mask;

		if (!(__atomic_load_n(&b->bits[bit / 64], __ATOMIC_RELAXED) >> bit % 64 & 1))
			return -ENOENT;
	}
	return 0;
}

static int bloom_pop(struct cleave_map *map, void *value)
{
	return -EOPNOTSUPP;
}

static void bloom_free(struct cleave_map *map)
{
	struct bloom *b = (struct bloom *)map;

	map_memory_free(b->bits, b->bytes);
	free(b);
}

static const struct map_ops bloom_ops = {
    .push = bloom_push,
    .pop = bloom_pop,
    .peek = bloom_peek,
    .free = bloom_free,
};

/* 7/5 bits for each hash of each element, as ln 2 wants it, rounded up to a power of two. */
static uint64_t count_bits(const struct bundle_map *spec, uint32_t hashes)
{
	uint64_t wanted = (uint64_t)spec->max_entries * hashes / 5 * 7, bits = BITS_MIN;

	if ((uint64_t)spec->max_entries * hashes > UINT32_MAX || wanted > BITS_MAX)
		return 1ull << 32;
	while (bits < wanted)
		bits *= 2;
	return bits;
}

int map_bloom_new(const struct bundle_map *spec, struct cleave_map **map)
{
	struct bloom *b;
	uint64_t bits;

	if (spec->key_size)
		return -EINVAL;
	b = calloc(1, sizeof *b);
	if (!b)
		return -ENOMEM;
	map_head_init(&b->map, &bloom_ops, spec, 1);
	b->hashes = spec->extra & HASHES_MASK ? spec->extra & HASHES_MASK : HASHES_DEFAULT;
	bits = count_bits(spec, b->hashes);
	b->mask = (uint32_t)(bits - 1);
	b->bits = map_memory_new(bits / 64, sizeof *b->bits, &b->bytes);
	if (!b->bits) {
		free(b);
		return -ENOMEM;
	}
	*map = &b->map;
	return 0;
}
