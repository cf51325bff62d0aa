/* Places in JSON files: every step finds its line, in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "runtime/json_source.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

struct text {
	struct json_source src;
	char path[40];
};

static void open_text(struct text *t, const char *text)
{
	struct diag diag = {.out = stderr, .prog = "test"};
	int fd;

	strcpy(t->path, "/tmp/cleave-json-XXXXXX");
	fd = mkstemp(t->path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_write_atomic(t->path, text, strlen(text)), 0);
	assert_int_equal(json_source_read(&t->src, t->path, &diag), 0);
}

static void close_text(struct text *t)
{
	json_source_free(&t->src);
	unlink(t->path);
}

static unsigned line_of(struct text *t, const char *first, size_t index, const char *last)
{
	unsigned line;

	json_source_enter(&t->src, first, 0);
	json_source_enter(&t->src, NULL, index);
	if (last)
		json_source_enter(&t->src, last, 0);
	line = json_source_line(&t->src);
	for (int i = 0; i < 2 + (last != NULL); i++)
		json_source_leave(&t->src);
	return line;
}

static void finds_lines_in_any_order(void **state)
{
	struct text t;

	open_text(&t,
		  "{\n\"a\": [\n{\"x\": 1,\n\"y\": \"}]\\\"\\n\"},\n[2, [3,\n4]],\n{\"x\":\n5}],\n"
		  "\"b\": [ {\"y\": true,\n\"x\": null}, 7 ]\n}");
	/* forwards, backwards, and to and fro between two lists with the same numbers and names */
	assert_int_equal(line_of(&t, "a", 0, "x"), 3);
	assert_int_equal(line_of(&t, "a", 0, "y"), 4);
	assert_int_equal(line_of(&t, "a", 1, NULL), 5);
	assert_int_equal(line_of(&t, "a", 2, "x"), 8);
	assert_int_equal(line_of(&t, "b", 0, "x"), 10);
	assert_int_equal(line_of(&t, "a", 0, "x"), 3);
	assert_int_equal(line_of(&t, "b", 0, "y"), 9);
	assert_int_equal(line_of(&t, "b", 1, NULL), 10);
	assert_int_equal(line_of(&t, "a", 1, NULL), 5);
	assert_int_equal(line_of(&t, "a", 0, NULL), 3);
	/* what is not there has the line of what it would be in */
	assert_int_equal(line_of(&t, "b", 9, NULL), 9);
	assert_int_equal(line_of(&t, "c", 0, NULL), 1);
	assert_int_equal(line_of(&t, "a", 2, "z"), 7);
	close_text(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_lines_in_any_order),
	};

	return cmocka_run_group_tests_name("runtime/json_source", tests, NULL, NULL);
}
