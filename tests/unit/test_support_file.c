/* Files: whole reads, and writes that are there in full or not at all. */
#include "support/arena.h"
#include "support/file.h"
#include "support/limits.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/test_support_file.XXXXXX";
static char path[sizeof folder + 8];
static struct arena *arena;

static int make_folder(void **state)
{
	arena = arena_new();
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/file", folder);
	return 0;
}

static int remove_folder(void **state)
{
	arena_free(&arena);
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

static void test_write_and_read(void **state)
{
	char *bytes;
	size_t size;
	struct stat st;

	assert_int_equal(file_write_atomic(path, "old and long", 12), 0);
	assert_int_equal(file_write_atomic(path, "n\0w", 3), 0);
	assert_int_equal(file_read(arena, path, &bytes, &size), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(bytes, "n\0w", 4); /* with the NUL behind it */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(count_files(), 1);
	assert_int_equal(file_write_atomic(path, "", 0), 0);
	assert_int_equal(file_read(arena, path, &bytes, NULL), 0);
	assert_string_equal(bytes, "");
}

static void test_failed_write_keeps_the_old_file(void **state)
{
	static char large[8192];
	struct rlimit old, small;
	char *bytes;
	int err;

	assert_int_equal(file_write_atomic(path, "old", 3), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	err = file_write_atomic(path, large, sizeof large);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(err, -EFBIG);
	assert_int_equal(file_read(arena, path, &bytes, NULL), 0);
	assert_string_equal(bytes, "old");
	assert_int_equal(count_files(), 1);
}

static void test_errors(void **state)
{
	char *bytes;

	assert_int_equal(file_read(arena, "/nonexistent", &bytes, NULL), -ENOENT);
	assert_int_equal(file_read(arena, folder, &bytes, NULL), -EISDIR);
	assert_int_equal(file_write_atomic("/nonexistent/file", "x", 1), -ENOENT);
	assert_int_equal(file_write_atomic(path, "", 0), 0);
	assert_int_equal(truncate(path, (off_t)FILE_BYTES_MAX + 1), 0); /* sparse */
	assert_int_equal(file_read(arena, path, &bytes, NULL), -EFBIG);
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0); /* rename fails at the very end */
	assert_true(file_write_atomic(path, "x", 1) < 0);
	assert_int_equal(count_files(), 1);
	assert_int_equal(rmdir(path), 0);
}

/* A link stays one, permissions stay or come from the umask, what is open already is written to. */
static void test_odd_outputs(void **state)
{
	char link[sizeof path + 8], *bytes;
	struct stat st;
	mode_t mask = umask(027);

	snprintf(link, sizeof link, "%s.link", path);
	unlink(path);
	assert_int_equal(symlink("file", link), 0);
	assert_int_equal(file_write_atomic(path, "1", 1), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(chmod(path, 0600), 0);
	assert_true(file_is_same(path, link));
	assert_int_equal(file_write_atomic(link, "2", 1), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(arena, path, &bytes, NULL), 0);
	assert_string_equal(bytes, "2");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(file_write_atomic("/dev/null", "3", 1), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(file_write_atomic("/dev/full", "4", 1), -ENOSPC);
	assert_int_equal(file_write_atomic(folder, "5", 1), -EISDIR);
	assert_false(file_is_same(path, "/nonexistent"));
	umask(mask);
	assert_int_equal(count_files(), 1);
}

static void test_output_not_kept(void **state)
{
	struct file_output output;
	char *bytes;

	assert_int_equal(file_write_atomic(path, "old", 3), 0);
	assert_int_equal(file_output_open(&output, path), 0);
	fputs("new", output.stream);
	assert_int_equal(count_files(), 2);
	assert_int_equal(file_output_close(&output, false), 0);
	assert_int_equal(count_files(), 1);
	assert_int_equal(file_read(arena, path, &bytes, NULL), 0);
	assert_string_equal(bytes, "old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_write_and_read),
	    cmocka_unit_test(test_failed_write_keeps_the_old_file),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_odd_outputs),
	    cmocka_unit_test(test_output_not_kept),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
