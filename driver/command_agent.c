/* check: makes the bundles to compare, then becomes cleaved. */
#include "bundle/write.h"
#include "driver/commands.h"
#include "support/arena.h"
#include "support/exit_codes.h"
#include "support/memory_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int become_cleaved(char *const *arguments, struct diag *diag)
{
	struct arena *arena = arena_new();
	size_t count = 0;
	char **argv;

	while (arguments[count])
		count++;
	argv = arena_array(arena, count + 2, sizeof *argv);
	argv[0] = (char *)find_cleaved(arena);
	memcpy(argv + 1, arguments, count * sizeof *argv);
	fflush(NULL);
	execvp(argv[0], argv);
	diag_error(diag, NO_LOC, "cannot start cleaved: %s", strerror(errno));
	arena_free(&arena);
	return EXIT_CLEAVE_HOST;
}

/* The bundles, which cleaved reads from memory: nothing of them is ever on disk. */
struct variants {
	struct arena *arena;
	char **paths;
	size_t count, capacity;
	bool kernel_can_run_source; /* so say those that were made */
};

static int keep_variant(void *context, struct bundle *bundle, const char *name, struct diag *diag)
{
	struct variants *v = context;
	char *bytes, *path = arena_alloc(v->arena, MEMORY_FILE_PATH_BYTES);
	size_t size;
	int err = bundle_emit(bundle, &bytes, &size), fd;

	if (err)
		return err;
	fd = memory_file_new(arena_printf(v->arena, "%s.cleave", name), bytes, size);
	if (fd < 0) {
		diag_error(diag, NO_LOC, "cannot keep the bundle %s: %s", name, strerror(-fd));
		return fd;
	}
	memory_file_path(fd, path);
	v->kernel_can_run_source = bundle->kernel_can_run_source;
	*ARENA_PUSH(v->arena, v->paths, v->count, v->capacity) = path;
	return 0;
}

static void set_split(struct compilation *c, enum split_kind kind, const char *text)
{
	c->split = (struct split){.kind = kind};
	c->split_text = text;
	if (c->second)
		set_split(c->second, kind, text);
}

static bool user_can_run(const struct compilation *c)
{
	return c->front.program->edges[0].cut.reason == IR_REASON_NONE &&
	       (!c->second || user_can_run(c->second));
}

/*
 * The oracle of an NF that the kernel cannot run whole is its source as native code in one piece:
 * the split `user`, which is added when it was not asked for. Beside `every` it always is, if user
 * can run the whole: where the kernel is the oracle, it tells which map elements a packet touches.
 */
static int add_native_whole(struct compilation *c, struct variants *v, bool every)
{
	int err;

	if (!every && (v->kernel_can_run_source || strcmp(c->split_text, "user") == 0))
		return 0;
	if (v->kernel_can_run_source && !user_can_run(c))
		return 0;
	set_split(c, SPLIT_USER, "user");
	err = pipeline_replan(c);
	if (err)
		diag_note(c->diag, NO_LOC,
			  "neither layer can run all of it: there is nothing to check it against");
	return err ? err : keep_variant(v, c->bundle, "user", c->diag);
}

/* Where no packet can leave, `every` is the kernel part alone. */
static int add_kernel_whole(struct compilation *c, struct variants *v)
{
	int err;

	set_split(c, SPLIT_KERNEL, "kernel");
	err = pipeline_replan(c);
	return err ? err : keep_variant(v, c->bundle, "kernel", c->diag);
}

static int build_variants(struct options *o, struct variants *v, struct diag *diag)
{
	bool every = o->text[OPTION_SPLIT] && strcmp(o->text[OPTION_SPLIT], "every") == 0;
	struct compilation c;
	int code;

	o->text[OPTION_CHECK_BUILD] = "";
	compilation_begin(&c, diag);
	c.replay = o->text[OPTION_NATIVE] != NULL;
	c.stop_after = every ? "legal" : NULL;
	code = compile_by_options(&c, o, diag);
	c.stop_after = NULL;
	if (!code && every)
		code = exit_code_of(pipeline_every(&c, keep_variant, v));
	if (!code && every && !v->count)
		code = exit_code_of(add_kernel_whole(&c, v));
	else if (!code && !every)
		code = exit_code_of(keep_variant(v, c.bundle, "split", diag));
	if (!code)
		code = exit_code_of(add_native_whole(&c, v, every));
	compilation_end(&c);
	return code;
}

static int check_with_cleaved(const struct options *o, char *const *paths, size_t count,
			      struct diag *diag)
{
	struct arena *arena = arena_new();
	char **argv = arena_array(arena, o->handed_count + count + 2, sizeof *argv);
	int code;

	argv[0] = "check";
	memcpy(argv + 1, o->handed, o->handed_count * sizeof *argv);
	memcpy(argv + 1 + o->handed_count, paths, count * sizeof *argv);
	code = become_cleaved(argv, diag);
	arena_free(&arena);
	return code;
}

/* `every` keeps a file open for each variant. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int command_check(struct options *o, struct diag *diag)
{
	struct variants v = {0};
	int code;

	if (!o->word_count) {
		diag_error(diag, NO_LOC, "no source or bundle given; see --help");
		return EXIT_CLEAVE_USAGE;
	}
	if (is_bundle(o->words[0])) {
		code = refuse_compiling(o, diag);
		return code ? code : check_with_cleaved(o, o->words, o->word_count, diag);
	}
	if (o->word_count > 1) {
		diag_error(diag, NO_LOC, "one source at a time; %s is one too many", o->words[1]);
		return EXIT_CLEAVE_USAGE;
	}
	allow_many_files();
	v.arena = arena_new();
	code = build_variants(o, &v, diag);
	if (!code)
		code = check_with_cleaved(o, v.paths, v.count, diag);
	arena_free(&v.arena);
	return code;
}
