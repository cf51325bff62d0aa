/* NF graphs built by hand, for the tests of the partitioner: no LLVM needed. */
#ifndef CLEAVE_TESTS_PARTITIONER_GRAPH_H
#define CLEAVE_TESTS_PARTITIONER_GRAPH_H

#include "ir/ir.h"
#include "support/arena.h"

/* A program of `blocks` blocks without ops; block b is line 10 * (b + 1) of nf.bpf.c. */
static inline struct ir_program *graph_new(struct arena *a, size_t blocks)
{
	struct ir_program *p = arena_alloc(a, sizeof *p);

	p->arena = a;
	p->source = "nf.bpf.c";
	p->name = "nf";
	p->block_count = blocks;
	p->blocks = arena_array(a, blocks, sizeof *p->blocks);
	for (size_t b = 0; b < blocks; b++)
		p->blocks[b] = (struct ir_block){
		    .label = arena_printf(a, "b%zu", b),
		    .loc = {"nf.bpf.c", 10 * ((unsigned)b + 1), 2},
		    .function = "nf",
		    .instructions = 10,
		    .in = arena_array(a, 16, sizeof(int)),
		    .out = arena_array(a, 16, sizeof(int)),
		};
	p->edges = arena_array(a, 256, sizeof *p->edges);
	p->edges[0] = (struct ir_edge){.from = IR_NONE, .to = 0, .probability = 1};
	p->blocks[0].in[p->blocks[0].in_count++] = 0;
	p->edge_count = 1;
	p->maps = arena_array(a, 32, sizeof *p->maps);
	return p;
}

static inline int graph_edge(struct ir_program *p, int from, int to, double probability)
{
	int e = (int)p->edge_count++;

	p->edges[e] = (struct ir_edge){.from = from, .to = to, .probability = probability};
	p->blocks[from].out[p->blocks[from].out_count++] = e;
	p->blocks[to].in[p->blocks[to].in_count++] = e;
	return e;
}

/* Ops are added in the order of their blocks. */
static inline struct ir_op *graph_op(struct ir_program *p, int block, enum ir_op_kind kind)
{
	if (!p->ops)
		p->ops = arena_array(p->arena, 256, sizeof *p->ops);
	if (!p->blocks[block].op_count)
		p->blocks[block].first_op = (int)p->op_count;
	p->blocks[block].op_count++;
	p->ops[p->op_count] = (struct ir_op){.kind = kind,
					     .block = block,
					     .loc = p->blocks[block].loc,
					     .function = "nf",
					     .map = IR_NONE,
					     .global = IR_NONE,
					     .lookup = IR_NONE,
					     .helper = IR_NONE,
					     .legal = IR_LAYERS_ALL};
	return &p->ops[p->op_count++];
}

static inline struct ir_op *graph_map_op(struct ir_program *p, int block, enum ir_op_kind kind,
					 int map)
{
	struct ir_op *op = graph_op(p, block, kind);

	op->map = map;
	return op;
}

static inline int graph_map(struct ir_program *p, const char *name, uint32_t type)
{
	p->maps[p->map_count] = (struct ir_map){
	    .name = name, .type = type, .key_size = 4, .value_size = 8, .max_entries = 16};
	return (int)p->map_count++;
}

static inline void graph_forbid(struct ir_op *op, enum ir_layer layer, enum ir_reason reason,
				const char *detail)
{
	op->legal &= (ir_layer_set) ~(1u << layer);
	op->missing[layer] = (struct ir_why){reason, detail};
}

static inline void graph_live(struct ir_program *p, int edge, enum ir_live_kind kind, uint32_t size,
			      int map, const char *name)
{
	struct ir_edge *e = &p->edges[edge];
	struct ir_live *live =
	    arena_grow(p->arena, e->live, e->live_count, e->live_count + 1, sizeof *live);

	live[e->live_count++] =
	    (struct ir_live){.kind = kind, .name = name, .size = size, .map = map};
	e->live = live;
}

#endif
