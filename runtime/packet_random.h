/* Repeatable random numbers: xorshift64* (Vigna, 2016). The state is never 0. */
#ifndef CLEAVE_RUNTIME_PACKET_RANDOM_H
#define CLEAVE_RUNTIME_PACKET_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t packet_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

/* From 0 to count - 1; count > 0. */
static inline uint32_t packet_random_below(uint64_t *state, uint32_t count)
{
	return (uint32_t)((packet_random(state) >> 32) * count >> 32);
}

static inline bool packet_random_percent(uint64_t *state, uint32_t percent)
{
	return packet_random_below(state, 100) < percent;
}

/* A start state from a seed: neighbouring seeds must not give neighbouring streams (splitmix64). */
static inline uint64_t packet_random_seed(uint64_t seed)
{
	seed += 0x9e3779b97f4a7c15ULL;
	seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9ULL;
	seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebULL;
	seed ^= seed >> 31;
	return seed ? seed : 1;
}

#endif
