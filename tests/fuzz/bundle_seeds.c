/* Writes the seed corpus of fuzz_bundle into a folder: one good input for every way in. */
#include "tests/unit/bundle_sample.h"
#include "bundle/write.h"
#include "support/file.h"

#include <stdio.h>

static int write_seed(struct arena *arena, const char *folder, char way, const char *bytes,
		      size_t size)
{
	char *seed = arena_alloc(arena, size + 1);
	int err;

	seed[0] = way;
	memcpy(seed + 1, bytes, size);
	err = file_write_atomic(arena_printf(arena, "%s/good-%c", folder, way), seed, size + 1);
	if (err)
		fprintf(stderr, "bundle_seeds: cannot write to %s: %s\n", folder, strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	struct bundle *b = sample_bundle();
	char *bytes;
	size_t size;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: bundle_seeds FOLDER\n");
		return 2;
	}
	err = bundle_emit(b, &bytes, &size);
	if (!err)
		err = write_seed(b->arena, argv[1], 'r', bytes, size);
	if (!err)
		err = write_seed(b->arena, argv[1], 's', bytes, size);
	if (!err)
		err = write_seed(b->arena, argv[1], 'm', bundle_manifest(b),
				 strlen(bundle_manifest(b)));
	bundle_free(&b);
	return err ? 1 : 0;
}
