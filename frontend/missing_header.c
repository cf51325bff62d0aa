#include "frontend/missing_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/btf_header.h"
#include "support/arena.h"
#include "support/memory_file.h"

#define PLACE "/vmlinux" /* for clang only */

/* The name in "fatal error: 'NAME' file not found", when its last part is vmlinux.h. */
static const char *missing(struct arena *arena, const char *errors)
{
	static const char wanted[] = "vmlinux.h", said[] = "' file not found";
	const char *end = errors ? strstr(errors, said) : NULL, *start = end;

	while (start && start > errors && start[-1] != '\'')
		start--;
	if (!end || (size_t)(end - start) < sizeof wanted - 1 ||
	    memcmp(end - (sizeof wanted - 1), wanted, sizeof wanted - 1))
		return NULL;
	if (end - start > (long)sizeof wanted - 1 && end[-(long)sizeof wanted] != '/')
		return NULL;
	return arena_strndup(arena, start, (size_t)(end - start));
}

static int add_file(struct arena *arena, struct missing_header *header, const char *name,
		    const char *text, size_t size, const char **path)
{
	char shown[MEMORY_FILE_PATH_BYTES];
	int fd = memory_file_new(name, text, size);

	if (fd < 0)
		return fd;
	header->files[header->count++] = fd;
	memory_file_path(fd, shown);
	*path = arena_strdup(arena, shown);
	return 0;
}

/* Where clang looks for it, so that a name with ../ in front leads to PLACE. */
static int add_flags(struct arena *arena, struct missing_header *header, const char *file)
{
	const char *rest = header->name, *folder = PLACE, *overlay, *path = NULL;
	int err;

	for (; !strncmp(rest, "./", 2) || !strncmp(rest, "../", 3); rest += rest[1] == '/' ? 2 : 3)
		if (rest[1] == '.')
			folder = arena_printf(arena, "%s/up", folder);
	/* The folder, which clang passes over when it is not there, and the file. */
	overlay = arena_printf(arena,
			       "{\"version\": 0, \"use-external-names\": false, \"roots\": ["
			       "{\"type\": \"directory\", \"name\": \"%s\", \"contents\": []}, "
			       "{\"type\": \"file\", \"name\": \"" PLACE
			       "/%s\", \"external-contents\": \"%s\"}]}",
			       folder, rest, file);
	err = add_file(arena, header, "overlay.yaml", overlay, strlen(overlay), &path);
	header->flags[0] = "-ivfsoverlay";
	header->flags[1] = path;
	header->flags[2] = "-idirafter";
	header->flags[3] = folder;
	return err;
}

int missing_header_make(struct arena *arena, const char *errors, const char *btf,
			struct missing_header *header)
{
	const char *file;
	char *text;
	size_t size;
	int err;

	*header = (struct missing_header){.name = missing(arena, errors),
					  .from = btf ? btf : "/sys/kernel/btf/vmlinux"};
	if (!header->name)
		return 0;
	err = btf_header_make(btf, &text, &size);
	if (err)
		return err;
	err = add_file(arena, header, "vmlinux.h", text, size, &file);
	free(text);
	if (!err)
		err = add_flags(arena, header, file);
	return err ? err : 1;
}

void missing_header_close(struct missing_header *header)
{
	while (header->count)
		close(header->files[--header->count]);
}
