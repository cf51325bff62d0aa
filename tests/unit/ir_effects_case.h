/*
 * A network function's graph with its effects, from C in which the intrinsics are plain functions:
 * clang alone makes the module, so these tests need no frontend. Ops are asked for by their line.
 */
#ifndef CLEAVE_TESTS_IR_EFFECTS_CASE_H
#define CLEAVE_TESTS_IR_EFFECTS_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/bpf.h>
#include <llvm-c/BitReader.h>

#include "ir/ir.h"
#include "ir/llvm_ir.h"
#include "support/arena.h"
#include "support/process.h"

#define PROLOGUE                                                                                   \
	"typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;\n"        \
	"typedef unsigned long long u64;\n"                                                        \
	"#define NULL ((void *)0)\n"                                                               \
	"#define ntohs __builtin_bswap16\n"                                                        \
	"void *data(void *) __asm__(\"cleave.pkt.data\");\n"                                       \
	"void *data_end(void *) __asm__(\"cleave.pkt.data_end\");\n"                               \
	"u32 ifindex(void *) __asm__(\"cleave.ctx.ingress_ifindex\");\n"                           \
	"void *lookup(void *, const void *) __asm__(\"cleave.map.lookup\");\n"                     \
	"long update(void *, const void *, const void *, u64) __asm__(\"cleave.map.update\");\n"   \
	"u32 cpu(void) __asm__(\"cleave.help.get_smp_processor_id\");\n"                           \
	"long redirect_map(void *, u64, u64) __asm__(\"cleave.help.redirect_map\");\n"             \
	"long adjust_head(void *, int) __asm__(\"cleave.help.xdp_adjust_head\");\n"                \
	"long adjust_meta(void *, int) __asm__(\"cleave.help.xdp_adjust_meta\");\n"                \
	"void *data_meta(void *) __asm__(\"cleave.pkt.data_meta\");\n"                             \
	"long load_bytes(void *, u32, void *, u32) __asm__(\"cleave.help.xdp_load_bytes\");\n"     \
	"void consume(u64); void consume_pointer(const void *);\n"                                 \
	"struct ethhdr { u8 h_dest[6], h_source[6]; u16 h_proto; } __attribute__((packed));\n"     \
	"struct iphdr { u8 ihl : 4, version : 4; u8 tos; u16 tot_len, id, frag_off; u8 ttl, "      \
	"protocol;\n"                                                                              \
	"  u16 check; u32 saddr, daddr; };\n"                                                      \
	"struct udphdr { u16 source, dest, len, check; };\n"                                       \
	"extern u8 hash[], array[], scratch[];\n"                                                  \
	"#line 1 \"nf.c\"\n"

struct effects_case {
	struct arena *arena;
	struct ir_program program;
	struct ir_llvm llvm;
};

static inline void case_compile(const char *folder, const char *body, const char *output,
				const char *debug)
{
	char source[64];
	char *errors;
	struct process process;
	struct arena *arena = arena_new();
	FILE *f;

	snprintf(source, sizeof source, "%s/nf.c", folder);
	f = fopen(source, "w");
	assert_non_null(f);
	fprintf(f, PROLOGUE "%s", body);
	assert_int_equal(fclose(f), 0);
	char *argv[] = {"clang-19", "-target",    "bpf", "-O2",          (char *)debug, "-c",
			"-w",       "-emit-llvm", "-o",  (char *)output, source,        NULL};

	assert_int_equal(process_start(&process, argv), 0);
	int status = process_wait(&process, arena, &errors);

	if (status)
		fprintf(stderr, "%s\n", errors);
	assert_int_equal(status, 0);
	unlink(source);
	arena_free(&arena);
}

static inline void case_read_module(struct effects_case *c, const char *path)
{
	LLVMMemoryBufferRef buffer;
	char *message = NULL;

	c->llvm.context = LLVMContextCreate();
	assert_int_equal(LLVMCreateMemoryBufferWithContentsOfFile(path, &buffer, &message), 0);
	assert_int_equal(LLVMParseBitcodeInContext2(c->llvm.context, buffer, &c->llvm.module), 0);
	LLVMDisposeMemoryBuffer(buffer);
	c->llvm.function = LLVMGetNamedFunction(c->llvm.module, "prog");
	assert_non_null(c->llvm.function);
}

static inline void case_add_maps(struct effects_case *c)
{
	static const struct ir_map maps[] = {
	    {.name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 16},
	    {.name = "array", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 16},
	    {.name = "scratch", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 16},
	};

	c->program.map_count = sizeof maps / sizeof *maps;
	c->program.maps = arena_alloc(c->arena, sizeof maps);
	memcpy(c->program.maps, maps, sizeof maps);
	for (size_t m = 0; m < c->program.map_count; m++) {
		c->program.maps[m].max_entries = 4;
		c->program.maps[m].value =
		    LLVMGetNamedGlobal(c->llvm.module, c->program.maps[m].name);
	}
}

/* debug: "-g", or "-g0" for a module without any, so that only the branches can tell. */
static inline struct effects_case *case_open(const char *body, const char *debug)
{
	struct effects_case *c = calloc(1, sizeof *c);
	char folder[] = "/tmp/cleave-effects-XXXXXX", path[64];
	struct diag diag = {.out = stderr, .prog = "test"};

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/nf.bc", folder);
	case_compile(folder, body, path, debug);
	c->arena = arena_new();
	case_read_module(c, path);
	unlink(path);
	rmdir(folder);
	c->program.arena = c->arena;
	c->program.llvm = &c->llvm;
	c->program.name = "prog";
	c->program.section = "xdp";
	case_add_maps(c);
	assert_int_equal(ir_split_blocks(&c->program, &diag), 0);
	assert_int_equal(ir_build_graph(&c->program, &diag), 0);
	assert_int_equal(ir_name_effects(&c->program, &diag), 0);
	ir_check(&c->program);
	return c;
}

static inline void case_close(struct effects_case *c)
{
	ir_llvm_free(&c->llvm);
	arena_free(&c->arena);
	free(c);
}

/* The n-th op of this kind, from 0. */
static inline struct ir_op *case_op(struct effects_case *c, enum ir_op_kind kind, unsigned n)
{
	for (size_t o = 0; o < c->program.op_count; o++)
		if (c->program.ops[o].kind == kind && n-- == 0)
			return &c->program.ops[o];
	fail_msg("no such op: %s", ir_op_text(kind));
	return NULL;
}

static inline void expect_line(struct effects_case *c, const struct ir_op *op, const char *line)
{
	assert_string_equal(ir_op_line(c->arena, &c->program, op), line);
}

/* All ops of this kind in program order, joined by "; ". */
static inline void expect_ops(const char *body, const char *debug, enum ir_op_kind kind,
			      const char *lines)
{
	struct effects_case *c = case_open(body, debug);
	const char *all = "";

	for (size_t o = 0; o < c->program.op_count; o++)
		if (c->program.ops[o].kind == kind)
			all = arena_printf(c->arena, "%s%s%s", all, *all ? "; " : "",
					   ir_op_line(c->arena, &c->program, &c->program.ops[o]));
	assert_string_equal(all, lines);
	case_close(c);
}

#endif
