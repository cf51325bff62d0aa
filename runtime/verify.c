/* `cleaved verify OBJECT`: would this kernel take it? For the compiler, which has no privilege of
 * its own. */
#include "runtime/commands.h"
#include "runtime/host_verify.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/exit_codes.h"
#include "support/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One line for the refusal, tab separated: file, line, message. */
static const char usage[] = "usage: cleaved verify OBJECT\n"
			    "Asks the kernel's verifier whether it takes a BPF object.";

static int answer(int taken, const struct verify_refusal *refusal, struct diag *diag)
{
	if (taken == -EPERM) {
		diag_error(diag, NO_LOC,
			   "asking the verifier needs CAP_BPF and CAP_NET_ADMIN; run as root");
		return EXIT_CLEAVE_HOST;
	}
	if (taken < 0) {
		diag_error(diag, NO_LOC, "cannot ask the verifier: %s", strerror(-taken));
		return EXIT_CLEAVE_HOST;
	}
	if (!taken)
		fprintf(stderr, "%s\t%u\t%s\n", refusal->file, refusal->line, refusal->message);
	return taken ? EXIT_CLEAVE_OK : EXIT_CLEAVE_INPUT;
}

int verify_main(int argc, char **argv)
{
	struct diag diag = {.out = stderr, .prog = "cleaved verify"};
	struct arena *arena;
	struct verify_refusal refusal;
	char *bytes;
	size_t size;
	int err, code;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		puts(usage);
		return EXIT_CLEAVE_OK;
	}
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "%s\n", usage);
		return EXIT_CLEAVE_USAGE;
	}
	arena = arena_new();
	err = file_read(arena, argv[1], &bytes, &size);
	if (err) {
		diag_error(&diag, NO_LOC, "%s: %s", argv[1], strerror(-err));
		code = EXIT_CLEAVE_INPUT;
	} else {
		code = answer(host_verify_object(bytes, size, &refusal), &refusal, &diag);
	}
	arena_free(&arena);
	return code;
}
