#include "bundle/bundle.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *text, *meaning;
} homes[] = {
#define HOME(id, text, meaning) [MAP_HOME_##id] = {text, meaning},
#include "bundle/map_home.def"
#undef HOME
};

static_assert(sizeof homes / sizeof *homes == MAP_HOME_COUNT, "a row for every home");

const char *map_home_text(enum map_home home)
{
	assert(home < MAP_HOME_COUNT);
	return homes[home].text;
}

const char *map_home_meaning(enum map_home home)
{
	assert(home < MAP_HOME_COUNT);
	return homes[home].meaning;
}

enum map_home map_home_find(const char *text)
{
	for (enum map_home home = 0; home < MAP_HOME_COUNT; home++)
		if (!strcmp(homes[home].text, text))
			return home;
	return MAP_HOME_COUNT;
}
