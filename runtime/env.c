/* Map sets and environments: made from a bundle, and the table of calls a user part works with. */
#include "runtime/env.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "bundle/kernel_abi.h"
#include "runtime/env_state.h"
#include "runtime/format.h"
#include "runtime/host_bpf.h"
#include "runtime/host_node.h"
#include "runtime/host_route.h"
#include "runtime/map.h"
#include "runtime/map_nest.h"
#include "runtime/map_ops.h"
#include "support/diag.h"
#include "support/map_types.h"

static int64_t call_update(struct cleave_env *env, struct cleave_map *map, const void *key,
			   const void *value, uint64_t flags)
{
	return map_update(env, map, key, value, flags);
}

static int64_t call_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return map_delete(env, map, key);
}

static int64_t call_push(struct cleave_env *env, struct cleave_map *map, const void *value,
			 uint64_t flags)
{
	return map_push(map, value, flags);
}

static int64_t call_pop(struct cleave_env *env, struct cleave_map *map, void *value)
{
	return map_pop(map, value);
}

static int64_t call_peek(struct cleave_env *env, struct cleave_map *map, void *value)
{
	return map_peek(map, value);
}

static void *call_value(struct cleave_env *env, struct cleave_map *map, uint32_t index)
{
	return map_value(map, index);
}

static uint64_t call_ktime_ns(struct cleave_env *env, uint32_t clock)
{
	const struct cleave_replay_inputs *replay = env_state(env)->replay;
	struct timespec now;

	if (replay)
		return replay->ktime_ns;
	clock_gettime((clockid_t)clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Jiffies begin five minutes before a 32-bit wrap (INITIAL_JIFFIES) and count ticks of the
 * monotonic clock, whose length is the coarse clock's resolution; but the clock begins a little
 * later than they do.
 */
static uint64_t jiffies_by_clock(void)
{
	struct timespec tick, now;
	uint64_t tick_ns;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	clock_gettime(CLOCK_MONOTONIC, &now);
	tick_ns = (uint64_t)tick.tv_sec * 1000000000u + (uint64_t)tick.tv_nsec;
	return (uint32_t)-(300 * (1000000000 / tick_ns)) +
	       ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) / tick_ns;
}

static uint64_t call_jiffies64(struct cleave_env *env)
{
	const struct env *e = env_state(env);

	if (e->replay)
		return e->replay->ktime_ns / 4000000;
	return jiffies_by_clock() + (uint64_t)(int64_t)e->set->jiffies_offset;
}

/* The program that asks is loaded by who asks first; of several at a time, one's stays. */
static int asking_program(int *kept, int (*open)(void))
{
	int fd = __atomic_load_n(kept, __ATOMIC_ACQUIRE), none = -1, made;

	if (fd >= 0)
		return fd;
	made = open();
	if (made < 0 || __atomic_compare_exchange_n(kept, &none, made, false, __ATOMIC_ACQ_REL,
						    __ATOMIC_ACQUIRE))
		return made;
	close(made);
	return none;
}

static int64_t call_fib_lookup(struct cleave_env *env, void *params, uint32_t size, uint32_t flags)
{
	int fd = asking_program(&env_state(env)->set->route_prog_fd, host_route_open);

	return fd < 0 ? fd : host_route_find(fd, params, size, flags);
}

static int64_t call_check_mtu(struct cleave_env *env, uint32_t ifindex, uint32_t packet_bytes,
			      uint32_t *mtu, int32_t difference, uint64_t flags)
{
	int fd = asking_program(&env_state(env)->set->mtu_prog_fd, host_mtu_open);

	return fd < 0 ? fd : host_mtu_check(fd, ifindex, packet_bytes, mtu, difference, flags);
}

static uint32_t call_prandom_u32(struct cleave_env *env)
{
	struct env *e = env_state(env);
	uint64_t x = e->replay ? e->replay->random : e->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	if (e->replay)
		e->replay->random = x;
	else
		e->random = x;
	return (uint32_t)((x * 0x2545F4914F6CDD1DULL) >> 32);
}

static bool has_device(struct env *e, struct cleave_map *map, uint32_t key)
{
	struct env_device *cached = &e->devices[(key + map->index * 31) % ENV_DEVICES_CACHED];

	if (map->fd < 0)
		return map_lookup(&e->env, map, &key) != NULL;
	if (cached->map == map && cached->key == key && cached->burst == e->burst)
		return cached->exists;
	*cached = (struct env_device){map, key, e->burst, map_kernel_has_device(map, key)};
	return cached->exists;
}

static int call_redirect_check(struct cleave_env *env, struct cleave_map *map, uint32_t key)
{
	bool is_devmap = map->type == BPF_MAP_TYPE_DEVMAP || map->type == BPF_MAP_TYPE_DEVMAP_HASH;

	if (has_device(env_state(env), map, key))
		return is_devmap ? 0 : 1;
	return is_devmap ? -1 : -2;
}

static void call_trace(struct cleave_env *env, const char *text, uint32_t length)
{
	struct env *e = env_state(env);

	if (e->trace)
		e->trace(e->trace_context, text, length);
}

static int64_t call_print(struct cleave_env *env, char *text, uint32_t size, const char *format,
			  uint32_t format_size, const uint64_t *arguments, uint32_t count)
{
	return format_print(text, size, format, format_size, arguments, count);
}

static int64_t call_read_signed(struct cleave_env *env, const char *text, uint32_t size,
				uint64_t flags, int64_t *number)
{
	return format_read_signed(text, size, flags, number);
}

static int64_t call_read_unsigned(struct cleave_env *env, const char *text, uint32_t size,
				  uint64_t flags, uint64_t *number)
{
	return format_read_unsigned(text, size, flags, number);
}

static const struct cleave_calls calls = {
    .map_lookup = map_lookup,
    .map_update = call_update,
    .map_delete = call_delete,
    .map_push = call_push,
    .map_pop = call_pop,
    .map_peek = call_peek,
    .output = env_output,
    .reserve = env_reserve,
    .submit = env_submit,
    .map_add = map_add,
    .map_value = call_value,
    .ktime_ns = call_ktime_ns,
    .jiffies64 = call_jiffies64,
    .prandom_u32 = call_prandom_u32,
    .redirect_check = call_redirect_check,
    .trace = call_trace,
    .print = call_print,
    .read_signed = call_read_signed,
    .read_unsigned = call_read_unsigned,
    .fib_lookup = call_fib_lookup,
    .check_mtu = call_check_mtu,
};

static int new_set(const struct bundle *bundle, struct map_set **set)
{
	struct map_set *s = calloc(1, sizeof *s);

	*set = NULL;
	if (!s)
		return -ENOMEM;
	s->bundle = bundle;
	s->map_count = (uint32_t)bundle->map_count;
	s->global_count = (uint32_t)bundle->global_count;
	s->batch.prog_fd = -1;
	s->output.prog_fd = -1;
	s->route_prog_fd = s->mtu_prog_fd = -1;
	s->specs = calloc(bundle->map_count + 1, sizeof *s->specs);
	s->maps = calloc(bundle->map_count + 1, sizeof *s->maps);
	s->borrowed = calloc(bundle->map_count + 1, sizeof *s->borrowed);
	s->globals = calloc(bundle->global_count + 1, sizeof *s->globals);
	if (!s->specs || !s->maps || !s->borrowed || !s->globals) {
		map_set_free(&s);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < s->map_count; i++)
		s->specs[i] = bundle->maps[i];
	*set = s;
	return 0;
}

static int fail(struct map_set **set, struct diag *diag, const char *what, const char *name,
		int err)
{
	diag_error(diag, NO_LOC, "cannot make the %s '%s': %s", what, name, strerror(-err));
	map_set_free(set);
	return err;
}

static int make_globals(const struct bundle *bundle, struct map_set *set)
{
	size_t bytes = 0;

	for (size_t i = 0; i < bundle->global_count; i++)
		bytes += ((size_t)bundle->globals[i].size + 63) & ~(size_t)63;
	/* calloc aligns to 16, the largest alignment of a plain variable */
	set->global_bytes = calloc(1, bytes + 1);
	if (!set->global_bytes)
		return -ENOMEM;
	for (size_t i = 0, at = 0; i < bundle->global_count; i++) {
		set->globals[i] = set->global_bytes + at;
		at += ((size_t)bundle->globals[i].size + 63) & ~(size_t)63;
	}
	return host_globals_read(bundle, set->globals);
}

/* What maps of maps begin with. */
static int hold_maps(const struct bundle *bundle, struct map_set *set)
{
	int err = 0;

	for (uint32_t i = 0; i < set->map_count; i++)
		for (size_t h = 0; h < bundle->maps[i].held_count && !err; h++)
			err = map_nest_hold(set->maps[i], &bundle->maps[i].held[h].key,
					    set->maps[bundle->maps[i].held[h].map]);
	return err;
}

int map_set_new_native(const struct bundle *bundle, uint32_t cpus, struct map_set **set,
		       struct diag *diag)
{
	int err = new_set(bundle, set);

	if (err)
		return err;
	(*set)->native = true;
	(*set)->cpus = cpus ? cpus : 1;
	err = make_globals(bundle, *set);
	if (err)
		return fail(set, diag, "global variables of", bundle->program, err);
	for (uint32_t i = 0; i < (*set)->map_count; i++) {
		if (bundle->maps[i].home == MAP_HOME_PACKET_LOCAL)
			continue;
		err = map_new_native(&bundle->maps[i], (*set)->cpus, &(*set)->maps[i]);
		if (err)
			return fail(set, diag, "map", bundle->maps[i].name, err);
		(*set)->maps[i]->index = i;
	}
	err = hold_maps(bundle, *set);
	return err ? fail(set, diag, "maps of maps of", bundle->program, err) : 0;
}

static int attach_map(const struct bundle_map *spec, const struct map_set_attachment *attachment,
		      uint32_t index, struct map_set *set)
{
	struct map_attachment one = {.index = index, .epoch = attachment->epoch};
	int err;

	if (spec->home == MAP_HOME_PACKET_LOCAL)
		return 0;
	/* Of an array of programs user has a copy of what it holds. */
	if (spec->home == MAP_HOME_USER || map_type_holds(spec->type) == MAP_HOLDS_PROGRAMS) {
		err = map_new_native(spec, set->cpus, &set->maps[index]);
		if (!err)
			set->maps[index]->index = index;
		return err;
	}
	one.fd = attachment->map_fds ? attachment->map_fds[index] : -1;
	one.values_fd = attachment->value_fds ? attachment->value_fds[index] : -1;
	return map_new_attached(spec, &one, &set->maps[index]);
}

/* So that times which the kernel part stores can be compared with. Without privilege: not needed.
 */
static int32_t measure_jiffies(void)
{
	uint32_t jiffies;

	return host_jiffies_read(&jiffies) ? 0 : (int32_t)(jiffies - (uint32_t)jiffies_by_clock());
}

int map_set_new_attached(const struct bundle *bundle, const struct map_set_attachment *attachment,
			 struct map_set **set, struct diag *diag)
{
	int err = new_set(bundle, set), cpus = host_possible_cpus();

	if (err)
		return err;
	(*set)->cpus = cpus > 0 ? (uint32_t)cpus : 1;
	(*set)->jiffies_offset = measure_jiffies();
	for (uint32_t i = 0; i < (*set)->global_count && attachment->globals; i++)
		(*set)->globals[i] = attachment->globals[i];
	for (uint32_t i = 0; i < (*set)->map_count; i++) {
		err = attach_map(&bundle->maps[i], attachment, i, *set);
		if (err)
			return fail(set, diag, "user side of map", bundle->maps[i].name, err);
	}
	if (attachment->output_prog_fd >= 0 && attachment->output_fd >= 0) {
		(*set)->output.prog_fd = attachment->output_prog_fd;
		err = host_map_mmap(attachment->output_fd, 1, sizeof(struct cleave_output_args),
				    (void **)&(*set)->output.args, &(*set)->output.bytes);
		if (err)
			return fail(set, diag, "mapping of", CLEAVE_MAP_OUTPUT, err);
	}
	if (attachment->batch_prog_fd >= 0 && attachment->batch_fd >= 0) {
		(*set)->batch.prog_fd = attachment->batch_prog_fd;
		err = host_map_mmap(attachment->batch_fd, CLEAVE_BATCH_MAX,
				    sizeof(struct cleave_batch_op), (void **)&(*set)->batch.ops,
				    &(*set)->batch.bytes);
		if (err)
			return fail(set, diag, "mapping of", CLEAVE_MAP_BATCH, err);
	}
	return 0;
}

static void share_global(struct map_set *set, uint32_t index, const struct map_set *with)
{
	const struct bundle_global *own = &set->bundle->globals[index];

	for (uint32_t i = 0; i < with->global_count && !own->constant; i++)
		if (!strcmp(with->bundle->globals[i].name, own->name))
			set->globals[index] = with->globals[i];
}

void map_set_share(struct map_set *set, const struct map_set *with)
{
	for (uint32_t i = 0; i < set->map_count && i < with->map_count; i++) {
		if (!set->maps[i] || !with->maps[i] ||
		    strcmp(set->specs[i].name, with->specs[i].name) ||
		    map_type_holds(set->specs[i].type) == MAP_HOLDS_PROGRAMS)
			continue;
		map_free(&set->maps[i]);
		set->maps[i] = with->maps[i];
		set->borrowed[i] = true;
	}
	for (uint32_t i = 0; i < set->global_count; i++)
		share_global(set, i, with);
}

void map_set_free(struct map_set **set)
{
	struct map_set *s = *set;

	*set = NULL;
	if (!s)
		return;
	for (uint32_t i = 0; s->maps && i < s->map_count; i++)
		if (!s->borrowed || !s->borrowed[i])
			map_free(&s->maps[i]);
	host_map_munmap(s->batch.ops, s->batch.bytes);
	host_map_munmap(s->output.args, s->output.bytes);
	if (s->route_prog_fd >= 0)
		close(s->route_prog_fd);
	if (s->mtu_prog_fd >= 0)
		close(s->mtu_prog_fd);
	free(s->specs);
	free(s->maps);
	free(s->borrowed);
	free(s->globals);
	free(s->global_bytes);
	free(s);
}

struct cleave_map *const *map_set_maps(const struct map_set *set)
{
	return set->maps;
}

uint8_t *const *map_set_globals(const struct map_set *set)
{
	return set->globals;
}

/* Packet-local maps are this environment's own: one value per element, whatever the type says. */
static int make_own_map(struct env *e, uint32_t i)
{
	struct bundle_map spec = e->set->specs[i];
	int err;

	if (spec.home != MAP_HOME_PACKET_LOCAL)
		return 0;
	if (spec.type == BPF_MAP_TYPE_PERCPU_ARRAY)
		spec.type = BPF_MAP_TYPE_ARRAY;
	err = map_new_native(&spec, 1, &e->own[i]);
	if (!err)
		e->own[i]->index = i;
	e->env.maps[i] = e->own[i];
	return err;
}

static int fill(struct env *e, uint32_t cpu)
{
	struct map_set *set = e->set;
	size_t largest = 0;
	int err;

	e->own = calloc(set->map_count + 1, sizeof *e->own);
	e->env.maps = calloc(set->map_count + 1, sizeof *e->env.maps);
	e->env.map_memory = calloc(set->map_count + 1, sizeof *e->env.map_memory);
	if (!e->own || !e->env.maps || !e->env.map_memory)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->map_count; i++) {
		e->env.maps[i] = set->maps[i];
		err = make_own_map(e, i);
		if (err)
			return err;
		e->env.map_memory[i] = map_memory(e->env.maps[i], cpu);
		if (map_value_bytes(e->env.maps[i]) > largest)
			largest = map_value_bytes(e->env.maps[i]);
		if (set->specs[i].inner_count && set->specs[i].inner->value_size > largest)
			largest = set->specs[i].inner->value_size;
	}
	for (uint32_t i = 0; i < set->map_count && !e->record_pool; i++)
		if (set->specs[i].type == BPF_MAP_TYPE_RINGBUF) {
			e->record_pool = malloc(ENV_RECORD_POOL);
			if (!e->record_pool)
				return -ENOMEM;
		}
	if (set->native)
		return 0;
	e->pool = malloc(ENV_COPY_POOL);
	e->scratch = malloc(2 * (largest + 8));
	return e->pool && e->scratch ? 0 : -ENOMEM;
}

int env_new(struct map_set *set, uint32_t cpu, struct cleave_env **env)
{
	struct env *e;
	int err;

	*env = NULL;
	if (cpu >= set->cpus)
		return -EINVAL;
	e = calloc(1, sizeof *e);
	if (!e)
		return -ENOMEM;
	e->set = set;
	e->env.calls = &calls;
	e->env.globals = set->globals;
	e->env.cpu = cpu;
	e->env.numa_node = host_numa_node(cpu);
	e->env.map_count = set->map_count;
	e->env.global_count = set->global_count;
	e->burst = 1;
	if (getrandom(&e->random, sizeof e->random, 0) != sizeof e->random || !e->random)
		e->random = 0x9E3779B97F4A7C15ULL + cpu;
	err = fill(e, cpu);
	*env = &e->env;
	if (err)
		env_free(env);
	return err;
}

void env_free(struct cleave_env **env)
{
	struct env *e = *env ? env_state(*env) : NULL;

	*env = NULL;
	if (!e)
		return;
	for (uint32_t i = 0; e->own && i < e->set->map_count; i++)
		map_free(&e->own[i]);
	free(e->own);
	free(e->env.maps);
	free(e->env.map_memory);
	free(e->pool);
	free(e->scratch);
	free(e->record_pool);
	free(e);
}

void env_set_replay(struct cleave_env *env, struct cleave_replay_inputs *inputs)
{
	env_state(env)->replay = inputs;
}

void env_set_trace(struct cleave_env *env,
		   void (*trace)(void *context, const char *text, uint32_t length), void *context)
{
	env_state(env)->trace = trace;
	env_state(env)->trace_context = context;
}
