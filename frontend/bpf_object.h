/*
 * A BPF object's programs, maps and data, with symbols in place of relocated numbers.
 *
 * Instructions are decoded once, section by section; a wide load (two slots) keeps its second slot,
 * marked, so that an instruction's index is its offset over 8, as the kernel and llvm-objdump
 * count. What an instruction refers to is a bpf_reference, never a raw number:
 *
 *     r1 = map ll        {BPF_REFERENCE_MAP, index in maps[]}
 *     r1 = .rodata+8 ll  {BPF_REFERENCE_DATA, index in data[], offset 8}
 *     call .text+16      {BPF_REFERENCE_CODE, index in code[], instruction 2}
 *     call bpf_kfunc     {BPF_REFERENCE_EXTERN, name}
 */
#ifndef CLEAVE_FRONTEND_BPF_OBJECT_H
#define CLEAVE_FRONTEND_BPF_OBJECT_H

#include "frontend/bpf_core.h"
#include "frontend/bpf_types.h"
#include "frontend/elf_object.h"
#include "support/diag.h"

enum bpf_reference_kind {
	BPF_REFERENCE_NONE,
	BPF_REFERENCE_MAP,
	BPF_REFERENCE_DATA,
	BPF_REFERENCE_CODE,
	BPF_REFERENCE_EXTERN,
};

struct bpf_reference {
	enum bpf_reference_kind kind;
	int index;
	int64_t offset;   /* DATA: bytes; CODE: instruction */
	const char *name; /* EXTERN */
};

struct bpf_instruction {
	uint8_t code, dst, src;
	bool second; /* the second half of a wide load: nothing by itself */
	int16_t offset;
	int32_t imm;
	int64_t wide; /* the number that a wide load without a reference loads */
	struct bpf_reference reference;
	const struct bpf_relocated *core; /* CO-RE: what it asks about the kernel; or NULL */
};

struct bpf_relocated {
	struct bpf_core question;
	struct bpf_core_answer answer; /* once bpf_object_resolve has asked */
	const char *fault;             /* why the instruction cannot take the answer, or NULL */
};

/* The instructions of one section. */
struct bpf_code {
	const char *section;
	uint32_t elf_section;
	struct bpf_instruction *instructions;
	uint32_t count;
	struct bpf_line *lines;
	size_t line_count;
};

struct bpf_function {
	const char *name;
	int code;             /* index in code[] */
	uint32_t first, end;  /* instructions [first, end) of its section */
	bool entry;           /* a program by itself: it stands in a section of its own kind */
	struct bpf_cfg *cfg;  /* made when it is first analysed */
	struct src_loc place; /* of its first instruction */
};

struct bpf_variable {
	const char *name;
	uint32_t offset, size;
	uint32_t type; /* in BTF, or 0 */
	bool local;
};

/* One section of global data. */
struct bpf_data {
	const char *section;
	uint32_t elf_section;
	const uint8_t *bytes; /* NULL: all zeroes */
	uint32_t size;
	bool constant;
	bool nameless; /* a compiler's strings: no variables */
	bool merged;   /* constants that a linker may put together */
	struct bpf_variable *variables;
	size_t variable_count;
};

struct bpf_map_symbol {
	const char *name;
	uint32_t elf_section, offset, size;
	uint32_t type;                 /* of its variable in BTF, or 0 */
	const uint8_t *bytes;          /* a legacy definition (struct bpf_map_def), or NULL */
	uint32_t key_size, value_size; /* 0: not known */
	uint32_t values;               /* where `.values` begin in the definition */
	struct bpf_content *contents;  /* other maps or programs that it begins with */
	size_t content_count, content_cap;
};

struct bpf_content {
	uint32_t index;
	struct bpf_reference held; /* a map, or code */
};

struct bpf_object {
	struct arena *arena;
	const char *path;
	struct elf_object elf;
	struct bpf_types types;
	const uint8_t *ext; /* .BTF.ext */
	size_t ext_size;
	const char *license; /* or NULL */
	struct bpf_code *code;
	size_t code_count, code_cap;
	struct bpf_function *functions;
	size_t function_count, function_cap;
	struct bpf_map_symbol *maps;
	size_t map_count, map_cap;
	struct bpf_data *data;
	size_t data_count, data_cap;
};

/* Returns 0 or -EINVAL (reported). The bytes must outlive the object. */
int bpf_object_read(struct arena *arena, const void *bytes, size_t size, const char *path,
		    struct bpf_object *object, struct diag *diag);
/*
 * Puts into the instructions what they ask about the kernel (CO-RE). What it does not answer is an
 * error only where the program gets there. In bpf_object_resolve.c.
 */
void bpf_object_resolve(struct bpf_object *object, struct bpf_core_host *host);
/* The function that begins at this instruction, or NULL. */
struct bpf_function *bpf_object_function(const struct bpf_object *object, int code,
					 int64_t instruction);
/* The function around an instruction, or NULL. */
const struct bpf_function *bpf_object_function_at(const struct bpf_object *object, int code,
						  uint32_t instruction);
/*
 * Where an instruction comes from: file and line of the source where the object has a line table;
 * else `prog.o[function]` and the instruction's number in the function (0 cannot be said: 1).
 */
struct src_loc bpf_object_place(const struct bpf_object *object,
				const struct bpf_function *function, uint32_t instruction);
/* Notes which instructions ask. A step of bpf_object_read. */
void bpf_object_note_questions(struct bpf_object *object, struct bpf_code *code);
/* Fills in maps and data. In bpf_data.c; a step of bpf_object_read. */
int bpf_object_read_data(struct bpf_object *object, struct diag *diag);
/* Index of the map that a symbol at this place names, or -1; likewise of a section's data. */
int bpf_object_find_map(const struct bpf_object *object, uint32_t section, int64_t offset);
int bpf_object_find_data(const struct bpf_object *object, uint32_t section);

#endif
