/* Native maps against the kernel's maps of the same type: random operations, every result compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "kernel_map.h"
#include "bundle/bundle.h"
#include "bundle/user_abi.h"
#include "runtime/env.h"
#include "runtime/map.h"
#include "support/diag.h"

#include <bpf/libbpf.h>

static uint64_t random_state = 88172645463325252ULL;

static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % below;
}

/* One kind of map under test. */
struct subject {
	const char *name;
	uint32_t type, key_size, value_size, max_entries, flags;
	uint32_t keys; /* how many different keys are used */
	uint32_t steps;
	bool operator_only; /* programs may only look up */
	bool small_values;  /* 0 or 1 only: interfaces */
	bool one_cpu;       /* LRU lists are per CPU, and map_write has none to tell */
	bool orders_only;   /* ... so on several, only programs change the map */
};

struct pair {
	const struct subject *s;
	struct kernel_map kernel;
	struct cleave_map *native;
	struct cleave_env env;
	uint32_t cpus, step;
	uint8_t key[64], value[4096], mine[4096], theirs[4096];
};

static void make_key(struct pair *p)
{
	const struct subject *s = p->s;
	uint32_t number = draw(s->keys);

	memset(p->key, 0, sizeof p->key);
	if (s->type == BPF_MAP_TYPE_LPM_TRIE) {
		uint32_t length =
		    draw(20) ? draw((s->key_size - 4) * 8 + 1) : (s->key_size - 4) * 8;

		length += draw(50) == 0 ? 200 : 0;
		memcpy(p->key, &length, 4);
		/* few values per byte, and bits behind the prefix that are not zero */
		for (uint32_t i = 4; i < s->key_size; i++)
			p->key[i] = (uint8_t)(i < 6 || draw(4) ? draw(2) * 0x80 : draw(256));
		return;
	}
	for (uint32_t i = 0; i < s->key_size; i++)
		p->key[i] = i < 4 ? (uint8_t)(number >> 8 * i) : (uint8_t)(number * 31 + i);
	if (s->key_size == 4 && draw(200) == 0)
		memset(p->key, 0xff, 4);
}

static void make_value(struct pair *p)
{
	for (uint32_t i = 0; i < 64 + 2 * p->s->value_size; i++)
		p->value[i] = (uint8_t)draw(256);
	if (p->s->small_values) {
		uint32_t ifindex = draw(4) != 0;

		memset(p->value, 0, 8);
		memcpy(p->value, &ifindex, 4);
	}
}

static uint64_t make_flags(void)
{
	static const uint64_t odd[] = {3, 4, 5, 6, 8, 1ull << 40};

	if (draw(3))
		return BPF_ANY;
	return draw(8) ? draw(3) : odd[draw(6)];
}

static void report(const struct pair *p, const char *what, int64_t mine, int64_t theirs)
{
	uint32_t head;

	memcpy(&head, p->key, 4);
	print_error("%s: step %u, %s, key %u..: %lld here, %lld in the kernel\n", p->s->name,
		    p->step, what, head, (long long)mine, (long long)theirs);
}

static void expect_same(const struct pair *p, const char *what, int64_t mine, int64_t theirs)
{
	if (mine != theirs)
		report(p, what, mine, theirs);
	assert_true(mine == theirs);
}

/* Of a per-CPU value, what is behind value_size is nobody's. */
static int compare_values(const struct pair *p, const void *mine, const void *theirs)
{
	uint32_t stride = (p->s->value_size + 7) & ~7u;
	size_t bytes = map_value_bytes(p->native);
	int difference = 0;

	for (size_t at = 0; at < bytes && !difference; at += stride)
		difference = memcmp((const uint8_t *)mine + at, (const uint8_t *)theirs + at,
				    p->s->value_size);
	return difference;
}

static void operate(struct pair *p)
{
	uint64_t flags = make_flags();
	int mine, theirs;

	switch (draw(p->s->operator_only ? 4 : 8)) {
	case 0:
		mine = map_erase(p->native, p->key);
		theirs = bpf_map_delete_elem(p->kernel.fd, p->key) ? -errno : 0;
		expect_same(p, "erase", mine, theirs);
		break;
	case 1:
	case 2:
		mine = map_write(p->native, p->key, p->value, flags);
		theirs = bpf_map_update_elem(p->kernel.fd, p->key, p->value, flags) ? -errno : 0;
		if (mine != theirs)
			print_error("flags %llx\n", (unsigned long long)flags);
		expect_same(p, "write", mine, theirs);
		break;
	default:
		memset(p->mine, 0, sizeof p->mine);
		memset(p->theirs, 0, sizeof p->theirs);
		mine = map_read(p->native, p->key, p->mine);
		theirs = bpf_map_lookup_elem(p->kernel.fd, p->key, p->theirs) ? -errno : 0;
		expect_same(p, "read", mine, theirs);
		expect_same(p, "value read", compare_values(p, p->mine, p->theirs), 0);
	}
}

static int64_t native_order(struct pair *p, uint64_t kind, uint64_t flags)
{
	uint32_t *value;

	if (kind == ORDER_UPDATE)
		return map_update(&p->env, p->native, p->key, p->value, flags);
	if (kind == ORDER_DELETE)
		return map_delete(&p->env, p->native, p->key);
	value = map_lookup(&p->env, p->native, p->key);
	if (!value)
		return -ENOENT;
	if (kind == ORDER_LOOKUP) {
		memcpy(p->mine, value, p->s->value_size);
		return 0;
	}
	if (kind == ORDER_STALE_ADD) {
		int64_t result = map_update(&p->env, p->native, p->key, p->value, flags);

		++*value;
		return result;
	}
	++*value;
	return 0;
}

static void order(struct pair *p)
{
	struct order *o = p->kernel.order;
	int64_t mine;

	o->kind = p->s->operator_only ? ORDER_LOOKUP : draw(ORDER_COUNT);
	if (o->kind == ORDER_DELETE && draw(2))
		o->kind = ORDER_UPDATE;
	o->flags = make_flags();
	memcpy(o->key, p->key, sizeof o->key);
	memcpy(o->value, p->value, sizeof o->value);
	memset(p->mine, 0, sizeof p->mine);
	mine = native_order(p, o->kind, o->flags);
	assert_int_equal(run_xdp(p->kernel.prog_fd), XDP_PASS);
	expect_same(p,
		    o->kind == ORDER_LOOKUP   ? "lookup"
		    : o->kind == ORDER_UPDATE ? "update"
					      : "order",
		    mine, o->result);
	if (o->kind == ORDER_LOOKUP && !mine)
		expect_same(p, "value looked up", memcmp(p->mine, o->value, p->s->value_size), 0);
}

struct census {
	struct pair *p;
	uint32_t count;
};

static int visit(void *context, const void *key, const void *value, size_t bytes)
{
	struct census *census = context;

	memset(census->p->theirs, 0, sizeof census->p->theirs);
	memcpy(census->p->key, key, census->p->s->key_size);
	expect_same(census->p, "dumped key", 0,
		    bpf_map_lookup_elem(census->p->kernel.fd, key, census->p->theirs));
	expect_same(census->p, "dumped value", compare_values(census->p, value, census->p->theirs),
		    0);
	census->count++;
	return 0;
}

/* Both hold the same keys and values. */
static void compare_whole(struct pair *p)
{
	struct census census = {.p = p};
	uint8_t key[64], value[4096];
	uint32_t count = 0;
	void *at = NULL;

	assert_int_equal(map_dump(p->native, visit, &census), 0);
	while (!bpf_map_get_next_key(p->kernel.fd, at, key)) {
		at = key;
		count += !bpf_map_lookup_elem(p->kernel.fd, key, value);
	}
	expect_same(p, "elements", census.count, count);
	expect_same(p, "count", map_count(p->native), count);
}

static void run(const struct subject *s)
{
	struct bundle_map spec = {.name = s->name,
				  .type = s->type,
				  .key_size = s->key_size,
				  .value_size = s->value_size,
				  .max_entries = s->max_entries,
				  .flags = s->flags,
				  .home = MAP_HOME_USER};
	struct pair p = {.s = s, .cpus = (uint32_t)libbpf_num_possible_cpus()};

	random_state = 88172645463325252ULL;
	pin_to_cpu(0);
	open_kernel_map(&p.kernel, s->type, s->key_size, s->value_size, s->max_entries, s->flags);
	assert_int_equal(map_new_native(&spec, p.cpus, &p.native), 0);
	for (p.step = 0; p.step < s->steps; p.step++) {
		if (p.step % 64 == 0 && !s->one_cpu) {
			p.env.cpu = draw(p.cpus);
			pin_to_cpu(p.env.cpu);
		}
		make_key(&p);
		make_value(&p);
		if (!s->orders_only && draw(2))
			operate(&p);
		else
			order(&p);
		if (p.step % 2048 == 0)
			compare_whole(&p);
	}
	compare_whole(&p);
	map_free(&p.native);
	close_kernel_map(&p.kernel);
}

static const struct subject subjects[] = {
    {"array", BPF_MAP_TYPE_ARRAY, 4, 12, 50, 0, 60, 20000},
    {"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 20, 50, 0, 60, 20000},
    {"hash", BPF_MAP_TYPE_HASH, 4, 8, 64, 0, 80, 40000},
    {"hash_odd", BPF_MAP_TYPE_HASH, 13, 20, 100, 0, 300, 40000},
    {"hash_lazy", BPF_MAP_TYPE_HASH, 4, 8, 64, BPF_F_NO_PREALLOC, 80, 40000},
    {"percpu_hash_lazy", BPF_MAP_TYPE_PERCPU_HASH, 8, 12, 64, BPF_F_NO_PREALLOC, 80, 40000},
    {"hash_zero_seed", BPF_MAP_TYPE_HASH, 16, 40, 33, BPF_F_ZERO_SEED, 60, 40000},
    {"hash_one", BPF_MAP_TYPE_HASH, 4, 8, 1, 0, 3, 10000},
    {"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 8, 12, 64, 0, 80, 40000},
    {"lru_small", BPF_MAP_TYPE_LRU_HASH, 4, 8, 5, 0, 20, 20000, false, false, true},
    {"lru_small_cpus", BPF_MAP_TYPE_LRU_HASH, 4, 8, 5, 0, 20, 20000, false, false, false, true},
    {"lru", BPF_MAP_TYPE_LRU_HASH, 4, 16, 100, 0, 300, 60000, false, false, true},
    {"lru_cpus", BPF_MAP_TYPE_LRU_HASH, 4, 16, 100, 0, 300, 60000, false, false, false, true},
    {"lru_large", BPF_MAP_TYPE_LRU_HASH, 8, 16, 1000, 0, 2000, 60000, false, false, true},
    {"lru_large_cpus", BPF_MAP_TYPE_LRU_HASH, 8, 16, 1000, 0, 2000, 60000, false, false, false,
     true},
    {"lru_own", BPF_MAP_TYPE_LRU_HASH, 4, 16, 100, BPF_F_NO_COMMON_LRU, 300, 60000, false, false,
     true},
    {"lru_own_cpus", BPF_MAP_TYPE_LRU_HASH, 4, 16, 100, BPF_F_NO_COMMON_LRU, 300, 60000, false,
     false, false, true},
    {"lru_percpu", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 12, 100, 0, 300, 60000, false, false, true},
    {"lru_percpu_cpus", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 12, 100, 0, 300, 60000, false, false,
     false, true},
    {"lru_percpu_own", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 12, 64, BPF_F_NO_COMMON_LRU, 200, 40000,
     false, false, true},
    {"lru_percpu_own_cpus", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 12, 64, BPF_F_NO_COMMON_LRU, 200,
     40000, false, false, false, true},
    {"lpm4", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 60, BPF_F_NO_PREALLOC, 1, 60000},
    {"lpm_odd", BPF_MAP_TYPE_LPM_TRIE, 4 + 3, 12, 60, BPF_F_NO_PREALLOC, 1, 40000},
    {"lpm16", BPF_MAP_TYPE_LPM_TRIE, 20, 8, 200, BPF_F_NO_PREALLOC, 1, 40000},
    {"devmap", BPF_MAP_TYPE_DEVMAP, 4, 4, 16, 0, 20, 4000, true, true},
    {"devmap_hash", BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 16, 0, 24, 4000, true, true},
};

/* Two workers on one map: afterwards it is whole, and every value is its key's. */
struct worker {
	struct cleave_map *map;
	uint32_t cpu, keys;
	pthread_t thread;
};

static void *hammer(void *context)
{
	struct worker *w = context;
	struct cleave_env env = {.cpu = w->cpu};
	uint64_t x = 77 + w->cpu;

	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t value[2], key[2] = {32, 0};

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		key[1] = (uint32_t)(x >> 33) % w->keys;
		value[0] = value[1] = key[1];
		if (x >> 62 == 0)
			map_delete(&env, w->map, key);
		else if (x >> 62 == 1)
			map_update(&env, w->map, key, value, BPF_ANY);
		else
			map_lookup(&env, w->map, key);
	}
	return NULL;
}

static int check_value(void *context, const void *key, const void *value, size_t bytes)
{
	uint32_t k[2], v[2];

	memcpy(k, key, sizeof k);
	memcpy(v, value, sizeof v);
	++*(uint32_t *)context;
	return v[0] != k[1] || v[1] != k[1];
}

static void test_two_workers(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH,
					 BPF_MAP_TYPE_LPM_TRIE};
	cpu_set_t all;

	CPU_ZERO(&all);
	CPU_SET(0, &all);
	CPU_SET(1, &all);
	sched_setaffinity(0, sizeof all, &all);
	for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct bundle_map spec = {.name = "m",
					  .type = types[i],
					  .key_size = 8,
					  .value_size = 8,
					  .max_entries = 100,
					  .home = MAP_HOME_USER};
		struct worker w[2];
		uint32_t count = 0;
		struct cleave_map *map;

		assert_int_equal(map_new_native(&spec, 2, &map), 0);
		for (uint32_t cpu = 0; cpu < 2; cpu++) {
			w[cpu] = (struct worker){.map = map, .cpu = cpu, .keys = 130};
			assert_int_equal(pthread_create(&w[cpu].thread, NULL, hammer, &w[cpu]), 0);
		}
		for (uint32_t cpu = 0; cpu < 2; cpu++)
			pthread_join(w[cpu].thread, NULL);
		assert_int_equal(map_dump(map, check_value, &count), 0);
		assert_int_equal(map_count(map), count);
		assert_in_range(count, 1, 100);
		map_free(&map);
	}
}

static void test_subject(void **state)
{
	run(*state);
}

/* Options that cost the kernel no privilege to refuse, and no memory to ask for. */
static void test_refused_sizes(void **state)
{
	struct bundle_map spec = {.name = "m",
				  .type = BPF_MAP_TYPE_ARRAY,
				  .key_size = 8,
				  .value_size = 8,
				  .max_entries = 1};
	struct cleave_map *map;

	assert_int_equal(map_new_native(&spec, 1, &map), -EINVAL);
	spec.key_size = 4;
	spec.max_entries = 0;
	assert_int_equal(map_new_native(&spec, 1, &map), -EINVAL);
	spec.max_entries = UINT32_MAX;
	spec.value_size = UINT32_MAX;
	assert_int_equal(map_new_native(&spec, 1, &map), -EINVAL);
	spec.max_entries = 1;
	spec.value_size = 8;
	spec.type = BPF_MAP_TYPE_SOCKMAP;
	assert_int_equal(map_new_native(&spec, 1, &map), -EOPNOTSUPP);
	assert_null(map);
}

int main(void)
{
	enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };
	struct CMUnitTest tests[SUBJECTS + 2];

	need_root();
	pin_to_cpu(0);
	for (unsigned i = 0; i < SUBJECTS; i++)
		tests[i] = (struct CMUnitTest){subjects[i].name, test_subject, NULL, NULL,
					       (void *)&subjects[i]};
	tests[SUBJECTS] = (struct CMUnitTest)cmocka_unit_test(test_refused_sizes);
	tests[SUBJECTS + 1] = (struct CMUnitTest)cmocka_unit_test(test_two_workers);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
