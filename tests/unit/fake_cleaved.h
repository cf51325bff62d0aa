/*
 * The compiler beside an agent of our own: the test runs again from a folder in which `cleaved` is
 * a script that answers as the test wants. FILE, line and message are what `cleaved verify` prints.
 *
 *     fake_answer("1", "nf.bpf.c\t12\tno");   the next `cleaved verify` refuses line 12
 *     fake_answer("0", "");                   the one after it accepts, as all do from then on
 *     assert_int_equal(fake_asked(), 2);
 */
#ifndef CLEAVE_TESTS_FAKE_CLEAVED_H
#define CLEAVE_TESTS_FAKE_CLEAVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver/pipeline.h"
#include "support/arena.h"
#include "support/file.h"

/* Answers are lines `CODE|TEXT`, taken from the top; each question leaves a line in `asked`. */
static const char fake_script[] = "#!/bin/sh\n"
				  "cd \"$(dirname \"$0\")\" || exit 70\n"
				  "echo \"$1\" >>asked\n"
				  "IFS= read -r answer <answers || exit 0\n"
				  "sed -i 1d answers\n"
				  "printf '%s\\n' \"${answer#*|}\" >&2\n"
				  "exit \"${answer%%|*}\"\n";

static const char *const fake_files[] = {"cleaved", "answers", "asked", "nf.bpf.c", "test"};

static inline void fake_copy_self(const char *path)
{
	struct arena *arena = arena_new();
	char *bytes;
	size_t size;

	if (file_read(arena, "/proc/self/exe", &bytes, &size) ||
	    file_write_atomic(path, bytes, size) || chmod(path, 0755))
		abort();
	arena_free(&arena);
}

/* First thing in main(): comes back in the folder, which is then the working directory. */
static inline void fake_begin(char **argv)
{
	char folder[] = "/tmp/cleave-fake-XXXXXX";
	const char *inside = getenv("FAKE_FOLDER");

	if (inside) {
		if (chdir(inside))
			abort();
		return;
	}
	if (!mkdtemp(folder) || chdir(folder))
		abort();
	fake_copy_self("test");
	if (file_write_atomic("cleaved", fake_script, sizeof fake_script - 1) ||
	    chmod("cleaved", 0755))
		abort();
	setenv("FAKE_FOLDER", folder, 1);
	execv("test", argv);
	abort();
}

static inline int fake_end(int code)
{
	for (size_t i = 0; i < sizeof fake_files / sizeof *fake_files; i++)
		unlink(fake_files[i]);
	rmdir(getenv("FAKE_FOLDER"));
	return code;
}

static inline void fake_answer(const char *code, const char *text)
{
	FILE *f = fopen("answers", "a");

	assert_non_null(f);
	fprintf(f, "%s|%s\n", code, text);
	assert_int_equal(fclose(f), 0);
}

/* How often somebody asked; forgets it, and the answers that are left. */
static inline unsigned fake_asked(void)
{
	FILE *f = fopen("asked", "r");
	unsigned count = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		count += c == '\n';
	if (f)
		fclose(f);
	unlink("asked");
	unlink("answers");
	return count;
}

/* One compilation of a source text, its messages kept. */
struct fake_build {
	struct compilation c;
	struct diag diag;
	char *said;
	size_t said_size;
	int err;
};

static inline void fake_source(struct fake_build *b, const char *text)
{
	assert_int_equal(file_write_atomic("nf.bpf.c", text, strlen(text)), 0);
	*b = (struct fake_build){.diag = {.prog = "cleave"}};
	b->diag.out = open_memstream(&b->said, &b->said_size);
	compilation_begin(&b->c, &b->diag);
	b->c.input.path = "nf.bpf.c";
}

static inline void fake_run(struct fake_build *b)
{
	b->err = pipeline_run(&b->c);
	fflush(b->diag.out);
}

static inline void fake_close(struct fake_build *b)
{
	compilation_end(&b->c);
	fclose(b->diag.out);
	free(b->said);
}

static inline void fake_expect(const char *where, const char *what)
{
	if (!strstr(where, what))
		fail_msg("no `%s` in: %s", what, where);
}

/* The first op that comes from this line of the source. */
static inline struct ir_op *fake_op(struct fake_build *b, unsigned line)
{
	struct ir_program *p = b->c.front.program;

	for (size_t o = 0; o < p->op_count; o++)
		if (p->ops[o].loc.line == line)
			return &p->ops[o];
	fail_msg("no op in line %u", line);
	return NULL;
}

#endif
