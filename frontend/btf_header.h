/*
 * The kernel's types as C, as `bpftool btf dump ... format c` writes them: what programs include as
 * vmlinux.h, and their Makefiles make.
 */
#ifndef CLEAVE_FRONTEND_BTF_HEADER_H
#define CLEAVE_FRONTEND_BTF_HEADER_H

#include <stddef.h>

/*
 * From the file with BTF at path, or this kernel's when NULL. *text is the caller's to free.
 * Returns 0 or a negative errno (-ENOENT: there is no BTF).
 */
int btf_header_make(const char *path, char **text, size_t *size);

#endif
