/* The generator gives every protocol, truncations and fragments, right checksums, and repeats
 * itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "runtime/packet_gen.h"
#include "runtime/packet_list.h"
#include "runtime/packet_pools.h"
#include "runtime/pcap_file.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/packet_fields.h"

enum { COUNT = 4000 };

static void generate(struct packet_list *list, uint64_t seed, size_t count)
{
	struct arena *arena = arena_new();
	struct packet_pools pools;

	packet_pools_default(&pools, arena);
	packet_gen_fill(list, &pools, seed, count);
	arena_free(&arena);
}

static void gives_every_protocol(void **state)
{
	struct packet_list list = {0};
	unsigned seen[PACKET_PROTO_COUNT] = {0}, nested4 = 0, nested6 = 0, qinq = 0, truncated = 0;

	generate(&list, 1, COUNT);
	assert_int_equal(list.count, COUNT);
	for (size_t i = 0; i < list.count; i++) {
		struct packet_layer l[PACKET_LAYERS_MAX];
		const struct test_packet *p = &list.packets[i];
		unsigned count = packet_dissect(p->bytes, p->size, l, PACKET_LAYERS_MAX);

		assert_in_range(p->size, PACKET_GEN_BYTES_MIN, PACKET_GEN_BYTES_MAX);
		for (unsigned k = 0; k < count; k++) {
			seen[l[k].proto]++;
			truncated += !l[k].whole;
			if (!k || l[k].proto != l[k - 1].proto)
				continue;
			nested4 += l[k].proto == PACKET_IPV4;
			nested6 += l[k].proto == PACKET_IPV6;
			qinq += l[k].proto == PACKET_VLAN;
		}
	}
	for (unsigned p = 0; p < PACKET_PROTO_COUNT; p++)
		if (!seen[p])
			fail_msg("no packet with %s", packet_proto_text(p));
	assert_true(nested4 && nested6 && qinq && truncated > 20);
	packet_list_free(&list);
}

static void gives_fragments_and_times(void **state)
{
	struct packet_list list = {0};
	unsigned first = 0, later = 0, first6 = 0, later6 = 0, jumps = 0;

	generate(&list, 2, COUNT);
	for (size_t i = 0; i < list.count; i++) {
		const uint8_t *p = list.packets[i].bytes;

		if (i) {
			uint64_t gap = list.packets[i].time_ns - list.packets[i - 1].time_ns;

			assert_true(list.packets[i].time_ns > list.packets[i - 1].time_ns);
			jumps += gap > 1000000000;
		}
		if (list.packets[i].size < 62)
			continue;
		if (p[12] == 8 && !p[13]) {
			first += p[20] == 0x20 && !p[21];
			later += (p[20] & 0x1f) || p[21];
		} else if (p[12] == 0x86 && p[13] == 0xdd && p[20] == 44) {
			first6 += !p[56] && p[57] == 1;
			later6 += p[56] != 0;
		}
	}
	assert_true(first && later && first6 && later6 && jumps);
	packet_list_free(&list);
}

static uint32_t sum16(const uint8_t *p, uint32_t size)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < size; i += 2)
		total += (uint32_t)p[i] << 8 | p[i + 1];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

static void checksums_are_mostly_right(void **state)
{
	struct packet_list list = {0};
	unsigned right = 0, all = 0;

	generate(&list, 3, COUNT);
	for (size_t i = 0; i < list.count; i++) {
		struct packet_layer l[PACKET_LAYERS_MAX];
		const struct test_packet *p = &list.packets[i];
		unsigned count = packet_dissect(p->bytes, p->size, l, PACKET_LAYERS_MAX);

		for (unsigned k = 0; k < count; k++) {
			if (l[k].proto != PACKET_IPV4 || !l[k].whole)
				continue;
			all++;
			right += sum16(p->bytes + l[k].offset, l[k].length) == 0xffff;
		}
	}
	assert_true(all > 1000 && right * 100 > all * 93 && right < all);
	packet_list_free(&list);
}

static void same_seed_same_packets(void **state)
{
	struct packet_list a = {0}, b = {0}, c = {0};
	size_t differ = 0;

	generate(&a, 7, 500);
	generate(&b, 7, 500);
	generate(&c, 8, 500);
	for (size_t i = 0; i < 500; i++) {
		assert_int_equal(a.packets[i].size, b.packets[i].size);
		assert_memory_equal(a.packets[i].bytes, b.packets[i].bytes, a.packets[i].size);
		assert_int_equal(a.packets[i].time_ns, b.packets[i].time_ns);
		differ += a.packets[i].size != c.packets[i].size;
	}
	assert_true(differ > 100);
	packet_list_free(&a);
	packet_list_free(&b);
	packet_list_free(&c);
}

static void pcap_keeps_packets(void **state)
{
	char path[] = "/tmp/cleave-gen-XXXXXX";
	struct packet_list a = {0}, b = {0};
	struct diag diag = {.out = stderr, .prog = "test"};

	close(mkstemp(path));
	generate(&a, 9, 50);
	assert_int_equal(pcap_file_write(path, &a, &diag), 0);
	assert_int_equal(pcap_file_read(path, &b, &diag), 0);
	unlink(path);
	assert_int_equal(b.count, a.count);
	for (size_t i = 0; i < a.count; i++) {
		assert_int_equal(a.packets[i].size, b.packets[i].size);
		assert_memory_equal(a.packets[i].bytes, b.packets[i].bytes, a.packets[i].size);
		assert_int_equal(a.packets[i].time_ns, b.packets[i].time_ns);
	}
	packet_list_free(&a);
	packet_list_free(&b);
}

static int read_pools(const char *text, struct packet_pools *pools, struct arena *arena,
		      char **errors)
{
	char path[] = "/tmp/cleave-pools-XXXXXX";
	size_t size;
	FILE *out = open_memstream(errors, &size);
	struct diag diag = {.out = out, .prog = "test"};
	FILE *f = fdopen(mkstemp(path), "w");
	int err;

	fputs(text, f);
	fclose(f);
	packet_pools_default(pools, arena);
	err = packet_pools_read(pools, arena, path, &diag);
	unlink(path);
	fclose(out);
	return err;
}

static void pools_come_from_a_file(void **state)
{
	struct arena *arena = arena_new();
	struct packet_pools pools;
	struct packet_list list = {0};
	char *errors;

	assert_int_equal(
	    read_pools("{\"saddr4\": [\"10.9.0.0/16\"], \"dports\": [\"700-701\"],\n"
		       "\"weights\": {\"arp\": 0, \"malformed\": 0, \"truncated\": 0}}",
		       &pools, arena, &errors),
	    0);
	free(errors);
	packet_gen_fill(&list, &pools, 1, 200);
	for (size_t i = 0; i < list.count; i++)
		assert_false(list.packets[i].bytes[12] == 8 && list.packets[i].bytes[13] == 6);
	packet_list_free(&list);
	assert_true(read_pools("{\n\"dports\": [1,\n 70000]}", &pools, arena, &errors) < 0);
	assert_non_null(strstr(errors, ":3: error: expected a port"));
	free(errors);
	assert_true(read_pools("{\n\"ports\": [1]}", &pools, arena, &errors) < 0);
	assert_non_null(strstr(errors, ":2: error: there is no pool"));
	free(errors);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_every_protocol),
	    cmocka_unit_test(gives_fragments_and_times),
	    cmocka_unit_test(checksums_are_mostly_right),
	    cmocka_unit_test(same_seed_same_packets),
	    cmocka_unit_test(pcap_keeps_packets),
	    cmocka_unit_test(pools_come_from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
