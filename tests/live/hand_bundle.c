/* hand_bundle KERNEL.o USER.so OUT [MACHINE]: a bundle of the hand-made parts. */
#include <stdio.h>
#include <string.h>
#include <linux/bpf.h>

#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"
#include "tests/live/hand_abi.h"

static int add_file(struct bundle *b, const char *member, const char *path)
{
	char *bytes;
	size_t size;

	if (file_read(b->arena, path, &bytes, &size) < 0) {
		fprintf(stderr, "cannot read %s\n", path);
		return -1;
	}
	bundle_add(b, member, bytes, size);
	return 0;
}

static void describe(struct bundle *b)
{
	static struct bundle_map devices = {.name = "hand_devices",
					    .type = BPF_MAP_TYPE_DEVMAP,
					    .key_size = 4,
					    .value_size = 4,
					    .max_entries = 16,
					    .home = MAP_HOME_KERNEL,
					    .why = "only redirects use it"};
	static struct bundle_cut cuts[] = {
	    {.entry = 1,
	     .length = HAND_LENGTH,
	     .file = "hand_part.bpf.c",
	     .line = 1,
	     .why = "test"},
	    {.entry = 2,
	     .length = HAND_LENGTH,
	     .file = "hand_part.bpf.c",
	     .line = 2,
	     .why = "test"},
	};

	b->cleave_version = "test";
	b->program = "hand_part";
	b->section = "xdp";
	b->source = "hand_part.bpf.c";
	b->clang = "clang";
	b->machine = "x86_64";
	b->cpu = "generic";
	b->split = "hand";
	b->strict = true;
	b->ordered_maps = 1;
	b->kernel_can_run_source = true;
	devices.layout = bundle_map_layout(&devices);
	b->maps = &devices;
	b->map_count = 1;
	b->cuts = cuts;
	b->cut_count = 2;
}

static bool write_parts(struct bundle *b, char **argv)
{
	struct diag diag = {.out = stderr, .prog = "hand_bundle"};

	bundle_add(b, BUNDLE_MEMBER_IR, "none", 4);
	if (add_file(b, BUNDLE_MEMBER_SOURCE, argv[1]) ||
	    add_file(b, BUNDLE_MEMBER_KERNEL, argv[1]) || add_file(b, BUNDLE_MEMBER_USER, argv[2]))
		return false;
	bundle_add(b, BUNDLE_MEMBER_PLAN, "by hand\n", 8);
	return bundle_write(b, argv[3], &diag) == 0;
}

int main(int argc, char **argv)
{
	struct bundle *b;
	bool written;

	if (argc < 4)
		return 2;
	b = bundle_new();
	describe(b);
	written = write_parts(b, argv);
	bundle_free(&b);
	return written ? 0 : 1;
}
