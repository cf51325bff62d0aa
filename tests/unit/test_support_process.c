/* Child processes: status, signals, and all of what they print on standard error. */
#include "support/arena.h"
#include "support/process.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static int run(struct arena *arena, const char *script, char **errors)
{
	char *const argv[] = {"sh", "-c", (char *)script, NULL};
	struct process process;

	assert_int_equal(process_start(&process, argv), 0);
	return process_wait(&process, arena, errors);
}

static void test_status(void **state)
{
	struct arena *arena = arena_new();
	char *errors;

	assert_int_equal(run(arena, "exit 7", &errors), 7);
	assert_string_equal(errors, "");
	assert_int_equal(run(arena, "kill -TERM $$", NULL), 128 + SIGTERM);
	assert_int_equal(run(arena, "read line", NULL), 1); /* nothing on standard input */
	arena_free(&arena);
}

static void test_errors_are_kept(void **state)
{
	static const char script[] = "i=0; while [ $i -lt 20000 ]; do echo 12345678901; "
				     "i=$((i+1)); done >&2; exit 1";
	struct arena *arena = arena_new();
	char *errors;

	assert_int_equal(run(arena, "echo broken >&2", &errors), 0);
	assert_string_equal(errors, "broken\n");
	assert_int_equal(run(arena, script, &errors), 1); /* more than a pipe holds */
	assert_int_equal(strlen(errors), 20000 * 12);
	arena_free(&arena);
}

static void test_no_such_program(void **state)
{
	char *const argv[] = {"cleave-no-such-program", NULL};
	struct process process;

	assert_int_equal(process_start(&process, argv), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_errors_are_kept),
	    cmocka_unit_test(test_no_such_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
