/* Child processes: run one, wait for it, keep what it printed. */
#ifndef CLEAVE_SUPPORT_PROCESS_H
#define CLEAVE_SUPPORT_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

struct arena;

struct process {
	pid_t pid;
	int err_fd; /* the child's standard error, read by process_wait */
};

/*
 * Starts argv[0] (looked up in PATH) with standard input from /dev/null and standard error kept.
 * Returns 0 or a negative errno (-ENOENT: no such program).
 */
int process_start(struct process *process, char *const argv[]);
/* The same in another folder and with standard output to the open file out_fd. */
int process_start_in(struct process *process, char *const argv[], const char *folder, int out_fd);

/*
 * Waits. *errors gets what the child printed on standard error, NUL-terminated, in the arena.
 * Returns the exit status, 128 + N when signal N ended it, or a negative errno.
 */
int process_wait(struct process *process, struct arena *arena, char **errors);

#endif
