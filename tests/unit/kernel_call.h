/* A program that calls one helper, with arguments that the test writes into its order. */
#ifndef CLEAVE_TESTS_UNIT_KERNEL_CALL_H
#define CLEAVE_TESTS_UNIT_KERNEL_CALL_H

#include "kernel_map.h"

static uint64_t random_state = 88172645463325252ULL;

static inline uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % below;
}

/* `setup` puts the arguments, r6 is the order, r9 the context. */
struct call {
	int orders_fd, prog_fd;
	struct order *order;
};

static inline void open_call(struct call *c, const struct bpf_insn *setup, size_t count, int helper)
{
	struct bpf_insn code[128];
	size_t n = 0;

	c->orders_fd =
	    new_kernel_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct order), 1, BPF_F_MMAPABLE);
	assert(c->orders_fd >= 0);
	c->order = map_pages(c->orders_fd, 4096);
	EMIT(MOV_REG(BPF_REG_9, BPF_REG_1), LOAD_ORDER(c->orders_fd));
	emit(code, &n, setup, count);
	EMIT(CALL(helper));
	PUT_RESULT();
	c->prog_fd = load_program(BPF_PROG_TYPE_XDP, code, n, 0);
	assert(c->prog_fd >= 0);
}

static inline void close_call(struct call *c)
{
	munmap(c->order, 4096);
	close(c->orders_fd);
	close(c->prog_fd);
}

#define OPEN_CALL(c, helper, ...)                                                                  \
	open_call(c, (struct bpf_insn[]){__VA_ARGS__},                                             \
		  sizeof((struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn), helper)

/* Argument n as the order's n-th 32-bit word of the key. */
#define ARG32(reg, n) LOAD(BPF_W, reg, BPF_REG_6, AT(key) + 4 * (n))
#define VALUE(reg)    MOV_REG(reg, BPF_REG_6), ADD_IMM(reg, AT(value))

#endif
