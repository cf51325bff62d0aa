#include "frontend/source_core.h"

#include <elf.h>
#include <string.h>

#include "frontend/elf_object.h"
#include "frontend/frontend.h"
#include "support/arena.h"

struct source_core {
	struct arena *arena;
	struct bpf_core_host *host;
	struct bpf_types types;
	struct bpf_core *asked;
	size_t count, capacity;
};

static const struct elf_section *find_section(const struct elf_object *elf, const char *name)
{
	return &elf->sections[elf_object_find(elf, name)];
}

static void note_section(struct source_core *core, const struct elf_section *ext, const char *name)
{
	struct bpf_core *found;
	size_t count;

	bpf_types_core(&core->types, ext->bytes, ext->bytes ? ext->size : 0, name, &found, &count);
	for (size_t i = 0; i < count; i++)
		*ARENA_PUSH(core->arena, core->asked, core->count, core->capacity) = found[i];
}

static void read_questions(struct source_core *core, const struct frontend_source *source,
			   struct diag *diag)
{
	struct elf_object elf;
	const struct elf_section *types, *ext;

	if (elf_object_read(core->arena, source->object, source->object_size, source->path, &elf,
			    diag))
		return;
	types = find_section(&elf, ".BTF");
	ext = find_section(&elf, ".BTF.ext");
	if (!bpf_types_read(core->arena, types->bytes, types->bytes ? types->size : 0,
			    &core->types))
		return;
	for (uint32_t s = 1; s < elf.section_count; s++)
		if (elf.sections[s].type == SHT_PROGBITS && elf.sections[s].flags & SHF_EXECINSTR)
			note_section(core, ext, elf.sections[s].name);
}

struct source_core *source_core_open(struct arena *arena, const struct frontend_source *source,
				     struct diag *diag)
{
	struct source_core *core = arena_alloc(arena, sizeof *core);

	core->arena = arena;
	core->host = bpf_core_host_open(arena, source->btf, diag);
	if (!core->host)
		return NULL;
	if (source->object)
		read_questions(core, source, diag);
	return core;
}

static bool is_asked(const struct source_core *core, const struct bpf_core *asked,
		     const struct source_question *q)
{
	const struct btf_type *type = bpf_types_get(&core->types, asked->type);
	const char *name = type ? bpf_types_name(&core->types, type) : "";

	return asked->kind == q->kind && !strcmp(asked->access, q->access) &&
	       strlen(name) == q->length && !strncmp(name, q->type, q->length);
}

bool source_core_ask(struct source_core *core, const struct source_question *question,
		     struct bpf_core_answer *answer, const char **text)
{
	for (size_t i = 0; i < core->count; i++) {
		if (!is_asked(core, &core->asked[i], question))
			continue;
		*answer = bpf_core_ask(core->host, &core->types, &core->asked[i]);
		*text = bpf_core_text(core->arena, &core->types, &core->asked[i]);
		return true;
	}
	return false;
}
