/* The command line of `cleave`, read by driver/options.def. */
#ifndef CLEAVE_DRIVER_OPTIONS_H
#define CLEAVE_DRIVER_OPTIONS_H

#include "support/diag.h"

#include <stdbool.h>
#include <stddef.h>

enum option_id {
#define OPTION(id, name, letter, kind, value, commands, help) OPTION_##id,
#include "driver/options.def"
#undef OPTION
	OPTION_COUNT
};

struct options {
	char command;                   /* the letter of options.def */
	const char *text[OPTION_COUNT]; /* NULL: not given; a flag that was given: "" */
	const char *second_program;     /* --program, given again */
	char **words;                   /* what is not an option */
	size_t word_count;
	char **flags; /* clang's: what is behind -- */
	size_t flag_count;
	char **handed; /* options for cleaved, with their values */
	size_t handed_count;
};

/* Reads argv[2..]. Returns 0, or EXIT_CLEAVE_USAGE with the fault reported. */
int options_read(struct options *options, char command, int argc, char **argv, struct diag *diag);
void options_free(struct options *options);
/* The first option that was given among those that say how a source is compiled, or NULL. */
const char *options_find_compiling(const struct options *options);
/* One line for each option of the command. */
void options_print_help(char command);

#endif
