#include "support/process.h"
#include "support/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int process_start(struct process *process, char *const argv[])
{
	return process_start_in(process, argv, ".", STDOUT_FILENO);
}

int process_start_in(struct process *process, char *const argv[], const char *folder, int out_fd)
{
	posix_spawn_file_actions_t actions;
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addchdir_np(&actions, folder);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
	err = posix_spawnp(&process->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (err) {
		close(fds[0]);
		return -err;
	}
	process->err_fd = fds[0];
	return 0;
}

int process_wait(struct process *process, struct arena *arena, char **errors)
{
	size_t used = 0, cap = 4096;
	char *text = arena_alloc(arena, cap);
	int status;

	for (;;) {
		ssize_t n = read(process->err_fd, text + used, cap - used - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		if (cap - used < 1024) {
			text = arena_grow(arena, text, used, cap * 2, 1);
			cap *= 2;
		}
	}
	close(process->err_fd);
	if (errors)
		*errors = text;
	while (waitpid(process->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
