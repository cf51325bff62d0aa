#include "backends/user/link.h"
#include "support/arena.h"
#include "support/memory_file.h"
#include "support/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * GNU ld, which clang brings, takes a fifth of the time that lld does, and most of a small part's
 * emission is the linker's start; lld where there is none. Only lld writes to its standard output.
 */
struct linker {
	const char *command, *output; /* NULL: the file's path */
};

static const struct linker linkers[] = {{"ld.bfd", NULL}, {"ld.lld-19", "-"}};

static int run_linker(struct arena *arena, const struct linker *with, int object, int shared,
		      struct diag *diag)
{
	char path[MEMORY_FILE_PATH_BYTES], to[MEMORY_FILE_PATH_BYTES], *errors = "";
	/* No build id, no path: the same object gives the same bytes. */
	char *const argv[] = {(char *)with->command,
			      "-shared",
			      "--hash-style=gnu",
			      "-z",
			      "noexecstack",
			      "--build-id=none",
			      "-soname",
			      "cleave.so",
			      "-O1",
			      "--gc-sections",
			      "--strip-debug",
			      "-o",
			      with->output ? (char *)with->output : to,
			      path,
			      NULL};
	struct process linker;
	int err;

	memory_file_path(object, path);
	memory_file_path(shared, to);
	err = process_start_in(&linker, argv, ".", shared);
	if (err)
		return err;
	err = process_wait(&linker, arena, &errors);
	if (!err)
		return 0;
	diag_error(diag, NO_LOC, "%s failed: %s", with->command, errors);
	return -EIO;
}

static int run_some_linker(struct arena *arena, int object, int shared, struct diag *diag)
{
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof linkers / sizeof *linkers && err == -ENOENT; i++)
		err = run_linker(arena, &linkers[i], object, shared, diag);
	if (err != -ENOENT)
		return err;
	diag_error(diag, NO_LOC, "ld.bfd is not installed (Debian package binutils)");
	return -ENOPKG;
}

int link_shared_object(struct arena *arena, struct backend_output *output, struct diag *diag)
{
	int object = memory_file_new("part.o", output->bytes, output->size);
	int shared = memory_file_new("part.so", NULL, 0);
	char *bytes;
	int err = object < 0 ? object : shared < 0 ? shared : 0;

	if (err)
		diag_error(diag, NO_LOC, "cannot make room for the user part: %s", strerror(-err));
	if (!err)
		err = run_some_linker(arena, object, shared, diag);
	if (!err) {
		err = memory_file_read(arena, shared, &bytes, &output->size);
		output->bytes = bytes;
	}
	if (object >= 0)
		close(object);
	if (shared >= 0)
		close(shared);
	return err;
}
