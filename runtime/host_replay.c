#include "runtime/host_replay.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "runtime/host_functions.h"
#include "runtime/host_bpf.h"
#include "runtime/layer_programs.h"

struct memory {
	struct cleave_replay_inputs inputs;
	struct cleave_replay_redirect redirect;
	struct cleave_skb skb;
};

/* What runs instead of one program. */
struct stand_in {
	const struct bpf_program *program;
	int fd;
};

struct host_replay {
	int map_fd;
	bool blind; /* TC: not every program notes the context that it leaves */
	struct stand_in *programs;
	size_t count;
	void *memory;
	size_t bytes;
};

/* ---- code ---- */

struct code {
	struct bpf_insn *insns;
	size_t count, cap;
	int map_fd;
	bool lost; /* there was no memory for it */
};

static void add(struct code *c, struct bpf_insn insn)
{
	if (c->count == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct bpf_insn *grown = reallocarray(c->insns, cap, sizeof *grown);

		if (!grown) {
			c->lost = true;
			return;
		}
		c->insns = grown;
		c->cap = cap;
	}
	c->insns[c->count++] = insn;
}

/* dst OP= imm, dst OP= src: 64 bits */
static void by_number(struct code *c, uint8_t op, unsigned dst, int32_t imm)
{
	add(c, (struct bpf_insn){.code = BPF_ALU64 | BPF_K | op, .dst_reg = dst & 15, .imm = imm});
}

static void by_register(struct code *c, uint8_t op, unsigned dst, unsigned src)
{
	add(c, (struct bpf_insn){
		   .code = BPF_ALU64 | BPF_X | op, .dst_reg = dst & 15, .src_reg = src & 15});
}

static void load_wide(struct code *c, unsigned dst, unsigned kind, uint32_t low, uint32_t high)
{
	add(c, (struct bpf_insn){.code = BPF_LD | BPF_DW | BPF_IMM,
				 .dst_reg = dst & 15,
				 .src_reg = kind & 15,
				 .imm = (int32_t)low});
	add(c, (struct bpf_insn){.imm = (int32_t)high});
}

/* dst = the address of what replay and check share */
static void load_place(struct code *c, unsigned dst, size_t offset)
{
	load_wide(c, dst, BPF_PSEUDO_MAP_VALUE, (uint32_t)c->map_fd, (uint32_t)offset);
}

static void load(struct code *c, unsigned dst, unsigned base)
{
	add(c, (struct bpf_insn){
		   .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = dst & 15, .src_reg = base & 15});
}

static void store(struct code *c, uint8_t size, unsigned base, size_t offset, unsigned src)
{
	add(c, (struct bpf_insn){.code = BPF_STX | BPF_MEM | size,
				 .dst_reg = base & 15,
				 .src_reg = src & 15,
				 .off = (int16_t)offset});
}

static void call(struct code *c, int32_t helper)
{
	add(c, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = helper});
}

static void leave(struct code *c)
{
	add(c, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* ---- the helpers' stand-ins: as cleave_rt_replay_... in backends/xdp/rt/kernel_rt.bpf.c ---- */

struct maps {
	const struct bpf_object *object;
	const struct bundle *bundle;
};

typedef void emit_helper(struct code *c, const struct maps *maps);

static void emit_ktime(struct code *c, const struct maps *maps)
{
	load_place(c, BPF_REG_1,
		   offsetof(struct memory, inputs) +
		       offsetof(struct cleave_replay_inputs, ktime_ns));
	load(c, BPF_REG_0, BPF_REG_1);
	leave(c);
}

static void emit_jiffies(struct code *c, const struct maps *maps)
{
	emit_ktime(c, maps);
	c->count--;
	by_number(c, BPF_DIV, BPF_REG_0, 4000000);
	leave(c);
}

/* x ^= x >> 12, and so on */
static void mix(struct code *c, uint8_t op, int32_t bits)
{
	by_register(c, BPF_MOV, BPF_REG_3, BPF_REG_2);
	by_number(c, op, BPF_REG_3, bits);
	by_register(c, BPF_XOR, BPF_REG_2, BPF_REG_3);
}

static void emit_random(struct code *c, const struct maps *maps)
{
	load_place(c, BPF_REG_1,
		   offsetof(struct memory, inputs) + offsetof(struct cleave_replay_inputs, random));
	load(c, BPF_REG_2, BPF_REG_1);
	mix(c, BPF_RSH, 12);
	mix(c, BPF_LSH, 25);
	mix(c, BPF_RSH, 27);
	store(c, BPF_DW, BPF_REG_1, 0, BPF_REG_2);
	load_wide(c, BPF_REG_0, 0, 0x4F6CDD1D, 0x2545F491);
	by_register(c, BPF_MUL, BPF_REG_0, BPF_REG_2);
	by_number(c, BPF_RSH, BPF_REG_0, 32);
	leave(c);
}

/* r6: target, r7: flags, r8: number of the map; what the helper said is in r0. */
static void emit_note(struct code *c, enum cleave_redirect_kind kind)
{
	load_place(c, BPF_REG_1, offsetof(struct memory, redirect));
	by_number(c, BPF_MOV, BPF_REG_2, (int32_t)kind);
	store(c, BPF_W, BPF_REG_1, offsetof(struct cleave_replay_redirect, action), BPF_REG_0);
	store(c, BPF_W, BPF_REG_1, offsetof(struct cleave_replay_redirect, kind), BPF_REG_2);
	store(c, BPF_W, BPF_REG_1, offsetof(struct cleave_replay_redirect, target), BPF_REG_6);
	store(c, BPF_W, BPF_REG_1, offsetof(struct cleave_replay_redirect, map), BPF_REG_8);
	store(c, BPF_DW, BPF_REG_1, offsetof(struct cleave_replay_redirect, flags), BPF_REG_7);
	leave(c);
}

static void emit_redirect(struct code *c, const struct maps *maps)
{
	by_register(c, BPF_MOV, BPF_REG_6, BPF_REG_1);
	by_register(c, BPF_MOV, BPF_REG_7, BPF_REG_2);
	by_number(c, BPF_MOV, BPF_REG_8, 0);
	call(c, BPF_FUNC_redirect);
	emit_note(c, CLEAVE_REDIRECT_IFINDEX);
}

static void emit_redirect_peer(struct code *c, const struct maps *maps)
{
	by_register(c, BPF_MOV, BPF_REG_6, BPF_REG_1);
	by_number(c, BPF_MOV, BPF_REG_7, 0);
	by_number(c, BPF_MOV, BPF_REG_8, 0);
	call(c, BPF_FUNC_redirect_peer);
	emit_note(c, CLEAVE_REDIRECT_PEER);
}

static bool takes_redirects(uint32_t type)
{
	return type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH ||
	       type == BPF_MAP_TYPE_CPUMAP || type == BPF_MAP_TYPE_XSKMAP;
}

/* r8 = the number of the map whose address r1 holds */
static void emit_find_map(struct code *c, const struct maps *maps)
{
	by_number(c, BPF_MOV, BPF_REG_8, 0);
	for (size_t m = 0; m < maps->bundle->map_count; m++) {
		const struct bundle_map *map = &maps->bundle->maps[m];
		int fd = bpf_object__find_map_fd_by_name(maps->object, map->name);

		if (fd < 0 || !takes_redirects(map->type))
			continue;
		load_wide(c, BPF_REG_4, BPF_PSEUDO_MAP_FD, (uint32_t)fd, 0);
		add(c, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_X,
					 .dst_reg = BPF_REG_1,
					 .src_reg = BPF_REG_4,
					 .off = 1});
		by_number(c, BPF_MOV, BPF_REG_8, (int32_t)m);
	}
}

static void emit_redirect_map(struct code *c, const struct maps *maps)
{
	by_register(c, BPF_MOV, BPF_REG_6, BPF_REG_2);
	by_register(c, BPF_MOV, BPF_REG_7, BPF_REG_3);
	emit_find_map(c, maps);
	call(c, BPF_FUNC_redirect_map);
	/* Of the flags only where to it goes is told on. */
	by_register(c, BPF_MOV, BPF_REG_2, BPF_REG_7);
	by_number(c, BPF_AND, BPF_REG_2, BPF_F_BROADCAST);
	add(c,
	    (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_2, .off = 1});
	by_number(c, BPF_MOV, BPF_REG_7, 0);
	emit_note(c, CLEAVE_REDIRECT_MAP);
}

static const struct {
	int32_t helper;
	emit_helper *emit;
} replaced[] = {
    {BPF_FUNC_ktime_get_ns, emit_ktime},         {BPF_FUNC_ktime_get_boot_ns, emit_ktime},
    {BPF_FUNC_ktime_get_coarse_ns, emit_ktime},  {BPF_FUNC_ktime_get_tai_ns, emit_ktime},
    {BPF_FUNC_jiffies64, emit_jiffies},          {BPF_FUNC_get_prandom_u32, emit_random},
    {BPF_FUNC_redirect, emit_redirect},          {BPF_FUNC_redirect_map, emit_redirect_map},
    {BPF_FUNC_redirect_peer, emit_redirect_peer}};

/* ---- the context that a TC program leaves, as save_skb in kernel_rt_tc.bpf.c notes it ---- */

static const struct {
	uint16_t from, to;
	uint8_t load, store;
} noted[] = {
#define NOTED(name, size)                                                                          \
	{offsetof(struct __sk_buff, name), offsetof(struct cleave_skb, name), BPF_W, size}
    {offsetof(struct __sk_buff, tstamp), offsetof(struct cleave_skb, tstamp), BPF_DW, BPF_DW},
    NOTED(mark, BPF_W),
    NOTED(priority, BPF_W),
    NOTED(ifindex, BPF_W),
    NOTED(ingress_ifindex, BPF_W),
    NOTED(hash, BPF_W),
    NOTED(cb[0], BPF_W),
    NOTED(cb[1], BPF_W),
    NOTED(cb[2], BPF_W),
    NOTED(cb[3], BPF_W),
    NOTED(cb[4], BPF_W),
    NOTED(tc_index, BPF_H),
    NOTED(tc_classid, BPF_H),
    NOTED(queue_mapping, BPF_H),
    NOTED(protocol, BPF_H),
    NOTED(vlan_tci, BPF_H),
    NOTED(pkt_type, BPF_B),
#undef NOTED
};

static void load_field(struct code *c, uint8_t size, size_t offset)
{
	add(c, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | size,
				 .dst_reg = BPF_REG_2,
				 .src_reg = BPF_REG_6,
				 .off = (int16_t)offset});
}

/* The program becomes a function, which this calls. */
static void emit_front(struct code *c)
{
	size_t at;

	by_register(c, BPF_MOV, BPF_REG_6, BPF_REG_1);
	at = c->count;
	call(c, 0);
	by_register(c, BPF_MOV, BPF_REG_7, BPF_REG_0);
	load_place(c, BPF_REG_1, offsetof(struct memory, skb));
	for (size_t n = 0; n < sizeof noted / sizeof *noted; n++) {
		load_field(c, noted[n].load, noted[n].from);
		store(c, noted[n].store, BPF_REG_1, noted[n].to, BPF_REG_2);
	}
	load_field(c, BPF_W, offsetof(struct __sk_buff, vlan_present));
	add(c,
	    (struct bpf_insn){.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_2, .off = 1});
	load_field(c, BPF_W, offsetof(struct __sk_buff, vlan_proto));
	store(c, BPF_H, BPF_REG_1, offsetof(struct cleave_skb, vlan_proto), BPF_REG_2);
	by_register(c, BPF_MOV, BPF_REG_0, BPF_REG_7);
	leave(c);
	if (c->lost)
		return;
	c->insns[at].src_reg = BPF_PSEUDO_CALL;
	c->insns[at].imm = (int32_t)(c->count - at - 1);
}

static bool calls(const struct bpf_insn *insn, int32_t helper)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && insn->imm == helper;
}

/* The helper's stand-in behind the program, and calls of it instead. */
static void replace(struct code *c, size_t end, size_t which, const struct maps *maps)
{
	size_t place = c->count;

	for (size_t i = 0; i < end; i++) {
		if (!calls(&c->insns[i], replaced[which].helper))
			continue;
		if (place == c->count)
			replaced[which].emit(c, maps);
		if (c->lost)
			return;
		c->insns[i].src_reg = BPF_PSEUDO_CALL;
		c->insns[i].imm = (int32_t)(place - i - 1);
	}
}

/* ---- the program ---- */

static int load_program(const struct bpf_program *program, const struct code *c,
			const struct host_functions *functions, char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .func_info = functions->info,
		    .func_info_cnt = functions->count,
		    .func_info_rec_size = functions->info ? sizeof *functions->info : 0,
		    .prog_btf_fd = functions->info ? (uint32_t)functions->btf_fd : 0,
		    .expected_attach_type = bpf_program__expected_attach_type(program),
		    .prog_flags = bpf_program__flags(program));
	enum bpf_prog_type type = bpf_program__type(program);
	/* It is in the kernel already, under its own licence: that was looked at. */
	int fd = bpf_prog_load(type, "cleave_check", "GPL", c->insns, c->count, &opts);

	if (fd >= 0)
		return fd;
	opts.log_buf = log;
	opts.log_size = (uint32_t)log_size;
	opts.log_level = 1;
	fd = bpf_prog_load(type, "cleave_check", "GPL", c->insns, c->count, &opts);
	return fd < 0 ? -errno : fd;
}

static int load_changed(const struct bpf_program *program, const struct code *c, size_t start,
			char *log, size_t log_size)
{
	struct host_functions functions;
	int fd = host_functions_open(&functions, program, c->insns, c->count, start);

	if (!fd)
		fd = load_program(program, c, &functions, log, log_size);
	host_functions_close(&functions);
	return fd;
}

static int make_memory(struct host_replay *r)
{
	r->map_fd =
	    host_map_create(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct memory), 1, BPF_F_MMAPABLE);
	if (r->map_fd < 0)
		return r->map_fd;
	return host_map_mmap(r->map_fd, 1, sizeof(struct memory), &r->memory, &r->bytes);
}

static int program_fd(const void *context, const struct bpf_program *program)
{
	const struct host_replay *r = context;

	for (size_t i = 0; i < r->count; i++)
		if (r->programs[i].program == program)
			return r->programs[i].fd;
	return bpf_program__fd(program);
}

/* 0: there is nothing to replay in it. */
static int make_program(const struct host_replay *r, const struct bpf_program *program,
			const struct maps *maps, bool front, char *log, size_t log_size)
{
	struct code c = {.map_fd = r->map_fd};
	size_t start, end;
	int fd = 0;

	if (front)
		emit_front(&c);
	start = c.count;
	for (size_t i = 0; i < bpf_program__insn_cnt(program) && !c.lost; i++)
		add(&c, bpf_program__insns(program)[i]);
	end = c.count;
	for (size_t h = 0; h < sizeof replaced / sizeof *replaced && !c.lost; h++)
		replace(&c, end, h, maps);
	if (c.lost)
		fd = -ENOMEM;
	else if (front || c.count > end)
		fd = load_changed(program, &c, start, log, log_size);
	free(c.insns);
	return fd;
}

/* The stack may have no room for one call more: then the context is not seen. */
static int add_program(struct host_replay *r, const struct bpf_program *program,
		       const struct maps *maps, char *log, size_t log_size)
{
	bool front = bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS;
	int fd = make_program(r, program, maps, front, log, log_size);

	if (fd < 0 && front) {
		r->blind = true;
		*log = '\0';
		fd = make_program(r, program, maps, false, log, log_size);
	}
	if (fd > 0)
		r->programs[r->count++] = (struct stand_in){program, fd};
	return fd < 0 ? fd : 0;
}

/* The program, and those that it reaches by tail calls. */
static int add_programs(struct host_replay *r, const struct bpf_object *object,
			const struct bpf_program *program, const struct bundle *bundle, char *log,
			size_t log_size)
{
	const struct maps maps = {object, bundle};
	struct bpf_program *called;
	int err;

	r->programs = calloc(bundle->program_count + 1, sizeof *r->programs);
	if (!r->programs)
		return -ENOMEM;
	err = add_program(r, program, &maps, log, log_size);
	bpf_object__for_each_program(called, object)
	{
		if (!err && called != program && bpf_program__fd(called) >= 0 &&
		    r->count <= bundle->program_count &&
		    layer_is_called(bundle, bpf_program__name(called)))
			err = add_program(r, called, &maps, log, log_size);
	}
	return err;
}

int host_replay_open(struct host_replay **replay, struct bpf_object *object,
		     const struct bpf_program *program, const struct bundle *bundle, char *log,
		     size_t log_size)
{
	struct host_replay *r = calloc(1, sizeof *r);
	int err;

	*replay = NULL;
	if (!r)
		return -ENOMEM;
	r->map_fd = -1;
	err = make_memory(r);
	if (!err)
		err = add_programs(r, object, program, bundle, log, log_size);
	if (!err && r->count)
		err = layer_fill_programs_as(object, bundle, program_fd, r);
	if (err || !r->count)
		host_replay_close(&r);
	*replay = r;
	return err;
}

void host_replay_close(struct host_replay **replay)
{
	struct host_replay *r = *replay;

	if (!r)
		return;
	if (r->memory)
		host_map_munmap(r->memory, r->bytes);
	for (size_t i = 0; i < r->count; i++)
		close(r->programs[i].fd);
	if (r->map_fd >= 0)
		close(r->map_fd);
	free(r->programs);
	free(r);
	*replay = NULL;
}

int host_replay_fd(const struct host_replay *replay, const struct bpf_program *program)
{
	return program_fd(replay, program);
}

void *host_replay_variable(const struct host_replay *replay, const char *name, uint32_t *size)
{
	struct memory *m = replay->memory;

	if (!strcmp(name, CLEAVE_REPLAY_SYMBOL)) {
		if (size)
			*size = sizeof m->inputs;
		return &m->inputs;
	}
	if (!strcmp(name, CLEAVE_SKB_SYMBOL) && !replay->blind) {
		if (size)
			*size = sizeof m->skb;
		return &m->skb;
	}
	if (strcmp(name, CLEAVE_REDIRECT_SYMBOL))
		return NULL;
	if (size)
		*size = sizeof m->redirect;
	return &m->redirect;
}
