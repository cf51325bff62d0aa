/* Frames from descriptions: the bytes they stand for, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "runtime/packet_build.h"
#include "runtime/packet_frame.h"
#include "runtime/packet_gen.h"
#include "runtime/packet_list.h"
#include "runtime/packet_pools.h"
#include "runtime/packet_random.h"
#include "support/arena.h"
#include "support/diag.h"

static const uint8_t mac_a[] = {2, 0, 0, 0, 0, 0xa}, mac_b[] = {2, 0, 0, 0, 0, 0xb};
static const uint8_t addr_a[16] = {10, 0, 0, 1}, addr_b[16] = {10, 0, 0, 2};
static const struct packet_frame_ends ends = {.mac = {mac_a, mac_b},
					      .addr4 = {addr_a, addr_b},
					      .addr6 = {addr_a, addr_b},
					      .port = {1111, 2222},
					      .seq = {7, 9}};

static bool build(struct packet_build *b, const char *text, uint64_t seed)
{
	struct arena *arena = arena_new();
	json_t *value = json_loads(text, 0, NULL);
	struct packet_frame frame;
	uint64_t random = packet_random_seed(seed);
	bool taken = packet_frame_read(&frame, arena, value);

	assert_non_null(value);
	if (taken)
		packet_frame_build(&frame, b, &ends, &random);
	json_decref(value);
	arena_free(&arena);
	return taken;
}

static uint32_t get16(const struct packet_build *b, uint32_t at)
{
	return (uint32_t)b->bytes[at] << 8 | b->bytes[at + 1];
}

static void takes_the_flows_values(void **state)
{
	struct packet_build b;

	assert_true(build(&b, "[\"eth\", \"ipv4\", \"udp\"]", 1));
	assert_int_equal(b.size, 42);
	assert_memory_equal(b.bytes, mac_b, 6);
	assert_memory_equal(b.bytes + 6, mac_a, 6);
	assert_int_equal(get16(&b, 12), 0x0800);
	assert_int_equal(b.bytes[23], 17);
	assert_memory_equal(b.bytes + 26, addr_a, 4);
	assert_int_equal(get16(&b, 34), 1111);
	assert_int_equal(get16(&b, 36), 2222);
	assert_true(build(&b, "[\"eth - 02:00:00:00:00:01\", \"ipv4 - 192.0.2.9\", \"tcp 5\"]", 1));
	assert_int_equal(b.bytes[11], 1);
	assert_memory_equal(b.bytes, mac_b, 6);
	assert_int_equal(b.bytes[33], 9);
	assert_int_equal(get16(&b, 34), 5);
	assert_int_equal(get16(&b, 36), 2222);
}

static void draws_what_is_open(void **state)
{
	struct packet_build a, b;
	unsigned differ = 0;

	for (uint64_t seed = 1; seed < 20; seed++) {
		assert_true(
		    build(&a, "[\"eth\", \"ipv4 10.1.0.0/30\", \"udp 10-12\", \"hex a?\"]", seed));
		assert_true(build(&b, "[\"eth\", \"ipv4 10.1.0.0/30\", \"udp 10-12\", \"hex a?\"]",
				  seed + 1));
		differ += a.bytes[29] != b.bytes[29] || get16(&a, 34) != get16(&b, 34);
		assert_in_range(a.bytes[29], 0, 3);
		assert_in_range(get16(&a, 34), 10, 12);
		assert_int_equal(a.bytes[42] >> 4, 0xa);
	}
	assert_true(differ > 10);
}

static void lengths_and_sums(void **state)
{
	struct packet_build b;

	/* GTP-U: its length counts what follows its first 8 bytes */
	assert_true(build(&b,
			  "[\"eth\", \"ipv4\", \"udp - 2152\", \"hex 34ff{len+4}0000000100000000\","
			  " \"ipv4\", \"udp\", \"text abc\"]",
			  1));
	assert_int_equal(get16(&b, 44), 4 + 20 + 8 + 3);
	assert_int_equal(get16(&b, 16), b.size - 14);
	assert_int_equal(get16(&b, 54 + 2), 31);
	assert_int_equal(packet_build_sum(&b, 54) == 0, false);
	assert_memory_equal(b.bytes + b.size - 3, "abc", 3);
	/* IGMP: the sum over its bytes, itself included, is 0 */
	assert_true(build(&b, "[\"eth\", \"ipv4\", \"next 2\", \"hex 1600{sum}e0000116\"]", 1));
	assert_int_equal(b.bytes[23], 2);
	assert_int_equal(packet_build_sum(&b, 34), 0);
	assert_int_not_equal(get16(&b, 36), 0);
}

static void sets_bytes_and_options(void **state)
{
	struct packet_build b;

	assert_true(
	    build(&b,
		  "[\"in 4\", \"eth\", \"next 0x8847\", \"hex 000641ff\", \"ipv4 - - 94040000\","
		  " \"set 8 01\", \"tcp - - 0x02 020405b4\"]",
		  1));
	assert_int_equal(get16(&b, 12), 0x8847);
	assert_int_equal(b.bytes[18], 0x46);
	assert_int_equal(b.bytes[26], 1);
	assert_int_equal(b.bytes[38], 0x94);
	assert_int_equal(b.bytes[42 + 12], 0x60);
	assert_int_equal(get16(&b, 42 + 22), 0x05b4);
}

static void refuses(void **state)
{
	static const char *const bad[] = {
	    "[]",
	    "[\"ipv4\"]",
	    "[\"in 1\"]",
	    "[\"eth\", \"ipx\"]",
	    "[\"eth\", \"ipv4 10.0.0.0/33\"]",
	    "[\"eth\", \"udp 1 2 3\"]",
	    "[\"eth\", \"udp 9-3\"]",
	    "[\"eth\", \"hex 012\"]",
	    "[\"eth\", \"hex 0{len}\"]",
	    "[\"eth\", \"hex {lan}\"]",
	    "[\"eth\", \"hex {len+}\"]",
	    "[\"eth\", \"set 13 0102\"]",
	    "[\"eth\", \"ipv4 - - {len}\"]",
	    "[\"eth\", \"random 2049\"]",
	    "[\"eth\", \"random 2000\", \"ipv6\"]",
	    "[\"eth\", \"next\"]",
	    "[\"eth\", 7]",
	    "{\"eth\": 1}",
	};
	struct packet_build b;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (build(&b, bad[i], 1))
			fail_msg("taken: %s", bad[i]);
}

static void flows_send_frames_in_turn(void **state)
{
	struct arena *arena = arena_new();
	char path[] = "/tmp/cleave-frames-XXXXXX";
	struct diag diag = {.out = stderr, .prog = "test"};
	FILE *f = fdopen(mkstemp(path), "w");
	struct packet_list list = {0};
	struct packet_pools pools;
	unsigned pairs[3][3] = {0};

	fputs("{\"flows\": 1, \"ifindexes\": [5], \"weights\": {\"tcp\": 0, \"udp\": 0, \"icmp\": "
	      "0, \"arp\": 0,"
	      "\"nd\": 0, \"other\": 0, \"truncated\": 0, \"malformed\": 0},"
	      "\"frames\": [[\"eth\", \"hex 00\"], [\"eth\", \"hex 01\", \"in 9\"], [\"eth\", "
	      "\"hex 02\"]]}",
	      f);
	fclose(f);
	packet_pools_default(&pools, arena);
	assert_int_equal(packet_pools_read(&pools, arena, path, &diag), 0);
	packet_gen_fill(&list, &pools, 1, 200);
	for (size_t i = 1; i < list.count; i++) {
		uint8_t index = list.packets[i].bytes[14];

		pairs[list.packets[i - 1].bytes[14]][index]++;
		assert_int_equal(list.packets[i].ifindex, index == 1 ? 9 : 5);
	}
	assert_true(pairs[0][1] + pairs[1][2] + pairs[2][0] > 150);
	packet_list_free(&list);
	remove(path);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_flows_values),
	    cmocka_unit_test(draws_what_is_open),
	    cmocka_unit_test(lengths_and_sums),
	    cmocka_unit_test(sets_bytes_and_options),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(flows_send_frames_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
