/* Questions to the kernel from user: routes, and what fits through an interface. */
#include "runtime/host_route.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

enum {
	PARAMS = sizeof(struct bpf_fib_lookup),
	ON_STACK = -PARAMS,
	STEP = 8,
};

/* The packet: what is asked with and answered, the flags, the result. */
struct question {
	uint8_t params[PARAMS];
	uint64_t flags;
	int64_t result;
};

#define LOAD(size, to, from, at)                                                                   \
	{.code = BPF_LDX | BPF_MEM | (size), .dst_reg = (to), .src_reg = (from), .off = (at)}
#define STORE_AS(size, to, at, from)                                                               \
	{.code = BPF_STX | BPF_MEM | (size), .dst_reg = (to), .src_reg = (from), .off = (at)}
#define STORE(to, at, from) STORE_AS(BPF_DW, to, at, from)

#define SET(to, number)  {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (number)}
#define COPY(to, from)   {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)}
#define ADD(to, number)  {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (number)}
#define CALL(helper)     {.code = BPF_JMP | BPF_CALL, .imm = (helper)}
#define ABOVE(a, b, off) {.code = BPF_JMP | BPF_JGT | BPF_X, (a), (b), (off), 0}
#define WORD_IN(n)                                                                                 \
	LOAD(BPF_DW, BPF_REG_0, BPF_REG_6, (n) * STEP),                                            \
	    STORE(BPF_REG_10, ON_STACK + (n) * STEP, BPF_REG_0)
#define WORD_OUT(n)                                                                                \
	LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, ON_STACK + (n) * STEP),                                \
	    STORE(BPF_REG_6, (n) * STEP, BPF_REG_1)
#define ALL(WORD) WORD(0), WORD(1), WORD(2), WORD(3), WORD(4), WORD(5), WORD(6), WORD(7)

_Static_assert(PARAMS == 8 * STEP, "ALL copies that much");

int host_route_open(void)
{
	static const struct bpf_insn code[] = {
	    LOAD(BPF_W, BPF_REG_6, BPF_REG_1, offsetof(struct xdp_md, data)),
	    LOAD(BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, data_end)),
	    COPY(BPF_REG_3, BPF_REG_6),
	    ADD(BPF_REG_3, sizeof(struct question)),
	    ABOVE(BPF_REG_3, BPF_REG_2, 16 + 5 + 16 + 1),
	    ALL(WORD_IN),
	    LOAD(BPF_W, BPF_REG_4, BPF_REG_6, offsetof(struct question, flags)),
	    COPY(BPF_REG_2, BPF_REG_10),
	    ADD(BPF_REG_2, ON_STACK),
	    SET(BPF_REG_3, PARAMS),
	    CALL(BPF_FUNC_fib_lookup),
	    STORE(BPF_REG_6, offsetof(struct question, result), BPF_REG_0),
	    ALL(WORD_OUT),
	    SET(BPF_REG_0, XDP_DROP),
	    {.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "cleave_route", "GPL", code,
			       sizeof code / sizeof *code, NULL);

	return fd < 0 ? -errno : fd;
}

int64_t host_route_find(int prog_fd, void *params, uint32_t size, uint32_t flags)
{
	struct question question = {.flags = flags};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &question, .data_out = &question,
		    .data_size_in = sizeof question, .data_size_out = sizeof question, .repeat = 1);

	if (size < PARAMS) /* as the helper says */
		return -EINVAL;
	memcpy(question.params, params, PARAMS);
	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return -errno;
	memcpy(params, question.params, PARAMS);
	return question.result;
}

struct mtu_question {
	uint32_t ifindex, mtu;
	int32_t difference;
	uint32_t unused;
	uint64_t flags;
	int64_t result;
};

int host_mtu_open(void)
{
	static const struct bpf_insn code[] = {
	    COPY(BPF_REG_7, BPF_REG_1),
	    LOAD(BPF_W, BPF_REG_6, BPF_REG_1, offsetof(struct xdp_md, data)),
	    LOAD(BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, data_end)),
	    COPY(BPF_REG_3, BPF_REG_6),
	    ADD(BPF_REG_3, sizeof(struct mtu_question)),
	    ABOVE(BPF_REG_3, BPF_REG_2, 12),
	    LOAD(BPF_W, BPF_REG_0, BPF_REG_6, offsetof(struct mtu_question, mtu)),
	    STORE_AS(BPF_W, BPF_REG_10, -STEP, BPF_REG_0),
	    COPY(BPF_REG_1, BPF_REG_7),
	    LOAD(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct mtu_question, ifindex)),
	    COPY(BPF_REG_3, BPF_REG_10),
	    ADD(BPF_REG_3, -STEP),
	    LOAD(BPF_W, BPF_REG_4, BPF_REG_6, offsetof(struct mtu_question, difference)),
	    LOAD(BPF_DW, BPF_REG_5, BPF_REG_6, offsetof(struct mtu_question, flags)),
	    CALL(BPF_FUNC_check_mtu),
	    STORE(BPF_REG_6, offsetof(struct mtu_question, result), BPF_REG_0),
	    LOAD(BPF_W, BPF_REG_1, BPF_REG_10, -STEP),
	    STORE_AS(BPF_W, BPF_REG_6, offsetof(struct mtu_question, mtu), BPF_REG_1),
	    SET(BPF_REG_0, XDP_DROP),
	    {.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "cleave_mtu", "GPL", code,
			       sizeof code / sizeof *code, NULL);

	return fd < 0 ? -errno : fd;
}

int64_t host_mtu_check(int prog_fd, uint32_t ifindex, uint32_t packet_bytes, uint32_t *mtu,
		       int32_t difference, uint64_t flags)
{
	struct mtu_question question = {
	    .ifindex = ifindex, .mtu = *mtu, .difference = difference, .flags = flags};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &question, .data_out = &question,
		    .data_size_in = sizeof question, .data_size_out = sizeof question, .repeat = 1);

	/* Without a length in *mtu it is the packet's: the question's is another. */
	if (!*mtu)
		question.difference =
		    (int32_t)((uint32_t)difference + packet_bytes - (uint32_t)sizeof question);
	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return -errno;
	*mtu = question.mtu;
	return question.result;
}
