/* Builds the bundle of tests/check/count.bpf.c in a folder, for the tests of check and replay. */
#ifndef CLEAVE_TESTS_CHECK_COUNT_BUNDLE_H
#define CLEAVE_TESTS_CHECK_COUNT_BUNDLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>

#include "bundle/bundle.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"
#include "support/process.h"
#include "tests/check/count.h"

/* Compiles root/tests/check/SOURCE with these arguments into a member. */
static void count_add(struct bundle *b, const char *member, const char *folder, char **argv)
{
	const char *path = arena_printf(b->arena, "%s/part", folder);
	struct process process;
	char *bytes, *errors;
	size_t size, argc = 0;

	while (argv[argc])
		argc++;
	argv[argc] = (char *)"-o";
	argv[argc + 1] = (char *)path;
	if (process_start(&process, argv) || process_wait(&process, b->arena, &errors) ||
	    file_read(b->arena, path, &bytes, &size)) {
		fprintf(stderr, "cannot build %s\n", member);
		exit(1);
	}
	remove(path);
	bundle_add(b, member, bytes, size);
}

static void count_compile(struct bundle *b, const char *root, const char *folder, int wrong,
			  bool whole_in_user)
{
	char *include = arena_printf(b->arena, "-I%s", root);
	char *source = arena_printf(b->arena, "%s/tests/check/count.bpf.c", root);
	char *user = arena_printf(b->arena, "%s/tests/check/count_user.c", root);
	char *which = arena_printf(b->arena, "-DWRONG=%d", wrong);
	char *multiarch = (char *)"-I/usr/include/x86_64-linux-gnu";
	char *whole[16] = {(char *)"clang-19",
			   (char *)"-target",
			   (char *)"bpf",
			   (char *)"-g",
			   (char *)"-O2",
			   include,
			   multiarch,
			   (char *)"-c",
			   source,
			   which};
	char *part[16] = {(char *)"clang-19",
			  (char *)"-target",
			  (char *)"bpf",
			  (char *)"-g",
			  (char *)"-O2",
			  include,
			  multiarch,
			  (char *)(whole_in_user ? "-DPART=0" : "-DPART=1"),
			  (char *)"-c",
			  source,
			  which};
	char *native[16] = {(char *)"clang-19",
			    (char *)"-shared",
			    (char *)"-fPIC",
			    (char *)"-O1",
			    include,
			    which,
			    user};
	char *replay[16] = {(char *)"clang-19",
			    (char *)"-shared",
			    (char *)"-fPIC",
			    (char *)"-O1",
			    include,
			    which,
			    user};

	if (!b->kernel_can_run_source)
		whole[10] = (char *)"-DTOO_LONG";
	bundle_add(b, BUNDLE_MEMBER_IR, "none", 4);
	count_add(b, BUNDLE_MEMBER_SOURCE, folder, whole);
	count_add(b, BUNDLE_MEMBER_KERNEL, folder, part);
	count_add(b, BUNDLE_MEMBER_USER, folder, native);
	bundle_add(b, BUNDLE_MEMBER_PLAN, "by hand\n", 8);
	count_add(b, BUNDLE_MEMBER_REPLAY, folder, replay);
}

static void count_describe(struct bundle *b)
{
	struct bundle_map *maps = arena_array(b->arena, 2, sizeof *maps);
	struct bundle_cut *cut = arena_alloc(b->arena, sizeof *cut);
	struct bundle_global *global = arena_alloc(b->arena, sizeof *global);

	b->cleave_version = "test";
	b->program = "count";
	b->section = "xdp";
	b->source = "count.bpf.c";
	b->clang = "clang";
	b->machine = "x86_64";
	b->cpu = "generic";
	b->split = "at:95";
	b->replay_inputs = true;
	b->strict = true;
	b->kernel_can_run_source = true;
	maps[0] = (struct bundle_map){
	    "sources",       BPF_MAP_TYPE_HASH, 4, sizeof(struct source), 1024, 0,
	    MAP_HOME_KERNEL, "kernel only"};
	maps[1] = (struct bundle_map){"answers", BPF_MAP_TYPE_ARRAY,    4,           8, 4,
				      0,         MAP_HOME_SHARED_ARRAY, "both sides"};
	maps[0].layout = bundle_map_layout(&maps[0]);
	maps[1].layout = bundle_map_layout(&maps[1]);
	b->maps = maps;
	b->map_count = 2;
	*cut = (struct bundle_cut){1, COUNT_HANDOFF, "count.bpf.c", 95, "test"};
	b->cuts = cut;
	b->cut_count = 1;
	*global = (struct bundle_global){"scans", ".bss", 4, false};
	b->globals = global;
	b->global_count = 1;
}

/* Writes folder/count.cleave; wrong as in count_user.c. Returns its path, in the arena. */
static const char *count_write(struct arena *arena, const char *folder, int wrong,
			       bool whole_in_user, bool kernel_can_run)
{
	struct diag diag = {.out = stderr, .prog = "test"};
	struct bundle *b = bundle_new();
	const char *path =
	    arena_printf(arena, "%s/%s.cleave", folder, whole_in_user ? "whole" : "count");

	count_describe(b);
	b->kernel_can_run_source = kernel_can_run;
	if (!kernel_can_run)
		b->kernel_refusal = "count.bpf.c:80: a loop without a bound";
	if (whole_in_user) {
		b->split = "user";
		b->cuts[0].entry = 0;
		b->maps[0].home = MAP_HOME_USER;
		b->maps[0].layout = bundle_map_layout(&b->maps[0]);
	}
	count_compile(b, getenv("CLEAVE_SOURCE_ROOT") ? getenv("CLEAVE_SOURCE_ROOT") : ".", folder,
		      wrong, whole_in_user);
	if (bundle_write(b, path, &diag))
		exit(1);
	bundle_free(&b);
	return path;
}

#endif
