/*
 * From C source to normalised LLVM IR with its maps.
 *
 * frontend_compile runs clang-19 twice at the same time on one source: to bitcode, and to the plain
 * object that is the oracle. frontend_load makes the bitcode into a program: it chooses the XDP
 * program, inlines everything it reaches and replaces what is particular to BPF's ABI by the
 * intrinsics of ir/llvm_ir.h. The same input gives the same bytes.
 *
 *     struct frontend_input in = {.path = "nf.bpf.c"};
 *     struct frontend_output out;
 *     int err = frontend_compile(arena, &in, &out, &diag);
 *     ...
 *     ir_llvm_free(out.program->llvm);
 */
#ifndef CLEAVE_FRONTEND_FRONTEND_H
#define CLEAVE_FRONTEND_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>

#include "frontend/map_settings.h"
#include "ir/ir.h"
#include "support/diag.h"

struct arena;

struct frontend_input {
	const char *path; /* as the user gave it: messages and debug info show it */
	char **flags;     /* passed to clang after our own */
	size_t flag_count;
	const char *program; /* function to take when there are several, or NULL */
	const char
	    *tail_calls; /* what arrays of programs hold: "MAP[INDEX]=PROGRAM,...", or NULL */
	const char *btf; /* file with the BTF of the kernel that CO-RE asks; NULL: this machine's */
	const char *
	    type; /* of the program: "xdp", "tc", or NULL: as its section, or what it takes, says */
	struct map_settings maps;
};

struct frontend_output {
	const char *bitcode; /* in the arena */
	size_t bitcode_size;
	const char
	    *oracle; /* NULL when BPF code cannot be made of it (the program is expressive) */
	size_t oracle_size;
	bool oracle_is_input; /* it is an object as others made it, which a check runs as it is */
	const char *oracle_error;  /* what clang said then, else NULL */
	const char *clang_version; /* "Debian clang version 19.1.7" */
	const char *folder;        /* of the source: there names in debug info begin */
	double clang_ms;
	bool is_object;             /* the input is compiled already */
	const char *pair;           /* the other program of a source that has a pair; NULL: none */
	struct ir_program *program; /* maps, globals and LLVM side; no blocks or ops yet */
};

/*
 * Of a pair, the input names the first program, and frontend_load makes the other one of the same
 * bitcode. Returns 0 or a negative errno (reported): -ENOENT no such source, -ENOPKG no clang-19
 * (the host is at fault), -EINVAL the source is at fault. After 0 the caller frees
 * out->program->llvm.
 */
int frontend_compile(struct arena *arena, const struct frontend_input *input,
		     struct frontend_output *out, struct diag *diag);

struct frontend_source {
	const char *bitcode;
	size_t bitcode_size;
	const char *path;    /* of the source, for messages */
	const char *program; /* as in frontend_input */
	const char *type;
	const char *tail_calls;
	const char *btf;
	const char *object; /* clang's, whose BTF says what CO-RE asks, or NULL */
	size_t object_size;
	bool lifted;               /* the bitcode, from that object */
	const char *const *shared; /* of a pair; as in struct ir_program */
	size_t shared_count;
	const struct map_settings *maps; /* or NULL */
};

/*
 * The two programs of a source that stand at different hooks, when there are exactly two: they are
 * a pair. false: there are not.
 */
bool frontend_find_pair(struct arena *arena, const struct frontend_source *source,
			const char *names[2]);
/* The maps and globals that either of two programs of one source names; in the arena. */
size_t frontend_find_shared(struct arena *arena, const struct ir_program *a,
			    const struct ir_program *b, const char ***names);

/*
 * The second half alone, from clang's bitcode in memory. -EAGAIN (not reported): the program holds
 * BPF assembly, which only its object tells the meaning of.
 */
int frontend_load(struct arena *arena, const struct frontend_source *source,
		  struct ir_program **program, struct diag *diag);

/* clang's bitcode without a trace of where the source lies; in the arena. */
void frontend_copy_bitcode(const struct ir_program *program, const char **bytes, size_t *size);

/* "Debian clang version 19.1.7 (3)", from the bitcode; in the arena. */
const char *frontend_clang_version(const struct ir_program *program);

#endif
