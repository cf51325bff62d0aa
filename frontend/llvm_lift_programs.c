/*
 * Which programs of an object become one module: the chosen one, and those that it may reach by
 * tail calls. What a program array can hold is known from its `.values` and from --tail-calls; else
 * it may be any program of the object of the same kind.
 */
#include "frontend/llvm_lift.h"
#include "frontend/object_program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "support/arena.h"

static bool names_map(const char *tail_calls, const char *map)
{
	size_t length = strlen(map);

	for (const char *at = tail_calls; at && *at; at += *at == ',') {
		if (!strncmp(at, map, length) && at[length] == '[')
			return true;
		at += strcspn(at, ",");
	}
	return false;
}

static bool holds_program(const struct bpf_map_symbol *map, const struct bpf_function *f)
{
	for (size_t c = 0; c < map->content_count; c++)
		if (map->contents[c].held.kind == BPF_REFERENCE_CODE &&
		    map->contents[c].held.index == f->code &&
		    map->contents[c].held.offset == f->first)
			return true;
	return false;
}

static bool is_there(const struct lift *l, const struct bpf_function *f)
{
	for (size_t p = 0; p < l->program_count; p++)
		if (l->programs[p].analysis->instances[0].function == f)
			return true;
	return false;
}

static int add_program(struct lift *l, struct bpf_function *f)
{
	struct bpf_analysis *analysis;

	if (is_there(l, f))
		return 0;
	analysis = bpf_analyse(l->object, f, l->diag);
	if (!analysis)
		return -EINVAL;
	*ARENA_PUSH(l->arena, l->programs, l->program_count, l->program_cap) =
	    (struct lift_program){.analysis = analysis};
	return 0;
}

/* Those of the same kind that the user names, or that the map (NULL: any) begins with. */
static int add_named(struct lift *l, const struct bpf_map_symbol *map)
{
	const struct bpf_object *o = l->object;
	enum ir_program_kind kind;
	int err = 0;

	for (size_t i = 0; i < o->function_count && !err; i++) {
		struct bpf_function *f = &l->object->functions[i];

		if (!f->entry || !ir_section_kind(o->code[f->code].section, &kind) ||
		    kind != l->programs[0].analysis->kind)
			continue;
		if (!map || holds_program(map, f) || object_program_in(l->tail_calls, f->name))
			err = add_program(l, f);
	}
	return err;
}

/* `map`: NULL: which one is not known. */
static int add_targets(struct lift *l, const struct bpf_map_symbol *map)
{
	bool known = map && (map->content_count || names_map(l->tail_calls, map->name));

	return add_named(l, known ? map : NULL);
}

static void see_call(struct bpf_analysis *a, int instance, struct bpf_state *state, uint32_t at,
		     void *argument)
{
	struct lift *l = argument;
	const struct bpf_instruction *i = bpf_at(a, instance, at);
	struct bpf_value map = state->reg[2];

	if (i->second || i->code != (BPF_JMP | BPF_CALL) || i->src ||
	    i->reference.kind != BPF_REFERENCE_NONE || i->imm != BPF_FUNC_tail_call)
		return;
	a->err = add_targets(
	    l, map.kind == BPF_VALUE_MAP && map.index >= 0 ? &l->object->maps[map.index] : NULL);
}

int lift_find_programs(struct lift *l, struct bpf_function *program)
{
	static const struct bpf_map_symbol none = {.name = ""};
	int err = add_program(l, program);

	/* Who names programs may name some that nobody calls. */
	if (!err && l->tail_calls)
		err = add_named(l, &none);
	for (size_t p = 0; p < l->program_count && !err; p++) {
		struct bpf_analysis *a = l->programs[p].analysis;

		for (int n = 0; n < (int)a->instance_count && !err; n++) {
			bpf_each_instruction(a, n, see_call, l);
			err = a->err;
		}
	}
	return err;
}

void lift_named_maps(struct lift *l)
{
	for (size_t m = 0; m < l->object->map_count; m++)
		if (names_map(l->tail_calls, l->object->maps[m].name))
			lift_map(l, (int)m);
}

LLVMValueRef lift_program_of(struct lift *l, const struct bpf_reference *reference)
{
	for (size_t p = 0; p < l->program_count; p++) {
		const struct bpf_function *f = l->programs[p].analysis->instances[0].function;

		if (f->code == reference->index && f->first == reference->offset)
			return l->programs[p].functions[0];
	}
	return NULL;
}
