#include "ir/source_file.h"
#include "ir/ir.h"

#include <string.h>
#include <unistd.h>

#include "support/arena.h"

/* Bytes of the source's path up to its last slash; 0: it was given without a folder. */
static size_t folder_length(const struct ir_program *program)
{
	const char *slash = program->source ? strrchr(program->source, '/') : NULL;

	return slash ? (size_t)(slash - program->source) + 1 : 0;
}

const char *ir_shown_file(const struct ir_program *program, const char *name, size_t length)
{
	const char *as_is = arena_strndup(program->arena, name, length);
	size_t folder = folder_length(program);

	if (length < 2 || memcmp(name, "./", 2))
		return as_is;
	if (!folder)
		return as_is + 2;

	const char *path =
	    arena_printf(program->arena, "%.*s%s", (int)folder, program->source, as_is + 2);

	/* A folder given to clang with -I./ begins with a dot too, and is none of the source's. */
	return access(path, F_OK) == 0 ? path : as_is;
}

const char *ir_stored_file(const struct ir_program *program, const char *file)
{
	size_t folder = folder_length(program);

	return folder && !strncmp(file, program->source, folder) ? file + folder : file;
}
