#include "runtime/host_functions.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_callback(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_DW | BPF_IMM) && insn->src_reg == BPF_PSEUDO_FUNC;
}

static bool has_callbacks(const struct bpf_insn *insns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_callback(&insns[i]))
			return true;
	return false;
}

/* Marks the first instruction of each function: what is called, and callbacks. */
static uint32_t mark_starts(const struct bpf_insn *insns, size_t count, uint8_t *start)
{
	uint32_t found = 0;

	start[0] = 1;
	for (size_t i = 0; i < count; i++) {
		bool called =
		    insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg == BPF_PSEUDO_CALL;
		int64_t to = (int64_t)i + insns[i].imm + 1;

		if ((called || is_callback(&insns[i])) && to >= 0 && to < (int64_t)count)
			start[to] = 1;
	}
	for (size_t i = 0; i < count; i++)
		found += start[i];
	return found;
}

/* What the kernel keeps of the program's own functions, in their order. */
static int read_own(int fd, struct bpf_func_info **own, uint32_t *count, int *btf_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (!info.nr_func_info || !info.btf_id || info.func_info_rec_size != sizeof **own)
		return -ENOENT;
	*own = calloc(info.nr_func_info, sizeof **own);
	if (!*own)
		return -ENOMEM;
	info = (struct bpf_prog_info){.nr_func_info = info.nr_func_info,
				      .func_info_rec_size = sizeof **own,
				      .func_info = (uint64_t)(uintptr_t)*own,
				      .btf_id = info.btf_id};
	*count = info.nr_func_info;
	*btf_fd = bpf_btf_get_fd_by_id(info.btf_id);
	if (*btf_fd < 0)
		return *btf_fd;
	size = sizeof info;
	return bpf_obj_get_info_by_fd(fd, &info, &size) ? -errno : 0;
}

/* The number of the function that a callback's address shows, among the program's own. */
static uint32_t callback_number(const struct bpf_insn *insns, size_t count, const uint8_t *start,
				size_t from)
{
	uint32_t number = 0;
	size_t to = 0;

	for (size_t i = 0; i < count && !to; i++)
		if (is_callback(&insns[i]))
			to = i + (size_t)(insns[i].imm + 1);
	for (size_t i = from; i < to; i++)
		number += start[i];
	return number;
}

int host_functions_open(struct host_functions *functions, const struct bpf_program *program,
			const struct bpf_insn *insns, size_t count, size_t from)
{
	size_t end = from + bpf_program__insn_cnt(program);
	struct bpf_func_info *own = NULL;
	uint32_t own_count = 0, seen = 0, callback;
	uint8_t *start;
	int err;

	*functions = (struct host_functions){.btf_fd = -1};
	if (!has_callbacks(insns, count))
		return 0;
	start = calloc(count, 1);
	if (!start)
		return -ENOMEM;
	functions->count = mark_starts(insns, count, start);
	functions->info = calloc(functions->count, sizeof *functions->info);
	err = functions->info
		  ? read_own(bpf_program__fd(program), &own, &own_count, &functions->btf_fd)
		  : -ENOMEM;
	start[from] = 1; /* the program is one of its own */
	callback = err ? 0 : callback_number(insns, count, start, from);
	for (size_t i = 0, n = 0; !err && i < count; i++) {
		bool is_own = i >= from && i < end;
		uint32_t number = is_own ? seen : callback;

		if (!start[i])
			continue;
		seen += is_own;
		if (number >= own_count || n == functions->count)
			err = -ENOENT;
		else
			functions->info[n++] = (struct bpf_func_info){
			    .insn_off = (uint32_t)i,
			    .type_id = own[from && i == from ? callback : number].type_id};
	}
	free(own);
	free(start);
	return err;
}

void host_functions_close(struct host_functions *functions)
{
	free(functions->info);
	if (functions->btf_fd >= 0)
		close(functions->btf_fd);
	*functions = (struct host_functions){.btf_fd = -1};
}
