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

static const struct ir_helper helpers[] = {
#define HELPER(number, name, class, op, layers, support, since)                                    \
	{number, #name, IR_HELPER_##class, IR_OP_##op, LAYERS_##layers, SUPPORT_##support, since},
#include "ir/helpers.def"
#undef HELPER
};

#define HELPER(number, name, class, op, layers, support, since)                                    \
	static_assert(BPF_FUNC_##name == (number), #name);
#include "ir/helpers.def"
#undef HELPER

#define HELPER_COUNT (sizeof helpers / sizeof *helpers)

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
		if (strlen(helpers[i].name) == length && !memcmp(helpers[i].name, name, length))
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
