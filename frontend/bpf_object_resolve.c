/* What the kernel's BTF answers becomes part of the instructions, as libbpf does when it loads. */
#include "frontend/bpf_object.h"

#include <linux/bpf.h>
#include <string.h>

#include "frontend/bpf_kfuncs.h"
#include "ir/kfuncs.h"
#include "support/arena.h"

void bpf_object_note_questions(struct bpf_object *o, struct bpf_code *code)
{
	struct bpf_core *core;
	size_t count;

	bpf_types_core(&o->types, o->ext, o->ext_size, code->section, &core, &count);
	for (size_t i = 0; i < count; i++) {
		struct bpf_relocated *note;

		if (core[i].instruction >= code->count)
			continue;
		note = arena_alloc(o->arena, sizeof *note);
		note->question = core[i];
		note->answer.outcome = BPF_CORE_NO_KERNEL;
		code->instructions[core[i].instruction].core = note;
	}
}

static bool size_code(uint32_t bytes, uint8_t *code)
{
	switch (bytes) {
	case 1:
		*code = BPF_B;
		return true;
	case 2:
		*code = BPF_H;
		return true;
	case 4:
		*code = BPF_W;
		return true;
	case 8:
		*code = BPF_DW;
		return true;
	default:
		return false;
	}
}

/* An access of a field whose size in the kernel is another. */
static const char *resize(struct bpf_instruction *i, const struct bpf_core_answer *answer)
{
	uint8_t mine, theirs;

	if (!answer->bytes)
		return NULL;
	if (!answer->resizable)
		return "in the kernel it is of another size";
	if (!size_code(answer->local_bytes, &mine) || !size_code(answer->bytes, &theirs) ||
	    BPF_SIZE(i->code) != mine)
		return "its size cannot be adapted";
	i->code = (uint8_t)((i->code & ~0x18) | theirs);
	return NULL;
}

static const char *put(struct bpf_instruction *i, const struct bpf_core_answer *answer)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_SRC(i->code) != BPF_K || answer->value > INT32_MAX)
			return "the instruction has no room for it";
		i->imm = (int32_t)answer->value;
		return NULL;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		if (answer->value > INT16_MAX)
			return "the instruction has no room for it";
		i->offset = (int16_t)answer->value;
		return resize(i, answer);
	default:
		if (i->code != (BPF_LD | BPF_DW | BPF_IMM))
			return "the instruction has no place for it";
		i->imm = (int32_t)answer->value;
		i->wide = (int64_t)answer->value;
		return NULL;
	}
}

/* Many accesses of one struct ask the same. */
static const struct bpf_core_answer *asked_before(const struct bpf_code *code, uint32_t end,
						  const struct bpf_core *q)
{
	enum { LOOK_BACK = 256 };
	uint32_t first = end > LOOK_BACK ? end - LOOK_BACK : 0;

	while (end-- > first) {
		const struct bpf_relocated *core = code->instructions[end].core;

		if (core && core->question.type == q->type && core->question.kind == q->kind &&
		    core->question.access == q->access)
			return &core->answer;
	}
	return NULL;
}

static void resolve(struct bpf_object *o, struct bpf_code *code, uint32_t at,
		    struct bpf_core_host *host)
{
	struct bpf_instruction *i = &code->instructions[at];
	struct bpf_relocated *note = arena_alloc(o->arena, sizeof *note);
	const struct bpf_core_answer *before;

	*note = *i->core;
	before = asked_before(code, at, &note->question);
	note->answer = before ? *before : bpf_core_ask(host, &o->types, &note->question);
	if (note->answer.outcome == BPF_CORE_ANSWERED)
		note->fault = put(i, &note->answer);
	i->core = note;
}

static bool kernel_has(struct bpf_core_host *host, const char *name)
{
	const struct bpf_types *types = bpf_core_host_types(host);

	for (uint32_t id = 1; types && id <= types->count; id++)
		if (BTF_INFO_KIND(types->type[id]->info) == BTF_KIND_FUNC &&
		    !strcmp(bpf_types_name(types, types->type[id]), name))
			return true;
	return !types && ir_kfunc_by_name(name);
}

/* bpf_ksym_exists(): the address of a function that the kernel does not have is NULL. */
static void resolve_address(struct bpf_object *o, struct bpf_instruction *i,
			    struct bpf_core_host *host)
{
	const char *name = i->reference.name;

	if (i->code != (BPF_LD | BPF_DW | BPF_IMM) || !bpf_kfunc_prototype(&o->types, name) ||
	    !elf_object_is_weak(&o->elf, name) || kernel_has(host, name))
		return;
	i->reference = (struct bpf_reference){.kind = BPF_REFERENCE_NONE};
	i->src = 0;
	i->imm = 0;
	i->wide = 0;
}

void bpf_object_resolve(struct bpf_object *object, struct bpf_core_host *host)
{
	for (size_t c = 0; c < object->code_count; c++)
		for (uint32_t at = 0; at < object->code[c].count; at++)
			if (object->code[c].instructions[at].reference.kind == BPF_REFERENCE_EXTERN)
				resolve_address(object, &object->code[c].instructions[at], host);
	for (size_t c = 0; c < object->code_count; c++)
		for (uint32_t at = 0; at < object->code[c].count; at++)
			if (object->code[c].instructions[at].core)
				resolve(object, &object->code[c], at, host);
}
