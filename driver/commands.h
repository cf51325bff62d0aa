/* The `cleave` command: a table of subcommands in commands.c. */
#ifndef CLEAVE_DRIVER_COMMANDS_H
#define CLEAVE_DRIVER_COMMANDS_H

#include "driver/options.h"
#include "driver/pipeline.h"

int cleave_main(int argc, char **argv);

/* Each returns an exit code of support/exit_codes.h. */
int command_build(struct options *options, struct diag *diag);
int command_inspect(struct options *options, struct diag *diag);
int command_explain(struct options *options, struct diag *diag);
int command_bundle(struct options *options, struct diag *diag);
int command_check(struct options *options, struct diag *diag);

/* Becomes cleaved with these arguments (its command first, NULL last); returns when it cannot. */
int become_cleaved(char *const *arguments, struct diag *diag);

/* A compilation as the options say. Returns 0, or an exit code with the fault reported. */
int compile_by_options(struct compilation *c, struct options *options, struct diag *diag);
/* Is this file, by its content or at least by its name, a bundle? */
bool is_bundle(const char *path);
/* Reports options that say how to compile a source, where a bundle was given. */
int refuse_compiling(const struct options *options, struct diag *diag);
/* The exit code for a negative errno that a stage returned. */
int exit_code_of(int err);

#endif
