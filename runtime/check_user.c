/* Native parts, one packet at a time. */
#include "runtime/check_user.h"

#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "runtime/env.h"
#include "runtime/map.h"
#include "runtime/packet_list.h"

enum { ETHERNET_BYTES = 14 };

/* A fault of the part under test is one of its outcomes, not the end of the check. */
static __thread sigjmp_buf after_crash;
static __thread volatile sig_atomic_t in_part;

static void note_crash(int signal_number)
{
	if (in_part)
		siglongjmp(after_crash, 1);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	struct sigaction action = {.sa_handler = note_crash, .sa_flags = SA_NODEFER};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, NULL);
}

/* The calls have no room for a context of ours: the user that runs in this thread now. */
static __thread struct check_user *running;

static void note(struct cleave_env *env, const struct cleave_map *map, const void *key)
{
	uint32_t index = 0;

	while (index < env->map_count && env->maps[index] != map)
		index++;
	if (index < env->map_count)
		check_touches_add(&running->touches, index, key, map_key_bytes(map));
}

static void *note_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	note(env, map, key);
	return running->calls->map_lookup(env, map, key);
}

static int64_t note_update(struct cleave_env *env, struct cleave_map *map, const void *key,
			   const void *value, uint64_t flags)
{
	note(env, map, key);
	return running->calls->map_update(env, map, key, value, flags);
}

static int64_t note_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	note(env, map, key);
	return running->calls->map_delete(env, map, key);
}

static void note_add(struct cleave_env *env, struct cleave_map *map, const void *key,
		     uint32_t offset, uint32_t size, uint64_t operand)
{
	note(env, map, key);
	running->calls->map_add(env, map, key, offset, size, operand);
}

int check_user_open(struct check_user *user, struct map_set *set, uint32_t cpu, bool tc)
{
	int err = env_new(set, cpu, &user->env);

	if (err)
		return err;
	user->tc = tc;
	user->calls = user->env->calls;
	user->noting = *user->calls;
	user->noting.map_lookup = note_lookup;
	user->noting.map_update = note_update;
	user->noting.map_delete = note_delete;
	user->noting.map_add = note_add;
	user->env->calls = &user->noting;
	env_set_events(user->env, &user->events);
	catch_crashes();
	return 0;
}

void check_user_close(struct check_user *user)
{
	env_free(&user->env);
	events_free(&user->events);
}

void check_user_set(struct check_user *user, const uint8_t *bytes, uint32_t size, uint32_t ifindex)
{
	/* One that the kernel part made longer begins earlier in the frame, as it does there. */
	uint32_t room = (uint32_t)sizeof user->frame - size;
	uint8_t *data = user->frame + (room < HOST_TEST_HEADROOM ? room : HOST_TEST_HEADROOM);

	assert(size <= sizeof user->frame - HOST_TEST_FRAME_HEAD);
	memset(user->frame, 0, sizeof user->frame);
	memcpy(data, bytes, size);
	check_touches_clear(&user->touches);
	events_clear(&user->events);
	user->packet = (struct cleave_packet){
	    .data = data,
	    .data_end = data + size,
	    .data_meta = data,
	    .head = user->frame + HOST_TEST_FRAME_HEAD,
	    .limit = user->frame + sizeof user->frame,
	    .handoff = user->handoff,
	    .env = user->env,
	    .ingress_ifindex = ifindex,
	};
	if (!user->tc)
		return;
	user->packet.skb = &user->skb;
	user->packet.end = data + size;
	user->packet.network = ETHERNET_BYTES;
	if (user->skb.linear < size)
		user->packet.data_end = data + user->skb.linear;
}

static uint32_t run_caught(struct check_user *user, user_main_function *function)
{
	uint8_t *data = user->packet.data;
	uint32_t action;

	if (sigsetjmp(after_crash, 1)) {
		user->packet.data = user->packet.data_end = user->packet.data_meta = data;
		user->packet.end = data;
		action = CHECK_CRASHED;
	} else {
		in_part = 1;
		action = function(&user->packet);
	}
	in_part = 0;
	return action;
}

uint32_t check_user_run(struct check_user *user, user_main_function *function,
			struct cleave_replay_inputs *inputs)
{
	uint32_t action;

	running = user;
	env_set_replay(user->env, inputs);
	env_burst_begin(user->env);
	action = run_caught(user, function);
	env_packet_end(user->env);
	env_flush(user->env);
	running = NULL;
	return action;
}

void check_user_outcome(const struct check_user *user, uint32_t action,
			struct check_outcome *outcome)
{
	const struct cleave_packet *p = &user->packet;
	const uint8_t *end = cleave_packet_end(p);

	assert(p->data >= user->frame && p->data <= p->data_end && p->data_end <= p->limit &&
	       end <= p->limit);
	outcome->tc = user->tc;
	outcome->skb_known = user->tc;
	outcome->skb = user->skb;
	events_clear(&outcome->events);
	events_append(&outcome->events, &user->events);
	outcome->verdict = action;
	outcome->redirect_known = true;
	outcome->redirect_kind = p->redirect_kind;
	outcome->redirect_target = p->redirect_target;
	outcome->redirect_map = p->redirect_map;
	outcome->redirect_flags = p->redirect_flags;
	outcome->meta = user->tc ? 0 : (uint32_t)(p->data - p->data_meta);
	assert(outcome->meta <= CHECK_META_MAX);
	memcpy(outcome->meta_bytes, p->data_meta, outcome->meta);
	outcome->size = (uint32_t)(end - p->data);
	memcpy(outcome->bytes, p->data, outcome->size);
}
