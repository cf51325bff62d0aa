/* Writing: what is written reads back the same, the same input gives the same bytes, a full disk
 * leaves nothing. */
#include "tests/unit/bundle_sample.h"
#include "bundle/write.h"
#include "support/diag.h"
#include "support/file.h"

#include <errno.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/test_bundle_write.XXXXXX";
static char path[sizeof folder + 16];
static char messages[4096];
static struct diag diag;

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/nf.cleave", folder);
	diag.out = fmemopen(messages, sizeof messages, "w");
	return diag.out ? 0 : -1;
}

static int remove_folder(void **state)
{
	fclose(diag.out);
	unlink(path);
	return rmdir(folder);
}

static size_t count_files(void)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void assert_same_members(const struct bundle *a, const struct bundle *b)
{
	assert_int_equal(a->member_count, b->member_count);
	for (size_t i = 0; i < a->member_count; i++) {
		assert_string_equal(a->members[i].name, b->members[i].name);
		assert_int_equal(a->members[i].size, b->members[i].size);
		assert_memory_equal(a->members[i].bytes, b->members[i].bytes, a->members[i].size);
		assert_string_equal(a->members[i].digest, b->members[i].digest);
		assert_int_equal(((const char *)b->members[i].bytes)[b->members[i].size], 0);
	}
}

static void test_round_trip(void **state)
{
	struct bundle *b = sample_bundle(), *again;

	assert_int_equal(bundle_write(b, path, &diag), 0);
	assert_int_equal(count_files(), 1);
	assert_int_equal(bundle_read(path, &again, &diag), 0);
	assert_string_equal(bundle_manifest(b), bundle_manifest(again));
	assert_same_members(b, again);
	assert_int_equal(again->maps[0].home, MAP_HOME_SHARED_VALUES);
	assert_int_equal(again->maps[0].slots, 9216);
	assert_int_equal(again->maps[0].layout, bundle_map_layout(&b->maps[0]));
	assert_string_equal(again->maps[1].why, "per-CPU counters\nread by others");
	assert_int_equal(again->cuts[1].live[2].offset, 24);
	assert_string_equal(again->clang_flags[1], "-DNAME=\"a b\"");
	assert_int_equal(again->min_kernel, 5 << 16 | 18 << 8);
	assert_true(again->strict);
	assert_false(again->cuts[1].held_only);
	assert_null(bundle_find(again, BUNDLE_MEMBER_REPLAY));
	bundle_free(&b);
	bundle_free(&again);
	assert_null(again);
}

static void test_same_bytes(void **state)
{
	struct bundle *a = sample_bundle(), *b = sample_bundle();
	char *a_bytes, *b_bytes;
	size_t a_size, b_size;

	/* Neither the order of calls nor a member that was replaced leaves a trace. */
	bundle_add(a, BUNDLE_MEMBER_REPLAY, "so", 2);
	bundle_add(b, BUNDLE_MEMBER_REPLAY, "other", 5);
	bundle_add(b, BUNDLE_MEMBER_PLAN, "plan\n", 5);
	bundle_add(b, BUNDLE_MEMBER_REPLAY, "so", 2);
	assert_int_equal(bundle_emit(a, &a_bytes, &a_size), 0);
	assert_int_equal(bundle_emit(b, &b_bytes, &b_size), 0);
	assert_int_equal(bundle_emit(b, &b_bytes, &b_size), 0);
	assert_int_equal(a_size, b_size);
	assert_memory_equal(a_bytes, b_bytes, a_size);
	b->maps[0].value_size = 32;
	assert_int_equal(bundle_emit(b, &b_bytes, &b_size), 0);
	assert_memory_not_equal(a_bytes, b_bytes, 1024);
	bundle_free(&a);
	bundle_free(&b);
}

static void test_foreign_text(void **state)
{
	struct bundle *b = sample_bundle(), *again;

	b->source = "caf\xe9.bpf.c"; /* Latin-1 */
	b->maps[0].why = "g\xc3\xbcnstig";
	assert_int_equal(bundle_write(b, path, &diag), 0);
	assert_int_equal(bundle_read(path, &again, &diag), 0);
	assert_string_equal(again->source, "caf?.bpf.c");
	assert_string_equal(again->maps[0].why, "g\xc3\xbcnstig");
	bundle_free(&b);
	bundle_free(&again);
}

/* A bundle that the reader would refuse is the writer's fault, and is not written. */
static void test_refused_is_not_written(void **state)
{
	struct bundle *b = sample_bundle();

	unlink(path);
	b->cuts[1].length = 38;
	assert_int_equal(bundle_write(b, path, &diag), -EINVAL);
	assert_int_equal(count_files(), 0);
	bundle_free(&b);
}

static void test_full_disk(void **state)
{
	struct bundle *b = sample_bundle();
	struct rlimit old, small;
	int err;

	assert_int_equal(bundle_write(b, path, &diag), 0);
	unlink(path);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	err = bundle_write(b, path, &diag);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(err, -EFBIG);
	assert_int_equal(count_files(), 0);
	assert_int_equal(bundle_write(b, "/nonexistent/folder/nf.cleave", &diag), -ENOENT);
	bundle_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_same_bytes),
	    cmocka_unit_test(test_foreign_text),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_refused_is_not_written),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
