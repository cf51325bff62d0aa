#include "driver/options.h"
#include "support/exit_codes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { KIND_FLAG, KIND_TEXT };

static const struct {
	const char *name;
	char letter;
	enum option_kind kind;
	const char *value, *commands, *help;
} table[] = {
#define OPTION(id, name, letter, kind, value, commands, help)                                      \
	[OPTION_##id] = {name, letter, KIND_##kind, value, commands, help},
#include "driver/options.def"
#undef OPTION
};

static int find(const char *argument, char command, size_t *name_length)
{
	bool is_long = argument[1] == '-';
	const char *name = argument + (is_long ? 2 : 1);

	*name_length = strcspn(name, "=");
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (!strchr(table[i].commands, command))
			continue;
		if (is_long && strlen(table[i].name) == *name_length &&
		    strncmp(table[i].name, name, *name_length) == 0)
			return i;
		if (!is_long && table[i].letter == name[0] && !name[1])
			return i;
	}
	return -1;
}

static bool hands_over(char command)
{
	return strchr("cpr", command) != NULL;
}

static int read_option(struct options *o, int *at, int argc, char **argv, struct diag *diag)
{
	size_t length;
	char *argument = argv[*at];
	int id = find(argument, o->command, &length);

	if (id < 0 && hands_over(o->command)) {
		o->rest[o->rest_count++] = argument;
		return 0;
	}
	if (id < 0) {
		diag_error(diag, NO_LOC, "there is no option %s here; see --help", argument);
		return EXIT_CLEAVE_USAGE;
	}
	if (table[id].kind == KIND_FLAG) {
		o->text[id] = "";
	} else if (argument[1] == '-' && argument[2 + length] == '=') {
		o->text[id] = argument + 3 + length;
	} else if (*at + 1 < argc) {
		o->text[id] = argv[++*at];
	} else {
		diag_error(diag, NO_LOC, "%s needs a value: %s", argument, table[id].value);
		return EXIT_CLEAVE_USAGE;
	}
	return 0;
}

int options_read(struct options *o, char command, int argc, char **argv, struct diag *diag)
{
	*o = (struct options){.command = command};
	o->words = calloc((size_t)argc + 1, sizeof *o->words);
	o->rest = calloc((size_t)argc + 1, sizeof *o->rest);
	if (!o->words || !o->rest)
		exit(EXIT_CLEAVE_BUG);
	for (int i = 2; i < argc; i++) {
		int code = 0;

		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				o->rest[o->rest_count++] = argv[i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			code = read_option(o, &i, argc, argv, diag);
		} else if (hands_over(command) && o->rest_count && o->word_count) {
			o->rest[o->rest_count++] =
			    argv[i]; /* the value of an option of cleaved's */
		} else {
			o->words[o->word_count++] = argv[i];
		}
		if (code)
			return code;
	}
	return 0;
}

void options_print_help(char command)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		char left[64];

		if (!strchr(table[i].commands, command))
			continue;
		snprintf(left, sizeof left, "--%s%s%s", table[i].name, table[i].value ? " " : "",
			 table[i].value ? table[i].value : "");
		printf("  %-20s %s\n", left, table[i].help);
	}
}
