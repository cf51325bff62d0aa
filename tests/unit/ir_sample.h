/* A graph made by hand, with one of everything that is printed. */
#ifndef CLEAVE_TESTS_IR_SAMPLE_H
#define CLEAVE_TESTS_IR_SAMPLE_H

#include "ir/ir.h"
#include "support/arena.h"

#define KERNEL_USER ((ir_layer_set)(1 << IR_LAYER_KERNEL | 1 << IR_LAYER_USER))
#define USER        ((ir_layer_set)(1 << IR_LAYER_USER))
#define NIC_STATE   .missing = {[IR_LAYER_NIC] = {IR_REASON_STATE_NIC, NULL}}

static struct ir_map sample_maps[] = {
    {.name = "flows", .type = 9, .key_size = 8, .value_size = 16, .max_entries = 1024, .flags = 2},
    {.name = "scratch",
     .type = 6,
     .key_size = 4,
     .value_size = 64,
     .max_entries = 1,
     .packet_local = true},
};

static struct ir_global sample_globals[] = {
    {.name = "limit", .section = ".rodata", .size = 4, .constant = true},
    {.name = "seen", .section = ".bss", .size = 1},
};

static struct ir_key_part sample_key[] = {{0, 4, "ipv4.saddr"}, {4, 4, "const 0"}};

#define OP_AT(kind_, line_)                                                                        \
	.kind = IR_OP_##kind_, .loc = {"/src/nf.bpf.c", line_, 2}, .global = IR_NONE,              \
	.lookup = IR_NONE, .helper = IR_NONE, .function = "nf"

static struct ir_op sample_ops[] = {
    {OP_AT(PKT_READ, 10), .map = IR_NONE, .legal = IR_LAYERS_ALL,
     .packet = {true, 12, 2, NULL, "eth.type"}},
    {OP_AT(MAP_LOOKUP, 12), .legal = KERNEL_USER, NIC_STATE, .block = 1, .map = 0,
     .key = sample_key, .key_count = 2, .add_only = true},
    {OP_AT(LOOP, 0), .map = IR_NONE, .legal = USER, .block = 1,
     .missing = {[IR_LAYER_NIC] = {IR_REASON_COMPUTE_NIC, NULL},
		 [IR_LAYER_KERNEL] = {IR_REASON_AFTER_USER_OP, "crypt() in line 11"}}},
    {OP_AT(VERDICT, 20), .map = IR_NONE, .legal = KERNEL_USER, NIC_STATE, .block = 2,
     .verdicts = "DROP|PASS"},
};

static struct ir_live sample_live[] = {
    {.kind = IR_LIVE_PACKET, .name = "ip", .size = 4},
    {.kind = IR_LIVE_STACK, .name = "key", .size = 8, .from = 4, .to = 12},
    {.kind = IR_LIVE_MAP_BYTES, .size = 16, .map = 1, .from = 0, .to = 16},
};

static struct ir_edge sample_edges[] = {
    {.from = IR_NONE, .to = 0, .probability = 1},
    {.from = 0, .to = 1, .probability = 0.25, .live = sample_live, .live_count = 3},
    {.from = 0,
     .to = 2,
     .successor = 1,
     .probability = 0.75,
     .cut = {IR_REASON_LIVE_TOO_BIG, "300"}},
    {.from = 1, .to = 2, .probability = 1},
};

static int sample_into[] = {0, 1, 2, 3}, sample_out[] = {1, 2, 3};

static struct ir_block sample_blocks[] = {
    {.label = "b0",
     .op_count = 1,
     .in = sample_into,
     .in_count = 1,
     .out = sample_out,
     .out_count = 2,
     .loc = {"/src/nf.bpf.c", 9, 1},
     .function = "nf",
     .instructions = 3,
     .frequency = 1,
     .value = sample_blocks},
    {.label = "b1",
     .first_op = 1,
     .op_count = 2,
     .in = sample_into + 1,
     .in_count = 1,
     .out = sample_out + 2,
     .out_count = 1,
     .loc = {"/inc/parse.h", 30, 1},
     .function = "nf",
     .loop_depth = 1,
     .instructions = 7,
     .frequency = 0.25,
     .value = sample_blocks},
    {.label = "b2",
     .first_op = 3,
     .op_count = 1,
     .in = sample_into + 2,
     .in_count = 2,
     .loc = {"/src/nf.bpf.c", 20, 1},
     .function = "nf",
     .instructions = 1,
     .frequency = 1,
     .value = sample_blocks},
};

static inline struct ir_program sample_program(struct arena *arena)
{
	return (struct ir_program){
	    .arena = arena,
	    .source = "/src/nf.bpf.c",
	    .name = "nf",
	    .section = "xdp",
	    .license = "GPL",
	    .maps = sample_maps,
	    .map_count = 2,
	    .globals = sample_globals,
	    .global_count = 2,
	    .blocks = sample_blocks,
	    .block_count = 3,
	    .edges = sample_edges,
	    .edge_count = 4,
	    .ops = sample_ops,
	    .op_count = 4,
	    .stack_bytes = 16,
	    .uses_clock = true,
	};
}

#endif
