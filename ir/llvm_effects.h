/*
 * Between the files of ir_name_effects.
 *
 * An *anchor* names a packet address by where it was computed: a base value that is not a constant
 * step from another pointer, and the constant offset from it. Every read of the packet's start
 * before the head moves has the same base, so "data + 14" is one anchor however often the source
 * computes it. Two sources say which header starts at an anchor: *facts*, learned from the branches
 * that lead to a block ("ethertype == 0x0800, so IPv4 starts 14 bytes behind"), and *hints* of the
 * debug info ("a variable of type struct iphdr * points here"). Facts win.
 */
#ifndef CLEAVE_IR_LLVM_EFFECTS_H
#define CLEAVE_IR_LLVM_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

#include "ir/ir.h"
#include "ir/llvm_ir.h"
#include "support/packet_fields.h"

struct anchor {
	LLVMValueRef base;
	int64_t offset;
};

/* Header `proto` starts at the anchor; or, with next, `proto` follows the header that starts there.
 */
struct header_fact {
	struct anchor at;
	enum packet_proto proto;
	bool next;
};

struct fact_set {
	struct header_fact *facts;
	size_t count, capacity;
};

struct header_hint {
	struct anchor at;
	enum packet_proto proto;
	int block;
	unsigned ordinal; /* the instruction, counted through the function, that the hint stands
			     before */
};

/* Bytes of a stack object that an instruction writes. */
struct stack_write {
	LLVMValueRef instruction;
	LLVMValueRef root; /* the alloca; NULL: may be any */
	int block;
	bool exact; /* [offset, offset + size) for sure; else anything in the object, perhaps */
	int64_t offset;
	uint64_t size;
};

enum { REACH_WRITES_MAX = 16 };

/* Which writes reach a byte; open: also what stood there before the program, or more than we list.
 */
struct reach {
	unsigned writes[REACH_WRITES_MAX];
	size_t count;
	bool open;
};

struct value_number {
	const void *value;
	unsigned number;
};

struct effects {
	struct ir_program *program;
	LLVMTargetDataRef layout;
	int *idom;
	LLVMValueRef data; /* stands for every read of the packet's start before the head moves */
	bool *head_moved;  /* per block: a move of the head may have come before it, or in it */
	struct value_number *numbers; /* instructions and blocks by address */
	size_t number_count;
	struct fact_set *facts; /* per block, at its start */
	struct header_hint *hints;
	size_t hint_count, hint_capacity;
	struct stack_write *writes; /* in program order */
	size_t write_count, write_capacity;
	unsigned *first_write;    /* per block, and one behind the last: where its writes begin */
	int *stack;               /* room for a search over the blocks */
	unsigned *visited, round; /* per block: in which search it was last met */
};

/* A place in the packet, with its header if one is known. */
struct packet_place {
	bool named;
	enum packet_proto proto;
	struct anchor header;
	int64_t offset; /* in the header */
};

/* llvm_effects_anchor.c */
void effects_number_values(struct effects *fx);
unsigned effects_ordinal(const struct effects *fx, LLVMValueRef instruction);
int effects_block(const struct effects *fx, LLVMValueRef instruction);
void effects_find_head_moves(struct effects *fx);
struct anchor effects_anchor(const struct effects *fx, LLVMValueRef pointer);
bool effects_gep_offset(const struct effects *fx, LLVMValueRef gep, int64_t *offset);
uint64_t effects_type_bytes(const struct effects *fx, LLVMTypeRef type);
/* The helper's name without bpf_, or NULL for other instructions. */
const char *effects_helper_name(LLVMValueRef instruction);
/* Starts with "llvm.memcpy" or so. */
bool effects_is_intrinsic(LLVMValueRef instruction, const char *prefix);
bool effects_const(LLVMValueRef value, uint64_t *number);
/* From the normalised context reads: "ifindex", "queue"; NULL for other instructions. */
const char *effects_context_field(LLVMValueRef instruction);

/* llvm_effects_hints.c */
void effects_find_hints(struct effects *fx);
/* Operand of a metadata node as a value, or NULL. */
LLVMValueRef effects_node_operand(LLVMValueRef node, unsigned index);

/* llvm_effects_function.c */
void effects_name_functions(struct effects *fx);

/* llvm_effects_facts.c */
void effects_compute_facts(struct effects *fx);

/* llvm_effects_packet.c */
struct packet_place effects_place(const struct effects *fx, LLVMValueRef at, LLVMValueRef pointer,
				  uint64_t size);
/* "ipv4.saddr", "ipv4.ttl+protocol" or NULL; in the arena or static. */
const char *effects_field_text(const struct effects *fx, struct packet_place place, uint64_t size);
/* The same, or "pkt[26:30]", never NULL. */
const char *effects_packet_text(const struct effects *fx, LLVMValueRef at, LLVMValueRef pointer,
				uint64_t size);
void effects_name_packet(struct effects *fx, struct ir_op *op);

/* llvm_effects_reach.c */
void effects_find_stack_writes(struct effects *fx);
/* The writes that may have given a byte of a stack object its value at an instruction. */
void effects_reach(const struct effects *fx, LLVMValueRef root, LLVMValueRef at, int64_t byte,
		   struct reach *reach);
bool effects_same_reach(const struct reach *a, const struct reach *b);

/* llvm_effects_source.c */
/*
 * Where bytes come from, as text: "ipv4.saddr", "const 0", "tcp.dport|udp.dport" where paths
 * differ, "computed(ipv4.saddr, map salt)", "unknown".
 */
const char *effects_stack_source(const struct effects *fx, LLVMValueRef root, LLVMValueRef at,
				 int64_t offset, uint64_t size);
/* The same for what a pointer points at, at an instruction. */
const char *effects_memory_source(const struct effects *fx, LLVMValueRef pointer, LLVMValueRef at,
				  uint64_t size);

/* llvm_effects_key.c */
void effects_name_key(struct effects *fx, struct ir_op *op);

/* llvm_effects_verdict.c */
void effects_name_verdicts(struct effects *fx, struct ir_op *op);

/* llvm_effects_add.c */
bool effects_is_add_only(struct effects *fx, LLVMValueRef lookup);

/* llvm_effects_local.c */
/* The only key that is looked up goes to *key. */
bool effects_is_packet_local(struct effects *fx, int map, uint32_t *key);

#endif
