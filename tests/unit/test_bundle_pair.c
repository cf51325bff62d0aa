/* The bundle of a pair: the second program's is a member, and fits. */
#include "tests/unit/bundle_sample.h"
#include "bundle/write.h"
#include "support/diag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static char messages[4096];

static struct bundle *pair_of(struct bundle *first, struct bundle *second)
{
	char *bytes;
	size_t size;

	assert_int_equal(bundle_emit(second, &bytes, &size), 0);
	bundle_add(first, BUNDLE_MEMBER_SECOND, bytes, size);
	return first;
}

/* Reads what was written; *out is the caller's. */
static int read_back(struct bundle *b, struct bundle **out)
{
	struct diag diag = {.out = fmemopen(messages, sizeof messages, "w")};
	char *bytes;
	size_t size;
	int err = bundle_emit(b, &bytes, &size);

	memset(messages, 0, sizeof messages);
	if (!err)
		err = bundle_parse("nf.cleave", bytes, size, out, &diag);
	fclose(diag.out);
	return err;
}

static int refusal(struct bundle *first, struct bundle *second)
{
	struct bundle *again = NULL;
	int err = read_back(pair_of(first, second), &again);

	assert_null(again);
	bundle_free(&second);
	bundle_free(&first);
	return err;
}

static void test_pair(void **state)
{
	struct bundle *a = sample_bundle(), *b = sample_bundle(), *again;

	b->program = "other";
	b->section = "tc/egress";
	assert_int_equal(read_back(pair_of(a, b), &again), 0);
	assert_non_null(again->second);
	assert_string_equal(again->second->program, "other");
	assert_true(bundle_is_egress(again->second));
	assert_false(bundle_is_tc(again));
	assert_null(again->second->second);
	bundle_free(&again);
	bundle_free(&a);
	bundle_free(&b);
}

static void test_other_maps(void **state)
{
	struct bundle *b = sample_bundle();

	b->maps[1].value_size = 16;
	assert_int_equal(refusal(sample_bundle(), b), -EBADMSG);
	assert_non_null(strstr(messages, "different maps"));
	b = sample_bundle();
	b->map_count--;
	assert_int_equal(refusal(sample_bundle(), b), -EBADMSG);
	/* An array of programs is the one's own. */
	b = sample_bundle();
	b->map_count--;
	struct bundle *a = sample_bundle(), *again;
	a->maps[2] = (struct bundle_map){"calls", 3, 4, 4, 8, 0, MAP_HOME_KERNEL, ""};
	assert_int_equal(read_back(pair_of(a, b), &again), 0);
	bundle_free(&again);
	bundle_free(&a);
	bundle_free(&b);
}

static void test_other_build(void **state)
{
	struct bundle *b = sample_bundle();

	b->replay_inputs = true;
	assert_int_equal(refusal(sample_bundle(), b), -EBADMSG);
	assert_non_null(strstr(messages, "not of one build"));
}

static void test_pair_in_pair(void **state)
{
	struct bundle *inner = sample_bundle(), *b = pair_of(sample_bundle(), inner);

	assert_int_equal(refusal(sample_bundle(), b), -EBADMSG);
	assert_non_null(strstr(messages, "a pair in it"));
	bundle_free(&inner);
}

static void test_damaged(void **state)
{
	struct bundle *a = sample_bundle(), *again = NULL;

	bundle_add(a, BUNDLE_MEMBER_SECOND, "SHA256 and no more", 18);
	assert_int_equal(read_back(a, &again), -EBADMSG);
	assert_null(again);
	bundle_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pair),        cmocka_unit_test(test_other_maps),
	    cmocka_unit_test(test_other_build), cmocka_unit_test(test_pair_in_pair),
	    cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
