/* The subcommands of `cleaved`. Each gets its own name as argv[0] and returns an exit code. */
#ifndef CLEAVE_RUNTIME_COMMANDS_H
#define CLEAVE_RUNTIME_COMMANDS_H

int run_main(int argc, char **argv);
int check_main(int argc, char **argv);
int replay_main(int argc, char **argv);
int probe_main(int argc, char **argv);
int verify_main(int argc, char **argv);
int status_main(int argc, char **argv);

#endif
