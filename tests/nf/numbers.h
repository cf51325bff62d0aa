/* Tables of numbers, and what is done with one of them. */
#ifndef TESTS_NF_NUMBERS_H
#define TESTS_NF_NUMBERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* A numbered table of __u64: NUMBERS(NAME, ARRAY or PERCPU_ARRAY, LENGTH); */
#define NUMBERS(name, kind, length)                                                                \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, length);                                                       \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

static __always_inline void put_number(void *map, __u32 index, __u64 value)
{
	__u64 *number = bpf_map_lookup_elem(map, &index);

	if (number)
		*number = value;
}

/* One more, of a number that this CPU has for itself. */
static __always_inline void count_own(void *map, __u32 index)
{
	__u64 *number = bpf_map_lookup_elem(map, &index);

	if (number)
		++*number;
}

/* One more, of a number that all CPUs add to. */
static __always_inline void count_shared(void *map, __u32 index)
{
	__u64 *number = bpf_map_lookup_elem(map, &index);

	if (number)
		__sync_fetch_and_add(number, 1);
}

/* What a map has for a key, or NULL the first time: it is set to 1 then. */
static __always_inline __u64 *find_or_put_one(void *map, const void *key)
{
	__u64 *number = bpf_map_lookup_elem(map, key), one = 1;

	if (!number)
		bpf_map_update_elem(map, key, &one, BPF_ANY);
	return number;
}

#endif
