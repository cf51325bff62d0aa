#include "frontend/map_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"
#include "support/map_types.h"

/* One "NAME=VALUE" of a list with commas. */
struct setting {
	const char *name, *value;
	size_t name_length, value_length;
};

/* NULL: there is none left. A part without '=' is a name with an empty value. */
static const char *next_setting(const char *list, struct setting *s)
{
	size_t length;

	if (!list || !*list)
		return NULL;
	length = strcspn(list, ",");
	s->name = list;
	s->name_length = strcspn(list, "=,");
	s->value = list + s->name_length + (list[s->name_length] == '=');
	s->value_length = (size_t)(list + length - s->value);
	return list + length + (list[length] == ',');
}

static bool find(const char *list, const char *map, struct setting *s)
{
	while ((list = next_setting(list, s)))
		if (s->name_length == strlen(map) && !memcmp(s->name, map, s->name_length))
			return true;
	return false;
}

/* Numbers with colons between them; how many there are, or -1. */
static int read_numbers(const char *text, const char *end, uint32_t *numbers, int max)
{
	int count = 0;

	for (;; text++) {
		char *stop;
		unsigned long n = strtoul(text, &stop, 0);

		if (stop == text || stop > end || n > UINT32_MAX || count == max || *text == '-')
			return -1;
		numbers[count++] = (uint32_t)n;
		text = stop;
		if (text == end)
			return count;
		if (*text != ':')
			return -1;
	}
}

static uint32_t find_type(const char *name, size_t length)
{
	for (uint32_t type = 1; type < 64; type++)
		if (map_type_find(type) && strlen(map_type_text(type)) == length &&
		    !memcmp(map_type_text(type), name, length))
			return type;
	return 0;
}

static bool read_inner(const struct setting *s, struct ir_inner *inner)
{
	enum { KEY, VALUE, ENTRIES, FLAGS, PARTS };
	const char *end = s->value + s->value_length,
		   *colon = memchr(s->value, ':', s->value_length);
	uint32_t numbers[PARTS] = {0};

	if (!colon || read_numbers(colon + 1, end, numbers, PARTS) < FLAGS)
		return false;
	*inner = (struct ir_inner){find_type(s->value, (size_t)(colon - s->value)), numbers[KEY],
				   numbers[VALUE], numbers[ENTRIES], numbers[FLAGS]};
	return inner->type && inner->max_entries;
}

int map_settings_apply(const struct map_settings *settings, struct ir_map *map, struct diag *diag)
{
	const struct map_type_row *row = map_type_find(map->type);
	struct setting s;

	if (find(settings->entries, map->name, &s) &&
	    (read_numbers(s.value, s.value + s.value_length, &map->max_entries, 1) != 1 ||
	     !map->max_entries)) {
		diag_error(diag, NO_LOC, "--map-entries %s: expected a number from 1, not %.*s",
			   map->name, (int)s.value_length, s.value);
		return -EINVAL;
	}
	if (!find(settings->inner, map->name, &s))
		return 0;
	if (!row || row->holds != MAP_HOLDS_MAPS) {
		diag_error(diag, NO_LOC, "--map-inner %s: it is no map of maps, but %s", map->name,
			   map_type_text(map->type));
		return -EINVAL;
	}
	if (!read_inner(&s, &map->inner)) {
		diag_error(diag, NO_LOC,
			   "--map-inner %s: expected TYPE:KEY:VALUE:ENTRIES[:FLAGS], such as "
			   "hash:4:8:1024, not %.*s",
			   map->name, (int)s.value_length, s.value);
		return -EINVAL;
	}
	return 0;
}

const char *map_settings_unknown(struct arena *arena, const struct map_settings *settings,
				 bool (*exists)(const void *context, const char *map),
				 const void *context)
{
	const char *const lists[] = {settings->entries, settings->inner};
	struct setting s;

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (const char *at = lists[i]; (at = next_setting(at, &s));) {
			const char *name = arena_strndup(arena, s.name, s.name_length);

			if (!exists(context, name))
				return name;
		}
	return NULL;
}
