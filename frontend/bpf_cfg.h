/*
 * The control-flow graph of one function of an object: basic blocks of instructions. A call of a
 * subprogram ends a block too, because what it returns is known only when it has been analysed.
 */
#ifndef CLEAVE_FRONTEND_BPF_CFG_H
#define CLEAVE_FRONTEND_BPF_CFG_H

#include "frontend/bpf_object.h"

#define BPF_NO_BLOCK UINT32_MAX

struct bpf_block {
	uint32_t first, end; /* instructions [first, end) of the section */
	uint32_t next;       /* where it goes on, or BPF_NO_BLOCK: it returns or always jumps */
	uint32_t taken;      /* where its jump goes, or BPF_NO_BLOCK */
	uint32_t order;      /* place in reverse postorder; BPF_NO_BLOCK: cannot be reached */
};

struct bpf_cfg {
	struct bpf_block *blocks;
	uint32_t block_count;
	uint32_t *order; /* reachable blocks in reverse postorder; [0] is the function's start */
	uint32_t order_count;
};

/* Of a function, kept in it. Returns NULL after a fault (reported). */
struct bpf_cfg *bpf_cfg_get(struct bpf_object *object, struct bpf_function *function,
			    struct diag *diag);
/* The target of a jump, as an index of the section. */
int64_t bpf_jump_target(const struct bpf_instruction *instruction, uint32_t at);
bool bpf_is_jump(const struct bpf_instruction *instruction); /* conditional or not; no call, exit */
bool bpf_is_exit(const struct bpf_instruction *instruction);
bool bpf_is_subprogram_call(const struct bpf_instruction *instruction);
/* A call of a subprogram, or of a helper that calls one back. */
bool bpf_enters_function(const struct bpf_instruction *instruction);

/*
 * How the kernel calls a callback back: what it finds in r1, r2, ... Its address is in r2 of the
 * helper's call.
 */
enum bpf_callback_parameter {
	BPF_PARAMETER_NUMBER,
	BPF_PARAMETER_MAP,    /* the map that the helper works on */
	BPF_PARAMETER_VALUE,  /* a value of it */
	BPF_PARAMETER_KERNEL, /* memory of the kernel's */
	BPF_PARAMETER_SHARED, /* r3 of the helper's call */
};
enum { BPF_CALLBACK_REGISTER = 2, BPF_SHARED_REGISTER = 3, BPF_CALLBACK_PARAMETERS_MAX = 4 };
struct bpf_callback {
	int helper;
	const char *kfunc; /* instead of the helper, a function of the kernel's; or NULL */
	bool later;        /* not during the call, and with a stack of its own */
	unsigned count;
	enum bpf_callback_parameter parameter[BPF_CALLBACK_PARAMETERS_MAX];
};
/* Of the helper that an instruction calls; NULL: it does not call back. */
const struct bpf_callback *bpf_callback_of(const struct bpf_instruction *instruction);

#endif
