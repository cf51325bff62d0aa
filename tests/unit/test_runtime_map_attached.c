/* The user side of kernel maps: shared arrays, shared values, batched maps, environments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#include "kernel_map.h"
#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "bundle/user_abi.h"
#include "runtime/env.h"
#include "runtime/map.h"
#include "support/diag.h"

static uint64_t random_state = 88172645463325252ULL;

static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % below;
}

enum { KEYS = 64, KEY_BYTES = 12, VALUE_BYTES = 20, SLOT_BYTES = 16 + 16 + 24 };

struct shared {
	struct bundle_map spec;
	struct map_attachment attachment;
	uint64_t epoch;
	struct cleave_map *map;
};

static void open_shared(struct shared *s, uint32_t type, bool by_epoch)
{
	*s = (struct shared){.epoch = 1};
	s->spec = (struct bundle_map){.name = "flows",
				      .type = type,
				      .key_size = KEY_BYTES,
				      .value_size = VALUE_BYTES,
				      .max_entries = KEYS,
				      .home = MAP_HOME_SHARED_VALUES,
				      .slots = 2 * KEYS + 1024};
	s->attachment.fd = new_kernel_map(type, KEY_BYTES, 4, KEYS, 0);
	s->attachment.values_fd =
	    new_kernel_map(BPF_MAP_TYPE_ARRAY, 4, SLOT_BYTES, s->spec.slots, BPF_F_MMAPABLE);
	s->attachment.epoch = by_epoch ? &s->epoch : NULL;
	assert_int_equal(map_new_attached(&s->spec, &s->attachment, &s->map), 0);
}

static void close_shared(struct shared *s)
{
	map_free(&s->map);
	close(s->attachment.fd);
	close(s->attachment.values_fd);
}

static void make_key(uint8_t *key, uint32_t number)
{
	memset(key, 0, KEY_BYTES);
	memcpy(key, &number, 4);
	memcpy(key + 8, &number, 4);
}

/* Beside a native hash: the same results and values, also of pointers from before an update. */
static void test_shared_values(void **state)
{
	struct bundle_map plain = {.name = "plain",
				   .type = BPF_MAP_TYPE_HASH,
				   .key_size = KEY_BYTES,
				   .value_size = VALUE_BYTES,
				   .max_entries = KEYS,
				   .home = MAP_HOME_USER};
	struct shared s;
	struct cleave_map *native;
	struct cleave_env env = {0};

	open_shared(&s, BPF_MAP_TYPE_HASH, true);
	assert_int_equal(map_new_native(&plain, 1, &native), 0);
	for (uint32_t step = 0; step < 20000; step++) {
		uint8_t key[KEY_BYTES], value[VALUE_BYTES];
		uint64_t flags = draw(3) ? 0 : draw(4);
		uint32_t *mine, *other;

		make_key(key, draw(KEYS + 16));
		memset(value, (int)draw(256), sizeof value);
		mine = map_lookup(&env, s.map, key);
		other = map_lookup(&env, native, key);
		assert_int_equal(mine != NULL, other != NULL);
		if (mine) {
			assert_memory_equal(mine, other, VALUE_BYTES);
			mine[0]++;
			other[0]++;
			assert_ptr_equal(map_value(s.map, ((uint32_t *)mine)[-8]), mine);
			assert_ptr_equal(map_value(native, ((uint32_t *)other)[-8]), other);
		}
		if (draw(3) == 0)
			assert_int_equal(map_delete(&env, s.map, key),
					 map_delete(&env, native, key));
		else
			assert_int_equal(map_update(&env, s.map, key, value, flags),
					 map_update(&env, native, key, value, flags));
		if (mine)
			assert_memory_equal(mine, other, VALUE_BYTES);
		s.epoch += draw(64) == 0;
	}
	assert_int_equal(map_count(s.map), map_count(native));
	map_free(&native);
	close_shared(&s);
}

/* A replaced value stays what it was until two epochs after it was first seen unowned. */
static void test_grace_by_epoch(void **state)
{
	struct shared s;
	struct cleave_env env = {0};
	uint8_t key[KEY_BYTES], value[VALUE_BYTES] = {1};
	uint8_t *old;
	int err = 0, refused = 0;

	open_shared(&s, BPF_MAP_TYPE_HASH, true);
	make_key(key, 7);
	assert_int_equal(map_update(&env, s.map, key, value, 0), 0);
	old = map_lookup(&env, s.map, key);
	value[0] = 2;
	/* Slots are tried at random: one refusal does not mean that none is left. */
	for (uint32_t i = 0; i < 8 * s.spec.slots && refused < 32; i++) {
		err = map_update(&env, s.map, key, value, 0);
		refused = err ? refused + 1 : 0;
		assert_int_equal(*old, 1);
	}
	assert_int_equal(err, -ENOMEM); /* every slot is used or waits */
	assert_int_equal(*(uint8_t *)map_lookup(&env, s.map, key), 2);
	s.epoch++;
	assert_int_equal(map_update(&env, s.map, key, value, 0), -ENOMEM);
	for (uint32_t i = 0; i < 100 * s.spec.slots && *old == 1; i++) {
		s.epoch++;
		assert_int_equal(map_update(&env, s.map, key, value, 0), 0);
	}
	assert_int_equal(*old, 2);
	close_shared(&s);
}

static void test_grace_by_clock(void **state)
{
	struct shared s;
	struct cleave_env env = {0};
	uint8_t key[KEY_BYTES], value[VALUE_BYTES] = {1};
	struct timespec wait = {.tv_sec = 2, .tv_nsec = 100000000};
	int err = 0;

	open_shared(&s, BPF_MAP_TYPE_LRU_HASH, false);
	make_key(key, 7);
	for (uint32_t i = 0; i < 8 * s.spec.slots && !err; i++)
		err = map_update(&env, s.map, key, value, 0);
	assert_int_equal(err, -ENOMEM);
	nanosleep(&wait, NULL);
	assert_int_equal(map_update(&env, s.map, key, value, 0), 0);
	close_shared(&s);
}

/* Two sides with their own keys race for slots; none may lose a value. */
struct side {
	struct shared *shared;
	struct cleave_map *map;
	uint32_t first;
	int failed;
};

static void *race(void *context)
{
	struct side *side = context;
	struct cleave_env env = {0};

	for (uint32_t round = 1; round <= 8000; round++) {
		uint8_t key[KEY_BYTES];
		uint32_t value[VALUE_BYTES / 4] = {round, side->first}, *found;

		make_key(key, side->first + round % 16);
		if (map_update(&env, side->map, key, value, 0)) {
			sched_yield();
			continue;
		}
		found = map_lookup(&env, side->map, key);
		side->failed += !found || found[0] != round || found[1] != side->first;
		if (round % 32 == 0)
			__atomic_fetch_add(&side->shared->epoch, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_shared_values_race(void **state)
{
	struct shared s;
	struct side sides[2];
	pthread_t threads[2];

	open_shared(&s, BPF_MAP_TYPE_HASH, true);
	for (unsigned i = 0; i < 2; i++) {
		sides[i] = (struct side){.shared = &s, .first = 100 * i};
		assert_int_equal(map_new_attached(&s.spec, &s.attachment, &sides[i].map), 0);
		assert_int_equal(pthread_create(&threads[i], NULL, race, &sides[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(sides[i].failed, 0);
		map_free(&sides[i].map);
	}
	close_shared(&s);
}

/* One generation's kernel side: a per-CPU array and a hash that are batched, a shared array,
 * scratch. */
enum { COUNTERS, FLOWS, TABLE, SCRATCH, PORTS, MAPS };

struct host {
	struct bundle bundle;
	struct bundle_map specs[MAPS];
	int fds[MAPS], value_fds[MAPS], batch_fd, prog_fd;
	struct map_set *set;
	struct cleave_env *env;
};

/* What the kernel part's batch program does, for COUNTERS alone: values of 16 bytes, adds of 8. */
static int load_batch(int batch_fd, int counters_fd)
{
	const struct bpf_insn code[] = {
	    MOV_REG(BPF_REG_6, BPF_REG_1),
	    MOV_IMM(BPF_REG_7, 0),
	    /* 2: loop */
	    INSN(BPF_JMP | BPF_JGE | BPF_K, BPF_REG_7, 0, 26, CLEAVE_BATCH_MAX),
	    LOAD(BPF_W, BPF_REG_1, BPF_REG_6, 0),
	    INSN(BPF_JMP | BPF_JGE | BPF_X, BPF_REG_7, BPF_REG_1, 24, 0),
	    STORE(BPF_W, BPF_REG_10, -4, BPF_REG_7),
	    ADD_IMM(BPF_REG_7, 1),
	    MAP_FD(BPF_REG_1, batch_fd),
	    MOV_REG(BPF_REG_2, BPF_REG_10),
	    ADD_IMM(BPF_REG_2, -4),
	    CALL(BPF_FUNC_map_lookup_elem),
	    JUMP_EQ(BPF_REG_0, 0, 16),
	    MOV_REG(BPF_REG_8, BPF_REG_0),
	    MAP_FD(BPF_REG_1, counters_fd),
	    MOV_REG(BPF_REG_2, BPF_REG_8),
	    ADD_IMM(BPF_REG_2, offsetof(struct cleave_batch_op, key)),
	    CALL(BPF_FUNC_map_lookup_elem),
	    JUMP_EQ(BPF_REG_0, 0, -18),
	    LOAD(BPF_W, BPF_REG_1, BPF_REG_8, offsetof(struct cleave_batch_op, offset)),
	    AND_IMM(BPF_REG_1, 8),
	    INSN(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0),
	    LOAD(BPF_DW, BPF_REG_2, BPF_REG_8, offsetof(struct cleave_batch_op, operand)),
	    INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_2, 0, BPF_ADD),
	    LOAD(BPF_W, BPF_REG_1, BPF_REG_6, 4),
	    ADD_IMM(BPF_REG_1, 1),
	    STORE(BPF_W, BPF_REG_6, 4, BPF_REG_1),
	    JUMP(-27),
	    MOV_IMM(BPF_REG_0, 0),
	    EXIT(),
	};

	return load_program(BPF_PROG_TYPE_SYSCALL, code, sizeof code / sizeof code[0],
			    BPF_F_SLEEPABLE);
}

static void open_host(struct host *h)
{
	static struct diag diag;
	struct map_set_attachment attachment;

	memset(h, 0, sizeof *h);
	diag.out = stderr;
	h->specs[COUNTERS] = (struct bundle_map){"counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 8,
						 0,          MAP_HOME_KERNEL_BATCHED};
	h->specs[FLOWS] =
	    (struct bundle_map){"flows", BPF_MAP_TYPE_HASH, 4, 12, 8, 0, MAP_HOME_KERNEL_BATCHED};
	h->specs[TABLE] = (struct bundle_map){"table",        BPF_MAP_TYPE_ARRAY,   4, 12, 8,
					      BPF_F_MMAPABLE, MAP_HOME_SHARED_ARRAY};
	h->specs[SCRATCH] = (struct bundle_map){"scratch", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 200, 1,
						0,         MAP_HOME_PACKET_LOCAL};
	h->specs[PORTS] =
	    (struct bundle_map){"ports", BPF_MAP_TYPE_DEVMAP, 4, 4, 8, 0, MAP_HOME_KERNEL};
	for (unsigned i = 0; i < MAPS; i++) {
		const struct bundle_map *m = &h->specs[i];

		h->value_fds[i] = -1;
		h->fds[i] = m->home == MAP_HOME_PACKET_LOCAL
				? -1
				: new_kernel_map(m->type, m->key_size, m->value_size,
						 m->max_entries, m->flags);
	}
	h->batch_fd = new_kernel_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct cleave_batch_op),
				     CLEAVE_BATCH_MAX, BPF_F_MMAPABLE);
	h->prog_fd = load_batch(h->batch_fd, h->fds[COUNTERS]);
	assert_true(h->prog_fd >= 0);
	h->bundle.program = "nf";
	h->bundle.maps = h->specs;
	h->bundle.map_count = MAPS;
	attachment = (struct map_set_attachment){.map_fds = h->fds,
						 .value_fds = h->value_fds,
						 .batch_prog_fd = h->prog_fd,
						 .batch_fd = h->batch_fd,
						 .output_prog_fd = -1,
						 .output_fd = -1};
	assert_int_equal(map_set_new_attached(&h->bundle, &attachment, &h->set, &diag), 0);
	assert_int_equal(env_new(h->set, 0, &h->env), 0);
}

static void close_host(struct host *h)
{
	env_free(&h->env);
	map_set_free(&h->set);
	for (unsigned i = 0; i < MAPS; i++)
		if (h->fds[i] >= 0)
			close(h->fds[i]);
	close(h->batch_fd);
	close(h->prog_fd);
}

/* This CPU's value changes, the others' stay; adds, copies and updates mix in program order. */
static void test_batched_percpu(void **state)
{
	struct host h;
	uint64_t values[64][2] = {{0}}, expected[2] = {0, 1000};
	uint32_t key = 3;
	struct cleave_map *m;

	open_host(&h);
	m = h.env->maps[COUNTERS];
	for (unsigned cpu = 0; cpu < 64; cpu++)
		values[cpu][1] = 1000;
	assert_int_equal(bpf_map_update_elem(h.fds[COUNTERS], &key, values, 0), 0);
	for (unsigned packet = 0; packet < 3000; packet++) {
		uint64_t *copy, fresh[2] = {draw(1000), draw(1000)};

		env_burst_begin(h.env);
		if (draw(2)) {
			h.env->calls->map_add(h.env, m, &key, 8, 8, packet);
			expected[1] += packet;
		}
		if (draw(8) == 0) {
			copy = h.env->calls->map_lookup(h.env, m, &key);
			assert_memory_equal(copy, expected, sizeof expected);
			copy[0] -= 5;
			expected[0] -= 5;
			h.env->calls->map_add(h.env, m, &key, 0, 8, 7);
			expected[0] += 7;
			assert_memory_equal(copy, expected, sizeof expected);
		}
		if (draw(16) == 0) {
			assert_int_equal(h.env->calls->map_update(h.env, m, &key, fresh, BPF_ANY),
					 0);
			memcpy(expected, fresh, sizeof fresh);
			copy = h.env->calls->map_lookup(h.env, m, &key);
			assert_memory_equal(copy, expected, sizeof expected);
		}
		env_packet_end(h.env);
	}
	assert_int_equal(env_flush(h.env), 0);
	assert_int_equal(bpf_map_lookup_elem(h.fds[COUNTERS], &key, values), 0);
	assert_memory_equal(values[0], expected, sizeof expected);
	assert_int_equal(values[1][0], 0);
	assert_int_equal(values[1][1], 1000);
	key = 8;
	assert_null(h.env->calls->map_lookup(h.env, m, &key));
	assert_int_equal(h.env->calls->map_update(h.env, m, &key, values, BPF_ANY), -E2BIG);
	close_host(&h);
}

static void test_batched_hash(void **state)
{
	struct host h;
	uint32_t key = 3, value[3] = {1, 2, 3}, *copy, found[3];
	struct cleave_map *m;

	open_host(&h);
	m = h.env->maps[FLOWS];
	assert_null(map_lookup(h.env, m, &key));
	assert_int_equal(map_update(h.env, m, &key, value, BPF_EXIST), -ENOENT);
	assert_int_equal(map_update(h.env, m, &key, value, BPF_NOEXIST), 0);
	copy = map_lookup(h.env, m, &key);
	copy[1] = 20;
	assert_ptr_equal(map_lookup(h.env, m, &key), copy);
	map_add(h.env, m, &key, 8, 4, 5);
	env_packet_end(h.env);
	assert_int_equal(bpf_map_lookup_elem(h.fds[FLOWS], &key, found), 0);
	assert_int_equal(found[1], 20);
	assert_int_equal(found[2], 8);
	copy = map_lookup(h.env, m, &key); /* replaced while held: what is written to it is lost */
	assert_int_equal(map_update(h.env, m, &key, value, BPF_ANY), 0);
	copy[0] = 99;
	env_packet_end(h.env);
	assert_int_equal(bpf_map_lookup_elem(h.fds[FLOWS], &key, found), 0);
	assert_memory_equal(found, value, sizeof value);
	copy = map_lookup(h.env, m, &key);
	copy[0] = 99;
	assert_int_equal(map_delete(h.env, m, &key), 0);
	env_packet_end(h.env);
	assert_int_equal(bpf_map_lookup_elem(h.fds[FLOWS], &key, found), -ENOENT);
	close_host(&h);
}

enum { MANY = 3000 }; /* more than one call of the kernel reads */

struct seen {
	struct cleave_map *map;
	uint32_t count;
	bool key[MANY];
};

static int see(void *context, const void *key, const void *value, size_t value_bytes)
{
	struct seen *s = context;
	uint8_t read[256 * 8] = {0};
	uint32_t number;

	memcpy(&number, key, sizeof number);
	assert_true(number < MANY && !s->key[number]);
	assert_true(value_bytes <= sizeof read);
	assert_int_equal(map_read(s->map, key, read), 0);
	assert_memory_equal(value, read, value_bytes);
	s->key[number] = true;
	s->count++;
	return 0;
}

static int stop(void *context, const void *key, const void *value, size_t value_bytes)
{
	return 42;
}

static void dump_many(uint32_t type, uint32_t present, struct map_attachment attachment,
		      struct bundle_map spec)
{
	struct seen seen = {0};

	assert_int_equal(map_new_attached(&spec, &attachment, &seen.map), 0);
	for (uint32_t key = 0; key < present; key++) {
		uint8_t value[256 * 8] = {0};

		memcpy(value, &key, sizeof key);
		assert_int_equal(map_write(seen.map, &key, value, BPF_ANY), 0);
	}
	assert_int_equal(map_dump(seen.map, see, &seen), 0);
	assert_int_equal(seen.count, type == BPF_MAP_TYPE_HASH ? present : MANY);
	assert_int_equal(map_count(seen.map), seen.count);
	if (seen.count)
		assert_int_equal(map_dump(seen.map, stop, NULL), 42);
	map_free(&seen.map);
}

/* Every element once, with the value that a look-up finds, however full the map is. */
static void test_dump(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY,
					 BPF_MAP_TYPE_PERCPU_ARRAY};
	static const uint32_t present[] = {0, 1, 1024, MANY};

	for (size_t i = 0; i < 12; i++) {
		uint32_t type = types[i / 4];
		struct bundle_map spec = {.name = "many",
					  .type = type,
					  .key_size = 4,
					  .value_size = 6,
					  .max_entries = MANY,
					  .home = MAP_HOME_KERNEL};
		struct map_attachment attachment = {.values_fd = -1};

		attachment.fd = new_kernel_map(type, 4, 6, MANY, 0);
		dump_many(type, present[i % 4], attachment, spec);
		close(attachment.fd);
	}
}

/* The same through the slots of shared values. */
static void test_dump_shared_values(void **state)
{
	uint8_t key[KEY_BYTES], value[VALUE_BYTES] = {7};
	struct shared s;
	struct seen seen = {0};

	open_shared(&s, BPF_MAP_TYPE_HASH, true);
	seen.map = s.map;
	for (uint32_t i = 0; i < KEYS; i++) {
		make_key(key, i);
		assert_int_equal(map_write(s.map, key, value, BPF_ANY), 0);
	}
	assert_int_equal(map_dump(s.map, see, &seen), 0);
	assert_int_equal(seen.count, KEYS);
	close_shared(&s);
}

static void test_shared_array_and_scratch(void **state)
{
	struct host h;
	uint32_t key = 5, value[3] = {1, 2, 3}, found[3], *there, lo = 1;

	open_host(&h);
	there = (uint32_t *)(h.env->map_memory[TABLE] + 5 * 16);
	assert_int_equal(bpf_map_update_elem(h.fds[TABLE], &key, value, 0), 0);
	assert_memory_equal(there, value, sizeof value);
	assert_ptr_equal(map_lookup(h.env, h.env->maps[TABLE], &key), there);
	assert_int_equal(map_update(h.env, h.env->maps[TABLE], &key, value, BPF_NOEXIST), -EEXIST);
	there[1] = 7;
	assert_int_equal(bpf_map_lookup_elem(h.fds[TABLE], &key, found), 0);
	assert_int_equal(found[1], 7);
	key = 0;
	assert_ptr_equal(map_lookup(h.env, h.env->maps[SCRATCH], &key), h.env->map_memory[SCRATCH]);
	assert_int_equal(h.env->calls->redirect_check(h.env, h.env->maps[PORTS], 2), -1);
	key = 2;
	assert_int_equal(bpf_map_update_elem(h.fds[PORTS], &key, &lo, 0), 0);
	assert_int_equal(h.env->calls->redirect_check(h.env, h.env->maps[PORTS], 2), -1);
	env_burst_begin(h.env);
	assert_int_equal(h.env->calls->redirect_check(h.env, h.env->maps[PORTS], 2), 0);
	close_host(&h);
}

/* Buffers are as large as the manifest says: a map that is larger must not be written into them. */
static void expect_refused(const struct shared *good, const struct bundle_map *spec)
{
	struct cleave_map *map = NULL;

	assert_int_equal(map_new_attached(spec, &good->attachment, &map), -EBADMSG);
	assert_null(map);
}

static void test_manifest_lies(void **state)
{
	struct shared s;
	struct bundle_map lie;

	open_shared(&s, BPF_MAP_TYPE_HASH, false);
	lie = s.spec;
	lie.key_size = KEY_BYTES - 1; /* padded it is as long */
	expect_refused(&s, &lie);
	lie = s.spec;
	lie.value_size = VALUE_BYTES - 8; /* slots would overlap */
	expect_refused(&s, &lie);
	lie = s.spec;
	lie.type = BPF_MAP_TYPE_LRU_HASH;
	expect_refused(&s, &lie);
	lie = s.spec;
	lie.home = MAP_HOME_KERNEL_BATCHED; /* values of 20 bytes, where the map has indices */
	expect_refused(&s, &lie);
	lie = s.spec;
	lie.slots = 1u << 20; /* the mapping would reach behind the array */
	assert_true(map_new_attached(&lie, &s.attachment, &(struct cleave_map *){NULL}) < 0);
	close_shared(&s);
}

static void test_clocks(void **state)
{
	const struct bpf_insn code[] = {CALL(BPF_FUNC_jiffies64), MOV_REG(BPF_REG_0, BPF_REG_0),
					EXIT()};
	struct cleave_replay_inputs inputs = {.ktime_ns = 8000000000, .random = 1};
	int fd = load_program(BPF_PROG_TYPE_XDP, code, 3, 0);
	uint32_t kernel, difference;
	struct host h;

	open_host(&h);
	kernel = (uint32_t)run_xdp(fd);
	difference = (uint32_t)h.env->calls->jiffies64(h.env) - kernel + 2;
	if (difference > 4)
		print_error("jiffies are off by %d\n", (int)difference - 2);
	assert_true(difference <= 4);
	env_set_replay(h.env, &inputs);
	assert_int_equal(h.env->calls->ktime_ns(h.env, CLOCK_MONOTONIC), 8000000000);
	assert_int_equal(h.env->calls->jiffies64(h.env), 2000);
	assert_int_equal(h.env->calls->prandom_u32(h.env), 0x47E4CE4B); /* of state 0x2000001 */
	assert_int_equal(inputs.random, 0x2000001);
	close_host(&h);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shared_values),
	    cmocka_unit_test(test_grace_by_epoch),
	    cmocka_unit_test(test_grace_by_clock),
	    cmocka_unit_test(test_shared_values_race),
	    cmocka_unit_test(test_batched_percpu),
	    cmocka_unit_test(test_batched_hash),
	    cmocka_unit_test(test_shared_array_and_scratch),
	    cmocka_unit_test(test_dump),
	    cmocka_unit_test(test_dump_shared_values),
	    cmocka_unit_test(test_manifest_lies),
	    cmocka_unit_test(test_clocks),
	};

	need_root();
	pin_to_cpu(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
