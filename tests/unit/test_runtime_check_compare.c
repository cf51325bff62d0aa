/* Comparing sides: what counts as a difference, and what full LRU maps may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <cmocka.h>

#include "bundle/user_abi.h"
#include "runtime/check_compare.h"
#include "runtime/check_touches.h"
#include "runtime/check_describe.h"
#include "runtime/map.h"

struct pair {
	struct bundle bundle;
	struct bundle_map spec;
	struct cleave_map *maps[2];
	struct check_side sides[2];
};

static void open_pair(struct pair *p, uint32_t type, uint32_t max_entries)
{
	memset(p, 0, sizeof *p);
	p->spec = (struct bundle_map){"m", type, 4, 8, max_entries, 0, MAP_HOME_USER};
	p->bundle.maps = &p->spec;
	p->bundle.map_count = 1;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(map_new_native(&p->spec, 1, &p->maps[i]), 0);
		p->sides[i] = (struct check_side){.bundle = &p->bundle, .maps = &p->maps[i]};
	}
}

static void close_pair(struct pair *p)
{
	map_free(&p->maps[0]);
	map_free(&p->maps[1]);
}

static void put(struct cleave_map *map, uint32_t key, uint64_t value)
{
	assert_int_equal(map_write(map, &key, &value, 0), 0);
}

static bool differs(struct pair *p, struct check_diff *diff)
{
	return check_compare_state(&p->sides[0], &p->sides[1], UINT32_MAX, diff);
}

static void elements_are_compared_both_ways(void **state)
{
	struct check_diff diff;
	struct pair p;
	uint32_t key = 2;

	open_pair(&p, BPF_MAP_TYPE_HASH, 16);
	put(p.maps[0], 1, 10);
	put(p.maps[1], 1, 10);
	assert_false(differs(&p, &diff));
	put(p.maps[1], 2, 5);
	assert_true(differs(&p, &diff));
	assert_int_equal(diff.kind, CHECK_ENTRY);
	assert_memory_equal(diff.key, &key, 4);
	put(p.maps[0], 2, 6);
	assert_true(differs(&p, &diff));
	put(p.maps[0], 2, 5);
	assert_false(differs(&p, &diff));
	assert_false(check_lru_diverged(&p.sides[0], &p.sides[1]));
	close_pair(&p);
}

static void touched_elements_are_compared(void **state)
{
	struct check_touches touches = {.count = 1, .touch = {{.size = 4}}};
	struct check_diff diff;
	struct pair p;

	open_pair(&p, BPF_MAP_TYPE_ARRAY, 4);
	touches.touch[0].key[0] = 3;
	put(p.maps[0], 2, 1);
	assert_false(check_compare_touched(&p.sides[0], &p.sides[1], &touches, &diff));
	put(p.maps[0], 3, 1);
	assert_true(check_compare_touched(&p.sides[0], &p.sides[1], &touches, &diff));
	assert_int_equal(diff.key[0], 3);
	close_pair(&p);
}

static void only_a_full_lru_may_choose(void **state)
{
	struct pair p;

	open_pair(&p, BPF_MAP_TYPE_LRU_HASH, 1024);
	put(p.maps[0], 1, 1);
	assert_false(check_lru_diverged(&p.sides[0], &p.sides[1]));
	for (uint32_t key = 0; key < 900; key++) {
		put(p.maps[0], key, 1);
		put(p.maps[1], key, 1);
	}
	assert_false(check_lru_diverged(&p.sides[0], &p.sides[1]));
	put(p.maps[1], 5000, 1);
	assert_true(check_lru_diverged(&p.sides[0], &p.sides[1]));
	close_pair(&p);
}

static void outcomes_are_compared(void **state)
{
	static struct check_outcome a, b;
	struct check_diff diff;

	a = b = (struct check_outcome){.verdict = XDP_PASS, .size = 20};
	assert_false(check_compare_outcomes(&a, &b, &diff));
	b.bytes[19] = 1;
	assert_true(check_compare_outcomes(&a, &b, &diff));
	assert_int_equal(diff.kind, CHECK_PACKET);
	b.bytes[19] = 0, b.meta = 4;
	assert_true(check_compare_outcomes(&a, &b, &diff));
	assert_int_equal(diff.kind, CHECK_METADATA);
	a.verdict = b.verdict = XDP_DROP;
	assert_false(check_compare_outcomes(&a, &b, &diff));
	a.verdict = b.verdict = XDP_PASS, a.meta = 4, a.meta_bytes[3] = 1;
	assert_true(check_compare_outcomes(&a, &b, &diff));
	a.meta_bytes[3] = 0;
	assert_false(check_compare_outcomes(&a, &b, &diff));
	b.size = 19;
	assert_true(check_compare_outcomes(&a, &b, &diff));
	b.size = 20, b.verdict = XDP_DROP;
	assert_true(check_compare_outcomes(&a, &b, &diff));
	assert_int_equal(diff.kind, CHECK_VERDICT);
	a.verdict = 77, b.verdict = XDP_ABORTED; /* the kernel aborts on unknown actions */
	assert_false(check_compare_outcomes(&a, &b, &diff));
	a.verdict = b.verdict = XDP_REDIRECT;
	a.redirect_known = true, a.redirect_kind = CLEAVE_REDIRECT_IFINDEX;
	assert_false(check_compare_outcomes(&a, &b, &diff));
	b.redirect_known = true;
	assert_true(check_compare_outcomes(&a, &b, &diff));
	assert_int_equal(diff.kind, CHECK_REDIRECT);
}

static void packets_differ_by_field_name(void **state)
{
	uint8_t a[60] = {[12] = 8, [14] = 0x45, [23] = 17, [26] = 10, [37] = 53}, b[60];
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	memcpy(b, a, sizeof a);
	b[26] = 11;
	b[37] = 80;
	b[50] = 1;
	check_describe_packets(out, a, sizeof a, b, sizeof b);
	fclose(out);
	assert_non_null(strstr(text, "ipv4.saddr: oracle 10.0.0.0, here 11.0.0.0\n"));
	assert_non_null(strstr(text, "udp.dport: oracle 53, here 80\n"));
	assert_non_null(strstr(text, "bytes from 50:"));
	assert_null(strstr(text, "ipv4.addrs"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(elements_are_compared_both_ways),
	    cmocka_unit_test(touched_elements_are_compared),
	    cmocka_unit_test(only_a_full_lru_may_choose),
	    cmocka_unit_test(outcomes_are_compared),
	    cmocka_unit_test(packets_differ_by_field_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
