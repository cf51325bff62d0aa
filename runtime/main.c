/* `cleaved`, the agent: a table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "runtime/commands.h"
#include "support/exit_codes.h"
#include "support/standard_files.h"
#include "support/version.h"

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *what;
} commands[] = {
    {"run", run_main, "run a bundle on network interfaces, in the foreground"},
    {"check", check_main, "compare bundles with the unmodified program, packet by packet"},
    {"replay", replay_main, "run a bundle on a capture, in this process"},
    {"verify", verify_main, "ask the kernel's verifier about an object"},
    {"status", status_main, "what the agents of this network namespace do"},
    {"probe", probe_main, "what this host and an interface can do for Cleave"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int print_usage(FILE *out, int code)
{
	fprintf(out, "usage: cleaved COMMAND ...\n");
	for (int i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].what);
	fprintf(out, "`cleaved COMMAND --help` lists the options.\n");
	return code;
}

static int run_command(int argc, char **argv)
{
	if (argc < 2)
		return print_usage(stderr, EXIT_CLEAVE_USAGE);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return print_usage(stdout, EXIT_CLEAVE_OK);
	if (!strcmp(argv[1], "--version"))
		return puts("cleaved " CLEAVE_VERSION), EXIT_CLEAVE_OK;
	for (int i = 0; i < COMMANDS; i++) {
		char name[32];

		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof name, "cleaved %s", commands[i].name);
		argv[1] = name; /* getopt's messages begin with it */
		return commands[i].main(argc - 1, argv + 1);
	}
	fprintf(stderr, "cleaved: error: there is no command `%s`\n", argv[1]);
	return print_usage(stderr, EXIT_CLEAVE_USAGE);
}

int main(int argc, char **argv)
{
	standard_files_open();
	return standard_files_close("cleaved", run_command(argc, argv));
}
