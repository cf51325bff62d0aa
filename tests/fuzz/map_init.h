/* Types and maps of map_init.bpf.c, which fuzz_map_init reads start state for. */
#ifndef CLEAVE_TESTS_FUZZ_MAP_INIT_H
#define CLEAVE_TESTS_FUZZ_MAP_INIT_H

#include <linux/bpf.h>
#include <linux/in6.h>

enum { ENTRIES = 4 };

enum mode { MODE_A = 3, MODE_B };

struct key {
	__be32 addr;
	__be16 port;
	__u8 proto, pad;
};

struct value {
	char name[8];
	__u8 mac[6];
	__s16 delta;
	struct in6_addr six;
	__u64 big;
	union {
		__u32 word;
		__be32 be;
	};
	__u32 list[3];
	struct {
		__u16 pair[2];
	} grid[2];
	__u32 low : 4, middle : 9, high : 19;
	enum mode mode;
	_Bool on;
};

struct prefix4 {
	__u32 length;
	__u8 addr[4];
};

struct prefix6 {
	__u32 length;
	__u8 addr[16];
};

/* name, type, key, value */
#define MAPS(map)                                                                                  \
	map(flows, HASH, struct key, struct value) map(recent, LRU_HASH, __u64, struct value)      \
	    map(routes, LPM_TRIE, struct prefix4, __u32)                                           \
		map(routes6, LPM_TRIE, struct prefix6, struct key)                                 \
		    map(counts, PERCPU_ARRAY, __u32, __u64) map(table, ARRAY, __u32, struct value) \
			map(users, PERCPU_HASH, struct key, __u32)                                 \
			    map(ports, DEVMAP, __u32, __u32)

#define MAP_FLAGS(map_type)                                                                        \
	(BPF_MAP_TYPE_##map_type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0)

#endif
