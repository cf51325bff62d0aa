#include "bundle/bundle.h"
#include "bundle/digest.h"
#include "bundle/manifest.h"
#include "bundle/tar.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

#include <errno.h>
#include <linux/bpf.h>
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

/* Both programs of a pair have the same maps in the same places, arrays of programs apart. */
static const char *check_pair(const struct bundle *a, const struct bundle *b)
{
	if (bundle_find(b, BUNDLE_MEMBER_SECOND))
		return "a pair has a pair in it";
	if (a->strict != b->strict || a->ordered_maps != b->ordered_maps ||
	    a->replay_inputs != b->replay_inputs ||
	    a->kernel_can_run_source != b->kernel_can_run_source)
		return "the programs of its pair are not of one build";
	for (size_t m = 0; m < a->map_count || m < b->map_count; m++) {
		bool own = (m >= a->map_count || a->maps[m].type == BPF_MAP_TYPE_PROG_ARRAY) &&
			   (m >= b->map_count || b->maps[m].type == BPF_MAP_TYPE_PROG_ARRAY);

		if (!own && (m >= a->map_count || m >= b->map_count ||
			     strcmp(a->maps[m].name, b->maps[m].name) ||
			     a->maps[m].layout != b->maps[m].layout))
			return "the programs of its pair have different maps";
	}
	return NULL;
}

static int parse_second(const char *name, struct bundle *bundle, struct diag *diag)
{
	const struct bundle_member *member = bundle_find(bundle, BUNDLE_MEMBER_SECOND);
	struct bundle *second;
	const char *why;
	int err;

	if (!member)
		return 0;
	second = arena_alloc(bundle->arena, sizeof *second);
	second->arena = bundle->arena;
	err = parse(name, member->bytes, member->size, second, diag);
	why = err ? NULL : check_pair(bundle, second);
	if (why)
		return refuse(name, diag, why);
	bundle->second = second;
	return err;
}

int bundle_parse(const char *name, const void *bytes, size_t size, struct bundle **bundle,
		 struct diag *diag)
{
	struct bundle *b = bundle_new();
	int err = parse(name, bytes, size, b, diag);

	if (!err)
		err = parse_second(name, b, diag);
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
