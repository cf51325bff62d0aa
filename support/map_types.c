#include "support/map_types.h"

#define VERSION(major, minor) ((major) << 8 | (minor))
#define PER_CPU_ONE           false
#define PER_CPU_PER_CPU       true
#define WATCHED_WHOLE_KEYS    false
#define WATCHED_WHOLE_WHOLE   true

enum {
	LOOKUP = MAP_OP_LOOKUP,
	UPDATE = MAP_OP_UPDATE,
	DELETE = MAP_OP_DELETE,
	PUSH = MAP_OP_PUSH,
	POP = MAP_OP_POP,
	PEEK = MAP_OP_PEEK,
	PERCPU = MAP_OP_PERCPU,
	EACH = MAP_OP_EACH,
	REDIRECT = MAP_OP_REDIRECT,
	OUTPUT = MAP_OP_OUTPUT,
	TAIL_CALL = MAP_OP_TAIL_CALL,
	OTHER = MAP_OP_OTHER,
};

static const struct map_type_row rows[] = {
#define MAP_TYPE(number, id, text, title, key, values, holds, user, both, watched, ops, since,     \
		 support)                                                                          \
	{number,                                                                                   \
	 text,                                                                                     \
	 title,                                                                                    \
	 MAP_KEY_##key,                                                                            \
	 PER_CPU_##values,                                                                         \
	 MAP_HOLDS_##holds,                                                                        \
	 MAP_USER_##user,                                                                          \
	 MAP_BOTH_##both,                                                                          \
	 WATCHED_WHOLE_##watched,                                                                  \
	 ops,                                                                                      \
	 since,                                                                                    \
	 MAP_SUPPORT_##support},
#include "support/map_types.def"
#undef MAP_TYPE
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

const struct map_type_row *map_type_at(size_t index)
{
	return index < ROW_COUNT ? &rows[index] : NULL;
}

/* Rows stand in the order of their numbers, from 1. */
const struct map_type_row *map_type_find(uint32_t type)
{
	return type && type <= ROW_COUNT ? &rows[type - 1] : NULL;
}

const char *map_type_text(uint32_t type)
{
	const struct map_type_row *row = map_type_find(type);

	return row ? row->text : "unknown";
}

bool map_type_is_percpu(uint32_t type)
{
	const struct map_type_row *row = map_type_find(type);

	return row && row->per_cpu;
}

bool map_type_has_keys(uint32_t type)
{
	const struct map_type_row *row = map_type_find(type);

	return row && row->key != MAP_KEY_NONE && row->key != MAP_KEY_OBJECT;
}

enum map_holds map_type_holds(uint32_t type)
{
	const struct map_type_row *row = map_type_find(type);

	return row ? row->holds : MAP_HOLDS_KERNEL;
}
