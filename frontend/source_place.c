#include "frontend/source_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/frontend.h"
#include "support/arena.h"
#include "support/diag.h"

static const char *const path_flags[] = {"-include", "-imacros",   "-iquote",
					 "-isystem", "-idirafter", "-I"};

/* clang looks for these in the folder that it runs in, and else where it looks for headers. */
static bool is_found_elsewhere(const char *flag, const char *path)
{
	return (!strcmp(flag, "-include") || !strcmp(flag, "-imacros")) && access(path, R_OK);
}

/* Flags that begin like this name no file. */
static const char *const pathless_flags[] = {"-D", "-U", "-W", "-O", "-g", "-std=", "-m", "-f"};

static bool begins_with_one_of(const char *flag, const char *const *list, size_t count,
			       size_t *length)
{
	for (size_t i = 0; i < count; i++) {
		*length = strlen(list[i]);
		if (strncmp(flag, list[i], *length) == 0)
			return true;
	}
	return false;
}

#define BEGINS_WITH(flag, list, length)                                                            \
	begins_with_one_of(flag, list, sizeof(list) / sizeof *(list), length)

/* What a Makefile says of clang's output is for its own run of clang. */
static bool is_of_output(const char *flag, bool *two)
{
	static const char *const alone[] = {"-c",  "-S",   "-E",  "-emit-llvm", "-flto",
					    "-MD", "-MMD", "-MP", "-g0"};
	static const char *const with[] = {"-o", "-MF", "-MT", "-MQ"};

	*two = false;
	for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
		if (!strcmp(flag, alone[i]))
			return true;
	for (size_t i = 0; i < sizeof with / sizeof *with; i++)
		if (!strncmp(flag, with[i], strlen(with[i])))
			return *two = !flag[strlen(with[i])], true;
	return !strncmp(flag, "-flto=", 6);
}

static struct frontend_input without_output(struct arena *arena, const struct frontend_input *input)
{
	struct frontend_input kept = *input;
	bool two;

	kept.flags = arena_array(arena, input->flag_count + 1, sizeof *kept.flags);
	kept.flag_count = 0;
	for (size_t i = 0; i < input->flag_count; i++)
		if (is_of_output(input->flags[i], &two))
			i += two;
		else
			kept.flags[kept.flag_count++] = input->flags[i];
	return kept;
}

/* The user's flags for a clang that runs elsewhere. False: one of them is not understood. */
static bool move_flags(struct arena *arena, const struct frontend_input *input,
		       struct source_place *place, const char *here)
{
	size_t length;

	for (size_t i = 0; i < input->flag_count; i++) {
		const char *flag = input->flags[i], *path;

		if (BEGINS_WITH(flag, path_flags, &length)) {
			path = flag + length;
			if (!*path && i + 1 < input->flag_count)
				path = input->flags[++i];
			flag = arena_strndup(arena, flag, length);
			place->here = here;
			*place->flags++ = (char *)flag;
			*place->flags++ = *path == '/' || !*path || is_found_elsewhere(flag, path)
					      ? (char *)path
					      : arena_printf(arena, "%s%s", here, path);
		} else if (BEGINS_WITH(flag, pathless_flags, &length) && flag[length]) {
			*place->flags++ = (char *)flag;
		} else {
			return false;
		}
	}
	return true;
}

/* clang reads the option up to its first equals sign. */
static void add_map(struct arena *arena, struct source_place *place, const char *from,
		    const char *to)
{
	if (from[1] && !strchr(from, '='))
		*place->flags++ = arena_printf(arena, "-ffile-prefix-map=%s=%s", from, to);
}

static void fill_flags(struct arena *arena, const struct frontend_input *given,
		       struct source_place *place, const char *folder, const char *here)
{
	char **flags = arena_array(arena, 2 * given->flag_count + 4, sizeof *flags);
	struct frontend_input kept = without_output(arena, given), *input = &kept;

	place->folder = folder;
	place->flags = flags;
	if (!move_flags(arena, input, place, here)) {
		memcpy(flags, input->flags, input->flag_count * sizeof *flags);
		place->flags = flags + input->flag_count;
		*place->flags = NULL;
		place->folder = ".";
		place->here = NULL;
	}
	/* The last one wins where both fit. */
	if (place->here)
		add_map(arena, place, here, "");
	add_map(arena, place, folder, ".");
	*place->flags = NULL;
	place->flags = flags;
}

/* The absolute path of a folder, in the arena, or NULL (reported). */
static const char *find_folder(struct arena *arena, const char *path, const char *what,
			       struct diag *diag)
{
	char *absolute = realpath(path, NULL);
	const char *copy;

	if (!absolute) {
		diag_error(diag, NO_LOC, "cannot find the folder of %s: %s", what, strerror(errno));
		return NULL;
	}
	copy = arena_strdup(arena, absolute);
	free(absolute);
	return copy;
}

int source_place_find(struct arena *arena, const struct frontend_input *input,
		      struct source_place *place, struct diag *diag)
{
	const char *path = input->path, *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *folder, *here = find_folder(arena, ".", "this process", diag);

	*place = (struct source_place){0};
	place->given = arena_strndup(arena, path, (size_t)(name - path));
	folder = here ? find_folder(arena, slash ? place->given : ".", path, diag) : NULL;
	if (!folder)
		return -ENOENT;
	/* The root's name has a slash behind it already, and is the beginning of every path. */
	place->absolute = folder[1] ? arena_printf(arena, "%s/", folder) : "/";
	place->path = arena_printf(arena, "%s%s", place->absolute, name);
	fill_flags(arena, input, place, folder, here[1] ? arena_printf(arena, "%s/", here) : "/");
	return 0;
}

static const char *replace(struct arena *arena, const char *text, const char *what,
			   const char *with)
{
	size_t length = strlen(what);
	const char *at = length > 1 ? strstr(text, what) : NULL;

	if (!at)
		return text;
	return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, with,
			    replace(arena, at + length, what, with));
}

const char *source_place_restore(struct arena *arena, const struct source_place *place,
				 const char *messages)
{
	messages = replace(arena, messages, place->absolute, place->given);
	return place->here ? replace(arena, messages, place->here, "") : messages;
}
