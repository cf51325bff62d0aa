/*
 * Which program of an object is meant. Objects that old loaders took have sections of any name
 * ("prog", "xdp_prog", "ingress"): the user says what they are by --type, or names the program, or
 * its section, and it is one of XDP unless the name says otherwise.
 */
#include "frontend/object_program.h"

#include <errno.h>
#include <string.h>

#include "frontend/lift.h"
#include "ir/ir.h"
#include "support/arena.h"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Sections that libbpf knows as programs of other kinds. */
static bool is_foreign(const char *section)
{
	static const char *const kinds[] = {
	    "socket",     "kprobe",       "kretprobe",      "ksyscall",
	    "uprobe",     "uretprobe",    "usdt",           "tp",
	    "tracepoint", "raw_tp",       "raw_tracepoint", "fentry",
	    "fexit",      "fmod_ret",     "freplace",       "lsm",
	    "iter",       "cgroup",       "sk_msg",         "sk_skb",
	    "sockops",    "sk_reuseport", "sk_lookup",      "flow_dissector",
	    "perf_event", "lwt_",         "struct_ops",     "syscall",
	    "netfilter",  "lirc_mode2",   "xdp/devmap",     "xdp/cpumap",
	    "xdp_devmap", "xdp_cpumap",   ".text"};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (begins(section, kinds[i]))
			return true;
	return false;
}

/* Without a word from the user. */
static bool looks_like_xdp(const char *section)
{
	return !is_foreign(section) && (begins(section, "prog") || strstr(section, "xdp"));
}

static bool is_meant(const struct bpf_object *o, const struct bpf_function *f, const char *program)
{
	return !strcmp(program, f->name) || !strcmp(program, o->code[f->code].section);
}

/* A section of no known kind gets the name of one. */
static void name_kind(struct bpf_object *o, const struct bpf_function *f,
		      const struct lift_input *input)
{
	const char **section = &o->code[f->code].section;
	bool named = input->program && is_meant(o, f, input->program);
	enum ir_program_kind kind;

	if (!f->entry || (ir_section_kind(*section, &kind) && !input->type))
		return;
	if (input->type && (named || !input->program))
		*section = input->type;
	else if (looks_like_xdp(*section) || (named && !is_foreign(*section)))
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
