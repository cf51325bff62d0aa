/*
 * The kernel's own functions that an object calls by name (`extern ... __ksym`): what their
 * prototypes in its BTF say of arguments and result.
 */
#ifndef CLEAVE_FRONTEND_BPF_KFUNCS_H
#define CLEAVE_FRONTEND_BPF_KFUNCS_H

#include "frontend/bpf_object.h"

/* The prototype of an external function, or NULL: it is none, or not described. */
const struct btf_type *bpf_kfunc_prototype(const struct bpf_types *types, const char *name);
static inline uint32_t bpf_kfunc_count(const struct btf_type *prototype)
{
	return BTF_INFO_VLEN(prototype->info);
}
/* The type of argument n. */
uint32_t bpf_kfunc_argument(const struct btf_type *prototype, unsigned n);
bool bpf_type_is_pointer(const struct bpf_types *types, uint32_t id);
/* How many bytes the type of a pointer says that are behind it; 0: it does not say. */
uint64_t bpf_type_pointee_bytes(const struct bpf_types *types, uint32_t id);

#endif
