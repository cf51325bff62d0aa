/* Reading: every damage is refused by the digest, and behind a digest that fits, by the structure.
 */
#include "tests/unit/bundle_sample.h"
#include "bundle/digest.h"
#include "bundle/tar.h"
#include "bundle/write.h"
#include "support/diag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct bundle *sample;
static char *bytes;
static size_t size;
static char messages[4096];
static struct diag diag;

static int emit_sample(void **state)
{
	sample = sample_bundle();
	return bundle_emit(sample, &bytes, &size);
}

static int free_sample(void **state)
{
	bundle_free(&sample);
	return 0;
}

/* Parses a copy of exactly this size, so that a sanitizer sees every read behind its end. */
static int parse(const char *from, size_t length)
{
	char *copy = malloc(length ? length : 1);
	struct bundle *b;
	int err;

	assert_non_null(copy);
	memcpy(copy, from, length);
	memset(messages, 0, sizeof messages);
	diag = (struct diag){.out = fmemopen(messages, sizeof messages, "w")};
	err = bundle_parse("nf.cleave", copy, length, &b, &diag);
	fclose(diag.out);
	assert_int_equal(diag.errors, err ? 1 : 0);
	assert_true(!b == !!err);
	bundle_free(&b);
	free(copy);
	return err;
}

static void test_good(void **state)
{
	assert_int_equal(parse(bytes, size), 0);
}

static void test_every_bit_flip(void **state)
{
	/* All bits of the head (seal, headers), then a sample of positions that hits every member.
	 */
	for (size_t at = 0; at < size; at += at < 1200 ? 1 : 37)
		for (int bit = 0; bit < 8; bit++) {
			bytes[at] ^= 1 << bit;
			assert_int_equal(parse(bytes, size), -EBADMSG);
			bytes[at] ^= 1 << bit;
		}
	assert_int_equal(parse(bytes, size), 0);
}

static void test_every_truncation(void **state)
{
	for (size_t length = 0; length < size; length += length < 1200 ? 1 : 61)
		assert_int_equal(parse(bytes, length), -EBADMSG);
	for (size_t length = size - 1100; length < size; length++)
		assert_int_equal(parse(bytes, length), -EBADMSG);
}

static void test_longer(void **state)
{
	char *more = calloc(1, size + 512);

	memcpy(more, bytes, size);
	assert_int_equal(parse(more, size + 1), -EBADMSG);
	bundle_seal_write(more, size + 512);
	assert_int_equal(parse(more, size + 512), -EBADMSG);
	assert_non_null(strstr(messages, "longer or shorter"));
	free(more);
}

/* Builds an archive of these members, seals it and parses it. */
static int parse_members(const struct bundle_member *members, size_t count)
{
	struct arena *arena = arena_new();
	char *made;
	size_t length;
	int err;

	assert_int_equal(bundle_tar_emit(arena, members, count, &made, &length), 0);
	if (length >= SEAL_OFFSET + SEAL_BYTES)
		bundle_seal_write(made, length);
	err = parse(made, length);
	arena_free(&arena);
	return err;
}

/* The sample's members with the seal in front; room for some more. */
static size_t get_members(struct bundle_member members[static 16])
{
	static char blank[SEAL_BYTES + 1] =
	    "0000000000000000000000000000000000000000000000000000000000000000\n";

	members[0] = (struct bundle_member){.name = "SHA256", .bytes = blank, .size = SEAL_BYTES};
	memcpy(members + 1, sample->members, sample->member_count * sizeof *members);
	return sample->member_count + 1;
}

static void test_structure(void **state)
{
	struct bundle_member m[16], kept;
	size_t count = get_members(m);

	assert_int_equal(parse_members(m, count), 0);
	for (size_t i = 0; i < count; i++) { /* one missing */
		struct bundle_member fewer[16];

		memcpy(fewer, m, i * sizeof *m);
		memcpy(fewer + i, m + i + 1, (count - i - 1) * sizeof *m);
		assert_int_equal(parse_members(fewer, count - 1), -EBADMSG);
	}
	m[count] = m[count - 1]; /* one twice */
	assert_int_equal(parse_members(m, count + 1), -EBADMSG);
	m[count] = (struct bundle_member){.name = "extra.txt", .bytes = "x", .size = 1};
	assert_int_equal(parse_members(m, count + 1), -EBADMSG);
	m[count].name = "folder/plan.txt";
	assert_int_equal(parse_members(m, count + 1), -EBADMSG);
	m[count].name = "..";
	assert_int_equal(parse_members(m, count + 1), -EBADMSG);
	kept = m[2]; /* two swapped */
	m[2] = m[3];
	m[3] = kept;
	assert_int_equal(parse_members(m, count), -EBADMSG);
	m[3] = m[2];
	m[2] = kept;
	m[2].bytes = "XX\xc0\xde"; /* not what the manifest says */
	assert_int_equal(parse_members(m, count), -EBADMSG);
	assert_non_null(strstr(messages, "does not describe the ir.bc"));
}

static void test_too_many_members(void **state)
{
	struct bundle_member m[TAR_MEMBERS_MAX + 2];

	get_members(m);
	for (size_t i = 2; i < TAR_MEMBERS_MAX + 2; i++)
		m[i] = m[1];
	assert_int_equal(parse_members(m, TAR_MEMBERS_MAX + 2), -EBADMSG);
	assert_non_null(strstr(messages, "too many members"));
}

/* The version is looked at before anything that a later format may do differently. */
static void test_wrong_version(void **state)
{
	static const char manifest[] = "{\"format\": 2, \"news\": []}";
	struct bundle_member m[16];
	size_t count = get_members(m);

	m[1].bytes = manifest;
	m[1].size = sizeof manifest - 1;
	m[count] = (struct bundle_member){.name = "extra.txt", .bytes = "x", .size = 1};
	assert_int_equal(parse_members(m, count + 1), -EPROTONOSUPPORT);
	assert_non_null(strstr(messages, "format version 2"));
}

static void test_no_bundle(void **state)
{
	assert_int_equal(parse("#!/bin/sh\n", 10), -EBADMSG);
	assert_non_null(strstr(messages, "not a bundle"));
}

static void test_read_missing(void **state)
{
	struct bundle *b = sample;

	memset(messages, 0, sizeof messages);
	diag = (struct diag){.out = fmemopen(messages, sizeof messages, "w")};
	assert_int_equal(bundle_read("/nonexistent.cleave", &b, &diag), -ENOENT);
	assert_null(b);
	assert_int_equal(bundle_read("/tmp", &b, &diag), -EISDIR);
	fclose(diag.out);
	assert_non_null(strstr(messages, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),          cmocka_unit_test(test_every_bit_flip),
	    cmocka_unit_test(test_longer),        cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_structure),     cmocka_unit_test(test_too_many_members),
	    cmocka_unit_test(test_wrong_version), cmocka_unit_test(test_no_bundle),
	    cmocka_unit_test(test_read_missing),
	};

	return cmocka_run_group_tests(tests, emit_sample, free_sample);
}
