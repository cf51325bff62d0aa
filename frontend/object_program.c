/*
 * Which program of an object is meant. In sections that say nothing what a function takes says it,
 * by BTF; where there is none, the user does by --type, or by naming the program, or its section:
 * it is one of XDP then.
 */
#include "frontend/object_program.h"

#include <errno.h>
#include <string.h>

#include "frontend/lift.h"
#include "frontend/program_section.h"
#include "ir/ir.h"
#include "support/arena.h"

static bool is_meant(const struct bpf_object *o, const struct bpf_function *f, const char *program)
{
	return !strcmp(program, f->name) || !strcmp(program, o->code[f->code].section);
}

/* The struct that the function's one parameter points to, where BTF says it. */
static const char *context_of(const struct bpf_object *o, const struct bpf_function *f)
{
	for (uint32_t id = 1; id <= o->types.count; id++) {
		const struct btf_type *t = bpf_types_get(&o->types, id), *proto, *to;

		if (BTF_INFO_KIND(t->info) != BTF_KIND_FUNC ||
		    strcmp(bpf_types_name(&o->types, t), f->name))
			continue;
		proto = bpf_types_get(&o->types, t->type);
		if (!proto || BTF_INFO_KIND(proto->info) != BTF_KIND_FUNC_PROTO ||
		    BTF_INFO_VLEN(proto->info) != 1)
			return NULL;
		to = bpf_types_bare(&o->types, ((const struct btf_param *)(proto + 1))->type);
		if (!to || BTF_INFO_KIND(to->info) != BTF_KIND_PTR)
			return NULL;
		to = bpf_types_bare(&o->types, to->type);
		return to ? bpf_types_name(&o->types, to) : NULL;
	}
	return NULL;
}

/* A section of no known kind gets the name of one. */
static void name_kind(struct bpf_object *o, const struct bpf_function *f,
		      const struct lift_input *input)
{
	const char **section = &o->code[f->code].section, *guess;
	bool named = input->program && is_meant(o, f, input->program);
	enum ir_program_kind kind;

	if (!f->entry || (ir_section_kind(*section, &kind) && !input->type))
		return;
	guess = program_section_guess(*section, context_of(o, f));
	if (input->type && (named || !input->program))
		*section = input->type;
	else if (named && ir_map_program_section(*section))
		*section = ir_map_program_section(*section);
	else if (guess)
		*section = guess;
	else if (named && !program_section_is_foreign(*section))
		*section = "xdp";
}

bool object_program_is(const struct bpf_object *o, const struct bpf_function *f)
{
	enum ir_program_kind kind;

	return f->entry && ir_section_kind(o->code[f->code].section, &kind);
}

/* Is it known to be called by others: in `.values` of a map, or in --tail-calls? */
static bool is_called(const struct bpf_object *o, const struct bpf_function *f, const char *calls)
{
	for (size_t m = 0; m < o->map_count; m++)
		for (size_t c = 0; c < o->maps[m].content_count; c++) {
			const struct bpf_reference *held = &o->maps[m].contents[c].held;

			if (held->kind == BPF_REFERENCE_CODE && held->index == f->code &&
			    held->offset == f->first)
				return true;
		}
	return object_program_in(calls, f->name);
}

bool object_program_in(const char *tail_calls, const char *program)
{
	size_t length = strlen(program);

	for (const char *at = tail_calls; at && (at = strstr(at, "]=")); at += 2)
		if (!strncmp(at + 2, program, length) && (!at[2 + length] || at[2 + length] == ','))
			return true;
	return false;
}

static int refuse(const struct bpf_object *o, struct diag *diag, enum ir_reason reason,
		  const char *detail)
{
	struct ir_why why = {reason, detail};

	diag_error(diag, (struct src_loc){.file = o->path}, "%s", ir_why_sentence(o->arena, why));
	return -EINVAL;
}

static int refuse_name(const struct bpf_object *o, struct diag *diag, const char *program,
		       const char *names)
{
	diag_error(diag, (struct src_loc){.file = o->path},
		   "there is no XDP or TC program %s in it; there is %s", program, names);
	return -EINVAL;
}

/* Functions in sections of other names, for the message. */
static const char *list_others(const struct bpf_object *o)
{
	const char *names = NULL;

	for (size_t i = 0; i < o->function_count; i++) {
		const struct bpf_function *f = &o->functions[i];
		const char *one =
		    arena_printf(o->arena, "%s in section %s", f->name, o->code[f->code].section);

		if (f->entry)
			names = names ? arena_printf(o->arena, "%s, %s", names, one) : one;
	}
	return names;
}

static int refuse_all(const struct bpf_object *o, struct diag *diag)
{
	const char *others = list_others(o);
	int err = refuse(o, diag, IR_REASON_NO_PROGRAM, NULL);

	if (others)
		diag_note(diag, (struct src_loc){.file = o->path},
			  "there is %s; --program NAME or --type xdp takes it as one", others);
	return err;
}

int object_program_choose(struct bpf_object *o, const struct lift_input *input,
			  struct bpf_function **chosen, struct diag *diag)
{
	const char *names = NULL;
	unsigned count = 0, uncalled = 0, meant = 0;

	*chosen = NULL;
	for (size_t i = 0; i < o->function_count; i++) {
		struct bpf_function *f = &o->functions[i];
		bool called = is_called(o, f, input->tail_calls);
		bool named = input->program && is_meant(o, f, input->program);

		name_kind(o, f, input);
		if (!object_program_is(o, f))
			continue;
		count++;
		meant += named;
		uncalled += !called;
		names = names ? arena_printf(o->arena, "%s, %s", names, f->name) : f->name;
		if (input->program ? named && (!*chosen || !strcmp(input->program, f->name))
				   : !called)
			*chosen = f;
	}
	if (!count)
		return refuse_all(o, diag);
	if (input->program && !*chosen)
		return refuse_name(o, diag, input->program, names);
	if (input->program ? meant > 1 && strcmp(input->program, (*chosen)->name) : uncalled != 1)
		return refuse(o, diag, IR_REASON_MANY_PROGRAMS, names);
	return 0;
}
