/*
 * LRU order as the kernel keeps it; map_lru.h has the idea. Lists are circular and doubly linked by
 * number: a list's head is a link behind the nodes' links, so that one array holds them all.
 */
#include "runtime/map_lru.h"

#include <stdlib.h>

#include "runtime/map_ops.h"

/* The kernel's lot sizes: nodes a CPU takes at once, and nodes looked at in one go. */
enum { COMMON_LOT = 128, SEPARATE_LOT = 4 };

enum { ACTIVE, INACTIVE, FREE, LOCAL_FREE, PENDING, LIST_COUNT };

struct link {
	uint32_t next, prev;
};

struct node_state {
	uint8_t list, ref;
	uint16_t owner; /* PENDING, LOCAL_FREE: the CPU. Else: the set of lists */
};

/* The lists of all CPUs (common) or of one. */
struct list_set {
	uint32_t size[2];  /* of ACTIVE and INACTIVE */
	uint32_t rotation; /* where the next pass over the inactive list begins */
};

struct lru {
	uint32_t lock, count, cpus;
	uint32_t scan_max, lot;
	bool separate;
	lru_evict *evict;
	void *table;
	struct link *links; /* of count nodes, then of LIST_COUNT heads for each CPU */
	size_t links_bytes;
	struct node_state *nodes;
	size_t nodes_bytes;
	struct list_set *sets; /* 1, or one per CPU */
	uint32_t *next_steal;  /* per CPU */
};

static uint32_t head_of(const struct lru *lru, uint32_t owner, uint32_t list)
{
	return lru->count + owner * LIST_COUNT + list;
}

static bool is_empty(const struct lru *lru, uint32_t head)
{
	return lru->links[head].next == head;
}

static void unlink_node(struct lru *lru, uint32_t node)
{
	struct link link = lru->links[node];

	lru->links[link.prev].next = link.next;
	lru->links[link.next].prev = link.prev;
}

static void link_first(struct lru *lru, uint32_t node, uint32_t head)
{
	uint32_t first = lru->links[head].next;

	lru->links[node] = (struct link){.next = first, .prev = head};
	lru->links[first].prev = node;
	lru->links[head].next = node;
}

static bool is_ref(const struct lru *lru, uint32_t node)
{
	return __atomic_load_n(&lru->nodes[node].ref, __ATOMIC_RELAXED);
}

static void clear_ref(struct lru *lru, uint32_t node)
{
	__atomic_store_n(&lru->nodes[node].ref, 0, __ATOMIC_RELAXED);
}

void lru_touch(struct lru *lru, uint32_t node)
{
	if (!is_ref(lru, node))
		__atomic_store_n(&lru->nodes[node].ref, 1, __ATOMIC_RELAXED);
}

/* Moves a node to the front of a list, wherever it is linked, and keeps the sizes and the rotation
 * right. */
static void move(struct lru *lru, uint32_t set, uint32_t node, uint32_t owner, uint32_t list)
{
	struct node_state *state = &lru->nodes[node];
	struct list_set *s = &lru->sets[set];

	if (state->list <= INACTIVE)
		s->size[state->list]--;
	if (list <= INACTIVE)
		s->size[list]++;
	if (s->rotation == node)
		s->rotation = lru->links[node].prev;
	unlink_node(lru, node);
	link_first(lru, node, head_of(lru, owner, list));
	state->list = (uint8_t)list;
	state->owner = (uint16_t)owner;
}

/* ... between the lists of a set, as not referenced. */
static void move_within(struct lru *lru, uint32_t set, uint32_t node, uint32_t list)
{
	clear_ref(lru, node);
	move(lru, set, node, set, list);
}

static void rotate_active(struct lru *lru, uint32_t set)
{
	uint32_t head = head_of(lru, set, ACTIVE), first = lru->links[head].next;
	uint32_t node = lru->links[head].prev, previous;

	for (uint32_t i = 0; node != head; node = previous) {
		previous = lru->links[node].prev;
		move_within(lru, set, node, is_ref(lru, node) ? ACTIVE : INACTIVE);
		if (++i == lru->scan_max || node == first)
			break;
	}
}

static void rotate_inactive(struct lru *lru, uint32_t set)
{
	uint32_t head = head_of(lru, set, INACTIVE);
	uint32_t current = lru->sets[set].rotation, last = lru->links[current].next, next = head;

	if (is_empty(lru, head))
		return;
	if (last == head)
		last = lru->links[last].next;
	for (uint32_t i = 0; i < lru->scan_max;) {
		if (current == head) {
			current = lru->links[current].prev;
			continue;
		}
		next = lru->links[current].prev;
		if (is_ref(lru, current))
			move_within(lru, set, current, ACTIVE);
		if (current == last)
			break;
		current = next;
		i++;
	}
	lru->sets[set].rotation = next;
}

static void rotate(struct lru *lru, uint32_t set)
{
	if (lru->sets[set].size[INACTIVE] < lru->sets[set].size[ACTIVE])
		rotate_active(lru, set);
	rotate_inactive(lru, set);
}

/* Evicts up to wanted unreferenced nodes from the tail of the inactive list. */
static uint32_t shrink_inactive(struct lru *lru, uint32_t set, uint32_t wanted, uint32_t owner,
				uint32_t list)
{
	uint32_t head = head_of(lru, set, INACTIVE), node = lru->links[head].prev, previous;
	uint32_t evicted = 0;

	for (uint32_t i = 0; node != head; node = previous) {
		previous = lru->links[node].prev;
		if (is_ref(lru, node)) {
			move_within(lru, set, node, ACTIVE);
		} else if (lru->evict(lru->table, node)) {
			move(lru, set, node, owner, list);
			if (++evicted == wanted)
				break;
		}
		if (++i == lru->scan_max)
			break;
	}
	return evicted;
}

/* ... and when all of them are referenced, one node whatever its state. */
static void shrink(struct lru *lru, uint32_t set, uint32_t wanted, uint32_t owner, uint32_t list)
{
	uint32_t head, node;

	if (shrink_inactive(lru, set, wanted, owner, list))
		return;
	head = head_of(lru, set, INACTIVE);
	if (is_empty(lru, head))
		head = head_of(lru, set, ACTIVE);
	for (node = lru->links[head].prev; node != head; node = lru->links[node].prev) {
		if (lru->evict(lru->table, node)) {
			move(lru, set, node, owner, list);
			return;
		}
	}
}

/* The CPU's pending nodes join the common lists; then it takes a lot of free nodes. */
static void refill(struct lru *lru, uint32_t cpu)
{
	uint32_t pending = head_of(lru, cpu, PENDING), free_head = head_of(lru, 0, FREE);
	uint32_t node, other, taken = 0;

	for (node = lru->links[pending].prev; node != pending; node = other) {
		other = lru->links[node].prev;
		move_within(lru, 0, node, is_ref(lru, node) ? ACTIVE : INACTIVE);
	}
	rotate(lru, 0);
	for (node = lru->links[free_head].next; node != free_head && taken < lru->lot;
	     node = other) {
		other = lru->links[node].next;
		move(lru, 0, node, cpu, LOCAL_FREE);
		taken++;
	}
	if (taken < lru->lot)
		shrink(lru, 0, lru->lot - taken, cpu, LOCAL_FREE);
}

static uint32_t take_local_free(const struct lru *lru, uint32_t cpu)
{
	uint32_t head = head_of(lru, cpu, LOCAL_FREE);

	return is_empty(lru, head) ? LRU_NONE : lru->links[head].next;
}

static uint32_t take_pending(struct lru *lru, uint32_t cpu)
{
	uint32_t head = head_of(lru, cpu, PENDING), node;

	for (unsigned force = 0; force < 2; force++)
		for (node = lru->links[head].prev; node != head; node = lru->links[node].prev)
			if ((force || !is_ref(lru, node)) && lru->evict(lru->table, node))
				return node;
	return LRU_NONE;
}

static uint32_t steal(struct lru *lru, uint32_t cpu)
{
	uint32_t first = lru->next_steal[cpu], victim = first, node;

	do {
		node = take_local_free(lru, victim);
		if (node == LRU_NONE)
			node = take_pending(lru, victim);
		victim = (victim + 1) % lru->cpus;
	} while (node == LRU_NONE && victim != first);
	lru->next_steal[cpu] = victim;
	return node;
}

static uint32_t pop_common(struct lru *lru, uint32_t cpu)
{
	uint32_t node = take_local_free(lru, cpu);

	if (node == LRU_NONE) {
		refill(lru, cpu);
		node = take_local_free(lru, cpu);
	}
	if (node == LRU_NONE)
		node = steal(lru, cpu);
	if (node != LRU_NONE) {
		clear_ref(lru, node);
		move(lru, 0, node, cpu, PENDING);
	}
	return node;
}

static uint32_t pop_separate(struct lru *lru, uint32_t cpu)
{
	uint32_t head = head_of(lru, cpu, FREE), node;

	rotate(lru, cpu);
	if (is_empty(lru, head))
		shrink(lru, cpu, SEPARATE_LOT, cpu, FREE);
	if (is_empty(lru, head))
		return LRU_NONE;
	node = lru->links[head].next;
	move_within(lru, cpu, node, INACTIVE);
	return node;
}

uint32_t lru_pop(struct lru *lru, uint32_t cpu)
{
	uint32_t node;

	map_lock(&lru->lock);
	node = lru->separate ? pop_separate(lru, cpu) : pop_common(lru, cpu);
	map_unlock(&lru->lock);
	return node;
}

void lru_push(struct lru *lru, uint32_t node)
{
	struct node_state *state = &lru->nodes[node];

	map_lock(&lru->lock);
	clear_ref(lru, node);
	if (lru->separate)
		move(lru, state->owner, node, state->owner, FREE);
	else if (state->list == PENDING)
		move(lru, 0, node, state->owner, LOCAL_FREE);
	else
		move(lru, 0, node, 0, FREE);
	map_unlock(&lru->lock);
}

static void init_lists(struct lru *lru)
{
	uint32_t heads = lru->cpus * LIST_COUNT, share = lru->count / lru->cpus;

	for (uint32_t head = lru->count; head < lru->count + heads; head++)
		lru->links[head] = (struct link){head, head};
	for (uint32_t set = 0; set < (lru->separate ? lru->cpus : 1); set++)
		lru->sets[set].rotation = head_of(lru, set, INACTIVE);
	for (uint32_t cpu = 0; cpu < lru->cpus; cpu++)
		lru->next_steal[cpu] = cpu;
	for (uint32_t node = 0; node < lru->count; node++) {
		uint32_t owner = lru->separate ? node / share : 0;

		lru->nodes[node] = (struct node_state){.list = FREE, .owner = (uint16_t)owner};
		link_first(lru, node, head_of(lru, owner, FREE));
	}
}

struct lru *lru_new(uint32_t count, uint32_t cpus, bool separate, lru_evict *evict, void *table)
{
	struct lru *lru = calloc(1, sizeof *lru);
	uint32_t lot = count / cpus / 2;

	if (!lru)
		return NULL;
	lru->count = count;
	lru->cpus = cpus;
	lru->separate = separate;
	lru->evict = evict;
	lru->table = table;
	lru->scan_max = separate ? SEPARATE_LOT : COMMON_LOT;
	lru->lot = lot < 1 ? 1 : lot > COMMON_LOT ? COMMON_LOT : lot;
	lru->links = map_memory_new((size_t)count + (size_t)cpus * LIST_COUNT, sizeof *lru->links,
				    &lru->links_bytes);
	lru->nodes = map_memory_new(count, sizeof *lru->nodes, &lru->nodes_bytes);
	lru->sets = calloc(cpus, sizeof *lru->sets);
	lru->next_steal = calloc(cpus, sizeof *lru->next_steal);
	if (!lru->links || !lru->nodes || !lru->sets || !lru->next_steal) {
		lru_free(&lru);
		return NULL;
	}
	init_lists(lru);
	return lru;
}

void lru_free(struct lru **lru)
{
	struct lru *l = *lru;

	*lru = NULL;
	if (!l)
		return;
	map_memory_free(l->links, l->links_bytes);
	map_memory_free(l->nodes, l->nodes_bytes);
	free(l->sets);
	free(l->next_steal);
	free(l);
}
