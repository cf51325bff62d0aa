/* The user layer's helpers against the kernel's: same arguments, same results, same packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel_call.h"

#include "runtime/format.h"

#pragma GCC diagnostic ignored "-Wattributes"
#include "backends/user/rt/user_rt.c"

enum {
	HEADROOM = 256 - 40,      /* TEST_RUN's, less what the kernel keeps for struct xdp_frame */
	FRAME = 4096 - 256 - 320, /* from the packet's start to skb_shared_info */
};

static void fill(uint8_t *bytes, uint32_t count)
{
	uint32_t kind = draw(4);

	for (uint32_t i = 0; i < count; i++)
		bytes[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)draw(256);
}

/* from: value[0..63], to: value[64..127]; a NULL pointer comes with size 0. */
static void compare_csum(struct call *c, bool from, bool to)
{
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t sizes[3] = {from ? draw(32) * 2 : 0, to ? draw(32) * 2 : 0, 0};
		int64_t mine;

		if (draw(3) == 0 && from)
			sizes[0] = draw(64);
		fill((uint8_t *)&sizes[2], 4);
		fill(c->order->value, 64);
		fill(c->order->value + 64, 64);
		memcpy(c->order->key, sizes, sizeof sizes);
		mine =
		    cleave_rt_help_csum_diff(NULL, from ? c->order->value : NULL, sizes[0],
					     to ? c->order->value + 64 : NULL, sizes[1], sizes[2]);
		assert_int_equal(run_xdp(c->prog_fd), XDP_PASS);
		if (mine != c->order->result)
			print_error("csum_diff(%u, %u, %#x): %lld here, %lld in the kernel\n",
				    sizes[0], sizes[1], sizes[2], (long long)mine,
				    (long long)c->order->result);
		assert_true(mine == c->order->result);
	}
}

static void test_csum_diff(void **state)
{
	struct call c;

	OPEN_CALL(&c, BPF_FUNC_csum_diff, VALUE(BPF_REG_1), ARG32(BPF_REG_2, 0),
		  AND_IMM(BPF_REG_2, 63), VALUE(BPF_REG_3), ADD_IMM(BPF_REG_3, 64),
		  ARG32(BPF_REG_4, 1), AND_IMM(BPF_REG_4, 63), ARG32(BPF_REG_5, 2));
	compare_csum(&c, true, true);
	close_call(&c);
	OPEN_CALL(&c, BPF_FUNC_csum_diff, MOV_IMM(BPF_REG_1, 0), MOV_IMM(BPF_REG_2, 0),
		  VALUE(BPF_REG_3), ADD_IMM(BPF_REG_3, 64), ARG32(BPF_REG_4, 1),
		  AND_IMM(BPF_REG_4, 63), ARG32(BPF_REG_5, 2));
	compare_csum(&c, false, true);
	close_call(&c);
	OPEN_CALL(&c, BPF_FUNC_csum_diff, VALUE(BPF_REG_1), ARG32(BPF_REG_2, 0),
		  AND_IMM(BPF_REG_2, 63), MOV_IMM(BPF_REG_3, 0), MOV_IMM(BPF_REG_4, 0),
		  ARG32(BPF_REG_5, 2));
	compare_csum(&c, true, false);
	close_call(&c);
}

/* Runs the kernel's program on a packet of `bytes` and what `mine` does on the same; the packets
 * must agree. */
struct frame {
	uint8_t memory[HEADROOM + FRAME];
	struct cleave_packet packet;
	uint8_t start[256], out[4096];
	uint32_t bytes;
};

static void new_frame(struct frame *f)
{
	memset(f->memory, 0xee, sizeof f->memory);
	f->bytes = 14 + draw(100);
	for (uint32_t i = 0; i < f->bytes; i++)
		f->start[i] = (uint8_t)draw(256);
	f->packet =
	    (struct cleave_packet){.head = f->memory, .limit = f->memory + sizeof f->memory};
	f->packet.data = f->packet.data_meta = f->memory + HEADROOM;
	f->packet.data_end = f->packet.data + f->bytes;
	memcpy(f->packet.data, f->start, f->bytes);
}

static void compare_frame(struct frame *f, struct call *c, int64_t mine, int32_t from, bool meta)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->start, .data_size_in = f->bytes,
		    .data_out = f->out, .data_size_out = sizeof f->out, .repeat = 1);
	uint8_t *first = meta ? f->packet.data_meta : f->packet.data;
	size_t new_bytes = mine || from > 0 || meta ? 0 : (size_t)-(int64_t)from;

	assert_int_equal(bpf_prog_test_run_opts(c->prog_fd, &opts), 0);
	if (mine != c->order->result)
		print_error("argument %d: %lld here, %lld in the kernel\n", from, (long long)mine,
			    (long long)c->order->result);
	assert_true(mine == c->order->result);
	assert_int_equal(opts.data_size_out, f->packet.data_end - first);
	if (meta) /* what is in new metadata is not initialised */
		new_bytes = (size_t)(f->packet.data - f->packet.data_meta);
	assert_memory_equal(f->out + new_bytes, first + new_bytes, opts.data_size_out - new_bytes);
}

static int32_t make_offset(const struct frame *f)
{
	static const int32_t edges[] = {
	    0, -HEADROOM, -HEADROOM - 1, -HEADROOM + 1, INT32_MAX,  INT32_MIN, -14, 14,
	    3, -4,        -252,          -256,          FRAME - 14, FRAME - 15};

	switch (draw(4)) {
	case 0:
		return edges[draw(sizeof edges / sizeof edges[0])];
	case 1:
		return (int32_t)(f->bytes - 16 + draw(5));
	case 2:
		return (int32_t)(FRAME - f->bytes - 2 + draw(5));
	default:
		return (int32_t)draw(300) - 150;
	}
}

static void test_adjust_head(void **state)
{
	struct frame f;
	struct call c;

	OPEN_CALL(&c, BPF_FUNC_xdp_adjust_head, MOV_REG(BPF_REG_1, BPF_REG_9), ARG32(BPF_REG_2, 0));
	for (unsigned i = 0; i < 3000; i++) {
		int32_t offset;
		int64_t mine;

		new_frame(&f);
		offset = make_offset(&f);
		memcpy(c.order->key, &offset, 4);
		mine = cleave_rt_help_xdp_adjust_head(&f.packet, offset);
		compare_frame(&f, &c, mine, offset, false);
	}
	close_call(&c);
}

static void test_adjust_tail(void **state)
{
	struct frame f;
	struct call c;

	OPEN_CALL(&c, BPF_FUNC_xdp_adjust_tail, MOV_REG(BPF_REG_1, BPF_REG_9), ARG32(BPF_REG_2, 0));
	for (unsigned i = 0; i < 3000; i++) {
		int32_t offset;
		int64_t mine;

		new_frame(&f);
		offset =
		    draw(2) ? (int32_t)(-(uint32_t)make_offset(&f) & 0x7fffffff) : make_offset(&f);
		if (draw(3) == 0)
			offset = -(int32_t)draw(120);
		memcpy(c.order->key, &offset, 4);
		mine = cleave_rt_help_xdp_adjust_tail(&f.packet, offset);
		compare_frame(&f, &c, mine, 0, false);
	}
	close_call(&c);
}

static void test_adjust_meta(void **state)
{
	struct frame f;
	struct call c;

	OPEN_CALL(&c, BPF_FUNC_xdp_adjust_meta, MOV_REG(BPF_REG_1, BPF_REG_9), ARG32(BPF_REG_2, 0));
	for (unsigned i = 0; i < 3000; i++) {
		int32_t offset;
		int64_t mine;

		new_frame(&f);
		offset = make_offset(&f);
		memcpy(c.order->key, &offset, 4);
		mine = cleave_rt_help_xdp_adjust_meta(&f.packet, offset);
		compare_frame(&f, &c, mine, offset, true);
	}
	close_call(&c);
}

static void test_load_and_store_bytes(void **state)
{
	struct frame f;
	struct call load, store;

	OPEN_CALL(&load, BPF_FUNC_xdp_load_bytes, MOV_REG(BPF_REG_1, BPF_REG_9),
		  ARG32(BPF_REG_2, 0), VALUE(BPF_REG_3), ARG32(BPF_REG_4, 1),
		  AND_IMM(BPF_REG_4, 63), ADD_IMM(BPF_REG_4, 1));
	OPEN_CALL(&store, BPF_FUNC_xdp_store_bytes, MOV_REG(BPF_REG_1, BPF_REG_9),
		  ARG32(BPF_REG_2, 0), VALUE(BPF_REG_3), ARG32(BPF_REG_4, 1),
		  AND_IMM(BPF_REG_4, 63), ADD_IMM(BPF_REG_4, 1));
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t args[2], size;
		uint8_t bytes[128];
		int64_t mine;

		new_frame(&f);
		args[0] = draw(8)   ? draw(f.bytes + 2)
			  : draw(2) ? 0xffff + draw(3)
				    : UINT32_MAX - draw(70);
		args[1] = draw(64);
		size = args[1] + 1;
		fill(bytes, sizeof bytes);
		memcpy(load.order->key, args, sizeof args);
		memcpy(store.order->key, args, sizeof args);
		memcpy(load.order->value, bytes, sizeof bytes);
		memcpy(store.order->value, bytes, sizeof bytes);
		mine = cleave_rt_help_xdp_store_bytes(&f.packet, args[0], bytes, size);
		compare_frame(&f, &store, mine, 0, false);
		memcpy(f.packet.data, f.start, f.bytes);
		mine = cleave_rt_help_xdp_load_bytes(&f.packet, args[0], bytes, size);
		compare_frame(&f, &load, mine, 0, false);
		if (!mine)
			assert_memory_equal(bytes, load.order->value, size);
	}
	close_call(&load);
	close_call(&store);
}

static int devices_check(struct cleave_env *env, struct cleave_map *map, uint32_t key)
{
	return key == 1 ? 0 : -1;
}

/* A map of interfaces in which key 1 is lo. */
static void test_redirect(void **state)
{
	static const struct cleave_calls calls = {.redirect_check = devices_check};
	struct cleave_map *maps[1] = {NULL};
	struct cleave_env env = {.calls = &calls, .maps = maps};
	int fd = new_kernel_map(BPF_MAP_TYPE_DEVMAP, 4, 4, 4, 0);
	uint32_t key = 1, lo = 1;
	struct call map, plain;

	assert_int_equal(bpf_map_update_elem(fd, &key, &lo, 0), 0);
	OPEN_CALL(&map, BPF_FUNC_redirect_map, MAP_FD(BPF_REG_1, fd), ARG32(BPF_REG_2, 0),
		  LOAD(BPF_DW, BPF_REG_3, BPF_REG_6, AT(flags)));
	OPEN_CALL(&plain, BPF_FUNC_redirect, ARG32(BPF_REG_1, 0),
		  LOAD(BPF_DW, BPF_REG_2, BPF_REG_6, AT(flags)));
	for (unsigned i = 0; i < 64; i++) {
		struct cleave_packet p = {.env = &env};
		uint64_t flags = i % 32;

		key = i / 32;
		memcpy(map.order->key, &key, 4);
		memcpy(plain.order->key, &key, 4);
		map.order->flags = plain.order->flags = flags;
		assert_int_equal(run_xdp(map.prog_fd), XDP_PASS);
		assert_int_equal(run_xdp(plain.prog_fd), XDP_PASS);
		assert_int_equal(cleave_rt_help_redirect_map(&p, 0, key, flags), map.order->result);
		if (p.redirect_kind == CLEAVE_REDIRECT_MAP)
			assert_int_equal(map.order->result, XDP_REDIRECT);
		assert_int_equal(cleave_rt_help_redirect(&p, key, flags), plain.order->result);
	}
	close_call(&map);
	close_call(&plain);
	close(fd);
}

static char traced[64];

static void keep_trace(struct cleave_env *env, const char *text, uint32_t length)
{
	assert_true(length < sizeof traced);
	memcpy(traced, text, length);
}

static int64_t print(struct cleave_env *env, char *text, uint32_t size, const char *format,
		     uint32_t format_size, const uint64_t *arguments, uint32_t count)
{
	return format_print(text, size, format, format_size, arguments, count);
}

static void test_trace(void **state)
{
	static const struct cleave_calls calls = {.trace = keep_trace, .print = print};
	const uint64_t arguments[2] = {(uint64_t)-1, 5000000000};
	struct cleave_env env = {.calls = &calls};
	struct cleave_packet p = {.env = &env};
	char text[8];

	assert_int_equal(
	    cleave_rt_help_trace_printk(&p, "%d of %llu", 11, (uint64_t)-1, 5000000000, 0), 16);
	assert_string_equal(traced, "-1 of 5000000000");
	assert_int_equal(cleave_rt_help_trace_printk(&p, "abc", 2, 0, 0, 0), -EINVAL);
	assert_int_equal(cleave_rt_help_trace_vprintk(&p, "%llu %d", 8, arguments, 16), 30);
	assert_int_equal(cleave_rt_help_trace_vprintk(&p, "%llu %d", 8, arguments, 8), -EINVAL);
	assert_int_equal(cleave_rt_help_trace_vprintk(&p, "", 1, arguments, 12), -EINVAL);
	assert_int_equal(cleave_rt_help_trace_vprintk(&p, "", 1, NULL, 8), -EINVAL);
	assert_int_equal(cleave_rt_help_snprintf(&p, text, sizeof text, "%d+%lu", arguments, 16),
			 14);
	assert_string_equal(text, "-1+5000");
	assert_int_equal(cleave_rt_help_snprintf(&p, text, sizeof text, "", arguments, 104),
			 -EINVAL);
}

/* strncmp(value, size, the constant behind a read-only map). */
static void test_strncmp(void **state)
{
	const char constant[8] = "ab\xff"
				 "de";
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "c", 4, sizeof constant, 1, &opts);
	uint32_t key = 0;
	struct call c;

	assert_int_equal(bpf_map_update_elem(fd, &key, constant, 0), 0);
	assert_int_equal(bpf_map_freeze(fd), 0);
	OPEN_CALL(&c, BPF_FUNC_strncmp, VALUE(BPF_REG_1), ARG32(BPF_REG_2, 0),
		  AND_IMM(BPF_REG_2, 7), ADD_IMM(BPF_REG_2, 1), MAP_VALUE(BPF_REG_3, fd));
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t size = draw(8);
		char text[8];

		memcpy(text, constant, sizeof text);
		if (draw(4))
			text[draw(8)] = (char)(draw(3) * 100);
		memcpy(c.order->key, &size, 4);
		memcpy(c.order->value, text, sizeof text);
		assert_int_equal(run_xdp(c.prog_fd), XDP_PASS);
		assert_int_equal(cleave_rt_help_strncmp(NULL, text, size + 1, constant),
				 c.order->result);
	}
	close_call(&c);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_csum_diff),
	    cmocka_unit_test(test_adjust_head),
	    cmocka_unit_test(test_adjust_tail),
	    cmocka_unit_test(test_adjust_meta),
	    cmocka_unit_test(test_load_and_store_bytes),
	    cmocka_unit_test(test_redirect),
	    cmocka_unit_test(test_trace),
	    cmocka_unit_test(test_strncmp),
	};

	need_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
