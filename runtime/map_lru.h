/*
 * Which element an LRU map evicts. The order is the kernel's (kernel/bpf/bpf_lru_list.c), so that a
 * program and its split evict the same elements when they see the same packets on the same CPU:
 *
 *   - Nodes in use are on an active or an inactive list. A look-up only sets a node's `ref`; the
 * lists are put in order when a free node is wanted: referenced nodes move to the active list,
 * others sink, and the tail of the inactive list is evicted.
 *   - Each CPU keeps free nodes, taken from the common list in lots, and its recently used nodes
 *     (pending) until the next lot. A CPU that finds none steals from the others.
 *   - With BPF_F_NO_COMMON_LRU each CPU has lists and elements of its own.
 *
 * Nodes are numbers, 0 to count - 1, as in the table that owns them. All functions but lru_touch
 * take the lists' lock; `evict`, called under it, unlinks a node from the table and says whether it
 * was there.
 */
#ifndef CLEAVE_RUNTIME_MAP_LRU_H
#define CLEAVE_RUNTIME_MAP_LRU_H

#include <stdbool.h>
#include <stdint.h>

struct lru;

typedef bool lru_evict(void *table, uint32_t node);

enum { LRU_NONE = 0xffffffffu };

/* separate: BPF_F_NO_COMMON_LRU. NULL: no memory. */
struct lru *lru_new(uint32_t count, uint32_t cpus, bool separate, lru_evict *evict, void *table);
void lru_free(struct lru **lru);

/* A node for a new element, evicting where needed; LRU_NONE when there is none. */
uint32_t lru_pop(struct lru *lru, uint32_t cpu);
/* Gives back a node that is no longer in the table. */
void lru_push(struct lru *lru, uint32_t node);
/* The node was used. */
void lru_touch(struct lru *lru, uint32_t node);

#endif
