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

#endif
