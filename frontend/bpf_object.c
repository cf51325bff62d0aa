#include "frontend/bpf_object.h"

#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

#define SLOT 8 /* bytes of one instruction */

static int complain(const struct bpf_object *o, struct diag *diag, const char *what)
{
	diag_error(diag, (struct src_loc){.file = o->path}, "%s", what);
	return -EINVAL;
}

/* ---- instructions ---- */

static void decode(const uint8_t *bytes, struct bpf_instruction *to)
{
	struct bpf_insn raw;

	memcpy(&raw, bytes, sizeof raw);
	*to = (struct bpf_instruction){.code = raw.code,
				       .dst = raw.dst_reg,
				       .src = raw.src_reg,
				       .offset = raw.off,
				       .imm = raw.imm};
}

static bool is_wide(const struct bpf_instruction *i)
{
	return i->code == (BPF_LD | BPF_DW | BPF_IMM);
}

static int decode_section(struct bpf_object *o, uint32_t section, struct diag *diag)
{
	const struct elf_section *s = &o->elf.sections[section];
	struct bpf_code *code = ARENA_PUSH(o->arena, o->code, o->code_count, o->code_cap);

	code->section = s->name;
	code->elf_section = section;
	code->count = (uint32_t)(s->size / SLOT);
	code->instructions = arena_array(o->arena, code->count + 1, sizeof *code->instructions);
	if (s->size % SLOT || s->size / SLOT > UINT32_MAX)
		return complain(
		    o, diag,
		    arena_printf(o->arena, "section %s holds half an instruction", s->name));
	for (uint32_t i = 0; i < code->count; i++)
		decode(s->bytes + (size_t)i * SLOT, &code->instructions[i]);
	for (uint32_t i = 0; i < code->count; i++) {
		struct bpf_instruction *now = &code->instructions[i], *next = now + 1;

		if (!is_wide(now) || i + 1 == code->count)
			continue;
		next->second = true;
		now->wide = (int64_t)((uint64_t)(uint32_t)next->imm << 32 | (uint32_t)now->imm);
		i++;
	}
	bpf_types_lines(&o->types, o->ext, o->ext_size, s->name, &code->lines, &code->line_count);
	bpf_object_note_questions(o, code);
	return 0;
}

static bool holds_code(const struct elf_section *s)
{
	return s->type == SHT_PROGBITS && s->flags & SHF_EXECINSTR && s->size;
}

/* ---- functions ---- */

static bool names_function(const struct elf_symbol *symbol, uint32_t section)
{
	return symbol->section == section && symbol->type == STT_FUNC && symbol->value % SLOT == 0;
}

static void add_function(struct bpf_object *o, int code, const char *name, uint64_t first)
{
	struct bpf_function *f =
	    ARENA_PUSH(o->arena, o->functions, o->function_count, o->function_cap);

	*f = (struct bpf_function){.name = *name ? name : o->code[code].section,
				   .code = code,
				   .first = (uint32_t)first,
				   .entry = strcmp(o->code[code].section, ".text") != 0};
}

static int by_place(const void *left, const void *right)
{
	const struct bpf_function *a = left, *b = right;

	if (a->code != b->code)
		return a->code < b->code ? -1 : 1;
	return (a->first > b->first) - (a->first < b->first);
}

/*
 * Functions end where the next begins. Without symbols a section is one function; static functions
 * of a section whose symbols were stripped are found by their calls (add_called).
 */
static void find_functions(struct bpf_object *o)
{
	for (int c = 0; c < (int)o->code_count; c++) {
		size_t before = o->function_count;

		for (uint32_t s = 0; s < o->elf.symbol_count; s++)
			if (names_function(&o->elf.symbols[s], o->code[c].elf_section) &&
			    o->elf.symbols[s].value / SLOT < o->code[c].count &&
			    !bpf_object_function(o, c, (int64_t)(o->elf.symbols[s].value / SLOT)))
				add_function(o, c, o->elf.symbols[s].name,
					     o->elf.symbols[s].value / SLOT);
		if (o->function_count == before || !bpf_object_function(o, c, 0))
			add_function(o, c, "", 0);
	}
}

static void add_called(struct bpf_object *o)
{
	for (size_t c = 0; c < o->code_count; c++)
		for (uint32_t i = 0; i < o->code[c].count; i++) {
			const struct bpf_reference *r = &o->code[c].instructions[i].reference;

			if (r->kind != BPF_REFERENCE_CODE || r->offset < 0 ||
			    r->offset >= o->code[r->index].count ||
			    bpf_object_function(o, r->index, r->offset))
				continue;
			add_function(o, r->index,
				     arena_printf(o->arena, "%s_%lld", o->code[r->index].section,
						  (long long)r->offset),
				     (uint64_t)r->offset);
		}
}

static void end_functions(struct bpf_object *o)
{
	if (o->function_count)
		qsort(o->functions, o->function_count, sizeof *o->functions, by_place);
	for (size_t f = 0; f < o->function_count; f++) {
		struct bpf_function *now = &o->functions[f], *next = now + 1;
		bool last = f + 1 == o->function_count || next->code != now->code;

		now->end = last ? o->code[now->code].count : next->first;
		now->place = bpf_object_place(o, now, now->first);
	}
}

struct bpf_function *bpf_object_function(const struct bpf_object *object, int code,
					 int64_t instruction)
{
	for (size_t f = 0; f < object->function_count; f++)
		if (object->functions[f].code == code && object->functions[f].first == instruction)
			return &object->functions[f];
	return NULL;
}

const struct bpf_function *bpf_object_function_at(const struct bpf_object *object, int code,
						  uint32_t instruction)
{
	for (size_t f = 0; f < object->function_count; f++)
		if (object->functions[f].code == code &&
		    object->functions[f].first <= instruction &&
		    instruction < object->functions[f].end)
			return &object->functions[f];
	return NULL;
}

/* ---- relocations ---- */

static int find_code(const struct bpf_object *o, uint32_t section)
{
	for (size_t c = 0; c < o->code_count; c++)
		if (o->code[c].elf_section == section)
			return (int)c;
	return -1;
}

static int refuse(const struct bpf_object *o, int code, uint32_t instruction, struct diag *diag,
		  const char *what)
{
	const struct bpf_function *f = bpf_object_function_at(o, code, instruction);

	diag_error(diag,
		   f ? bpf_object_place(o, f, instruction) : (struct src_loc){.file = o->path},
		   "%s", what);
	return -EINVAL;
}

/* A call, or the address of a function. `in_place`: what stands in the instruction, in slots. */
static bool refer_to_code(const struct bpf_object *o, const struct elf_symbol *symbol,
			  int64_t in_place, struct bpf_reference *to)
{
	int code = find_code(o, symbol->section);

	if (code < 0 || symbol->value % SLOT)
		return false;
	*to = (struct bpf_reference){BPF_REFERENCE_CODE, code,
				     (int64_t)(symbol->value / SLOT) + in_place, NULL};
	return true;
}

static bool refer_to_data(const struct bpf_object *o, const struct elf_symbol *symbol,
			  int64_t addend, struct bpf_reference *to)
{
	int64_t offset = (int64_t)((uint64_t)symbol->value + (uint64_t)addend);
	/* As libbpf: a map's symbol says which, whatever stands in the instruction. */
	int map = bpf_object_find_map(
	    o, symbol->section, symbol->type == STT_SECTION ? offset : (int64_t)symbol->value);
	int data = bpf_object_find_data(o, symbol->section);

	if (map >= 0)
		*to = (struct bpf_reference){BPF_REFERENCE_MAP, map, 0, NULL};
	else if (data >= 0)
		*to = (struct bpf_reference){BPF_REFERENCE_DATA, data, offset, NULL};
	return map >= 0 || data >= 0;
}

static int apply(struct bpf_object *o, int code, const struct elf_relocation *r, struct diag *diag)
{
	uint32_t at = (uint32_t)(r->offset / SLOT);
	struct bpf_instruction *i = &o->code[code].instructions[at];
	const struct elf_symbol *symbol = &o->elf.symbols[r->symbol];
	int64_t addend = r->has_addend ? r->addend : i->imm;
	bool call = i->code == (BPF_JMP | BPF_CALL), done;

	if (!call && !is_wide(i))
		return refuse(o, code, at, diag, "a relocation of an instruction that takes none");
	if (!symbol->section) {
		i->reference = (struct bpf_reference){BPF_REFERENCE_EXTERN, 0, 0, symbol->name};
		return 0;
	}
	if (call)
		done = refer_to_code(o, symbol, (int64_t)i->imm + 1, &i->reference);
	else if (o->elf.sections[symbol->section].flags & SHF_EXECINSTR)
		done = addend % SLOT == 0 && refer_to_code(o, symbol, addend / SLOT, &i->reference);
	else
		done = refer_to_data(o, symbol, addend, &i->reference);
	if (done)
		return 0;
	return refuse(o, code, at, diag,
		      arena_printf(o->arena,
				   "a reference to %s in section %s, which is neither a "
				   "map, data nor code",
				   *symbol->name ? symbol->name : "a place",
				   o->elf.sections[symbol->section].name));
}

static int apply_all(struct bpf_object *o, int code, struct diag *diag)
{
	struct elf_relocation *r;
	size_t count;
	int err = elf_object_relocations(&o->elf, o->code[code].elf_section, &r, &count, diag);

	for (size_t i = 0; i < count && !err; i++) {
		if (r[i].offset % SLOT || r[i].offset / SLOT >= o->code[code].count)
			return complain(o, diag, "a relocation lies outside of its section");
		err = apply(o, code, &r[i], diag);
	}
	return err;
}

/* Calls within the section that the compiler has resolved. */
static void resolve_near_calls(struct bpf_object *o, int code)
{
	for (uint32_t at = 0; at < o->code[code].count; at++) {
		struct bpf_instruction *i = &o->code[code].instructions[at];

		if (!i->second && i->code == (BPF_JMP | BPF_CALL) && i->src == BPF_PSEUDO_CALL &&
		    i->reference.kind == BPF_REFERENCE_NONE)
			i->reference = (struct bpf_reference){BPF_REFERENCE_CODE, code,
							      (int64_t)at + 1 + i->imm, NULL};
	}
}

/* ---- places ---- */

static const struct bpf_line *find_line(const struct bpf_code *code, uint32_t instruction)
{
	size_t low = 0, high = code->line_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (code->lines[middle].instruction <= instruction)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &code->lines[low - 1] : NULL;
}

struct src_loc bpf_object_place(const struct bpf_object *object,
				const struct bpf_function *function, uint32_t instruction)
{
	const struct bpf_line *line = find_line(&object->code[function->code], instruction);
	const char *slash = strrchr(object->path, '/');
	uint32_t number = instruction - function->first;

	if (line && line->instruction >= function->first && *line->file && line->line)
		return (struct src_loc){line->file, line->line, line->column};
	return (struct src_loc){.file =
				    arena_printf(object->arena, "./%s[%s]",
						 slash ? slash + 1 : object->path, function->name),
				.line = number ? number : 1};
}

/* ---- the whole ---- */

static void read_types(struct bpf_object *o)
{
	const struct elf_section *btf = &o->elf.sections[elf_object_find(&o->elf, ".BTF")];
	const struct elf_section *ext = &o->elf.sections[elf_object_find(&o->elf, ".BTF.ext")];

	if (bpf_types_read(o->arena, btf->bytes, btf->bytes ? btf->size : 0, &o->types)) {
		o->ext = ext->bytes;
		o->ext_size = ext->bytes ? ext->size : 0;
	}
}

int bpf_object_read(struct arena *arena, const void *bytes, size_t size, const char *path,
		    struct bpf_object *object, struct diag *diag)
{
	struct bpf_object *o = object;
	int err;

	*o = (struct bpf_object){.arena = arena, .path = path};
	err = elf_object_read(arena, bytes, size, path, &o->elf, diag);
	if (err)
		return err;
	read_types(o);
	for (uint32_t s = 1; s < o->elf.section_count && !err; s++)
		if (holds_code(&o->elf.sections[s]))
			err = decode_section(o, s, diag);
	if (!err && !o->code_count)
		err = complain(o, diag, "there is no code in this object");
	if (!err)
		err = bpf_object_read_data(o, diag);
	if (err)
		return err;
	find_functions(o);
	end_functions(o);
	for (int c = 0; c < (int)o->code_count && !err; c++) {
		resolve_near_calls(o, c);
		err = apply_all(o, c, diag);
	}
	add_called(o);
	end_functions(o);
	return err;
}
