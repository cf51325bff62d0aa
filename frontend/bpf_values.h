/*
 * What the registers and the stack hold before an instruction, as far as types go: the lattice of
 * the abstract interpretation.
 *
 *     NONE      never written here
 *     NUMBER, or a pointer into one kind of memory, each with its value or offset where known
 *     POINTER   a pointer, into different memories on different ways here
 *     MIXED     a pointer on one way, a number on another
 *
 * NONE joins with anything without a trace: what was not written on one way cannot be read behind
 * the merge, or is read and means nothing. The number 0 joins with a pointer to that pointer, which
 * then may be NULL. A pointer into a frame keeps the least and greatest of its offsets, and a
 * number its upper bound, until they have moved BPF_GROWTH_MAX times. So every chain upward is
 * short, and loops need no widening.
 */
#ifndef CLEAVE_FRONTEND_BPF_VALUES_H
#define CLEAVE_FRONTEND_BPF_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bpf_kind {
	BPF_VALUE_NONE,
	BPF_VALUE_NUMBER,
	BPF_VALUE_CONTEXT,
	BPF_VALUE_PACKET,
	BPF_VALUE_PACKET_META,
	BPF_VALUE_PACKET_END,
	BPF_VALUE_MAP,       /* the map itself; index: which, or -1 */
	BPF_VALUE_MAP_VALUE, /* index: of which map, or -1 */
	BPF_VALUE_FRAME,     /* index: the instance whose stack it is; offset from its end */
	BPF_VALUE_DATA,      /* index: which section */
	BPF_VALUE_CODE,      /* index: of a function */
	BPF_VALUE_KERNEL,    /* an object of the kernel's */
	BPF_VALUE_POINTER,
	BPF_VALUE_MIXED,
};

struct bpf_value {
	uint8_t kind;
	bool known;    /* `number` is the value, or the offset */
	bool null;     /* a pointer that may be NULL instead */
	bool blurred;  /* one in a slot that a write at a computed place may have hit */
	uint8_t frame; /* POINTER: enum bpf_frame_part */
	bool bounded;  /* NUMBER, not known: at most `most` */
	uint8_t grown; /* how often `span` or `most` has */
	uint16_t span; /* FRAME, not known: from `number` to that much behind; 0: anywhere */
	int32_t index;
	uint32_t most;
	int64_t number;
};

enum {
	BPF_REGISTERS = 11,
	BPF_FRAME_REGISTER = 10,
	BPF_SLOTS = 64,           /* of 8 bytes, in the 512 that the kernel gives a frame */
	BPF_OFFSET_MAX = 1 << 30, /* farther into memory no pointer is known */
	BPF_GROWTH_MAX = 3,
};

/*
 * slots: those of the outermost frame first. [frame][n] holds bytes -8(n+1) to -8n of the frame.
 */
struct bpf_state {
	struct bpf_value reg[BPF_REGISTERS];
	struct bpf_value slots[][BPF_SLOTS];
};

static inline bool bpf_value_is_pointer(struct bpf_value v)
{
	return v.kind > BPF_VALUE_NUMBER && v.kind < BPF_VALUE_MIXED;
}

/* Is it known to within a span where the pointer leads? */
static inline bool bpf_value_is_near(struct bpf_value v)
{
	return v.known || v.span;
}

static inline bool bpf_value_is_constant(struct bpf_value v)
{
	return v.kind == BPF_VALUE_NUMBER && v.known;
}

/*
 * Where among stack frames a POINTER may lead, when on one way it is the address of a variable
 * there: in one as a FRAME does, by index, number and span.
 */
enum bpf_frame_part { BPF_IN_NO_FRAME, BPF_IN_ONE_FRAME, BPF_IN_ANY_FRAME };
/* What a value is as far as stack frames go: a FRAME, a POINTER or MIXED anywhere, or NONE. */
struct bpf_value bpf_value_in_frames(struct bpf_value v);

#define BPF_ANY_NUMBER ((struct bpf_value){.kind = BPF_VALUE_NUMBER})
#define BPF_KNOWN(what, which, value)                                                              \
	((struct bpf_value){.kind = (what), .known = true, .index = (which), .number = (value)})

size_t bpf_state_bytes(unsigned depth); /* depth 0: the program's own frame only */
/* Joins `from` into `into`; true: it changed. */
bool bpf_value_join(struct bpf_value *into, struct bpf_value from);
bool bpf_state_join(struct bpf_state *into, const struct bpf_state *from, unsigned depth);
/* The result of an arithmetic instruction; `wide`: on 64 bits. */
struct bpf_value bpf_value_compute(uint8_t operation, bool wide, struct bpf_value left,
				   struct bpf_value right);
/*
 * The upper bound of a number, or BPF_NO_BOUND; a number with one; the result of an arithmetic
 * instruction as far as bounds say; and what is at most behind a comparison that holds, or does not
 * (BPF_NO_BOUND: nothing new). In bpf_bounds.c.
 */
#define BPF_NO_BOUND UINT32_MAX
uint32_t bpf_value_bound(struct bpf_value v);
struct bpf_value bpf_value_up_to(uint64_t most);
struct bpf_value bpf_value_compute_bound(uint8_t operation, bool wide, struct bpf_value left,
					 struct bpf_value right);
uint32_t bpf_value_bound_behind(uint8_t operation, bool wide, bool holds, struct bpf_value left,
				struct bpf_value right);
/* Does the comparison hold? 1, 0, or -1: not known. */
int bpf_value_compare(uint8_t operation, bool wide, struct bpf_value left, struct bpf_value right);

#endif
