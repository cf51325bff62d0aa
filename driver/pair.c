/*
 * Two programs of one source in one bundle: XDP and a TC program, or TC at both hooks. They share
 * maps and global variables, so for each of these there is one home, and in strict order one way to
 * watch it, whichever program touches it.
 *
 * What both do with a map is found in rounds: each plan is made with what the other one does as
 * something that is done anyway, and what either does is added, until nothing new comes. Then both
 * plans see the same touches of every map and have the same homes for it.
 */
#include "bundle/write.h"
#include "driver/pipeline.h"
#include "ir/llvm_ir.h"
#include "partitioner/map_homes.h"
#include "support/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 16, VERIFIED_MAX = 8 };

/* What is done to the states of one program, as its partner sees it and it itself. */
struct touches {
	struct ir_outside seen;
	unsigned *kernel, *user;
};

static const char *state_name(const struct ir_program *p, size_t state)
{
	return state < p->map_count ? p->maps[state].name : p->globals[state - p->map_count].name;
}

static bool is_map_state(const struct ir_program *p, size_t state)
{
	return state < p->map_count;
}

/* The same map or global in the other program, or IR_NONE: an array of programs. */
static int find_state(const struct ir_program *p, const struct ir_program *of, size_t state)
{
	for (size_t s = 0; s < map_state_count(p); s++)
		if (is_map_state(p, s) == is_map_state(of, state) &&
		    !strcmp(state_name(p, s), state_name(of, state)))
			return (int)s;
	return IR_NONE;
}

static int load_one(struct compilation *c, const char *bitcode, size_t size, const char *program,
		    const char *const *shared, size_t shared_count)
{
	struct frontend_source source = {.bitcode = bitcode,
					 .bitcode_size = size,
					 .path = c->input.path,
					 .program = program,
					 .tail_calls = c->input.tail_calls,
					 .btf = c->input.btf,
					 .maps = &c->input.maps,
					 .object = c->front.oracle,
					 .object_size = c->front.oracle_size,
					 .shared = shared,
					 .shared_count = shared_count};

	return frontend_load(c->arena, &source, &c->front.program, c->diag);
}

/* Once alone, to see what it names, and once with the names of both. */
static int load_both(struct compilation *c, const char *first, const char *second)
{
	struct compilation *both[] = {c, c->second};
	const char *names[] = {first, second}, **shared;
	size_t count;
	int err = load_one(c->second, c->front.bitcode, c->front.bitcode_size, second, NULL, 0);

	if (err == -EAGAIN) {
		diag_error(c->diag, (struct src_loc){.file = c->input.path},
			   "%s holds BPF assembly, and no pair is made of that", second);
		return -EINVAL;
	}
	if (err)
		return err;
	count = frontend_find_shared(c->arena, c->front.program, c->second->front.program, &shared);
	for (int i = 0; i < 2 && !err; i++) {
		struct ir_program *alone = both[i]->front.program;

		both[i]->front.program = NULL;
		ir_llvm_free(alone->llvm);
		err = load_one(both[i], c->front.bitcode, c->front.bitcode_size, names[i], shared,
			       count);
	}
	return err;
}

static bool is_egress(const struct ir_program *p)
{
	return p->kind == IR_PROGRAM_TC && strstr(p->section, "egress");
}

/* Both at one hook would be one program after the other. */
static int check_hooks(const struct compilation *c)
{
	const struct ir_program *a = c->front.program, *b = c->second->front.program;

	if (a->kind != b->kind || is_egress(a) != is_egress(b))
		return 0;
	diag_error(c->diag, (struct src_loc){.file = c->input.path},
		   "%s (%s) and %s (%s) are no pair: they stand at the same hook", a->name,
		   a->section, b->name, b->section);
	return -EINVAL;
}

int pair_begin(struct compilation *c, const char *second)
{
	const char *first = c->front.program->name;
	const struct ir_program *p = c->front.program;
	int err;

	if (c->front.is_object || p->program_count) {
		diag_error(c->diag, (struct src_loc){.file = c->input.path},
			   "a pair is not made of programs with tail calls: name one with "
			   "--program");
		return -EINVAL;
	}
	c->second = arena_alloc(c->arena, sizeof *c->second);
	*c->second = *c;
	c->second->second = NULL;
	c->second->front.program = NULL;
	c->second->input.program = second;
	err = load_both(c, first, second);
	return err ? err : check_hooks(c);
}

void pair_end(struct compilation *c)
{
	struct compilation *s = c->second;

	c->second = NULL;
	if (!s)
		return;
	bundle_free(&s->bundle);
	if (s->front.program && s->front.program->llvm)
		ir_llvm_free(s->front.program->llvm);
}

static bool has_ops(const struct ir_program *p, int map)
{
	for (size_t o = 0; o < p->op_count; o++)
		if (p->ops[o].map == map)
			return true;
	return false;
}

/* What lies in the packet for one program is state when the other one has another use for it. */
static void agree_on_local_maps(struct compilation *c)
{
	struct ir_program *a = c->front.program, *b = c->second->front.program;

	for (size_t m = 0; m < a->map_count; m++) {
		int other = find_state(b, a, m);

		if (other == IR_NONE || a->maps[m].packet_local == b->maps[other].packet_local)
			continue;
		a->maps[m].packet_local = b->maps[other].packet_local =
		    !has_ops(a, (int)m) || !has_ops(b, other);
	}
}

static void own_touches(const struct compilation *c, unsigned *kernel, unsigned *user)
{
	const struct ir_program *p = c->front.program;

	for (size_t o = 0; o < p->op_count; o++) {
		int state = map_state_of(p, &p->ops[o]);
		ir_layer_set layers = c->plan->blocks[p->ops[o].block].layers;

		if (state == IR_NONE)
			continue;
		if (layers & 1u << IR_LAYER_KERNEL)
			kernel[state] |= map_touch(&p->ops[o]);
		if (layers & 1u << IR_LAYER_USER)
			user[state] |= map_touch(&p->ops[o]);
	}
}

static struct touches touches_new(struct compilation *c)
{
	struct ir_program *p = c->front.program;
	size_t count = map_state_count(p) + 1;
	struct touches t = {.kernel = arena_array(p->arena, count, sizeof(unsigned)),
			    .user = arena_array(p->arena, count, sizeof(unsigned))};
	struct ir_outside *outside = arena_alloc(p->arena, sizeof *outside);

	*outside = (struct ir_outside){t.kernel, t.user};
	p->outside = outside;
	return t;
}

/* Adds what one does to what both know; true when it was not known. */
static bool spread_from(const struct compilation *from, struct touches *own,
			const struct compilation *to, struct touches *other)
{
	const struct ir_program *p = from->front.program;
	size_t count = map_state_count(p);
	unsigned *kernel = arena_array(p->arena, count + 1, sizeof *kernel);
	unsigned *user = arena_array(p->arena, count + 1, sizeof *user);
	bool grew = false;

	own_touches(from, kernel, user);
	for (size_t s = 0; s < count; s++) {
		int there = find_state(to->front.program, p, s);

		if (there == IR_NONE)
			continue;
		grew |= (own->kernel[s] | kernel[s]) != own->kernel[s] ||
			(own->user[s] | user[s]) != own->user[s];
		own->kernel[s] |= kernel[s];
		own->user[s] |= user[s];
		other->kernel[there] |= kernel[s];
		other->user[there] |= user[s];
	}
	return grew;
}

/* Plans both until neither does anything new. `turn`: the one that is planned first. */
static int plan_in_rounds(struct compilation *const both[2], struct touches t[2], int turn)
{
	int err = 0;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		bool grew = false;

		for (int i = 0; i < 2 && !err; i++) {
			int n = (turn + i) % 2;

			err = pipeline_plan(both[n]);
			if (!err)
				grew |= spread_from(both[n], &t[n], both[!n], &t[!n]);
		}
		if (err || !grew)
			return err;
	}
	return -E2BIG;
}

/* An ordered map's keys are told apart by both programs, or by none. */
static void agree_on_keys(struct compilation *const both[2])
{
	const struct ir_program *p = both[0]->front.program;

	for (size_t m = 0; m < p->map_count; m++) {
		int other = find_state(both[1]->front.program, p, m);
		struct plan_map *a = &both[0]->plan->maps[m], *b;

		if (other == IR_NONE)
			continue;
		b = &both[1]->plan->maps[other];
		a->whole |= b->whole | !backend_tells_keys(both[0]->plan, (int)m) |
			    !backend_tells_keys(both[1]->plan, other);
		b->whole = a->whole;
	}
}

/* Which of the two goes first decides what the other one finds; where one way fails, the other may
 * not. */
static int plan_both(struct compilation *c)
{
	struct compilation *both[] = {c, c->second};
	struct diag *loud = c->diag, quiet = *loud;
	char *said = NULL;
	size_t length;
	int err = -EINVAL;

	for (int turn = 0; turn < 2 && err; turn++) {
		struct touches t[] = {touches_new(c), touches_new(c->second)};

		free(said);
		said = NULL;
		quiet.out = open_memstream(&said, &length);
		if (!quiet.out)
			return -ENOMEM;
		c->diag = c->second->diag = &quiet;
		err = plan_in_rounds(both, t, turn);
		c->diag = c->second->diag = loud;
		fclose(quiet.out);
	}
	if (err && said)
		fputs(said, loud->out);
	free(said);
	if (!err)
		agree_on_keys(both);
	return err;
}

static bool is_settled(struct compilation *c)
{
	struct compilation *both[] = {c, c->second};

	for (int i = 0; i < 2; i++) {
		const struct ir_program *p = both[i]->front.program;
		size_t count = map_state_count(p) + 1;
		unsigned *kernel = arena_array(p->arena, count, sizeof *kernel);
		unsigned *user = arena_array(p->arena, count, sizeof *user);

		own_touches(both[i], kernel, user);
		for (size_t s = 0; s + 1 < count; s++)
			if ((kernel[s] & ~p->outside->kernel[s] ||
			     user[s] & ~p->outside->user[s]) &&
			    find_state(both[!i]->front.program, p, s) != IR_NONE)
				return false;
	}
	return true;
}

static int emit_both(struct compilation *c)
{
	int err;

	memset(c->parts, 0, sizeof c->parts);
	memset(c->second->parts, 0, sizeof c->second->parts);
	err = pipeline_emit(c);
	return err ? err : pipeline_emit(c->second);
}

/* What the verifier refuses of one program may change what the other one may do. */
static int verify_both(struct compilation *c)
{
	int err = 0;

	for (int round = 0; round < VERIFIED_MAX && !err; round++) {
		unsigned remedies = c->remedies + c->second->remedies;

		err = pipeline_verify(c);
		if (!err)
			err = pipeline_verify(c->second);
		if (err || (c->remedies + c->second->remedies == remedies && is_settled(c)))
			return err;
		err = plan_both(c);
		if (!err)
			err = emit_both(c);
	}
	if (!err)
		diag_error(c->diag, (struct src_loc){.file = c->input.path},
			   "no plan for both programs that the verifier takes was found");
	return err ? err : -EINVAL;
}

/* The second is a member of the first; and what cannot be compared of one cannot of the other. */
static int join_bundles(struct compilation *c)
{
	struct bundle *a = c->bundle, *b = c->second->bundle;
	const char *refusal = a->kernel_refusal ? a->kernel_refusal : b->kernel_refusal;
	char *bytes;
	size_t size;
	int err;

	if (refusal) {
		a->kernel_can_run_source = b->kernel_can_run_source = false;
		a->kernel_refusal = arena_strdup(a->arena, refusal);
		b->kernel_refusal = arena_strdup(b->arena, refusal);
	}
	a->min_kernel = a->min_kernel > b->min_kernel ? a->min_kernel : b->min_kernel;
	err = bundle_emit(b, &bytes, &size);
	if (err)
		return err;
	bundle_add(a, BUNDLE_MEMBER_SECOND, bytes, size);
	a->second = b;
	return 0;
}

int pair_run_stage(struct compilation *c, int stage)
{
	const char *name = pipeline[stage].name;
	int err;

	if (!strcmp(name, "plan"))
		return plan_both(c);
	if (!strcmp(name, "verify"))
		return verify_both(c);
	err = pipeline[stage].run(c);
	if (!err)
		err = pipeline[stage].run(c->second);
	if (!err && !strcmp(name, "effects"))
		agree_on_local_maps(c);
	if (!err && !strcmp(name, "bundle"))
		err = join_bundles(c);
	return err;
}
