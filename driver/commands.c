/* The table of subcommands. */
#include "driver/commands.h"
#include "support/exit_codes.h"
#include "support/version.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	char letter;
	int (*run)(struct options *, struct diag *); /* NULL: cleaved's, as it is */
	size_t words_max;
	const char *arguments, *help;
} commands[] = {
    {"build", 'b', command_build, 1, "NF.bpf.c [-- CLANG FLAGS]",
     "compile and split into a bundle"},
    {"inspect", 'i', command_inspect, 1, "NF.bpf.c [-- CLANG FLAGS]",
     "what every operation reads, writes, and where it may run"},
    {"explain", 'e', command_explain, 1, "NF.bpf.c|BUNDLE [-- CLANG FLAGS]",
     "the plan, and the reason for each decision"},
    {"check", 'c', command_check, SIZE_MAX, "NF.bpf.c|BUNDLE... [-- CLANG FLAGS]",
     "run source and split on the same packets and compare (root)"},
    {"replay", 'p', NULL, 0, "BUNDLE --pcap IN -w OUT",
     "both layers in this process, no privilege"},
    {"run", 'r', NULL, 0, "BUNDLE -i INTERFACE", "attach and run in the foreground (root)"},
    {"bundle", 'u', command_bundle, 3, "show|verify|unpack BUNDLE [FOLDER]",
     "print, check or unpack a bundle"},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_usage(FILE *out)
{
	fputs("usage: cleave COMMAND ...\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %-36s %s\n", commands[i].name, commands[i].arguments,
			commands[i].help);
	fputs("`cleave COMMAND --help` lists the options, `cleave --version` prints the version.\n",
	      out);
}

static int print_command_help(size_t n)
{
	printf("usage: cleave %s [OPTION]... %s\n%s\n", commands[n].name, commands[n].arguments,
	       commands[n].help);
	options_print_help(commands[n].letter);
	return EXIT_CLEAVE_OK;
}

int exit_code_of(int err)
{
	switch (-err) {
	case 0:
		return EXIT_CLEAVE_OK;
	case ENOPKG:
	case EPERM:
	case EACCES:
	case ENOMEM:
	case EDQUOT:
	case ENOSPC:
	case EROFS:
	case EMFILE:
	case ENFILE:
		return EXIT_CLEAVE_HOST;
	case EIO:
		return EXIT_CLEAVE_BUG;
	default:
		return EXIT_CLEAVE_INPUT;
	}
}

static bool asks_for_help(const char *argument)
{
	return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int run_command(size_t n, int argc, char **argv)
{
	struct diag diag = {.out = stderr, .prog = "cleave"};
	struct options options;
	int code;

	if (!commands[n].run)
		return become_cleaved(argv + 1, &diag);
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (asks_for_help(argv[i]))
			return print_command_help(n);
	code = options_read(&options, commands[n].letter, argc, argv, &diag);
	if (!code && options.word_count > commands[n].words_max) {
		diag_error(&diag, NO_LOC, "one argument too many: %s; see --help",
			   options.words[commands[n].words_max]);
		code = EXIT_CLEAVE_USAGE;
	}
	if (!code)
		code = commands[n].run(&options, &diag);
	options_free(&options);
	return code;
}

int cleave_main(int argc, char **argv)
{
	bool help = argc >= 2 && (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0);
	const char *name = argc < 2 ? "" : help && argc > 2 ? argv[2] : argv[1];

	if (help && argc == 2) {
		print_usage(stdout);
		return EXIT_CLEAVE_OK;
	}
	if (strcmp(name, "--version") == 0) {
		puts("cleave " CLEAVE_VERSION);
		return EXIT_CLEAVE_OK;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		if (!help)
			return run_command(i, argc, argv);
		char *const ask[] = {(char *)name, "--help", NULL};

		return commands[i].run ? print_command_help(i)
				       : become_cleaved(ask, &(struct diag){stderr, "cleave"});
	}
	if (argc >= 2)
		fprintf(stderr, "cleave: error: there is no command %s\n", name);
	print_usage(stderr);
	return EXIT_CLEAVE_USAGE;
}
