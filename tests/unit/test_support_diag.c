/* Diagnostics: the form of a message, the source line with its caret, the counts. */
#include "support/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/test_support_diag.XXXXXX";

static int make_source(void **state)
{
	static const char source[] = "int a;\n\tb();\n";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, source, sizeof source - 1) < 0)
		return -1;
	return close(fd);
}

static int remove_source(void **state)
{
	return unlink(path);
}

/* What one error at this place prints, behind the name of its file. */
static const char *error_at(struct src_loc loc)
{
	static char text[1024];
	struct diag diag = {.out = fmemopen(text, sizeof text, "w"), .prog = "cleave"};

	diag_error(&diag, loc, "bad %s", "thing");
	fclose(diag.out);
	assert_int_equal(diag.errors, 1);
	assert_int_equal(diag.warnings, 0);
	return loc.file ? text + strlen(loc.file) : text;
}

static void test_places(void **state)
{
	assert_string_equal(error_at(NO_LOC), "cleave: error: bad thing\n");
	assert_string_equal(error_at((struct src_loc){"no.c", 0, 0}), ": error: bad thing\n");
	assert_string_equal(error_at((struct src_loc){"no.c", 3, 0}), ":3: error: bad thing\n");
	assert_string_equal(error_at((struct src_loc){path, 1, 5}),
			    ":1:5: error: bad thing\n     1 | int a;\n       |     ^\n");
	/* A tab in front of the place stays a tab under it. */
	assert_string_equal(error_at((struct src_loc){path, 2, 2}),
			    ":2:2: error: bad thing\n     2 | \tb();\n       | \t^\n");
	/* Places behind the line's or the file's end have no caret, and no line. */
	assert_string_equal(error_at((struct src_loc){path, 1, 90}),
			    ":1:90: error: bad thing\n     1 | int a;\n");
	assert_string_equal(error_at((struct src_loc){path, 9, 1}), ":9:1: error: bad thing\n");
}

static void test_counts(void **state)
{
	char text[256] = "";
	struct diag diag = {.out = fmemopen(text, sizeof text, "w")};

	diag_warning(&diag, NO_LOC, "w");
	diag_note(&diag, NO_LOC, "n");
	diag_warning(&diag, NO_LOC, "w");
	fclose(diag.out);
	assert_int_equal(diag.errors, 0);
	assert_int_equal(diag.warnings, 2);
	assert_string_equal(text, "cleave: warning: w\ncleave: note: n\ncleave: warning: w\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_places),
					   cmocka_unit_test(test_counts)};

	return cmocka_run_group_tests(tests, make_source, remove_source);
}
