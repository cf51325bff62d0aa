/* Files without a place on disk: their bytes, their names, children that use them. */
#include "support/arena.h"
#include "support/memory_file.h"
#include "support/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

static void test_bytes_and_name(void **state)
{
	struct arena *arena = arena_new();
	int fd = memory_file_new("a part", "n\0w", 3);
	char path[MEMORY_FILE_PATH_BYTES], name[MEMORY_FILE_NAME_BYTES], *bytes;
	size_t size;

	assert_true(fd > 2);
	memory_file_path(fd, path);
	assert_true(memory_file_name(path, name));
	assert_string_equal(name, "a part");
	assert_int_equal(memory_file_read(arena, fd, &bytes, &size), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(bytes, "n\0w", 4);
	close(fd);
	assert_false(memory_file_name(path, name));
	assert_false(memory_file_name("/proc/self/exe", name));
	assert_false(memory_file_name("/tmp", name));
	arena_free(&arena);
}

/* One child writes, and runs elsewhere; another opens what it wrote by its name. */
static void test_children(void **state)
{
	struct arena *arena = arena_new();
	int fd = memory_file_new("out", NULL, 0);
	char path[MEMORY_FILE_PATH_BYTES], *errors, *bytes;
	char *const print[] = {"pwd", NULL}, *const compare[] = {"grep", "-qx", "/", path, NULL};
	struct process child;

	assert_true(fd > 2);
	assert_int_equal(process_start_in(&child, print, "/", fd), 0);
	assert_int_equal(process_wait(&child, arena, &errors), 0);
	assert_string_equal(errors, "");
	assert_int_equal(memory_file_read(arena, fd, &bytes, NULL), 0);
	assert_string_equal(bytes, "/\n");
	memory_file_path(fd, path);
	assert_int_equal(process_start(&child, compare), 0);
	assert_int_equal(process_wait(&child, arena, NULL), 0);
	close(fd);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes_and_name),
	    cmocka_unit_test(test_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
