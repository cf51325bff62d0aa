#include "driver/options.h"
#include "support/exit_codes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { KIND_FLAG, KIND_TEXT, KIND_HAND_FLAG, KIND_HAND_TEXT };

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

static bool has_value(int id)
{
	return table[id].kind == KIND_TEXT || table[id].kind == KIND_HAND_TEXT;
}

static void hand(struct options *o, int id, const char *value)
{
	static const char dashes[] = "--";
	size_t size = sizeof dashes + strlen(table[id].name);
	char *name = malloc(size);

	if (!name)
		exit(EXIT_CLEAVE_BUG);
	snprintf(name, size, "%s%s", dashes, table[id].name);
	o->handed[o->handed_count++] = name;
	o->handed[o->handed_count] = value ? strdup(value) : NULL;
	o->handed_count += value != NULL;
}

static int read_option(struct options *o, int *at, int argc, char **argv, struct diag *diag)
{
	size_t length;
	char *argument = argv[*at], *inside;
	const char *value = "";
	int id = find(argument, o->command, &length);

	if (id < 0) {
		diag_error(diag, NO_LOC, "there is no option %s here; see --help", argument);
		return EXIT_CLEAVE_USAGE;
	}
	inside = argument[1] == '-' && argument[2 + length] == '=' ? argument + 3 + length : NULL;
	if (inside && !has_value(id)) {
		diag_error(diag, NO_LOC, "--%s takes no value", table[id].name);
		return EXIT_CLEAVE_USAGE;
	}
	if (has_value(id) && !inside && *at + 1 >= argc) {
		diag_error(diag, NO_LOC, "%s needs a value: %s", argument, table[id].value);
		return EXIT_CLEAVE_USAGE;
	}
	if (has_value(id))
		value = inside ? inside : argv[++*at];
	if (id == OPTION_PROGRAM && o->text[id]) {
		if (o->second_program) {
			diag_error(diag, NO_LOC, "--program: one program, or the two of a pair");
			return EXIT_CLEAVE_USAGE;
		}
		o->second_program = value;
		return 0;
	}
	o->text[id] = value;
	if (table[id].kind == KIND_HAND_FLAG || table[id].kind == KIND_HAND_TEXT)
		hand(o, id, has_value(id) ? value : NULL);
	return 0;
}

int options_read(struct options *o, char command, int argc, char **argv, struct diag *diag)
{
	*o = (struct options){.command = command};
	o->words = calloc((size_t)argc + 1, sizeof *o->words);
	o->flags = calloc((size_t)argc + 1, sizeof *o->flags);
	o->handed = calloc(2 * (size_t)argc + 2, sizeof *o->handed);
	if (!o->words || !o->flags || !o->handed)
		exit(EXIT_CLEAVE_BUG);
	for (int i = 2; i < argc; i++) {
		int code = 0;

		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				o->flags[o->flag_count++] = argv[i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			code = read_option(o, &i, argc, argv, diag);
		} else {
			o->words[o->word_count++] = argv[i];
		}
		if (code)
			return code;
	}
	return 0;
}

void options_free(struct options *o)
{
	for (size_t i = 0; i < o->handed_count; i++)
		free(o->handed[i]);
	free(o->handed);
	free(o->words);
	free(o->flags);
}

const char *options_find_compiling(const struct options *o)
{
	static const enum option_id compiling[] = {
	    OPTION_PROGRAM,   OPTION_TARGET,     OPTION_SPLIT, OPTION_ORDER,
	    OPTION_NO_VERIFY, OPTION_DUMP_AFTER, OPTION_CUTS,  OPTION_TAIL_CALLS};

	for (size_t i = 0; i < sizeof compiling / sizeof *compiling; i++)
		if (o->text[compiling[i]])
			return table[compiling[i]].name;
	return NULL;
}

void options_print_help(char command)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		char left[64], letter[8] = "";

		if (!strchr(table[i].commands, command))
			continue;
		if (table[i].letter)
			snprintf(letter, sizeof letter, "-%c, ", table[i].letter);
		snprintf(left, sizeof left, "%s--%s%s%s", letter, table[i].name,
			 table[i].value ? " " : "", table[i].value ? table[i].value : "");
		printf("  %-22s %s\n", left, table[i].help);
	}
	puts("  -h, --help             this");
}
