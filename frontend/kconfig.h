/* Variables of `.kconfig`: what this machine's kernel was built with, as libbpf answers. */
#ifndef CLEAVE_FRONTEND_KCONFIG_H
#define CLEAVE_FRONTEND_KCONFIG_H

#include <stdbool.h>

#include "frontend/bpf_types.h"

/*
 * The bytes of the variable `name` of that type, in the arena; zeroes for a weak one that is not
 * set. NULL: *why it has no value.
 */
const uint8_t *kconfig_value(struct arena *arena, const struct bpf_types *types, uint32_t type,
			     const char *name, bool weak, const char **why);

#endif
