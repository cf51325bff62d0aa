/*
 * Fuzz target of the bundle's reader. The digest would stop nearly every mutation at the door, so
 * the first byte of the input says where the rest enters:
 *
 *     'r'  raw: the rest is the file
 *     's'  sealed: the rest is the file, its seal and the checksums of its tar headers made to fit
 * first 'm'  manifest: the rest is manifest.json over the members of a good bundle
 *
 * What is accepted has to print, and has to survive being written and read again unchanged.
 */
#include "tests/unit/bundle_sample.h"
#include "bundle/digest.h"
#include "bundle/manifest.h"
#include "bundle/write.h"
#include "support/diag.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz_bundle: %s\n", what);
	abort();
}

static void check_accepted(struct bundle *b, FILE *out)
{
	struct diag diag = {.out = stderr, .prog = "fuzz_bundle"};
	struct bundle *again;
	char *bytes;
	size_t size;

	bundle_print(b, out);
	require(!bundle_emit(b, &bytes, &size), "an accepted bundle cannot be written");
	require(!bundle_parse("again", bytes, size, &again, &diag),
		"an accepted bundle is refused when written again");
	require(!strcmp(bundle_manifest(b), bundle_manifest(again)),
		"an accepted bundle changes when written again");
	bundle_free(&again);
}

/* Walks the archive as far as its sizes lead and makes the header checksums fit. */
static void fix_checksums(char *bytes, size_t size)
{
	enum { BLOCK = 512, SIZE_AT = 124, SIZE_DIGITS = 12, SUM_AT = 148, SUM_DIGITS = 8 };
	size_t at = 0;

	while (size - at >= BLOCK && bytes[at]) {
		char *header = bytes + at, digits[SIZE_DIGITS + 1] = "";
		unsigned sum = 0;
		size_t member;

		memset(header + SUM_AT, ' ', SUM_DIGITS);
		for (size_t i = 0; i < BLOCK; i++)
			sum += (unsigned char)header[i];
		snprintf(header + SUM_AT, SUM_DIGITS, "%06o", sum);
		memcpy(digits, header + SIZE_AT, SIZE_DIGITS);
		member = strtoul(digits, NULL, 8);
		if (member > size)
			break;
		at += BLOCK + (member + BLOCK - 1) / BLOCK * BLOCK;
		if (at > size)
			break;
	}
}

static struct bundle *parse_file(const uint8_t *data, size_t size, int seal, struct diag *diag)
{
	/* A copy of exactly this size: a read behind its end is seen. */
	char *bytes = malloc(size ? size : 1);
	struct bundle *b;

	require(bytes != NULL, "no memory");
	memcpy(bytes, data, size);
	if (seal && size >= SEAL_OFFSET + SEAL_BYTES) {
		fix_checksums(bytes, size);
		bundle_seal_write(bytes, size);
	}
	bundle_parse("fuzz", bytes, size, &b, diag);
	free(bytes);
	return b;
}

static struct bundle *parse_manifest(const uint8_t *data, size_t size, struct diag *diag)
{
	struct bundle *sample = sample_bundle(), *b = bundle_new();
	char *text = arena_strndup(b->arena, (const char *)data, size);

	for (size_t i = 0; i < sample->member_count; i++)
		bundle_add(
		    b, sample->members[i].name,
		    arena_strndup(b->arena, sample->members[i].bytes, sample->members[i].size),
		    sample->members[i].size);
	bundle_add(b, BUNDLE_MEMBER_MANIFEST, text, size);
	bundle_free(&sample);
	if (manifest_parse("fuzz", text, size, b, diag))
		bundle_free(&b);
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	struct diag diag = {.prog = "fuzz_bundle"};
	struct bundle *b = NULL;

	if (!null)
		null = fopen("/dev/null", "w");
	require(null != NULL, "cannot open /dev/null");
	diag.out = null;
	if (!size)
		return 0;
	if (*data == 'm')
		b = parse_manifest(data + 1, size - 1, &diag);
	else
		b = parse_file(data + 1, size - 1, *data == 's', &diag);
	require(!b == !!diag.errors, "refused without a message, or accepted with one");
	if (b)
		check_accepted(b, null);
	bundle_free(&b);
	return 0;
}
