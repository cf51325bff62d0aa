/* check, replay, run: prepare bundles, then become cleaved. */
#include "driver/commands.h"
#include "support/arena.h"
#include "support/exit_codes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int become_cleaved(struct arena *arena, char **argv, struct diag *diag)
{
	argv[0] = (char *)find_cleaved(arena);
	fflush(NULL);
	execvp(argv[0], argv);
	diag_error(diag, NO_LOC, "cannot start cleaved: %s", strerror(errno));
	return EXIT_CLEAVE_HOST;
}

static int hand_over(const char *command, struct options *o, struct diag *diag)
{
	struct arena *arena = arena_new();
	char **argv = arena_array(arena, o->word_count + o->rest_count + 4, sizeof *argv);
	size_t n = 1;

	argv[n++] = (char *)command;
	for (size_t i = 0; i < o->word_count; i++)
		argv[n++] = o->words[i];
	if (o->text[OPTION_JSON])
		argv[n++] = "--json";
	for (size_t i = 0; i < o->rest_count; i++)
		argv[n++] = o->rest[i];
	int code = become_cleaved(arena, argv, diag);

	arena_free(&arena);
	return code;
}

int command_run(struct options *o, struct diag *diag)
{
	return hand_over("run", o, diag);
}

int command_replay(struct options *o, struct diag *diag)
{
	return hand_over("replay", o, diag);
}

static bool is_bundle(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".cleave") == 0;
}

static int write_variant(struct compilation *c, const char *folder, const char *name)
{
	return bundle_write(c->bundle, arena_printf(c->arena, "%s/%s.cleave", folder, name),
			    c->diag);
}

/*
 * The oracle of an NF that the kernel cannot run whole is its source as native code in one piece:
 * the split `user`, which is added when it was not asked for.
 */
static int write_native_oracle(struct compilation *c, const char *folder)
{
	int err;

	/* After `every` the last variant may have come to nothing. */
	if (c->bundle && (c->bundle->kernel_can_run_source || strcmp(c->split_text, "user") == 0))
		return 0;
	c->split = (struct split){.kind = SPLIT_USER};
	c->split_text = "user";
	err = pipeline_replan(c);
	return err ? err : write_variant(c, folder, "user");
}

static int build_variants(struct options *o, const char *folder, struct diag *diag)
{
	bool every = o->text[OPTION_SPLIT] && strcmp(o->text[OPTION_SPLIT], "every") == 0;
	struct compilation c;
	int code;

	o->text[OPTION_CHECK_BUILD] = "";
	compilation_begin(&c, diag);
	for (size_t i = 0; i < o->rest_count; i++)
		c.replay |= strcmp(o->rest[i], "--native") == 0;
	c.stop_after = every ? "legal" : NULL;
	code = compile_by_options(&c, o, diag);
	c.stop_after = NULL;
	if (!code && every)
		code = exit_code_of(pipeline_every(&c, arena_printf(c.arena, "%s/", folder)));
	else if (!code)
		code = exit_code_of(write_variant(&c, folder, "split"));
	if (!code)
		code = exit_code_of(write_native_oracle(&c, folder));
	compilation_end(&c);
	return code;
}

static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);

	for (struct dirent *e; dir && (e = readdir(dir));)
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

int command_check(struct options *o, struct diag *diag)
{
	struct arena *arena = arena_new();
	const char *base = getenv("TMPDIR");
	char *folder = arena_printf(arena, "%s/cleave-check-XXXXXX", base && *base ? base : "/tmp");
	char **argv = arena_array(arena, o->rest_count + 8, sizeof *argv);
	size_t n = 1;
	int code;

	if (!o->word_count) {
		diag_error(diag, NO_LOC, "no source or bundle given");
		return EXIT_CLEAVE_USAGE;
	}
	if (is_bundle(o->words[0]))
		return hand_over("check", o, diag);
	if (!mkdtemp(folder)) {
		diag_error(diag, NO_LOC, "cannot make a temporary folder: %s", strerror(errno));
		return EXIT_CLEAVE_HOST;
	}
	code = build_variants(o, folder, diag);
	if (code) {
		remove_folder(folder);
		return code;
	}
	argv[n++] = "check";
	argv[n++] = "--dir";
	argv[n++] = folder;
	argv[n++] = "--remove";
	if (o->text[OPTION_JSON])
		argv[n++] = "--json";
	for (size_t i = 0; i < o->rest_count; i++)
		argv[n++] = o->rest[i];
	return become_cleaved(arena, argv, diag);
}
