#include "frontend/btf_header.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Makes every access to these types a CO-RE relocation, unless the program wants none. */
static const char begin[] = "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
			    "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
			    "#pragma clang attribute push (__attribute__((preserve_access_index)), "
			    "apply_to = record)\n#endif\n\n";
static const char end[] = "\n#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
			  "#pragma clang attribute pop\n#endif\n\n#endif\n";

static void print(void *out, const char *format, va_list arguments)
{
	vfprintf(out, format, arguments);
}

static int print_types(struct btf *btf, FILE *out)
{
	struct btf_dump *dump = btf_dump__new(btf, print, out, NULL);
	int err = dump ? 0 : -errno;

	for (uint32_t id = 1; !err && id < btf__type_cnt(btf); id++)
		err = btf_dump__dump_type(dump, id);
	btf_dump__free(dump);
	return err;
}

int btf_header_make(const char *path, char **text, size_t *size)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	struct btf *btf = btf__parse(path ? path : "/sys/kernel/btf/vmlinux", NULL);
	FILE *out;
	int err = btf ? 0 : -errno;

	libbpf_set_print(before);
	*text = NULL;
	if (err) /* libbpf has numbers of its own */
		return err < -4000 ? -EINVAL : err;
	out = open_memstream(text, size);
	if (!out) {
		btf__free(btf);
		return -ENOMEM;
	}
	fputs(begin, out);
	err = print_types(btf, out);
	fputs(end, out);
	if (fclose(out) && !err)
		err = -ENOMEM;
	btf__free(btf);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}
