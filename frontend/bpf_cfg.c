#include "frontend/bpf_cfg.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "support/arena.h"

#define JUMP32_ALWAYS (BPF_JMP32 | BPF_JA) /* gotol: the distance stands in imm */

static bool is_jump_class(const struct bpf_instruction *i)
{
	return !i->second && (BPF_CLASS(i->code) == BPF_JMP || BPF_CLASS(i->code) == BPF_JMP32);
}

bool bpf_is_jump(const struct bpf_instruction *i)
{
	return is_jump_class(i) && BPF_OP(i->code) != BPF_CALL && BPF_OP(i->code) != BPF_EXIT;
}

bool bpf_is_exit(const struct bpf_instruction *i)
{
	return !i->second && i->code == (BPF_JMP | BPF_EXIT);
}

bool bpf_is_subprogram_call(const struct bpf_instruction *i)
{
	return !i->second && i->code == (BPF_JMP | BPF_CALL) &&
	       i->reference.kind == BPF_REFERENCE_CODE;
}

static bool calls(const struct bpf_instruction *i, const struct bpf_callback *callback)
{
	if (callback->kfunc)
		return i->reference.kind == BPF_REFERENCE_EXTERN &&
		       !strcmp(i->reference.name, callback->kfunc);
	return !i->src && i->reference.kind == BPF_REFERENCE_NONE && i->imm == callback->helper;
}

const struct bpf_callback *bpf_callback_of(const struct bpf_instruction *i)
{
	static const struct bpf_callback callbacks[] = {
	    {BPF_FUNC_loop, NULL, false, 2, {BPF_PARAMETER_NUMBER, BPF_PARAMETER_SHARED}},
	    {BPF_FUNC_for_each_map_elem,
	     NULL,
	     false,
	     4,
	     {BPF_PARAMETER_MAP, BPF_PARAMETER_KERNEL, BPF_PARAMETER_VALUE, BPF_PARAMETER_SHARED}},
	    {BPF_FUNC_user_ringbuf_drain,
	     NULL,
	     false,
	     2,
	     {BPF_PARAMETER_KERNEL, BPF_PARAMETER_SHARED}},
	    {BPF_FUNC_timer_set_callback,
	     NULL,
	     true,
	     3,
	     {BPF_PARAMETER_MAP, BPF_PARAMETER_KERNEL, BPF_PARAMETER_VALUE}},
	    {0,
	     "bpf_wq_set_callback_impl",
	     true,
	     3,
	     {BPF_PARAMETER_MAP, BPF_PARAMETER_KERNEL, BPF_PARAMETER_VALUE}}};

	if (i->second || i->code != (BPF_JMP | BPF_CALL))
		return NULL;
	for (size_t c = 0; c < sizeof callbacks / sizeof *callbacks; c++)
		if (calls(i, &callbacks[c]))
			return &callbacks[c];
	return NULL;
}

bool bpf_enters_function(const struct bpf_instruction *i)
{
	return bpf_is_subprogram_call(i) || bpf_callback_of(i);
}

static bool always_jumps(const struct bpf_instruction *i)
{
	return i->code == (BPF_JMP | BPF_JA) || i->code == JUMP32_ALWAYS;
}

int64_t bpf_jump_target(const struct bpf_instruction *i, uint32_t at)
{
	return (int64_t)at + 1 + (i->code == JUMP32_ALWAYS ? i->imm : i->offset);
}

static int refuse(const struct bpf_object *o, const struct bpf_function *f, uint32_t at,
		  struct diag *diag, const char *what)
{
	diag_error(diag, bpf_object_place(o, f, at), "%s", what);
	return -EINVAL;
}

/* Marks where blocks begin. */
static int find_leaders(const struct bpf_object *o, const struct bpf_function *f, bool *leader,
			struct diag *diag)
{
	const struct bpf_instruction *code = o->code[f->code].instructions;

	leader[0] = true;
	for (uint32_t at = f->first; at < f->end; at++) {
		const struct bpf_instruction *i = &code[at];

		if (bpf_is_jump(i)) {
			int64_t target = bpf_jump_target(i, at);

			if (target < f->first || target >= f->end || code[target].second)
				return refuse(o, f, at, diag, "this jump leaves the function");
			leader[target - f->first] = true;
		}
		if (bpf_is_jump(i) || bpf_is_exit(i) || bpf_enters_function(i))
			leader[at + 1 - f->first] = true;
	}
	return 0;
}

static void make_blocks(struct arena *arena, const struct bpf_function *f, const bool *leader,
			struct bpf_cfg *cfg, uint32_t *block_at)
{
	size_t count = 0, cap = 0;

	for (uint32_t n = 0; n < f->end - f->first; n++) {
		if (leader[n]) {
			if (count)
				cfg->blocks[count - 1].end = f->first + n;
			*ARENA_PUSH(arena, cfg->blocks, count, cap) =
			    (struct bpf_block){.first = f->first + n,
					       .end = f->end,
					       .next = BPF_NO_BLOCK,
					       .taken = BPF_NO_BLOCK,
					       .order = BPF_NO_BLOCK};
		}
		block_at[n] = (uint32_t)count - 1;
	}
	cfg->block_count = (uint32_t)count;
}

static void link_blocks(const struct bpf_object *o, const struct bpf_function *f,
			struct bpf_cfg *cfg, const uint32_t *block_at)
{
	const struct bpf_instruction *code = o->code[f->code].instructions;

	for (uint32_t b = 0; b < cfg->block_count; b++) {
		struct bpf_block *block = &cfg->blocks[b];
		const struct bpf_instruction *last = &code[block->end - 1];

		if (bpf_is_jump(last))
			block->taken = block_at[bpf_jump_target(last, block->end - 1) - f->first];
		if (bpf_is_exit(last) || (bpf_is_jump(last) && always_jumps(last)))
			continue;
		if (block->end < f->end)
			block->next = b + 1;
	}
}

/* Depth first without recursion; a block is numbered when all behind it are. */
static void order_blocks(struct arena *arena, struct bpf_cfg *cfg)
{
	uint32_t *stack = arena_array(arena, cfg->block_count + 1, sizeof *stack), depth = 0;
	uint8_t *visited = arena_array(arena, cfg->block_count + 1, 1);
	uint32_t *post = arena_array(arena, cfg->block_count + 1, sizeof *post), count = 0;

	stack[depth++] = 0;
	visited[0] = 1;
	while (depth) {
		uint32_t b = stack[depth - 1];
		uint32_t out[] = {cfg->blocks[b].taken, cfg->blocks[b].next};

		if (visited[b] > 2) {
			post[count++] = b;
			depth--;
			continue;
		}
		b = out[visited[b]++ - 1];
		if (b != BPF_NO_BLOCK && !visited[b]) {
			visited[b] = 1;
			stack[depth++] = b;
		}
	}
	cfg->order = arena_array(arena, count + 1, sizeof *cfg->order);
	cfg->order_count = count;
	for (uint32_t n = 0; n < count; n++) {
		cfg->order[n] = post[count - 1 - n];
		cfg->blocks[cfg->order[n]].order = n;
	}
}

static int check_ends(const struct bpf_object *o, const struct bpf_function *f,
		      const struct bpf_cfg *cfg, struct diag *diag)
{
	const struct bpf_instruction *code = o->code[f->code].instructions;

	for (uint32_t n = 0; n < cfg->order_count; n++) {
		const struct bpf_block *block = &cfg->blocks[cfg->order[n]];
		const struct bpf_instruction *last = &code[block->end - 1];

		if (block->next == BPF_NO_BLOCK && !bpf_is_exit(last) &&
		    !(bpf_is_jump(last) && always_jumps(last)))
			return refuse(o, f, block->end - 1, diag,
				      "the code runs over the function's end");
	}
	return 0;
}

struct bpf_cfg *bpf_cfg_get(struct bpf_object *object, struct bpf_function *f, struct diag *diag)
{
	uint32_t count = f->end - f->first;
	struct bpf_cfg *cfg;
	uint32_t *block_at;
	bool *leader;

	if (f->cfg)
		return f->cfg;
	cfg = arena_alloc(object->arena, sizeof *cfg);
	leader = arena_array(object->arena, count + 1, sizeof *leader);
	block_at = arena_array(object->arena, count + 1, sizeof *block_at);
	if (find_leaders(object, f, leader, diag))
		return NULL;
	make_blocks(object->arena, f, leader, cfg, block_at);
	link_blocks(object, f, cfg, block_at);
	order_blocks(object->arena, cfg);
	if (check_ends(object, f, cfg, diag))
		return NULL;
	f->cfg = cfg;
	return cfg;
}
