/* Names of source files: as debug info has them, as people see them, as bundles keep them. */
#include "ir/ir.h"
#include "ir/source_file.h"
#include "support/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void expect(const char *source, const char *name, const char *shown, const char *stored)
{
	struct ir_program p = {.arena = arena_new(), .source = source};
	const char *file = ir_shown_file(&p, name, strlen(name));

	assert_string_equal(file, shown);
	assert_string_equal(ir_stored_file(&p, file), stored);
	arena_free(&p.arena);
}

static void test_source_beside_us(void **state)
{
	expect("nf.c", "./nf.c", "nf.c", "nf.c");
	expect("nf.c", "./../net/parse.h", "../net/parse.h", "../net/parse.h");
	expect("nf.c", "/usr/include/x.h", "/usr/include/x.h", "/usr/include/x.h");
	expect("nf.c", "include/x.h", "include/x.h", "include/x.h");
}

static void test_source_elsewhere(void **state)
{
	assert_int_equal(chdir("/"), 0);
	expect("etc/nf.c", "./passwd", "etc/passwd", "passwd");
	expect("/etc/nf.c", "./passwd", "/etc/passwd", "passwd");
	expect("/etc/nf.c", "./../etc/passwd", "/etc/../etc/passwd", "../etc/passwd");
	/* Not there: it was found in a folder that the user named. */
	expect("/etc/nf.c", "./none/x.h", "./none/x.h", "./none/x.h");
	expect("/etc/nf.c", "include/x.h", "include/x.h", "include/x.h");
	expect("/etc/nf.c", "/etc2/x.h", "/etc2/x.h", "/etc2/x.h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_source_beside_us),
	    cmocka_unit_test(test_source_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
