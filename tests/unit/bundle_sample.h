/* A bundle with something in every field, for the tests of bundle/ and the seeds of its fuzz
 * target. */
#ifndef CLEAVE_TESTS_BUNDLE_SAMPLE_H
#define CLEAVE_TESTS_BUNDLE_SAMPLE_H

#include "bundle/bundle.h"
#include "support/arena.h"

#include <string.h>

static void sample_maps(struct bundle *b)
{
	static const struct bundle_map maps[] = {
	    {"flows", 1, 16, 24, 4096, 0, MAP_HOME_SHARED_VALUES, "both sides touch it", 9216, 0},
	    {"stats", 6, 4, 8, 16, 0, MAP_HOME_KERNEL_BATCHED, "per-CPU counters\nread by others",
	     0, 0},
	    {"scratch", 6, 4, 64, 1, 0, MAP_HOME_PACKET_LOCAL, "", 0, 0},
	};

	b->map_count = sizeof maps / sizeof *maps;
	b->maps = arena_array(b->arena, b->map_count, sizeof *maps);
	memcpy(b->maps, maps, sizeof maps);
}

static void sample_cuts(struct bundle *b)
{
	static const struct bundle_live live[] = {
	    {"payload", "packet offset", 16, 4},
	    {"flow", "map value", 20, 4},
	    {"", "scalar", 24, 8},
	};
	static const struct bundle_cut cuts[] = {
	    {0, 24, "nf.bpf.c", 31, "its key is in flight", true, NULL, 0},
	    {1, 40, "src/nf.bpf.c", 77, "the loop has no bound", false, NULL, 3},
	};

	b->cut_count = sizeof cuts / sizeof *cuts;
	b->cuts = arena_array(b->arena, b->cut_count, sizeof *cuts);
	memcpy(b->cuts, cuts, sizeof cuts);
	b->cuts[1].live = arena_array(b->arena, 3, sizeof *live);
	memcpy(b->cuts[1].live, live, sizeof live);
}

static void sample_lists(struct bundle *b)
{
	static const struct bundle_global globals[] = {
	    {"limit", ".rodata", 4, true},
	    {"nf.____fmt", ".rodata", 12, true},
	    {"seen", ".bss", 8, false},
	};
	static const char *const flags[] = {"-Iinclude", "-DNAME=\"a b\""};
	static const char *const features[] = {"xdp", "af_xdp", "mmapable arrays"};

	b->global_count = sizeof globals / sizeof *globals;
	b->globals = arena_array(b->arena, b->global_count, sizeof *globals);
	memcpy(b->globals, globals, sizeof globals);
	b->clang_flag_count = 2;
	b->clang_flags = arena_array(b->arena, 2, sizeof *flags);
	memcpy(b->clang_flags, flags, sizeof flags);
	b->kernel_feature_count = 3;
	b->kernel_features = arena_array(b->arena, 3, sizeof *features);
	memcpy(b->kernel_features, features, sizeof features);
}

static struct bundle *sample_bundle(void)
{
	static const char blob[600] = "\177ELF, and some zeros";
	struct bundle *b = bundle_new();

	b->cleave_version = "0.1.0";
	b->program = "nf_main";
	b->section = "xdp";
	b->source = "nf.bpf.c";
	b->clang = "clang version 19.1.7";
	b->machine = "x86_64";
	b->cpu = "skylake";
	b->split = "auto";
	b->strict = true;
	b->ordered_maps = 1;
	b->kernel_can_run_source = false;
	b->kernel_refusal = "nf.bpf.c:77: this loop has no bound that the verifier can see";
	b->min_kernel = 5 << 16 | 18 << 8;
	sample_maps(b);
	sample_cuts(b);
	sample_lists(b);
	bundle_add(b, BUNDLE_MEMBER_IR, "BC\xc0\xde", 4);
	bundle_add(b, BUNDLE_MEMBER_SOURCE, blob, 512);
	bundle_add(b, BUNDLE_MEMBER_KERNEL, blob, 513);
	bundle_add(b, BUNDLE_MEMBER_USER, blob, sizeof blob);
	bundle_add(b, BUNDLE_MEMBER_PLAN, "plan\n", 5);
	return b;
}

#endif
