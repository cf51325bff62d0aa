#include "runtime/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/host_interface.h"

void lock_path(char *path, size_t size, const char *ifname, const char *suffix)
{
	snprintf(path, size, RUN_FOLDER "/%" PRIu64 "-%s.%s", host_netns_inode(), ifname, suffix);
}

static pid_t read_pid(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* Did another agent's clean exit unlink the file between our open and our lock? */
static bool is_unlinked(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

static int take_once(const char *path, pid_t *owner)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = errno == EWOULDBLOCK ? -EBUSY : -errno;

		*owner = read_pid(fd);
		close(fd);
		return err;
	}
	if (is_unlinked(fd)) {
		close(fd);
		return -EAGAIN;
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

int lock_take(const char *ifname, pid_t *owner)
{
	char path[256];
	int fd;

	*owner = 0;
	if (mkdir(RUN_FOLDER, 0755) < 0 && errno != EEXIST)
		return -errno;
	lock_path(path, sizeof path, ifname, "lock");
	do
		fd = take_once(path, owner);
	while (fd == -EAGAIN);
	return fd;
}

/* The file goes while it is locked: who opened it before sees an unlinked file and tries again. */
void lock_release(int fd, const char *ifname)
{
	char path[256];

	if (fd < 0)
		return;
	lock_path(path, sizeof path, ifname, "lock");
	unlink(path);
	close(fd);
}

pid_t lock_owner(const char *ifname)
{
	char path[256];
	pid_t pid = 0;
	int fd;

	lock_path(path, sizeof path, ifname, "lock");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		pid = read_pid(fd);
	close(fd);
	return pid;
}
