/* One source text through the frontend: written to a folder of its own, messages kept. */
#ifndef CLEAVE_TESTS_FRONTEND_CASE_H
#define CLEAVE_TESTS_FRONTEND_CASE_H

#include <dirent.h>
#include <errno.h>
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

#include "frontend/frontend.h"
#include "ir/llvm_ir.h"
#include "support/arena.h"

#define PROLOGUE                                                                                   \
	"#include <linux/bpf.h>\n"                                                                 \
	"#include <bpf/bpf_helpers.h>\n"                                                           \
	"#define DATA ((void *)(long)ctx->data)\n"                                                 \
	"#define END ((void *)(long)ctx->data_end)\n"
#define PROLOGUE_LINES 4

struct frontend_case {
	struct arena *arena;
	char folder[32];
	char *home;     /* the folder that the test was started in */
	char *messages; /* what was reported */
	size_t messages_size;
	char *text; /* the normalised module, or NULL */
	int err;
	struct diag diag;
	struct frontend_input input;
	struct frontend_output output;
};

static inline void case_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Everything happens inside the case's folder, so that paths in messages are short and stable. */
static inline struct frontend_case case_open(void)
{
	struct frontend_case c = {.folder = "/tmp/cleave-test-XXXXXX", .arena = arena_new()};

	c.home = getcwd(NULL, 0);
	assert_non_null(mkdtemp(c.folder));
	assert_int_equal(chdir(c.folder), 0);
	assert_int_equal(mkdir("tmp", 0700), 0);
	assert_int_equal(setenv("TMPDIR", "tmp", 1), 0);
	c.input.path = "nf.bpf.c";
	return c;
}

static inline void case_run(struct frontend_case *c)
{
	c->diag = (struct diag){.prog = "cleave"};
	c->diag.out = open_memstream(&c->messages, &c->messages_size);
	c->err = frontend_compile(c->arena, &c->input, &c->output, &c->diag);
	fclose(c->diag.out);
	c->text = c->err ? NULL : LLVMPrintModuleToString(c->output.program->llvm->module);
}

static inline unsigned case_count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static inline void case_remove_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			remove(path);
	}
	if (dir)
		closedir(dir);
}

static inline void case_forget(struct frontend_case *c)
{
	if (c->text) {
		LLVMDisposeMessage(c->text);
		ir_llvm_free(c->output.program->llvm);
	}
	free(c->messages);
	c->text = c->messages = NULL;
}

static inline void case_close(struct frontend_case *c)
{
	assert_int_equal(case_count_files("tmp"), 0);
	case_forget(c);
	case_remove_files(c->folder);
	assert_int_equal(chdir(c->home), 0);
	rmdir(c->folder);
	free(c->home);
	arena_free(&c->arena);
}

/* PROLOGUE, then the text; the text's first line is line PROLOGUE_LINES + 1. */
static inline struct frontend_case case_of(const char *text)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", arena_printf(c.arena, PROLOGUE "%s", text));
	case_run(&c);
	return c;
}

static inline void case_expect_ok(struct frontend_case *c)
{
	if (c->err)
		fprintf(stderr, "%s\n", c->messages);
	assert_int_equal(c->err, 0);
}

static inline void case_expect(const char *where, const char *what)
{
	if (!where || !strstr(where, what))
		fprintf(stderr, "no \"%s\" in:\n%s\n", what, where ? where : "(nothing)");
	assert_true(where && strstr(where, what));
}

static inline void case_expect_not(const char *where, const char *what)
{
	if (where && strstr(where, what))
		fprintf(stderr, "\"%s\" in:\n%s\n", what, where);
	assert_false(where && strstr(where, what));
}

/* The text is refused with -EINVAL and this message at this line of it (0: no line). */
static inline void case_refused(const char *text, unsigned line, const char *message)
{
	struct frontend_case c = case_of(text);
	const char *place = line ? arena_printf(c.arena, "nf.bpf.c:%u", PROLOGUE_LINES + line)
				 : "nf.bpf.c: error: ";

	if (c.err != -EINVAL)
		fprintf(stderr, "err %d: %s\n%s\n", c.err, c.messages, text);
	assert_int_equal(c.err, -EINVAL);
	assert_true(c.diag.errors > 0);
	case_expect(c.messages, place);
	case_expect(c.messages, message);
	case_close(&c);
}

static inline unsigned case_occurrences(const char *where, const char *what)
{
	unsigned count = 0;

	for (; (where = strstr(where, what)); where += strlen(what))
		count++;
	return count;
}

#endif
