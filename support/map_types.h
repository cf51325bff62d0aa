/*
 * What Cleave knows about each BPF map type: one row of support/map_types.def. Both programs read
 * it, so a type cannot be known to one of them only.
 *
 *     const struct map_type_row *row = map_type_find(BPF_MAP_TYPE_LRU_HASH);
 *     row->text                       "lru_hash"
 *     row->user == MAP_USER_TABLE     user may have a table of its own
 */
#ifndef CLEAVE_SUPPORT_MAP_TYPES_H
#define CLEAVE_SUPPORT_MAP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum map_key { MAP_KEY_NONE, MAP_KEY_INDEX, MAP_KEY_EXACT, MAP_KEY_PREFIX, MAP_KEY_OBJECT };

enum map_holds {
	MAP_HOLDS_VALUES,
	MAP_HOLDS_MAPS,
	MAP_HOLDS_DEVICES,
	MAP_HOLDS_PROGRAMS,
	MAP_HOLDS_SOCKETS,
	MAP_HOLDS_EVENTS,
	MAP_HOLDS_QUEUE,
	MAP_HOLDS_SET,
	MAP_HOLDS_KERNEL,
};

/* How user works on a map of its own, and on one that both parts touch. */
enum map_user { MAP_USER_TABLE, MAP_USER_CALLS, MAP_USER_PINNED };
enum map_both { MAP_BOTH_ARRAY, MAP_BOTH_SHARED, MAP_BOTH_CALLS, MAP_BOTH_PINNED };

enum map_support { MAP_SUPPORT_TAKEN, MAP_SUPPORT_REFUSED, MAP_SUPPORT_LATER };

/* Helpers that take a map of the type: bits. */
enum map_ops_bits {
	MAP_OP_LOOKUP = 1,
	MAP_OP_UPDATE = 2,
	MAP_OP_DELETE = 4,
	MAP_OP_PUSH = 8,
	MAP_OP_POP = 16,
	MAP_OP_PEEK = 32,
	MAP_OP_PERCPU = 64,
	MAP_OP_EACH = 128,
	MAP_OP_REDIRECT = 256,
	MAP_OP_OUTPUT = 512,
	MAP_OP_TAIL_CALL = 1024,
	MAP_OP_OTHER = 2048,
};

struct map_type_row {
	uint32_t number;   /* enum bpf_map_type */
	const char *text;  /* "lru_hash" */
	const char *title; /* "LRU hash" */
	enum map_key key;
	bool per_cpu; /* a value for each CPU */
	enum map_holds holds;
	enum map_user user;
	enum map_both both;
	bool watched_whole; /* strict order does not tell keys apart */
	unsigned ops;       /* enum map_ops_bits */
	uint16_t since;     /* first kernel: major << 8 | minor; 0: none */
	enum map_support support;
};

/* The row of a type, or NULL for a number that is no map type we know. */
const struct map_type_row *map_type_find(uint32_t type);
/* The rows in the table's order; NULL behind the last. */
const struct map_type_row *map_type_at(size_t index);

/* "lru_hash"; "unknown" for other numbers. */
const char *map_type_text(uint32_t type);
/* A value for each CPU? */
bool map_type_is_percpu(uint32_t type);
/* Does the type have keys that an operator can walk and look up? */
bool map_type_has_keys(uint32_t type);
/* What the type holds; KERNEL for other numbers. */
enum map_holds map_type_holds(uint32_t type);

#endif
