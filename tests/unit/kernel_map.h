/*
 * A real kernel map beside a native one: makes BPF maps, and runs the packet's operations on them
 * by an XDP program that takes its orders from a mmapable array.
 */
#ifndef CLEAVE_TESTS_UNIT_KERNEL_MAP_H
#define CLEAVE_TESTS_UNIT_KERNEL_MAP_H

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SKIP = 77 };

/* What a packet may do to a map. */
enum order_kind {
	ORDER_LOOKUP, /* value = the element's; result 0 or -ENOENT */
	ORDER_UPDATE,
	ORDER_DELETE,
	ORDER_ADD,       /* look up, then the value's first word += 1 */
	ORDER_STALE_ADD, /* look up, update, then add through the pointer from before */
	ORDER_COUNT,
};

struct order {
	uint64_t kind, flags;
	int64_t result;
	uint8_t key[64], value[128];
};

struct kernel_map {
	int fd, orders_fd, prog_fd;
	struct order *order;
};

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define MOV_REG(d, s)            INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV_IMM(d, i)            INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADD_IMM(d, i)            INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define AND_IMM(d, i)            INSN(BPF_ALU64 | BPF_AND | BPF_K, d, 0, 0, i)
#define LOAD(size, d, s, o)      INSN(BPF_LDX | (size) | BPF_MEM, d, s, o, 0)
#define STORE(size, d, o, s)     INSN(BPF_STX | (size) | BPF_MEM, d, s, o, 0)
#define STORE_IMM(size, d, o, i) INSN(BPF_ST | (size) | BPF_MEM, d, 0, o, i)
#define CALL(helper)             INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define JUMP(o)                  INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define JUMP_EQ(d, i, o)         INSN(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, i)
#define JUMP_NE(d, i, o)         INSN(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define EXIT()                   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define MAP_FD(d, fd)                                                                              \
	INSN(BPF_LD | BPF_DW | BPF_IMM, d, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)

#define MAP_VALUE(d, fd)                                                                           \
	INSN(BPF_LD | BPF_DW | BPF_IMM, d, BPF_PSEUDO_MAP_VALUE, 0, fd), INSN(0, 0, 0, 0, 0)

static inline int load_program(enum bpf_prog_type type, const struct bpf_insn *code, size_t count,
			       uint32_t flags)
{
	static char log[1 << 20];
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags, .log_buf = log,
		    .log_size = sizeof log, .log_level = 1);
	int fd = bpf_prog_load(type, "orders", "GPL", code, count, &opts);

	if (fd < 0)
		fprintf(stderr, "%s\n", log);
	return fd;
}

static inline int run_xdp(int fd)
{
	uint8_t packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof packet,
		    .repeat = 1);

	return bpf_prog_test_run_opts(fd, &opts) ? -errno : (int)opts.retval;
}

/* r6 = element 0 of the map, or return. */
#define LOAD_ORDER(fd)                                                                             \
	STORE_IMM(BPF_W, BPF_REG_10, -4, 0), MAP_FD(BPF_REG_1, fd),                                \
	    MOV_REG(BPF_REG_2, BPF_REG_10), ADD_IMM(BPF_REG_2, -4),                                \
	    CALL(BPF_FUNC_map_lookup_elem), JUMP_NE(BPF_REG_0, 0, 1), EXIT(),                      \
	    MOV_REG(BPF_REG_6, BPF_REG_0)
#define AT(field) ((int16_t)offsetof(struct order, field))

/* Emits `if (kind == k) { code }` with a jump to the end of it. */
static inline void emit(struct bpf_insn *out, size_t *count, const struct bpf_insn *code, size_t n)
{
	memcpy(out + *count, code, n * sizeof *code);
	*count += n;
}
#define EMIT(...)                                                                                  \
	emit(code, &n, (struct bpf_insn[]){__VA_ARGS__},                                           \
	     sizeof((struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn))
#define PUT_RESULT()                                                                               \
	EMIT(STORE(BPF_DW, BPF_REG_6, AT(result), BPF_REG_0), MOV_IMM(BPF_REG_0, 2), EXIT())
#define ARGS(fd)                                                                                   \
	MAP_FD(BPF_REG_1, fd), MOV_REG(BPF_REG_2, BPF_REG_6), ADD_IMM(BPF_REG_2, AT(key)),         \
	    MOV_REG(BPF_REG_3, BPF_REG_6), ADD_IMM(BPF_REG_3, AT(value)),                          \
	    LOAD(BPF_DW, BPF_REG_4, BPF_REG_6, AT(flags))

static inline size_t make_orders_program(struct bpf_insn *code, int orders_fd, int fd,
					 uint32_t value_size, bool may_write)
{
	size_t n = 0, mark;

	EMIT(LOAD_ORDER(orders_fd), LOAD(BPF_DW, BPF_REG_7, BPF_REG_6, AT(kind)));
	mark = n;
	EMIT(JUMP_NE(BPF_REG_7, ORDER_LOOKUP, 0), ARGS(fd), CALL(BPF_FUNC_map_lookup_elem),
	     JUMP_NE(BPF_REG_0, 0, 4), MOV_IMM(BPF_REG_0, -ENOENT));
	PUT_RESULT();
	for (uint32_t at = 0; at < value_size; at += 4)
		EMIT(LOAD(BPF_W, BPF_REG_1, BPF_REG_0, (int16_t)at),
		     STORE(BPF_W, BPF_REG_6, (int16_t)(AT(value) + at), BPF_REG_1));
	EMIT(MOV_IMM(BPF_REG_0, 0));
	PUT_RESULT();
	code[mark].off = (int16_t)(n - mark - 1);
	if (!may_write) {
		EMIT(MOV_IMM(BPF_REG_0, 2), EXIT());
		return n;
	}
	mark = n;
	EMIT(JUMP_NE(BPF_REG_7, ORDER_UPDATE, 0), ARGS(fd), CALL(BPF_FUNC_map_update_elem));
	PUT_RESULT();
	code[mark].off = (int16_t)(n - mark - 1);
	mark = n;
	EMIT(JUMP_NE(BPF_REG_7, ORDER_DELETE, 0), ARGS(fd), CALL(BPF_FUNC_map_delete_elem));
	PUT_RESULT();
	code[mark].off = (int16_t)(n - mark - 1);
	EMIT(ARGS(fd), CALL(BPF_FUNC_map_lookup_elem), JUMP_NE(BPF_REG_0, 0, 4),
	     MOV_IMM(BPF_REG_0, -ENOENT));
	PUT_RESULT();
	EMIT(MOV_REG(BPF_REG_8, BPF_REG_0), MOV_IMM(BPF_REG_0, 0));
	mark = n;
	EMIT(JUMP_NE(BPF_REG_7, ORDER_STALE_ADD, 0), ARGS(fd), CALL(BPF_FUNC_map_update_elem));
	code[mark].off = (int16_t)(n - mark - 1);
	EMIT(LOAD(BPF_W, BPF_REG_1, BPF_REG_8, 0), ADD_IMM(BPF_REG_1, 1),
	     STORE(BPF_W, BPF_REG_8, 0, BPF_REG_1));
	PUT_RESULT();
	return n;
}

static inline void *map_pages(int fd, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert(memory != MAP_FAILED);
	return memory;
}

static inline int new_kernel_map(uint32_t type, uint32_t key_size, uint32_t value_size,
				 uint32_t max_entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	return bpf_map_create((enum bpf_map_type)type, "m", key_size, value_size, max_entries,
			      &opts);
}

/* with_program: also load the program that takes orders. */
static inline void open_kernel_map(struct kernel_map *k, uint32_t type, uint32_t key_size,
				   uint32_t value_size, uint32_t max_entries, uint32_t flags)
{
	struct bpf_insn code[512];
	bool writes = type != BPF_MAP_TYPE_DEVMAP && type != BPF_MAP_TYPE_DEVMAP_HASH &&
		      type != BPF_MAP_TYPE_CPUMAP;
	size_t n;

	assert(key_size <= sizeof k->order->key && value_size <= sizeof k->order->value);
	k->fd = new_kernel_map(type, key_size, value_size, max_entries, flags);
	k->orders_fd =
	    new_kernel_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct order), 1, BPF_F_MMAPABLE);
	assert(k->fd >= 0 && k->orders_fd >= 0);
	k->order = map_pages(k->orders_fd, 4096);
	n = make_orders_program(code, k->orders_fd, k->fd, value_size, writes);
	k->prog_fd = load_program(BPF_PROG_TYPE_XDP, code, n, 0);
	assert(k->prog_fd >= 0);
}

static inline void close_kernel_map(struct kernel_map *k)
{
	munmap(k->order, 4096);
	close(k->prog_fd);
	close(k->orders_fd);
	close(k->fd);
}

static inline void pin_to_cpu(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set))
		abort();
}

static inline void need_root(void)
{
	if (geteuid() != 0) {
		puts("skipped: needs root to make BPF maps");
		exit(SKIP);
	}
}

#endif
