/* Events of a native environment: their order, a ring that is full, records that are held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>

#include "bundle/bundle.h"
#include "bundle/user_abi.h"
#include "runtime/env.h"
#include "runtime/events.h"
#include "support/diag.h"

enum { RING, PERF };

struct fixture {
	struct bundle_map maps[2];
	struct bundle bundle;
	struct map_set *set;
	struct cleave_env *env;
	struct events events;
	struct cleave_packet packet;
	uint8_t bytes[64];
};

static void open_fixture(struct fixture *f)
{
	struct diag diag = {.out = stderr, .prog = "test"};

	*f = (struct fixture){.maps = {{.name = "ring",
					.type = BPF_MAP_TYPE_RINGBUF,
					.max_entries = 4096,
					.home = MAP_HOME_KERNEL_BATCHED},
				       {.name = "perf",
					.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
					.key_size = 4,
					.value_size = 4,
					.max_entries = 2,
					.home = MAP_HOME_KERNEL_BATCHED}}};
	f->bundle = (struct bundle){.program = "nf", .maps = f->maps, .map_count = 2};
	assert_int_equal(map_set_new_native(&f->bundle, 2, &f->set, &diag), 0);
	assert_int_equal(env_new(f->set, 1, &f->env), 0);
	env_set_events(f->env, &f->events);
	f->packet = (struct cleave_packet){
	    .data = f->bytes, .data_end = f->bytes + sizeof f->bytes, .env = f->env};
	for (size_t i = 0; i < sizeof f->bytes; i++)
		f->bytes[i] = (uint8_t)i;
}

static void close_fixture(struct fixture *f)
{
	events_free(&f->events);
	env_free(&f->env);
	map_set_free(&f->set);
}

static int64_t output(struct fixture *f, unsigned map, const void *bytes, uint64_t size,
		      uint64_t flags)
{
	return f->env->calls->output(f->env, f->env->maps[map], &f->packet, bytes, size, flags);
}

static void *reserve(struct fixture *f, uint64_t size, uint64_t flags)
{
	return f->env->calls->reserve(f->env, f->env->maps[RING], size, flags);
}

static void submit(struct fixture *f, void *record, uint32_t discard)
{
	f->env->calls->submit(f->env, record, 0, discard);
}

static void expect_next(struct fixture *f, size_t *at, unsigned map, const char *text)
{
	struct event event;

	assert_true(events_next(&f->events, at, &event));
	assert_int_equal(event.map, map);
	assert_int_equal(event.size, strlen(text));
	assert_memory_equal(event.bytes, text, event.size);
}

static void records_keep_their_order(void **state)
{
	struct fixture f;
	char *first, *second, *third;
	struct event event;
	size_t at = 0;

	open_fixture(&f);
	first = reserve(&f, 5, 0);
	second = reserve(&f, 6, 0);
	third = reserve(&f, 5, 0);
	assert_non_null(first);
	assert_non_null(second);
	assert_non_null(third);
	assert_int_equal(output(&f, RING, "fourth", 6, 0), 0);
	memcpy(third, "third", 5);
	submit(&f, third, 0);
	submit(&f, second, 1);
	assert_int_equal(f.events.used, 0);
	memcpy(first, "first", 5);
	submit(&f, first, 0);
	expect_next(&f, &at, RING, "first");
	expect_next(&f, &at, RING, "third");
	expect_next(&f, &at, RING, "fourth");
	assert_false(events_next(&f.events, &at, &event));
	close_fixture(&f);
}

/* As kernel/bpf/ringbuf.c: a ring of 4096 bytes never holds 4096. */
static void a_ring_is_full(void **state)
{
	static const char bytes[4096];
	struct fixture f;
	void *record;

	open_fixture(&f);
	assert_int_equal(output(&f, RING, bytes, 1, 4), -EINVAL);
	assert_null(reserve(&f, 8, 1));
	assert_null(reserve(&f, 4088, 0));
	record = reserve(&f, 4080, 0);
	assert_non_null(record);
	assert_null(reserve(&f, 0, 0));
	assert_int_equal(output(&f, RING, bytes, 0, 0), -EAGAIN);
	submit(&f, record, 1);
	assert_null(reserve(&f, 8, 0));
	env_packet_end(f.env); /* the consumer comes between packets */
	assert_non_null(reserve(&f, 4080, 0));
	env_packet_end(f.env);
	assert_int_equal(output(&f, RING, bytes, 2000, BPF_RB_NO_WAKEUP), 0);
	assert_int_equal(output(&f, RING, bytes, 2071, 0), 0);
	assert_int_equal(output(&f, RING, bytes, 1, 0), -EAGAIN);
	close_fixture(&f);
}

static void a_sample_has_bytes_of_the_packet(void **state)
{
	struct fixture f;
	struct event event;
	size_t at = 0;

	open_fixture(&f);
	assert_int_equal(output(&f, PERF, "event", 5, BPF_F_CURRENT_CPU | 10ull << 32), 0);
	assert_true(events_next(&f.events, &at, &event));
	assert_int_equal(event.size, 20); /* with the length in front a multiple of 8 */
	assert_memory_equal(event.bytes, "event\0\1\2\3\4\5\6\7\10\11\0\0\0\0\0", 20);
	assert_int_equal(output(&f, PERF, "event", 5, BPF_F_CURRENT_CPU | 65ull << 32), -EFAULT);
	assert_int_equal(output(&f, PERF, "event", 5, 1ull << 60), -EINVAL);
	assert_int_equal(output(&f, PERF, "event", 5, 2), -E2BIG);
	assert_int_equal(output(&f, PERF, "event", 5, 0), -EOPNOTSUPP);
	assert_int_equal(output(&f, PERF, "event", 5, 1), 0);
	close_fixture(&f);
}

static void compares_map_by_map(void **state)
{
	struct events a = {0}, b = {0};

	assert_false(events_differ(&a, &b));
	events_add(&a, 1, "x", 1);
	assert_true(events_differ(&a, &b));
	events_add(&a, 2, "y", 1);
	events_add(&b, 2, "y", 1);
	events_add(&b, 1, "x", 1);
	assert_false(events_differ(&a, &b));
	events_add(&a, 1, "z", 1);
	events_add(&b, 1, "y", 1);
	assert_true(events_differ(&a, &b));
	events_clear(&a);
	events_clear(&b);
	events_add(&a, 1, "x", 1);
	events_add(&a, 1, "y", 1);
	events_add(&b, 1, "y", 1);
	events_add(&b, 1, "x", 1);
	assert_true(events_differ(&a, &b));
	events_free(&a);
	events_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_keep_their_order),
	    cmocka_unit_test(a_ring_is_full),
	    cmocka_unit_test(a_sample_has_bytes_of_the_packet),
	    cmocka_unit_test(compares_map_by_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
