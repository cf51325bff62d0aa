#include "bundle/bundle.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes back what was written before a member failed. */
static void remove_members(const struct bundle *bundle, size_t count, const char *folder,
			   bool made_folder, struct arena *arena)
{
	for (size_t i = 0; i < count; i++)
		unlink(arena_printf(arena, "%s/%s", folder, bundle->members[i].name));
	if (made_folder)
		rmdir(folder);
}

int bundle_unpack(const struct bundle *bundle, const char *folder, struct diag *diag)
{
	bool made_folder = !mkdir(folder, 0755);
	int err = made_folder || errno == EEXIST ? 0 : -errno;
	struct arena *arena;

	if (err) {
		diag_error(diag, (struct src_loc){.file = folder}, "cannot make the folder: %s",
			   strerror(-err));
		return err;
	}
	arena = arena_new();
	for (size_t i = 0; !err && i < bundle->member_count; i++) {
		const struct bundle_member *member = &bundle->members[i];
		const char *path = arena_printf(arena, "%s/%s", folder, member->name);

		err = file_write_atomic(path, member->bytes, member->size);
		if (!err)
			continue;
		diag_error(diag, (struct src_loc){.file = path}, "cannot write the member: %s",
			   strerror(-err));
		remove_members(bundle, i, folder, made_folder, arena);
	}
	arena_free(&arena);
	return err;
}
