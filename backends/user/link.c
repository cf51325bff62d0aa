#include "backends/user/link.h"
#include "support/arena.h"
#include "support/memory_file.h"
#include "support/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int run_linker(struct arena *arena, int object, int shared, struct diag *diag)
{
	char path[MEMORY_FILE_PATH_BYTES], *errors = "";
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
			      "-",
			      path,
			      NULL};
	struct process linker;
	int err;

	memory_file_path(object, path);
	err = process_start_in(&linker, argv, ".", shared);
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
	int object = memory_file_new("part.o", output->bytes, output->size);
	int shared = memory_file_new("part.so", NULL, 0);
	char *bytes;
	int err = object < 0 ? object : shared < 0 ? shared : 0;

	if (err)
		diag_error(diag, NO_LOC, "cannot make room for the user part: %s", strerror(-err));
	if (!err)
		err = run_linker(arena, object, shared, diag);
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
