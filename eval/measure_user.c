/*
 * A user part that takes every packet from its start (--split user), called in this process the way
 * a worker of the agent calls it, without the sockets around it.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/user_abi.h"
#include "eval/measure.h"
#include "runtime/env.h"
#include "runtime/host_bpf.h"
#include "runtime/map_init.h"
#include "runtime/user_part.h"
#include "support/diag.h"

enum { BURST = 64 };

struct in_user {
	struct contender contender; /* first */
	const struct packet_list *packets;
	struct user_part *part;
	user_main_function *main;
	struct map_set *set;
	struct cleave_env *env;
	struct cleave_handoff handoff; /* entry 0 hands nothing over */
	size_t next;
	uint8_t frame[HOST_TEST_FRAME];
};

static uint32_t do_nothing(struct cleave_packet *packet)
{
	return XDP_PASS;
}

static void run_packet(struct in_user *u, const struct test_packet *p)
{
	uint8_t *data = u->frame + HOST_TEST_HEADROOM;
	struct cleave_packet packet = {.data = data,
				       .data_end = data + p->size,
				       .data_meta = data,
				       .head = u->frame + HOST_TEST_FRAME_HEAD,
				       .limit = u->frame + sizeof u->frame,
				       .handoff = (const uint8_t *)&u->handoff,
				       .env = u->env,
				       .ingress_ifindex = p->ifindex};

	memcpy(data, p->bytes, p->size);
	u->main(&packet);
	if (u->env)
		env_packet_end(u->env);
}

static int64_t run(struct contender *c, size_t turns)
{
	struct in_user *u = (struct in_user *)c;
	int64_t start = measure_spent_ns();

	for (size_t done = 0; done < turns; done++) {
		if (u->env && done % BURST == 0) {
			env_flush(u->env);
			env_burst_begin(u->env);
		}
		run_packet(u, &u->packets->packets[u->next]);
		u->next = u->next + 1 < u->packets->count ? u->next + 1 : 0;
	}
	if (u->env)
		env_flush(u->env);
	return measure_spent_ns() - start;
}

static void free_user(struct contender *c)
{
	struct in_user *u = (struct in_user *)c;

	if (u->env)
		env_free(&u->env);
	if (u->set)
		map_set_free(&u->set);
	if (u->part)
		user_part_close(&u->part);
	free(c->ns);
	free(u);
}

static const struct contender_ops ops = {.run = run, .free = free_user};

static int open_maps(struct in_user *u, const struct check_side_setup *setup)
{
	const struct map_init *init = setup->init;
	int cpus = host_possible_cpus(), err;

	err =
	    map_set_new_native(setup->bundle, cpus > 0 ? (uint32_t)cpus : 1, &u->set, setup->diag);
	if (err)
		return err;
	for (size_t i = 0; init && i < init->global_count; i++)
		memcpy(map_set_globals(u->set)[init->globals[i].global], init->globals[i].bytes,
		       init->globals[i].size);
	if (init)
		err = map_init_write(init, setup->bundle, map_set_maps(u->set), setup->diag);
	return err ? err : env_new(u->set, setup->cpu, &u->env);
}

static int prepare(struct in_user *u, const struct check_side_setup *setup)
{
	int err = user_part_open(&u->part, setup->bundle, BUNDLE_MEMBER_USER, setup->diag);

	if (err)
		return err;
	u->main = user_part_find(u->part, CLEAVE_USER_MAIN);
	if (!u->main || strcmp(setup->bundle->split, "user") != 0) {
		diag_error(setup->diag, NO_LOC,
			   "%s: only a bundle of --split user can be measured "
			   "in user",
			   setup->bundle->source);
		return -EINVAL;
	}
	err = open_maps(u, setup);
	if (!err)
		u->contender.to_user = 1;
	return err;
}

int contender_user_new(struct contender **c, const struct check_side_setup *setup,
		       const struct packet_list *packets)
{
	struct in_user *u = calloc(1, sizeof *u);
	int err = 0;

	if (!u)
		return -ENOMEM;
	u->contender = (struct contender){.ops = &ops, .kind = "user"};
	u->packets = packets;
	u->main = do_nothing;
	u->handoff = (struct cleave_handoff){.generation = 1, .length = sizeof u->handoff};
	if (setup)
		err = prepare(u, setup);
	if (err) {
		free_user(&u->contender);
		return err;
	}
	run(&u->contender, 2 * packets->count);
	*c = &u->contender;
	return 0;
}
