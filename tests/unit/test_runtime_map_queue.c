/*
 * Native maps without keys against the kernel's: the same random pushes, pops and peeks, every
 * result compared; empty, full, with one element, and with values of odd sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel_map.h"
#include "bundle/bundle.h"
#include "runtime/map.h"

enum { VALUE_BYTES_MAX = 64, STEPS = 6000 };

static uint64_t random_state = 88172645463325252ULL;

static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % below;
}

struct subject {
	const char *name;
	uint32_t type, value_size, max_entries, extra;
	uint32_t values; /* how many different ones are drawn */
};

struct pair {
	const struct subject *s;
	int fd;
	struct cleave_map *native;
	uint32_t step;
};

static void open_pair(struct pair *p, const struct subject *s)
{
	struct bundle_map spec = {.name = "m",
				  .type = s->type,
				  .value_size = s->value_size,
				  .max_entries = s->max_entries,
				  .extra = s->extra,
				  .home = MAP_HOME_USER};
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_extra = s->extra,
		    .map_flags = s->type == BPF_MAP_TYPE_BLOOM_FILTER ? BPF_F_ZERO_SEED : 0);

	*p = (struct pair){.s = s};
	p->fd = bpf_map_create((enum bpf_map_type)s->type, "m", 0, s->value_size, s->max_entries,
			       &opts);
	assert_true(p->fd >= 0);
	assert_int_equal(map_new_native(&spec, 1, &p->native), 0);
}

static void close_pair(struct pair *p)
{
	map_free(&p->native);
	close(p->fd);
}

static void make_value(const struct pair *p, uint8_t *value)
{
	uint32_t number = draw(p->s->values);

	for (uint32_t i = 0; i < p->s->value_size; i++)
		value[i] = (uint8_t)((number + i * 7) >> (i % 3));
}

static void expect_same(const struct pair *p, const char *what, int mine, int theirs)
{
	if (mine != theirs)
		print_error("%s: step %u, %s: %d here, %d in the kernel\n", p->s->name, p->step,
			    what, mine, theirs);
	assert_int_equal(mine, theirs);
}

static void push(struct pair *p)
{
	static const uint64_t flags[] = {BPF_ANY, BPF_ANY, BPF_ANY, BPF_EXIST, BPF_NOEXIST, 3, 4};
	uint64_t chosen = flags[draw(7)];
	uint8_t value[VALUE_BYTES_MAX];
	int mine, theirs;

	make_value(p, value);
	mine = map_push(p->native, value, chosen);
	theirs = bpf_map_update_elem(p->fd, NULL, value, chosen) ? -errno : 0;
	expect_same(p, "push", mine, theirs);
}

static void take(struct pair *p, bool keep)
{
	uint8_t mine[VALUE_BYTES_MAX], theirs[VALUE_BYTES_MAX];
	int err_mine, err_theirs;

	make_value(p, mine);
	memcpy(theirs, mine, sizeof theirs);
	err_mine = keep ? map_peek(p->native, mine) : map_pop(p->native, mine);
	err_theirs = (keep ? bpf_map_lookup_elem(p->fd, NULL, theirs)
			   : bpf_map_lookup_and_delete_elem(p->fd, NULL, theirs))
			 ? -errno
			 : 0;
	/* bpf() refuses before it asks the map. */
	if (p->s->type == BPF_MAP_TYPE_BLOOM_FILTER && !keep) {
		assert_true(err_mine < 0 && err_theirs < 0);
		return;
	}
	expect_same(p, keep ? "peek" : "pop", err_mine, err_theirs);
	if (!err_mine)
		assert_memory_equal(mine, theirs, p->s->value_size);
}

static void compare(const struct subject *s)
{
	struct pair p;

	open_pair(&p, s);
	for (p.step = 0; p.step < STEPS; p.step++) {
		/* long runs of either kind meet both ends */
		uint32_t pushes = p.step / 200 % 3 ? 1 : 3;

		if (draw(4) < pushes)
			push(&p);
		else
			take(&p, draw(3) == 0);
	}
	close_pair(&p);
}

static void behaves_as_a_queue(void **state)
{
	static const struct subject subjects[] = {
	    {"queue", BPF_MAP_TYPE_QUEUE, 8, 16, 0, 1000},
	    {"queue of one", BPF_MAP_TYPE_QUEUE, 4, 1, 0, 1000},
	    {"queue of odd values", BPF_MAP_TYPE_QUEUE, 13, 5, 0, 1000},
	};

	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
		compare(&subjects[i]);
}

static void behaves_as_a_stack(void **state)
{
	static const struct subject subjects[] = {
	    {"stack", BPF_MAP_TYPE_STACK, 8, 16, 0, 1000},
	    {"stack of one", BPF_MAP_TYPE_STACK, 1, 1, 0, 100},
	    {"stack of odd values", BPF_MAP_TYPE_STACK, 63, 7, 0, 1000},
	};

	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
		compare(&subjects[i]);
}

/* Small filters, so that most of what they say is wrong. */
static void behaves_as_a_bloom_filter(void **state)
{
	static const struct subject subjects[] = {
	    {"words", BPF_MAP_TYPE_BLOOM_FILTER, 4, 4, 0, 100000},
	    {"long words", BPF_MAP_TYPE_BLOOM_FILTER, 32, 50, 3, 100000},
	    {"bytes", BPF_MAP_TYPE_BLOOM_FILTER, 13, 20, 1, 100000},
	    {"one byte", BPF_MAP_TYPE_BLOOM_FILTER, 1, 10, 15, 256},
	    {"blocks", BPF_MAP_TYPE_BLOOM_FILTER, 24, 1000, 7, 100000},
	    {"blocks and a rest", BPF_MAP_TYPE_BLOOM_FILTER, 25, 300, 2, 100000},
	};

	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
		compare(&subjects[i]);
}

static void refuses_keys(void **state)
{
	struct bundle_map spec = {.name = "m", .key_size = 4, .value_size = 4, .max_entries = 4};
	const uint32_t types[] = {BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK,
				  BPF_MAP_TYPE_BLOOM_FILTER};
	struct cleave_map *map;

	for (size_t i = 0; i < 3; i++) {
		spec.type = types[i];
		spec.key_size = 4;
		assert_int_equal(map_new_native(&spec, 1, &map), -EINVAL);
		spec.key_size = 0;
		assert_int_equal(map_new_native(&spec, 1, &map), 0);
		assert_int_equal(map_read(map, &i, &i), -EOPNOTSUPP);
		assert_int_equal(map_dump(map, NULL, NULL), -EOPNOTSUPP);
		map_free(&map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(behaves_as_a_queue),
	    cmocka_unit_test(behaves_as_a_stack),
	    cmocka_unit_test(behaves_as_a_bloom_filter),
	    cmocka_unit_test(refuses_keys),
	};

	need_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
