/* Maps of maps: what a packet finds in them, and what happens when another map comes there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel_map.h"
#include "bundle/bundle.h"
#include "runtime/env.h"
#include "runtime/map.h"
#include "runtime/map_nest.h"
#include "support/diag.h"

static struct bundle_inner inner = {BPF_MAP_TYPE_HASH, 4, 8, 16, 0};

struct fixture {
	struct bundle_map spec;
	struct bundle bundle;
	int outer_fd, inner_fd;
	struct map_set *set;
	struct cleave_env *env;
	struct cleave_map *outer;
};

static void open_common(struct fixture *f, uint32_t type)
{
	*f = (struct fixture){.spec = {.name = "outer",
				       .type = type,
				       .key_size = 4,
				       .value_size = 4,
				       .max_entries = 4,
				       .inner = &inner,
				       .inner_count = 1,
				       .home = MAP_HOME_KERNEL_BATCHED},
			      .outer_fd = -1,
			      .inner_fd = -1};
	f->bundle = (struct bundle){.program = "nf", .maps = &f->spec, .map_count = 1};
}

static void open_attached(struct fixture *f, uint32_t type)
{
	struct map_set_attachment attachment = {.map_fds = &f->outer_fd,
						.value_fds = &f->outer_fd,
						.batch_prog_fd = -1,
						.batch_fd = -1,
						.output_prog_fd = -1,
						.output_fd = -1};
	struct diag diag = {.out = stderr, .prog = "test"};
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	open_common(f, type);
	f->inner_fd = new_kernel_map(inner.type, 4, 8, 16, 0);
	opts.inner_map_fd = (uint32_t)f->inner_fd;
	f->outer_fd = bpf_map_create((enum bpf_map_type)type, "outer", 4, 4, 4, &opts);
	assert_true(f->outer_fd >= 0);
	assert_int_equal(map_set_new_attached(&f->bundle, &attachment, &f->set, &diag), 0);
	assert_int_equal(env_new(f->set, 0, &f->env), 0);
	f->outer = map_set_maps(f->set)[0];
}

static void open_native(struct fixture *f, uint32_t type)
{
	struct diag diag = {.out = stderr, .prog = "test"};

	open_common(f, type);
	assert_int_equal(map_set_new_native(&f->bundle, 1, &f->set, &diag), 0);
	assert_int_equal(env_new(f->set, 0, &f->env), 0);
	f->outer = map_set_maps(f->set)[0];
}

static void close_fixture(struct fixture *f)
{
	env_free(&f->env);
	map_set_free(&f->set);
	if (f->outer_fd >= 0)
		close(f->outer_fd);
	if (f->inner_fd >= 0)
		close(f->inner_fd);
}

static void *find(struct fixture *f, void *map, uint32_t key)
{
	return f->env->calls->map_lookup(f->env, map, &key);
}

static int64_t update(struct fixture *f, void *map, uint32_t key, uint64_t value, uint64_t flags)
{
	return f->env->calls->map_update(f->env, map, &key, &value, flags);
}

static uint64_t read_value(struct cleave_map *map, uint32_t key)
{
	uint64_t value = 0;

	return map_read(map, &key, &value) ? UINT64_MAX : value;
}

/* The same for both kinds, native and attached. */
static void work_on(struct fixture *f)
{
	struct cleave_map *made, *other;
	uint32_t key = 2, wrong = 7;
	uint64_t *value;

	assert_null(find(f, f->outer, 2));
	assert_null(find(f, f->outer, wrong));
	assert_int_equal(map_nest_put(f->outer, &key, &made), 0);
	assert_ptr_equal(map_nest_get(f->outer, &key), made);
	assert_ptr_equal(find(f, f->outer, 2), made);
	assert_null(find(f, made, 5));
	assert_int_equal(update(f, made, 5, 100, BPF_EXIST), -ENOENT);
	assert_int_equal(update(f, made, 5, 100, BPF_NOEXIST), 0);
	assert_int_equal(update(f, made, 5, 101, BPF_NOEXIST), -EEXIST);
	value = find(f, made, 5);
	assert_non_null(value);
	assert_int_equal(*value, 100);
	*value += 7;
	assert_ptr_equal(find(f, made, 5), value);
	/* Another map comes; the packet goes on with what it has found. */
	assert_int_equal(map_nest_put(f->outer, &key, &other), 0);
	*value += 1;
	env_packet_end(f->env);
	assert_int_equal(read_value(made, 5), 108);
	assert_ptr_equal(find(f, f->outer, 2), other);
	assert_ptr_not_equal(made, other);
	assert_null(find(f, other, 5));
	assert_int_equal(f->env->calls->map_delete(f->env, other, &key), -ENOENT);
	env_packet_end(f->env);
	for (uint32_t i = 0; i < 17; i++)
		assert_int_equal(update(f, other, i, i, BPF_ANY), i < 16 ? 0 : -E2BIG);
	env_packet_end(f->env);
}

static void gives_maps(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS};
	struct fixture f;

	for (size_t i = 0; i < 2; i++) {
		open_native(&f, types[i]);
		work_on(&f);
		close_fixture(&f);
		open_attached(&f, types[i]);
		work_on(&f);
		close_fixture(&f);
	}
}

/* The same map at two keys is one map, and one copy of a value. */
static void knows_a_map_again(void **state)
{
	uint32_t keys[] = {0, 3};
	struct fixture f;
	uint64_t *value;
	void *map;

	open_attached(&f, BPF_MAP_TYPE_HASH_OF_MAPS);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(bpf_map_update_elem(f.outer_fd, &keys[i], &f.inner_fd, 0), 0);
	map = find(&f, f.outer, 0);
	assert_non_null(map);
	assert_ptr_equal(find(&f, f.outer, 3), map);
	assert_int_equal(update(&f, map, 1, 10, BPF_ANY), 0);
	value = find(&f, map, 1);
	*value = 11;
	assert_int_equal(*(uint64_t *)find(&f, find(&f, f.outer, 3), 1), 11);
	env_packet_end(f.env);
	assert_int_equal(read_value(map, 1), 11);
	close_fixture(&f);
}

static void begins_with_maps(void **state)
{
	struct bundle_held held[] = {{1, 1}, {2, 1}};
	struct bundle_map maps[2] = {{.name = "outer",
				      .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
				      .key_size = 4,
				      .value_size = 4,
				      .max_entries = 4,
				      .inner = &inner,
				      .inner_count = 1,
				      .held = held,
				      .held_count = 2},
				     {.name = "one",
				      .type = BPF_MAP_TYPE_HASH,
				      .key_size = 4,
				      .value_size = 8,
				      .max_entries = 16}};
	struct bundle bundle = {.program = "nf", .maps = maps, .map_count = 2};
	struct diag diag = {.out = stderr, .prog = "test"};
	struct map_set *set;
	uint32_t key = 1;

	assert_int_equal(map_set_new_native(&bundle, 1, &set, &diag), 0);
	assert_ptr_equal(map_nest_get(map_set_maps(set)[0], &key), map_set_maps(set)[1]);
	key = 3;
	assert_null(map_nest_get(map_set_maps(set)[0], &key));
	assert_null(map_nest_get(map_set_maps(set)[1], &key));
	map_set_free(&set);
}

static void needs_a_definition(void **state)
{
	struct bundle_map spec = {.name = "m",
				  .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
				  .key_size = 4,
				  .value_size = 4,
				  .max_entries = 1};
	struct bundle_inner nested = {BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0};
	struct cleave_map *map;

	assert_int_equal(map_new_native(&spec, 1, &map), -EINVAL);
	spec.inner = &nested;
	spec.inner_count = 1;
	assert_int_equal(map_new_native(&spec, 1, &map), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_maps),
	    cmocka_unit_test(knows_a_map_again),
	    cmocka_unit_test(begins_with_maps),
	    cmocka_unit_test(needs_a_definition),
	};

	need_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
