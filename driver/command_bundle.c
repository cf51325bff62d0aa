/* bundle show | verify | unpack. */
#include "driver/commands.h"
#include "support/exit_codes.h"

#include <stdio.h>
#include <string.h>

static int show(struct bundle *b, struct options *o, struct diag *diag)
{
	if (o->text[OPTION_MANIFEST])
		puts(bundle_manifest(b));
	else
		bundle_print(b, stdout);
	return 0;
}

static int verify(struct bundle *b, struct options *o, struct diag *diag)
{
	printf("%s: whole; %zu members, all digests match\n", o->words[1], b->member_count);
	return 0;
}

static int unpack(struct bundle *b, struct options *o, struct diag *diag)
{
	return bundle_unpack(b, o->word_count > 2 ? o->words[2] : ".", diag);
}

int command_bundle(struct options *o, struct diag *diag)
{
	static const struct {
		const char *name;
		size_t words;
		int (*run)(struct bundle *, struct options *, struct diag *);
	} verbs[] = {{"show", 2, show}, {"verify", 2, verify}, {"unpack", 3, unpack}};
	struct bundle *b = NULL;
	int err;

	for (size_t v = 0; o->word_count >= 2 && v < sizeof verbs / sizeof *verbs; v++) {
		if (strcmp(o->words[0], verbs[v].name) != 0)
			continue;
		if (o->word_count > verbs[v].words) {
			diag_error(diag, NO_LOC, "one argument too many: %s; see --help",
				   o->words[verbs[v].words]);
			return EXIT_CLEAVE_USAGE;
		}
		err = bundle_read(o->words[1], &b, diag);
		if (!err)
			err = verbs[v].run(b, o, diag);
		bundle_free(&b);
		return exit_code_of(err);
	}
	diag_error(diag, NO_LOC,
		   "cleave bundle takes show, verify or unpack and the bundle's name; see --help");
	return EXIT_CLEAVE_USAGE;
}
