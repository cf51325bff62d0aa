#include "bundle/bundle.h"
#include "bundle/digest.h"
#include "bundle/tar.h"
#include "bundle/write.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

#include <errno.h>
#include <string.h>

int bundle_emit(struct bundle *bundle, char **bytes, size_t *size)
{
	char blank[SEAL_BYTES];
	const char *manifest = bundle_manifest(bundle);
	struct bundle_member *members;
	int err;

	bundle_add(bundle, BUNDLE_MEMBER_MANIFEST, manifest, strlen(manifest));
	memset(blank, '0', DIGEST_DIGITS);
	blank[DIGEST_DIGITS] = '\n';
	members = arena_array(bundle->arena, bundle->member_count + 1, sizeof *members);
	members[0] = (struct bundle_member){.name = "SHA256", .bytes = blank, .size = sizeof blank};
	memcpy(members + 1, bundle->members, bundle->member_count * sizeof *members);
	err = bundle_tar_emit(bundle->arena, members, bundle->member_count + 1, bytes, size);
	if (!err)
		bundle_seal_write(*bytes, *size);
	return err;
}

/* What our own reader would refuse is not written: the fault is reported where it was made. */
static int check_readable(const char *path, const char *bytes, size_t size, struct diag *diag)
{
	struct bundle *again;
	int err = bundle_parse(path, bytes, size, &again, diag);

	bundle_free(&again);
	return err ? -EINVAL : 0;
}

int bundle_write(struct bundle *bundle, const char *path, struct diag *diag)
{
	char *bytes;
	size_t size;
	int err = bundle_emit(bundle, &bytes, &size);

	if (err) {
		diag_error(diag, (struct src_loc){.file = path}, "cannot make the bundle: %s",
			   strerror(-err));
		return err;
	}
	err = check_readable(path, bytes, size, diag);
	if (err)
		return err;
	err = file_write_atomic(path, bytes, size);
	if (err)
		diag_error(diag, (struct src_loc){.file = path}, "cannot write the bundle: %s",
			   strerror(-err));
	return err;
}
