/*
 * Both programs of a pair as one side. Which of them a packet goes to follows from the packet, so
 * that a shorter list keeps it; what is held comes out in the order in which it went in.
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/check_side.h"
#include "runtime/packet_list.h"
#include "runtime/packet_random.h"

struct pair {
	struct check_side side; /* first */
	struct check_side *program[2];
	unsigned *order; /* of the programs that hold packets: a ring */
	size_t first, capacity;
};

static unsigned choose(const struct test_packet *packet)
{
	uint64_t random = packet_random_seed(packet->time_ns);

	return (unsigned)packet_random_below(&random, 2);
}

const struct bundle *check_pair_takes(const struct bundle *bundle, const struct test_packet *packet)
{
	return bundle->second && choose(packet) ? bundle->second : bundle;
}

static int run(struct check_side *side, const struct test_packet *packet,
	       const struct cleave_replay_inputs *inputs, struct check_outcome *outcome)
{
	struct pair *p = (struct pair *)side;
	unsigned n = choose(packet), held = p->program[n]->held;
	int err = p->program[n]->ops->run(p->program[n], packet, inputs, outcome);

	side->touches = p->program[n]->touches;
	if (!err && p->program[n]->held > held)
		p->order[(p->first + side->held++) % p->capacity] = n;
	return err;
}

static int complete(struct check_side *side, struct check_outcome *outcome)
{
	struct pair *p = (struct pair *)side;
	struct check_side *from = p->program[p->order[p->first]];

	p->first = (p->first + 1) % p->capacity;
	side->held--;
	side->touches = from->touches;
	return from->ops->complete(from, outcome);
}

static void free_pair(struct check_side *side)
{
	struct pair *p = (struct pair *)side;

	check_side_free(&p->program[1]);
	check_side_free(&p->program[0]);
	free(p->order);
	free(p);
}

static const struct check_side_ops ops = {.run = run, .complete = complete, .free = free_pair};

int check_pair_new(check_side_make *make, struct check_side **side,
		   const struct check_side_setup *setup)
{
	struct check_side_setup second = *setup;
	struct pair *p;
	int err;

	if (!setup->bundle->second)
		return make(side, setup);
	p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->capacity = 2 * ((size_t)setup->delay + 1);
	p->order = calloc(p->capacity, sizeof *p->order);
	err = p->order ? make(&p->program[0], setup) : -ENOMEM;
	second.bundle = setup->bundle->second;
	second.first = p->program[0];
	if (!err)
		err = make(&p->program[1], &second);
	if (err) {
		free_pair(&p->side);
		return err;
	}
	p->side = *p->program[0];
	p->side.ops = &ops;
	p->side.held = 0;
	*side = &p->side;
	return 0;
}
