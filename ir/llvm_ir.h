/*
 * The LLVM side of an NF graph. Only files named llvm_*.c include this.
 *
 * After normalisation the module holds one function, the program, with everything inlined, in which
 * nothing is particular to BPF's ABI any more: calls to declared functions named "cleave.*"
 * (*intrinsics*) stand for context loads and helper calls:
 *
 *     ptr  @cleave.pkt.data(ptr ctx), .data_end, .data_meta
 *     i32  @cleave.ctx.ingress_ifindex(ptr ctx), .rx_queue_index, .egress_ifindex
 *     ptr  @cleave.map.lookup(ptr map, ptr key)
 *     i64  @cleave.map.update(ptr map, ptr key, ptr value, i64 flags), i64 @cleave.map.delete(ptr
 * map, ptr key)
 *     ...  @cleave.help.NAME(...)  every other helper bpf_NAME, with the arguments of the source's
 * call
 *
 * The context parameter is used by nothing else. Maps are the globals of section ".maps"; the
 * program's own globals stay as they are. ir/helpers.def has a row for each helper.
 */
#ifndef CLEAVE_IR_LLVM_IR_H
#define CLEAVE_IR_LLVM_IR_H

#include "ir/ir.h"

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Target.h>

struct ir_llvm {
	LLVMContextRef context;
	LLVMModuleRef module; /* normalised, blocks split; never changed after the graph is built */
	LLVMModuleRef original;   /* clang's, as it came */
	LLVMValueRef function;    /* the program in module */
	struct llvm_slots *slots; /* what lies on its stack, once the graph is built; or NULL */
};

/* Frees the context and all in it; the program's arena stays. */
void ir_llvm_free(struct ir_llvm *llvm);

/* Metadata of the branch that ends the rounds of bpf_loop. */
#define ROLLED_LOOP "cleave.rolled"

/* Name of the intrinsic that a call instruction calls ("cleave.map.lookup"), or NULL. */
const char *llvm_intrinsic_name(LLVMValueRef instruction);

/* Name of the kernel's own function that a call instruction calls (ir/kfuncs.h), or NULL. */
const char *llvm_kernel_function(LLVMValueRef instruction);

/* The same value without what only keeps passes off it: freeze, and llvm.bpf.passthrough, which
 * clang's BPF target puts around tests that it joins. */
LLVMValueRef llvm_bare_value(LLVMValueRef value);

/* Index of the map that a value names (the global itself), or IR_NONE. */
int llvm_map_index(const struct ir_program *program, LLVMValueRef value);

/* Keeps the types whole that the BTF of the module's maps needs; before the module is emitted. */
void llvm_keep_map_types(struct arena *arena, LLVMModuleRef module);

/* The map that a map was found in by a look-up, or IR_NONE. */
int llvm_outer_map(const struct ir_program *program, LLVMValueRef map);

/*
 * The map that the call of a helper works on, or IR_NONE. *inner: not that map itself but one that
 * it holds, as a look-up found it.
 */
int llvm_call_map(const struct ir_program *program, LLVMValueRef call, bool *inner);

/*
 * What a pointer points into: follows GEPs, casts, phis, selects, and loads of what was stored on
 * the stack (ir/llvm_slots.h). index: map (MAP) or global (GLOBAL) index; root: the alloca (STACK)
 * or the look-up call (MAP) when there is only one.
 */
enum llvm_memory {
	LLVM_MEMORY_UNKNOWN,
	LLVM_MEMORY_PACKET,
	LLVM_MEMORY_PACKET_END,
	LLVM_MEMORY_CONTEXT,
	LLVM_MEMORY_STACK,
	LLVM_MEMORY_MAP,
	LLVM_MEMORY_INNER, /* a value of a map that the map with this index holds */
	LLVM_MEMORY_MAP_SELF,
	LLVM_MEMORY_GLOBAL,
	LLVM_MEMORY_KERNEL, /* an object of the kernel's own; root: the helper's call */
	LLVM_MEMORY_NULL,
	LLVM_MEMORY_MIXED,
	LLVM_MEMORY_PACKET_META, /* the program's own metadata in front of the packet */
};
struct llvm_region {
	enum llvm_memory memory;
	int index;
	LLVMValueRef root;
	bool nullable;  /* or NULL, on some path */
	bool undefined; /* UNKNOWN, because nothing was ever put there */
	bool constant;  /* offset is a constant */
	int64_t offset; /* from the root (PACKET: from data) when constant */
};
struct llvm_region llvm_pointer_region(const struct ir_program *program, LLVMValueRef pointer);

/*
 * The memories that a pointer may point into, one region each (NULL left out): the one of
 * llvm_pointer_region, or those that a MIXED one was chosen from. all: there are no others.
 */
enum { LLVM_POINTEES_MAX = 16 };
struct llvm_pointees {
	struct llvm_region regions[LLVM_POINTEES_MAX];
	size_t count;
	bool all;
};
struct llvm_pointees llvm_pointees_of(const struct ir_program *program, LLVMValueRef pointer);

/*
 * What the call of a helper does to the memory that an argument points to: false when nothing, or
 * when it is no helper. A write is one that may happen; reads says whether what stood there before
 * matters. size: bytes from the pointer on, -1 where it is not a constant.
 */
struct llvm_helper_access {
	bool reads, writes;
	int64_t size;
};
bool llvm_helper_access(const struct ir_program *program, LLVMValueRef call, unsigned argument,
			struct llvm_helper_access *access);
/* The function that the call gives the kernel to call back; NULL: none. */
LLVMValueRef llvm_call_callback(LLVMValueRef call);
/* Does it, or a function that it calls, name the map or variable? */
bool llvm_callback_uses(LLVMValueRef callback, LLVMValueRef global);
/* "%pS of bpf_snprintf" where a constant format asks for what only the kernel knows; else NULL. */
struct ir_helper;
const char *llvm_kernel_conversion(const struct ir_program *program, LLVMValueRef call,
				   const struct ir_helper *helper);
/* Is it the call of a helper whose result has to be given back to the kernel? */
bool llvm_is_reference(LLVMValueRef call);

/*
 * How a value crosses a cut. FREE: it is rebuilt from what every packet has (constants, the
 * packet's ends, addresses of stack objects and globals). CHAIN: the instruction is repeated on its
 * operands, which cross instead. VALUE: it travels, as `live` says. REFUSED: neither is possible,
 * `reason` says why.
 */
enum llvm_carry_kind { LLVM_CARRY_FREE, LLVM_CARRY_CHAIN, LLVM_CARRY_VALUE, LLVM_CARRY_REFUSED };
struct llvm_carry {
	enum llvm_carry_kind kind;
	enum ir_live_kind live;
	int map;       /* IR_LIVE_MAP_VALUE */
	uint32_t size; /* bytes in the handoff; MAP_VALUE: 4, as for homes with an index */
	enum ir_reason reason;
	struct llvm_region region;
};
struct llvm_carry llvm_carry_of(const struct ir_program *program, LLVMValueRef value);

/* What a restored value of the edge is on the edge's near side: a phi's incoming value, else
 * itself. */
LLVMValueRef llvm_edge_source(const struct ir_program *program, const struct ir_edge *edge,
			      LLVMValueRef restored);

/*
 * ir stages, in order. Each reads and extends `program`; returns 0 or a negative errno (reported).
 * ir_split_objects: stack objects fall apart into the parts used together; what can be a value
 * becomes one. ir_split_blocks: every intrinsic call begins a block of its own; unifies returns.
 * ir_build_graph: blocks, edges, ops (kind, map, global, helper, source line), loops, frequencies.
 * ir_name_effects: packet ranges and field names, key parts, verdicts, add_only, packet_local.
 * ir_compute_live: live values of every edge and whether it can be cut.
 */
int ir_split_objects(struct ir_program *program, struct diag *diag);
/* Part of it: numbers that count, and that helpers read, are stored for each call. Any? */
bool ir_promote_counters(struct ir_program *program);
int ir_split_blocks(struct ir_program *program, struct diag *diag);
int ir_build_graph(struct ir_program *program, struct diag *diag);
int ir_name_effects(struct ir_program *program, struct diag *diag);
int ir_compute_live(struct ir_program *program, struct diag *diag);

#endif
