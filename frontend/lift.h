/*
 * A compiled BPF object as input: its instructions become LLVM IR of the form that clang's bitcode
 * has, so that frontend_load takes it from there.
 *
 *     elf_object    sections, symbols, relocations
 *     bpf_object    decoded instructions with symbolic references, maps, data, line table
 *     bpf_cfg       basic blocks
 *     bpf_analysis  what registers and stack hold: which are pointers, and into what
 *     llvm_lift     the module
 */
#ifndef CLEAVE_FRONTEND_LIFT_H
#define CLEAVE_FRONTEND_LIFT_H

#include <stddef.h>

struct arena;
struct diag;

struct lift_input {
	const void *bytes; /* of the object */
	size_t size;
	const char *path;       /* for messages */
	const char *program;    /* function to take when there are several, or NULL */
	const char *tail_calls; /* "MAP[INDEX]=PROGRAM,...", or NULL */
	const char *type;       /* "xdp" or "tc": what a section of another name holds, or NULL */
	const char *btf;        /* file with the BTF of the kernel that CO-RE asks, or NULL */
};

/*
 * Bitcode in the arena, and the name of the program in it that was chosen. Returns 0 or a negative
 * errno (reported).
 */
int frontend_lift(struct arena *arena, const struct lift_input *input, const char **bitcode,
		  size_t *bitcode_size, const char **chosen, struct diag *diag);

#endif
