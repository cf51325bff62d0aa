/* The table of subcommands. */
#include "driver/commands.h"
#include "support/exit_codes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	char letter;
	int (*run)(struct options *, struct diag *);
	const char *arguments, *help;
} commands[] = {
    {"build", 'b', command_build, "NF.bpf.c [-- CLANG FLAGS]", "compile and split into a bundle"},
    {"inspect", 'i', command_inspect, "NF.bpf.c [-- CLANG FLAGS]",
     "what every operation reads, writes, and where it may run"},
    {"explain", 'e', command_explain, "NF.bpf.c|BUNDLE",
     "the plan, and the reason for each decision"},
    {"check", 'c', command_check, "NF.bpf.c|BUNDLE [CLEAVED OPTIONS]",
     "run source and split on the same packets and compare"},
    {"replay", 'p', command_replay, "BUNDLE --pcap IN -w OUT",
     "both layers in this process, no privilege"},
    {"run", 'r', command_run, "BUNDLE -i IFACE", "attach and run in the foreground (cleaved run)"},
    {"bundle", 'u', command_bundle, "show|verify|unpack BUNDLE [FOLDER]", "look into a bundle"},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_usage(FILE *out)
{
	fputs("usage: cleave COMMAND ...\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %-34s %s\n", commands[i].name, commands[i].arguments,
			commands[i].help);
	fputs("`cleave COMMAND --help` lists the options.\n", out);
}

int exit_code_of(int err)
{
	switch (-err) {
	case 0:
		return EXIT_CLEAVE_OK;
	case ENOPKG:
	case EPERM:
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

static int run_command(size_t n, int argc, char **argv)
{
	struct diag diag = {.out = stderr, .prog = "cleave"};
	struct options options;
	int code;

	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (strcmp(argv[i], "--help") == 0) {
			printf("usage: cleave %s %s\n%s\n", commands[n].name, commands[n].arguments,
			       commands[n].help);
			options_print_help(commands[n].letter);
			return EXIT_CLEAVE_OK;
		}
	code = options_read(&options, commands[n].letter, argc, argv, &diag);
	if (!code)
		code = commands[n].run(&options, &diag);
	free(options.words);
	free(options.rest);
	return code;
}

int cleave_main(int argc, char **argv)
{
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		print_usage(stdout);
		return EXIT_CLEAVE_OK;
	}
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("cleave 0.1.0");
		return EXIT_CLEAVE_OK;
	}
	for (size_t i = 0; argc >= 2 && i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_command(i, argc, argv);
	if (argc >= 2)
		fprintf(stderr, "cleave: there is no command %s\n", argv[1]);
	print_usage(stderr);
	return EXIT_CLEAVE_USAGE;
}
