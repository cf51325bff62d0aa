#include "ir/helpers.h"

#include <assert.h>
#include <linux/bpf.h>
#include <string.h>

#include "support/arena.h"

#define VERSION(major, minor) ((major) << 8 | (minor))
#define LAYERS_KERNEL         (1 << IR_LAYER_KERNEL)
#define LAYERS_BOTH           (1 << IR_LAYER_KERNEL | 1 << IR_LAYER_USER)
#define SUPPORT_TAKEN         true
#define SUPPORT_REFUSED       false

/* {A, B, C}: one to five arguments by the names of their rows. */
#define NAMES_1(a)                      IR_ARGUMENT_##a
#define NAMES_2(a, ...)                 NAMES_1(a), NAMES_1(__VA_ARGS__)
#define NAMES_3(a, ...)                 NAMES_1(a), NAMES_2(__VA_ARGS__)
#define NAMES_4(a, ...)                 NAMES_1(a), NAMES_3(__VA_ARGS__)
#define NAMES_5(a, ...)                 NAMES_1(a), NAMES_4(__VA_ARGS__)
#define NAMES_OF(a, b, c, d, e, n, ...) NAMES_##n
#define NAMES(...)                      NAMES_OF(__VA_ARGS__, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)

/* XDP's and what it shares with TC, then TC's own. */
static const struct ir_helper helpers[] = {
#define HELPER(number, name, class, op, layers, support, since, returns, ...)                      \
	{number,                                                                                   \
	 #name,                                                                                    \
	 IR_HELPER_##class,                                                                        \
	 IR_OP_##op,                                                                               \
	 LAYERS_##layers,                                                                          \
	 SUPPORT_##support,                                                                        \
	 since,                                                                                    \
	 IR_RETURNS_##returns,                                                                     \
	 {NAMES(__VA_ARGS__)}},
#include "ir/helpers.def"
#include "ir/helpers_tc.def"
#undef HELPER
};

enum {
#define HELPER(...) +1
	XDP_COUNT = 0
#include "ir/helpers.def"
#undef HELPER
};

/* Newer than the headers of Linux 6.1. */
enum { BPF_FUNC_cgrp_storage_get = 210, BPF_FUNC_cgrp_storage_delete = 211 };

#define HELPER(number, name, ...) static_assert(BPF_FUNC_##name == (number), #name);
#include "ir/helpers.def"
#include "ir/helpers_tc.def"
#undef HELPER

#define HELPER_COUNT (sizeof helpers / sizeof *helpers)

static const char *const uapi_names[] = {
#define NAME(name) [BPF_FUNC_##name] = #name
    __BPF_FUNC_MAPPER(NAME)
#undef NAME
};

#define ACCESS_NOTHING .reads = false
#define ACCESS_READ    .reads = true
#define ACCESS_WRITE   .writes = true
#define ACCESS_BOTH    .reads = true, .writes = true
enum { NEXT = IR_EXTENT_NEXT, KEY = IR_EXTENT_KEY, VALUE = IR_EXTENT_VALUE, ANY = IR_EXTENT_ANY };

static const struct ir_argument_memory argument_memory[] = {
#define ARGUMENT(id, access, extent) {ACCESS_##access, .bytes = (extent)},
#include "ir/helper_arguments.def"
#undef ARGUMENT
};

static const struct {
	const char *intrinsic;
	int number;
} map_intrinsics[] = {
    {"cleave.map.lookup", BPF_FUNC_map_lookup_elem},
    {"cleave.map.update", BPF_FUNC_map_update_elem},
    {"cleave.map.delete", BPF_FUNC_map_delete_elem},
};

#define HELP_PREFIX "cleave.help."

const struct ir_helper *ir_helper_by_number(long number)
{
	for (size_t i = 0; i < HELPER_COUNT; i++)
		if (helpers[i].number == number)
			return &helpers[i];
	return NULL;
}

static const struct ir_helper *find_name(const char *name, size_t length)
{
	for (size_t i = 0; i < HELPER_COUNT; i++)
		if (!strncmp(helpers[i].name, name, length) && !helpers[i].name[length])
			return &helpers[i];
	return NULL;
}

const struct ir_helper *ir_helper_by_name(const char *name)
{
	return find_name(name, strlen(name));
}

const struct ir_helper *ir_helper_by_intrinsic(const char *intrinsic)
{
	for (size_t i = 0; i < sizeof map_intrinsics / sizeof *map_intrinsics; i++)
		if (!strcmp(intrinsic, map_intrinsics[i].intrinsic))
			return ir_helper_by_number(map_intrinsics[i].number);
	if (strncmp(intrinsic, HELP_PREFIX, sizeof HELP_PREFIX - 1))
		return NULL;
	intrinsic += sizeof HELP_PREFIX - 1;
	return find_name(intrinsic, strcspn(intrinsic, "."));
}

const char *ir_helper_intrinsic(struct arena *arena, const struct ir_helper *helper)
{
	for (size_t i = 0; i < sizeof map_intrinsics / sizeof *map_intrinsics; i++)
		if (helper->number == map_intrinsics[i].number)
			return map_intrinsics[i].intrinsic;
	return arena_printf(arena, HELP_PREFIX "%s", helper->name);
}

const struct ir_helper *ir_helper_row(size_t index)
{
	return index < HELPER_COUNT ? &helpers[index] : NULL;
}

bool ir_helper_allows(const struct ir_helper *helper, enum ir_program_kind kind)
{
	bool xdp_own =
	    strncmp(helper->name, "xdp_", 4) == 0 || helper->number == BPF_FUNC_redirect_map;

	return kind == IR_PROGRAM_TC ? !xdp_own : helper - helpers < XDP_COUNT;
}

const char *ir_foreign_helper_name(enum ir_program_kind kind, long number)
{
	const struct ir_helper *helper = ir_helper_by_number(number);

	if (number <= 0 || (size_t)number >= sizeof uapi_names / sizeof *uapi_names ||
	    (helper && ir_helper_allows(helper, kind)))
		return NULL;
	return uapi_names[number];
}

struct ir_argument_memory ir_argument_memory(enum ir_argument argument)
{
	return argument_memory[argument];
}
