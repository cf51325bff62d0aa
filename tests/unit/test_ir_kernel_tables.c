/*
 * The tables of helpers and of the kernel's own functions beside the kernel that runs: what its
 * verifier lets an XDP program call has a row. It is asked with one program for each, whose call it
 * refuses for its arguments, or for the name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/bpf.h>
#include <linux/btf.h>

#include "ir/helpers.h"
#include "ir/kfuncs.h"

enum { LOG_BYTES = 65536, HELPERS_MAX = 260, MISSING_MAX = 4 };

static char verifier_log[LOG_BYTES];

/* 0 or more: a descriptor; less: it was refused, and the log says why. */
static int load_call(uint8_t kind, int32_t what)
{
	struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_5},
	    {.code = BPF_JMP | BPF_CALL, .src_reg = kind & 0xf, .imm = what},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_XDP,
			       .insns = (uintptr_t)code,
			       .insn_cnt = sizeof code / sizeof *code,
			       .license = (uintptr_t)"GPL",
			       .log_level = 1,
			       .log_size = sizeof verifier_log,
			       .log_buf = (uintptr_t)verifier_log};

	verifier_log[0] = '\0';
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
}

static bool is_allowed(uint8_t kind, int32_t what, const char *const *refusals)
{
	int fd = load_call(kind, what);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	for (; *refusals; refusals++)
		if (strstr(verifier_log, *refusals))
			return false;
	return true;
}

static void every_helper_has_a_row(void **state)
{
	static const char *const refusals[] = {"unknown func", "cannot use helper", "invalid func",
					       "might sleep", NULL};
	unsigned allowed = 0;

	for (int number = 1; number < HELPERS_MAX; number++) {
		const struct ir_helper *row = ir_helper_by_number(number);

		if (!is_allowed(0, number, refusals))
			continue;
		allowed++;
		if (!row || !ir_helper_allows(row, IR_PROGRAM_XDP))
			fail_msg("helper %d has no row for XDP programs", number);
	}
	assert_true(allowed > 40);
}

/* vmlinux, as the kernel shows it. */
struct types {
	uint8_t *bytes;
	const char *strings;
	const struct btf_type **type;
	uint32_t count;
};

static size_t tail_bytes(const struct btf_type *t)
{
	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return BTF_INFO_VLEN(t->info) * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return BTF_INFO_VLEN(t->info) * 8;
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return BTF_INFO_VLEN(t->info) * 12;
	default:
		return 0;
	}
}

static uint8_t *read_all(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	size_t room = 1 << 25;
	uint8_t *bytes = file ? malloc(room) : NULL;

	*size = bytes ? fread(bytes, 1, room, file) : 0;
	if (file)
		fclose(file);
	return bytes;
}

static bool open_types(struct types *t)
{
	const struct btf_header *header;
	const uint8_t *at, *end;
	size_t size;

	*t = (struct types){.bytes = read_all("/sys/kernel/btf/vmlinux", &size)};
	if (size < sizeof *header)
		return false;
	header = (const void *)t->bytes;
	t->strings = (const char *)t->bytes + header->hdr_len + header->str_off;
	t->type = calloc(header->type_len / sizeof(struct btf_type) + 1, sizeof *t->type);
	at = t->bytes + header->hdr_len + header->type_off;
	for (end = at + header->type_len, t->count = 1; at < end; t->count++) {
		t->type[t->count] = (const void *)at;
		at += sizeof(struct btf_type) + tail_bytes(t->type[t->count]);
	}
	return true;
}

static void close_types(struct types *t)
{
	free(t->type);
	free(t->bytes);
}

static void every_kernel_function_has_a_row(void **state)
{
	static const char *const refusals[] = {"is not allowed", NULL};
	unsigned allowed = 0, missing = 0;
	struct types types;

	if (!open_types(&types)) {
		close_types(&types);
		skip();
	}
	for (uint32_t i = 1; i < types.count; i++) {
		const struct btf_type *tag = types.type[i], *function;

		if (BTF_INFO_KIND(tag->info) != BTF_KIND_DECL_TAG ||
		    strcmp(types.strings + tag->name_off, "bpf_kfunc") != 0)
			continue;
		function = types.type[tag->type];
		if (!is_allowed(BPF_PSEUDO_KFUNC_CALL, (int32_t)tag->type, refusals))
			continue;
		allowed++;
		if (ir_kfunc_by_name(types.strings + function->name_off))
			continue;
		if (missing++ < MISSING_MAX)
			print_error("no row in ir/kfuncs.def: %s\n",
				    types.strings + function->name_off);
	}
	close_types(&types);
	print_message("%u of the kernel's functions\n", allowed);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_helper_has_a_row),
	    cmocka_unit_test(every_kernel_function_has_a_row),
	};
	int fd = geteuid() ? -1 : load_call(0, BPF_FUNC_ktime_get_ns);

	if (fd < 0) {
		printf("skipped: needs root and a kernel with BPF\n");
		return 77;
	}
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
