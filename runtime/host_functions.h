/*
 * What the kernel has to know of a program's functions where some of them are callbacks ("missing
 * btf func_info"), for one that is loaded once more with functions in front and behind.
 */
#ifndef CLEAVE_RUNTIME_HOST_FUNCTIONS_H
#define CLEAVE_RUNTIME_HOST_FUNCTIONS_H

#include <bpf/libbpf.h>
#include <linux/bpf.h>

struct bpf_func_info;

struct host_functions {
	struct bpf_func_info *info; /* by instruction; NULL: the program has no callbacks */
	uint32_t count;
	int btf_fd; /* of the program as it is loaded already, or -1 */
};

/*
 * insns: the program as it is to be loaded, of which [from, from + the program's own number) is the
 * program. Functions outside take the type of a callback: they are static like it, so that nobody
 * looks. Returns 0 or a negative errno; host_functions_close in either case.
 */
int host_functions_open(struct host_functions *functions, const struct bpf_program *program,
			const struct bpf_insn *insns, size_t count, size_t from);
void host_functions_close(struct host_functions *functions);

#endif
