/*
 * Which parts may touch a map, what home that gives it, and what its ops then cost.
 *
 * The choices that couple distant blocks are collected in one *mode* per map. With all modes fixed,
 * every op, edge and block has a cost of its own and the best plan is a stopping problem; the
 * search goes through the modes. MODE_OPEN, not decided yet, has the cheapest price on either side.
 *
 * Global variables are state too, and have modes behind those of the maps; but nothing watches them
 * for order. In strict order one that changes belongs to one side, or is only added to.
 */
#ifndef CLEAVE_PARTITIONER_MAP_HOMES_H
#define CLEAVE_PARTITIONER_MAP_HOMES_H

#include "partitioner/plan.h"

enum map_mode {
	MODE_OPEN,   /* not decided */
	MODE_KERNEL, /* no user op touches it */
	MODE_USER,   /* no kernel op touches it */
	MODE_READ,   /* both sides, and no part writes it: no order to keep */
	MODE_ADD,    /* both sides, and they only add to it: adds commute */
	MODE_BOTH,   /* both sides, anything; ordered when order is strict */
};

/* How ops touch a map: bits. */
enum { TOUCH_READ = 1, TOUCH_WRITE = 2, TOUCH_ADD = 4, TOUCH_KEY = 8 };

/* What this op does to its map or global; 0 when it has none. TOUCH_KEY: an add-only look-up. */
unsigned map_touch(const struct ir_op *op);

/* Maps and globals: as many modes there are. */
static inline size_t map_state_count(const struct ir_program *p)
{
	return p->map_count + p->global_count;
}

/* Index of the op's mode, or IR_NONE. */
static inline int map_state_of(const struct ir_program *p, const struct ir_op *op)
{
	if (op->map != IR_NONE)
		return op->map;
	return op->global == IR_NONE ? IR_NONE : (int)p->map_count + op->global;
}

/* The mode of a map that the two sides touch so. */
enum map_mode map_mode_of(unsigned kernel, unsigned user);
/* May an op that touches so be in this layer? */
bool map_mode_allows(enum map_mode mode, enum ir_layer layer, unsigned touch);

/* The home of a map that both parts touch. */
enum map_home map_shared_home(const struct ir_map *map);
/* Types whose element means something to the kernel only (devices, CPUs, sockets). */
bool map_is_kernels(const struct ir_map *map);
enum map_home map_mode_home(const struct ir_map *map, enum map_mode mode);
/* Does strict order watch a map in this mode? */
bool map_mode_is_ordered(const struct ir_map *map, enum map_mode mode, bool strict);

/* The cost of a map op (its own, beyond instructions) in a layer, INFINITY where the mode forbids
 * it. */
double map_op_cost(const struct ir_program *program, const struct target *target,
		   const struct ir_op *op, enum ir_layer layer, enum map_mode mode);

/*
 * Bytes of a live value when its map has this home. A map value travels as its index or, where user
 * does not touch the map and can only compare it with null, as a flag; else as its key.
 */
uint32_t map_live_size(const struct ir_program *program, const struct ir_live *live,
		       enum map_home home);

/* Fills in why the map has its home. */
void map_explain(const struct ir_program *program, const struct target *target, int map,
		 enum map_mode mode, struct plan_map *out);

#endif
