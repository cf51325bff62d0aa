/*
 * The NF graph: what LLVM does not know about a network function, laid over its LLVM IR.
 *
 * LLVM keeps the computation. The graph says, for each *op* (an instruction with an effect or a
 * notable cost), which bytes and named fields of the packet it reads or writes, which map with
 * which key, and in which layers it may run; and for each control-flow *edge*, what would have to
 * travel with a packet that leaves the kernel there. Blocks are LLVM's basic blocks, split so that
 * every helper call begins one: then every interesting cut is an edge.
 *
 * Invariants (ir_check, run after every stage in debug builds):
 *  - blocks[0] is the program's start and has no predecessors; edges[0] is the edge from nowhere
 * into it, so that "everything in user" is a cut like any other, at entry 0;
 *  - a block's ops are contiguous in ops[] and in program order;
 *  - op.legal is never empty: an op without a layer was an error before;
 *  - the LLVM values that the graph refers to belong to program->llvm and are never replaced by a
 *    later stage. Backends work on clones.
 *
 *     for (size_t b = 0; b < p->block_count; b++)
 *             for (struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++)
 *                     print(ir_op_text(op->kind), op->loc.line);
 */
#ifndef CLEAVE_IR_IR_H
#define CLEAVE_IR_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "support/diag.h"

struct arena;
struct source_core;
struct ir_llvm; /* ir/llvm_ir.h */

enum ir_layer { IR_LAYER_NIC, IR_LAYER_KERNEL, IR_LAYER_USER, IR_LAYER_COUNT };
typedef uint8_t ir_layer_set; /* 1 << enum ir_layer */
#define IR_LAYERS_ALL ((ir_layer_set)((1 << IR_LAYER_COUNT) - 1))

enum ir_reason {
#define REASON(id, text, sentence) IR_REASON_##id,
#include "ir/reasons.def"
#undef REASON
	IR_REASON_COUNT
};

enum ir_op_kind {
#define OP(id, text, packet, state) IR_OP_##id,
#include "ir/ops.def"
#undef OP
	IR_OP_COUNT
};

enum ir_packet_effect {
	IR_PACKET_NONE,
	IR_PACKET_READ,
	IR_PACKET_WRITE,
	IR_PACKET_RESIZE,
	IR_PACKET_VERDICT
};
enum ir_state_effect { IR_STATE_NONE, IR_STATE_READ, IR_STATE_WRITE, IR_STATE_RMW, IR_STATE_CLOCK };

enum ir_program_kind { IR_PROGRAM_XDP, IR_PROGRAM_TC };

#define IR_NONE (-1)

/* A reason with what fills its %s. */
struct ir_why {
	enum ir_reason reason;
	const char *detail;
};

/* Where in the packet an access lies. */
struct ir_packet_range {
	bool known;            /* offset is a constant from the packet's first byte */
	uint32_t offset, size; /* bytes; size 0: of unknown length */
	const char *base;      /* else: the header it is relative to, e.g. "ipv4", or NULL */
	const char *field;     /* "ipv4.saddr" where the path or the types identify it, else NULL */
};

/* One part of a map key. */
struct ir_key_part {
	uint32_t offset, size; /* bytes of the key */
	const char *source;    /* field name, "const 0", "cpu", "computed" ... */
};

struct ir_op {
	enum ir_op_kind kind;
	int block;
	struct src_loc loc;            /* innermost source line */
	const char *function;          /* the source function it was inlined from */
	struct ir_packet_range packet; /* PKT_* and CHECKSUM */
	int map;                       /* index in maps[], or IR_NONE */
	struct ir_key_part *key;       /* MAP_LOOKUP, _UPDATE, _DELETE */
	size_t key_count;
	int global;       /* GLOBAL_*: index in globals[], or IR_NONE */
	int lookup;       /* MAP_READ/WRITE/ADD: op index of the look-up whose value it touches, or
			     IR_NONE */
	int helper;       /* BPF helper number, or IR_NONE */
	const char *name; /* helper, library function or context field; NULL otherwise */
	const char *verdicts; /* VERDICT: "DROP", "PASS|TX", "?" ... */
	bool inner;           /* the map is one that maps[map] holds */
	bool add_only;        /* MAP_LOOKUP: its value is only null-checked and added to */
	bool loop_bounded;    /* LOOP: the verifier can see its end */
	bool loop_rolled;     /* LOOP: the source makes it by bpf_loop */
	bool loop_counts;     /* LOOP: a number that it changes is among what ends it */
	bool loop_left;      /* LOOP: its end is left to the verifier to find: user cannot run it */
	uint64_t loop_trips; /* LOOP: bound on iterations when bounded */
	ir_layer_set legal;
	struct ir_why missing[IR_LAYER_COUNT]; /* for each layer not in legal: the reason */
	void *value; /* LLVMValueRef of the instruction (LOOP, VERDICT: a terminator) */
};

struct ir_block {
	const char *label; /* stable: "b0", "b1" ... in program order */
	int first_op, op_count;
	int *in, *out; /* edge indices; out in the terminator's successor order */
	size_t in_count, out_count;
	struct src_loc loc; /* of its first instruction with a line */
	const char *function;
	unsigned loop_depth;
	uint32_t
	    instructions; /* LLVM instructions that cost something: arithmetic, loads, branches */
	double frequency; /* executions per packet: profile or static estimate */
	void *value;      /* LLVMBasicBlockRef */
};

enum ir_live_kind {
	IR_LIVE_SCALAR,    /* integers of 1 to 64 bits: the value */
	IR_LIVE_PACKET,    /* pointer into the packet: its offset from data, 4 bytes */
	IR_LIVE_MAP_VALUE, /* pointer to a map value or null: index or key, by the map's home */
	IR_LIVE_STACK,     /* bytes [from, to) of a stack object whose address was taken */
	IR_LIVE_MAP_BYTES, /* bytes [from, to) of a packet-local map's element */
};

/* One value that is live across an edge and has to travel (what can be recomputed does not). */
struct ir_live {
	enum ir_live_kind kind;
	const char *name;  /* of the source variable, or "v12" */
	uint32_t size;     /* bytes; MAP_VALUE: 4, or key_size + 4 for homes without an index */
	int map;           /* MAP_VALUE, MAP_BYTES */
	uint32_t from, to; /* STACK, MAP_BYTES */
	void *value;       /* LLVMValueRef; STACK: the alloca; MAP_BYTES: NULL */
};

struct ir_edge {
	int from, to;       /* block indices; from is IR_NONE for edges[0] */
	int successor;      /* index among the terminator's successors */
	double probability; /* of taking it when at the end of `from` */
	struct ir_live *live;
	size_t live_count;
	void **restored; /* LLVMValueRefs that `to` and what follows need: phis of `to`, and older
			    values */
	size_t restored_count;
	struct ir_why cut;     /* NONE: a packet may be handed over here */
	uint32_t own_metadata; /* bytes of metadata that the program may keep here, at most */
	bool tail;             /* a tail call, or what leads on from one: never closes a loop */
	bool restarts; /* with nothing but itself: user runs the program from its start again */
};

/* What every map that a map of maps holds looks like. */
struct ir_inner {
	uint32_t type, key_size, value_size, max_entries, flags; /* type 0: there is none */
};

/* An element of an array of programs that tail calls go through: a number in programs[]. */
struct ir_call {
	uint32_t index, program;
};

struct ir_map {
	const char *name;
	uint32_t type, key_size, value_size, max_entries, flags;
	struct src_loc loc;
	uint32_t extra;        /* map_extra: hashes of a Bloom filter */
	struct ir_inner inner; /* of a map of maps */
	bool completed; /* the user, and not the definition, says how many or what is in it */
	int *held;      /* a map of maps: by element the map that it begins with, or IR_NONE */
	size_t held_count;
	struct ir_call *calls; /* an array of programs: what it begins with, as far as known */
	size_t call_count;
	const char *kernels_part; /* what of its values is the kernel's: "bpf_spin_lock", or NULL */
	const char *callback;     /* a function that the kernel calls and that uses it, or NULL */
	bool is_held;             /* a map of maps begins with it */
	bool is_pinned;           /* by its name: others have it too (LIBBPF_PIN_BY_NAME) */
	bool is_aliased;          /* ... and the program also names it; or it holds such a map */
	bool packet_local;        /* every packet writes the bytes that it reads */
	uint32_t local_key;       /* packet_local: the only element that is used */
	void *value;              /* LLVMValueRef of its global */
};

struct ir_global {
	const char *name;
	const char *section; /* ".bss", ".data", ".rodata", or ".data.NAME" ... */
	uint32_t size;
	bool constant; /* never written by the program and in .rodata */
	void *value;
};

/* One of the programs that tail calls join; [0] is the one that packets start in. */
struct ir_tail_program {
	const char *name, *section;
	bool is_called;
	int block;      /* is_called: where its code begins, at cleave.tail.entered */
	void *value;    /* is_called: LLVMBasicBlockRef of that, until blocks are split */
	void *function; /* LLVMValueRef of its own function, which has no body any more */
};

/*
 * What the other program of a pair does to maps and globals, as bits of partitioner/map_homes.h; by
 * map, then by global, of this program.
 */
struct ir_outside {
	const unsigned *kernel, *user;
};

struct ir_program {
	struct arena *arena;
	struct ir_llvm *llvm;
	const char *source;  /* path as the user gave it */
	const char *name;    /* function name */
	const char *section; /* "xdp", "xdp.frags", "tc", ... */
	enum ir_program_kind kind;
	const char *license;
	const char *tail_calls;                  /* --tail-calls, or NULL */
	const struct map_settings *map_settings; /* the frontend's: what a loader sets */
	struct source_core *core; /* the frontend's: what the source asks about the kernel */
	bool from_object;         /* lifted from one, or there is none to lift */
	const char *const *shared;
	size_t shared_count;
	const struct ir_outside *outside; /* what that other program does with them, or NULL */
	struct ir_tail_program *programs;
	size_t program_count; /* 0: there are no tail calls */
	void *tail_depth;     /* between two steps of the frontend: LLVMValueRef of its slot */
	struct ir_map *maps;
	size_t map_count;
	struct ir_global *globals;
	size_t global_count;
	struct ir_block *blocks;
	size_t block_count;
	struct ir_edge *edges;
	size_t edge_count;
	struct ir_op *ops;
	size_t op_count;
	uint32_t stack_bytes; /* of all stack objects */
	bool uses_clock;      /* reads time, random numbers, jiffies */
};

static inline struct ir_op *ir_first_op(const struct ir_program *p, size_t block)
{
	return p->ops + p->blocks[block].first_op;
}

static inline struct ir_op *ir_end_op(const struct ir_program *p, size_t block)
{
	return ir_first_op(p, block) + p->blocks[block].op_count;
}

/* The edge at whose far side user goes on, with that edge's live values. */
static inline const struct ir_edge *ir_edge_behind(const struct ir_program *p, int edge)
{
	return &p->edges[p->edges[edge].restarts ? 0 : edge];
}

const char *ir_op_text(enum ir_op_kind kind); /* "map.lookup" */
enum ir_packet_effect ir_op_packet(enum ir_op_kind kind);
enum ir_state_effect ir_op_state(enum ir_op_kind kind);
const char *ir_reason_text(enum ir_reason reason); /* "unbounded-loop" */
/* The plain sentence with its detail, in the arena. */
/* Where the edge leads, or else comes from: the first place that is known. */
struct src_loc ir_edge_loc(const struct ir_program *program, const struct ir_edge *edge);
const char *ir_why_sentence(struct arena *arena, struct ir_why why);
const char *ir_layer_text(enum ir_layer layer); /* "kernel" */
/* What a program in that ELF section is. False: nothing that is attached to an interface. */
bool ir_section_kind(const char *section, enum ir_program_kind *kind);
/*
 * Of an XDP program that an element of a devmap or cpumap names (`xdp/devmap`): the section that it
 * would stand in as a program of an interface. Else NULL.
 */
const char *ir_map_program_section(const char *section);
const char *ir_program_kind_text(enum ir_program_kind kind); /* "XDP" */

/* The innermost stable description of an op in one line: `map.lookup conntrack key=[ipv4.saddr
 * ...]`. */
const char *ir_op_line(struct arena *arena, const struct ir_program *program,
		       const struct ir_op *op);

/* Is this place in that line? The file may be named from further up: "net/parse.h" is
 * "examples/net/parse.h". */
bool ir_is_at(const struct src_loc *loc, const char *file, unsigned line);
/* Does something that the block computes, an op or not, come from that line? */
bool ir_block_has_line(const struct ir_program *program, size_t block, const char *file,
		       unsigned line);

/* Prints. Text is stable: golden tests compare it. */
void ir_print_text(FILE *out, const struct ir_program *program);
void ir_print_json(FILE *out, const struct ir_program *program);

/* Aborts when an invariant does not hold. */
void ir_check(const struct ir_program *program);

#endif
