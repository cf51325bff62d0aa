#include "frontend/bpf_kfuncs.h"

#include <string.h>

#define SECTION_EXTERNS ".ksyms"

const struct btf_type *bpf_kfunc_prototype(const struct bpf_types *types, const char *name)
{
	const struct btf_type *list = bpf_types_section(types, SECTION_EXTERNS);

	for (uint32_t i = 0; list && i < BTF_INFO_VLEN(list->info); i++) {
		const struct btf_type *t = bpf_types_get(types, bpf_type_variables(list)[i].type);
		const struct btf_type *prototype;

		if (!t || BTF_INFO_KIND(t->info) != BTF_KIND_FUNC ||
		    strcmp(bpf_types_name(types, t), name))
			continue;
		prototype = bpf_types_get(types, t->type);
		return prototype && BTF_INFO_KIND(prototype->info) == BTF_KIND_FUNC_PROTO
			   ? prototype
			   : NULL;
	}
	return NULL;
}

uint32_t bpf_kfunc_argument(const struct btf_type *prototype, unsigned n)
{
	const struct btf_param *parameters = (const void *)(prototype + 1);

	return parameters[n].type;
}

bool bpf_type_is_pointer(const struct bpf_types *types, uint32_t id)
{
	const struct btf_type *t = bpf_types_bare(types, id);

	return t && BTF_INFO_KIND(t->info) == BTF_KIND_PTR;
}

/* A byte may stand for as many as the next argument says. */
uint64_t bpf_type_pointee_bytes(const struct bpf_types *types, uint32_t id)
{
	const struct btf_type *t = bpf_types_bare(types, id);
	uint64_t bytes = t ? bpf_types_size(types, t->type) : 0;

	return bytes == 1 ? 0 : bytes;
}
