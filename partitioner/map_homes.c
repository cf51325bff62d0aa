#include "partitioner/map_homes.h"

#include <assert.h>
#include <linux/bpf.h>
#include <math.h>

#include "support/arena.h"
#include "support/map_types.h"

unsigned map_touch(const struct ir_op *op)
{
	if (op->map == IR_NONE && op->global == IR_NONE)
		return 0;
	switch (op->kind) {
	case IR_OP_GLOBAL_READ:
		return TOUCH_READ;
	case IR_OP_GLOBAL_WRITE:
		return TOUCH_WRITE;
	case IR_OP_GLOBAL_ADD:
		return TOUCH_ADD;
	case IR_OP_MAP_LOOKUP:
		return op->add_only ? TOUCH_KEY : TOUCH_READ;
	case IR_OP_MAP_READ:
	case IR_OP_MAP_PEEK:
	case IR_OP_REDIRECT:
		return TOUCH_READ;
	case IR_OP_MAP_UPDATE:
	case IR_OP_MAP_DELETE:
	case IR_OP_MAP_PUSH:
	case IR_OP_MAP_WRITE:
		return TOUCH_WRITE;
	case IR_OP_MAP_ADD:
	case IR_OP_OUTPUT: /* events of different packets may come in any order */
		return TOUCH_ADD;
	default:
		return TOUCH_READ | TOUCH_WRITE;
	}
}

static const struct map_type_row *row_of(const struct ir_map *map)
{
	const struct map_type_row *row = map_type_find(map->type);

	assert(row); /* the frontend takes no other */
	return row;
}

/* It has to stay what a map of maps, or whoever finds it by its pin, expects of it. */
static bool is_fixed(const struct ir_map *map)
{
	return map->is_held || map->is_pinned;
}

enum map_home map_shared_home(const struct ir_map *map)
{
	if (map->packet_local)
		return MAP_HOME_PACKET_LOCAL;
	/* Shared values are looked up by the kernel part itself, which this flag forbids. */
	if (is_fixed(map) || map->flags & BPF_F_WRONLY_PROG)
		return MAP_HOME_KERNEL_BATCHED;
	switch (row_of(map)->both) {
	case MAP_BOTH_ARRAY:
		return MAP_HOME_SHARED_ARRAY;
	case MAP_BOTH_SHARED:
		return MAP_HOME_SHARED_VALUES;
	default:
		return MAP_HOME_KERNEL_BATCHED;
	}
}

bool map_is_kernels(const struct ir_map *map)
{
	return is_fixed(map) || row_of(map)->user != MAP_USER_TABLE;
}

enum map_home map_mode_home(const struct ir_map *map, enum map_mode mode)
{
	switch (mode) {
	case MODE_OPEN:
	case MODE_KERNEL:
		return MAP_HOME_KERNEL;
	case MODE_USER:
		return map_is_kernels(map) ? MAP_HOME_KERNEL_BATCHED : MAP_HOME_USER;
	default:
		return map_shared_home(map);
	}
}

bool map_mode_is_ordered(const struct ir_map *map, enum map_mode mode, bool strict)
{
	/* Values in a map of maps are copied out and back: even user alone takes turns. */
	if (mode == MODE_USER && map->inner.type)
		return strict;
	return strict && mode == MODE_BOTH && !map->packet_local;
}

/* look-up, update, delete: index in the target's tables; -1 for accesses through a value. */
static int table_index(const struct ir_op *op)
{
	switch (op->kind) {
	case IR_OP_MAP_LOOKUP:
		return 0;
	case IR_OP_MAP_PEEK:
	case IR_OP_REDIRECT:
		return 0;
	case IR_OP_MAP_UPDATE:
	case IR_OP_MAP_PUSH:
		return 1;
	case IR_OP_MAP_DELETE:
	case IR_OP_MAP_POP:
		return 2;
	default:
		return -1;
	}
}

static double home_cost(const struct target *t, const struct ir_map *map, const struct ir_op *op,
			enum ir_layer layer)
{
	int i = table_index(op);

	return i < 0 ? 0 : t->map_ns[map->type < 64 ? map->type : 0][i][layer];
}

static bool through_add_only(const struct ir_program *p, const struct ir_op *op)
{
	if (op->kind == IR_OP_MAP_LOOKUP)
		return op->add_only;
	return op->lookup != IR_NONE && p->ops[op->lookup].add_only;
}

/*
 * A kernel map's element seen from user is a copy that a bpf() call brought: reading it is free,
 * and what changes it is a call again. Adds without a result queue for the burst's one call.
 */
static double batched_cost(const struct ir_program *p, const struct target *t,
			   const struct ir_op *op)
{
	switch (op->kind) {
	case IR_OP_MAP_LOOKUP:
		return op->add_only ? 0 : t->bpf_call_ns;
	case IR_OP_MAP_ADD:
		return through_add_only(p, op) ? t->batched_add_ns : t->bpf_call_ns;
	case IR_OP_MAP_READ:
		return 0;
	default:
		return t->bpf_call_ns;
	}
}

static double shared_cost(const struct ir_program *p, const struct target *t,
			  const struct ir_map *map, const struct ir_op *op)
{
	int i = table_index(op);

	switch (map_shared_home(map)) {
	case MAP_HOME_SHARED_VALUES:
		return i < 0 ? 0 : t->shared_value_ns[i];
	case MAP_HOME_KERNEL_BATCHED:
		return batched_cost(p, t, op);
	case MAP_HOME_PACKET_LOCAL:
		return 0;
	default:
		return home_cost(t, map, op, IR_LAYER_USER);
	}
}

enum map_mode map_mode_of(unsigned kernel, unsigned user)
{
	unsigned all = kernel | user;

	if (!kernel || !user)
		return user ? MODE_USER : MODE_KERNEL;
	if (!(all & (TOUCH_WRITE | TOUCH_ADD)))
		return MODE_READ;
	if (!(all & (TOUCH_WRITE | TOUCH_READ)))
		return MODE_ADD;
	return MODE_BOTH;
}

bool map_mode_allows(enum map_mode mode, enum ir_layer layer, unsigned touch)
{
	switch (mode) {
	case MODE_KERNEL:
		return layer == IR_LAYER_KERNEL;
	case MODE_USER:
		return layer == IR_LAYER_USER;
	case MODE_READ:
		return !(touch & (TOUCH_WRITE | TOUCH_ADD));
	case MODE_ADD:
		return !(touch & (TOUCH_WRITE | TOUCH_READ));
	default:
		return true;
	}
}

/*
 * An LPM look-up finds an element that has another key. Its value can be copied to user and read,
 * but what is written into the copy could not be told from what another look-up of the same
 * element sees.
 */
static bool is_beyond_copies(const struct ir_map *map, const struct ir_op *op, enum ir_layer layer)
{
	return row_of(map)->key == MAP_KEY_PREFIX && layer != IR_LAYER_KERNEL &&
	       (op->kind == IR_OP_MAP_WRITE || op->kind == IR_OP_MAP_ADD);
}

double map_op_cost(const struct ir_program *program, const struct target *target,
		   const struct ir_op *op, enum ir_layer layer, enum map_mode mode)
{
	const struct ir_map *map = &program->maps[op->map];
	bool both = mode == MODE_READ || mode == MODE_ADD || mode == MODE_BOTH;
	double cost = home_cost(target, map, op, layer);
	int i = table_index(op);

	if (!map_mode_allows(mode, layer, map_touch(op)))
		return INFINITY;
	if (both && is_beyond_copies(map, op, layer))
		return INFINITY;
	if (layer == IR_LAYER_KERNEL) {
		if (both && i >= 0 && map_shared_home(map) == MAP_HOME_SHARED_VALUES)
			cost += target->kernel_shared_value_ns[i];
		return cost;
	}
	double shared = shared_cost(program, target, map, op);

	if (both || map_is_kernels(map))
		return shared;
	return mode == MODE_OPEN ? fmin(shared, cost) : cost;
}

uint32_t map_live_size(const struct ir_program *program, const struct ir_live *live,
		       enum map_home home)
{
	if (live->kind != IR_LIVE_MAP_VALUE)
		return live->size;
	return home == MAP_HOME_KERNEL_BATCHED ? program->maps[live->map].key_size + 4 : 4;
}

static const char *one_side(const struct ir_program *p, int map, enum map_mode mode,
			    const struct plan_map *m)
{
	const char *name = p->maps[map].name;

	if (!m->kernel_reads && !m->kernel_writes && !m->user_reads && !m->user_writes)
		return arena_printf(p->arena, "no op of either part touches %s", name);
	if (mode == MODE_USER && map_is_kernels(&p->maps[map]))
		return arena_printf(p->arena,
				    "only user ops touch %s, but its elements are the kernel's: "
				    "they are read by a call",
				    name);
	return arena_printf(p->arena, "only %s ops touch %s", mode == MODE_USER ? "user" : "kernel",
			    name);
}

static const char *both_sides(const struct ir_program *p, const struct target *t, int map,
			      enum map_home home)
{
	const char *name = p->maps[map].name, *type = map_type_text(p->maps[map].type);

	switch (home) {
	case MAP_HOME_SHARED_ARRAY:
		return arena_printf(
		    p->arena,
		    "kernel and user ops touch %s: in memory, %.1f ns a look-up from user "
		    "against %.0f by a call",
		    name, t->map_ns[p->maps[map].type][0][IR_LAYER_USER], t->bpf_call_ns);
	case MAP_HOME_SHARED_VALUES:
		return arena_printf(
		    p->arena,
		    "kernel and user ops touch %s: values in memory, reached by the index "
		    "in the handoff; a look-up of another key in user is a call of %.0f ns, "
		    "an update %.0f",
		    name, t->shared_value_ns[0], t->shared_value_ns[1]);
	case MAP_HOME_PACKET_LOCAL:
		return arena_printf(p->arena, "every packet writes the bytes of %s that it reads",
				    name);
	default:
		return arena_printf(
		    p->arena,
		    "kernel and user ops touch %s, and a %s keeps the kernel's semantics: "
		    "%.0f ns for an add in a burst, %.0f for a call",
		    name, type, t->batched_add_ns, t->bpf_call_ns);
	}
}

void map_explain(const struct ir_program *program, const struct target *target, int map,
		 enum map_mode mode, struct plan_map *out)
{
	const struct ir_map *m = &program->maps[map];

	out->home = map_mode_home(m, mode);
	if (mode == MODE_KERNEL || mode == MODE_USER) {
		out->why =
		    (struct ir_why){IR_REASON_HOME_ONE_SIDE, mode == MODE_USER ? "user" : "kernel"};
		out->because = one_side(program, map, mode, out);
		return;
	}
	out->because = both_sides(program, target, map, out->home);
	if (out->home == MAP_HOME_PACKET_LOCAL)
		out->why = (struct ir_why){IR_REASON_HOME_LOCAL, NULL};
	else if (out->home == MAP_HOME_KERNEL_BATCHED)
		out->why = (struct ir_why){IR_REASON_HOME_SEMANTICS, map_type_text(m->type)};
	else
		out->why = (struct ir_why){IR_REASON_HOME_BOTH_SIDES, map_type_text(m->type)};
}
