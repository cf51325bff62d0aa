#include "backends/user/link.h"
#include "support/arena.h"
#include "support/file.h"
#include "support/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run_linker(struct arena *arena, const char *folder, struct diag *diag)
{
	char *object = arena_printf(arena, "%s/part.o", folder);
	char *shared = arena_printf(arena, "%s/part.so", folder), *errors = "";
	/* No build id, no path: the same object gives the same bytes. */
	char *const argv[] = {"ld.lld-19",
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
			      shared,
			      object,
			      NULL};
	struct process linker;
	int err = process_start(&linker, argv);

	if (err == -ENOENT) {
		diag_error(diag, NO_LOC, "ld.lld-19 is not installed (Debian package lld-19)");
		return -ENOPKG;
	}
	if (!err)
		err = process_wait(&linker, arena, &errors);
	if (!err)
		return 0;
	diag_error(diag, NO_LOC, "ld.lld-19 failed: %s", errors);
	return -EIO;
}

int link_shared_object(struct arena *arena, struct backend_output *output, struct diag *diag)
{
	const char *base = getenv("TMPDIR");
	char *folder = arena_printf(arena, "%s/cleave-XXXXXX", base && *base ? base : "/tmp");
	char *bytes;
	int err;

	if (!mkdtemp(folder)) {
		err = -errno;
		diag_error(diag, NO_LOC, "cannot make a temporary folder: %s", strerror(-err));
		return err;
	}
	char *object = arena_printf(arena, "%s/part.o", folder);
	char *shared = arena_printf(arena, "%s/part.so", folder);
	err = file_write_atomic(object, output->bytes, output->size);
	if (err)
		diag_error(diag, NO_LOC, "cannot write %s: %s", object, strerror(-err));
	if (!err)
		err = run_linker(arena, folder, diag);
	if (!err) {
		err = file_read(arena, shared, &bytes, &output->size);
		output->bytes = bytes;
	}
	unlink(object);
	unlink(shared);
	rmdir(folder);
	return err;
}
