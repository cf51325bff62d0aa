#include "bundle/bundle.h"
#include "bundle/digest.h"
#include "bundle/manifest.h"
#include "bundle/tar.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SEAL_NAME "SHA256"

static int refuse(const char *name, struct diag *diag, const char *why)
{
	diag_error(diag, (struct src_loc){.file = name}, "damaged bundle: %s", why);
	return -EBADMSG;
}

/* The digest first: nothing behind it looks at bytes that were damaged by accident. */
static int check_seal(const char *name, const char *bytes, size_t size, struct diag *diag)
{
	if (size < sizeof SEAL_NAME || memcmp(bytes, SEAL_NAME, sizeof SEAL_NAME)) {
		diag_error(diag, (struct src_loc){.file = name},
			   "this is not a bundle (it does not begin with a digest); `cleave build` "
			   "makes one of a source");
		return -EBADMSG;
	}
	if (!bundle_seal_check(bytes, size))
		return refuse(name, diag,
			      "its digest does not fit: the file was cut short or changed");
	return 0;
}

/* Takes the seal off the list and makes sure that the manifest is next. */
static const char *check_head(struct bundle *bundle)
{
	const struct bundle_member *first = bundle->members;

	if (bundle->member_count < 2 || strcmp(first[0].name, SEAL_NAME) ||
	    first[0].size != SEAL_BYTES || ((const char *)first[0].bytes)[DIGEST_DIGITS] != '\n')
		return "its first member is not the digest";
	if (strcmp(first[1].name, BUNDLE_MEMBER_MANIFEST))
		return "its second member is not " BUNDLE_MEMBER_MANIFEST;
	bundle->members++;
	bundle->member_count--;
	return NULL;
}

static int parse(const char *name, const void *bytes, size_t size, struct bundle *bundle,
		 struct diag *diag)
{
	const struct bundle_member *manifest;
	const char *why = NULL;
	int err = check_seal(name, bytes, size, diag);

	if (err)
		return err;
	if (!bundle_tar_parse(bundle->arena, bytes, size, &bundle->members, &bundle->member_count,
			      &why))
		why = check_head(bundle);
	if (why)
		return refuse(name, diag, why);
	manifest = bundle->members;
	return manifest_parse(name, manifest->bytes, manifest->size, bundle, diag);
}

int bundle_parse(const char *name, const void *bytes, size_t size, struct bundle **bundle,
		 struct diag *diag)
{
	struct bundle *b = bundle_new();
	int err = parse(name, bytes, size, b, diag);

	if (err)
		bundle_free(&b);
	*bundle = b;
	return err;
}

bool bundle_begins_like_one(const char *path)
{
	char head[sizeof SEAL_NAME];
	struct stat st;
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
	bool like = f && fread(head, 1, sizeof head, f) == sizeof head &&
		    !memcmp(head, SEAL_NAME, sizeof SEAL_NAME);

	if (f)
		fclose(f);
	return like;
}

int bundle_read(const char *path, struct bundle **bundle, struct diag *diag)
{
	struct arena *arena = arena_new();
	char *bytes;
	size_t size;
	int err = file_read(arena, path, &bytes, &size);

	*bundle = NULL;
	if (err)
		diag_error(diag, (struct src_loc){.file = path}, "cannot read the bundle: %s",
			   strerror(-err));
	else
		err = bundle_parse(path, bytes, size, bundle, diag);
	arena_free(&arena);
	return err;
}
