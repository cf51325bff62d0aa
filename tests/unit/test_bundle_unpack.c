/* Unpacking: every member as a file with its bytes; a failure takes back what was written. */
#include "tests/unit/bundle_sample.h"
#include "support/diag.h"
#include "support/file.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static char base[] = "/tmp/test_bundle_unpack.XXXXXX";
static char folder[sizeof base + 8];
static char messages[1024];
static struct diag diag;
static struct bundle *sample;

static int make(void **state)
{
	sample = sample_bundle();
	diag.out = fmemopen(messages, sizeof messages, "w");
	if (!mkdtemp(base) || !diag.out)
		return -1;
	snprintf(folder, sizeof folder, "%s/out", base);
	return 0;
}

static int clean(void **state)
{
	fclose(diag.out);
	bundle_free(&sample);
	rmdir(folder);
	return rmdir(base);
}

static void test_members_become_files(void **state)
{
	/* Twice: a folder that is there is used, and files in it are replaced. */
	assert_int_equal(bundle_unpack(sample, folder, &diag), 0);
	assert_int_equal(bundle_unpack(sample, folder, &diag), 0);
	for (size_t i = 0; i < sample->member_count; i++) {
		const char *path =
		    arena_printf(sample->arena, "%s/%s", folder, sample->members[i].name);
		char *bytes;
		size_t size;

		assert_int_equal(file_read(sample->arena, path, &bytes, &size), 0);
		assert_int_equal(size, sample->members[i].size);
		assert_memory_equal(bytes, sample->members[i].bytes, size);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(folder), 0); /* and nothing else */
}

static void test_failure_leaves_nothing(void **state)
{
	static char large[8192];
	struct rlimit old, small;
	int err;

	bundle_add(sample, BUNDLE_MEMBER_REPLAY, large, sizeof large);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	err = bundle_unpack(sample, folder, &diag);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(err, -EFBIG);
	assert_int_equal(access(folder, F_OK), -1);
	assert_int_equal(bundle_unpack(sample, "/nonexistent/out", &diag), -ENOENT);
	assert_int_equal(bundle_unpack(sample, "/dev/null", &diag), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_members_become_files),
	    cmocka_unit_test(test_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
