#include "support/memory_file.h"
#include "support/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How the kernel shows such a file where it shows links to files. */
static const char shown_prefix[] = "/memfd:", shown_suffix[] = " (deleted)";

int memory_file_new(const char *name, const void *bytes, size_t size)
{
	const char *rest = bytes;
	int fd = memfd_create(name, 0), err = 0;

	if (fd < 0)
		return -errno;
	while (size && !err) {
		ssize_t n = write(fd, rest, size);

		if (n < 0 && errno != EINTR)
			err = -errno;
		if (n > 0) {
			rest += n;
			size -= (size_t)n;
		}
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}

void memory_file_path(int fd, char path[MEMORY_FILE_PATH_BYTES])
{
	snprintf(path, MEMORY_FILE_PATH_BYTES, "/proc/self/fd/%d", fd);
}

bool memory_file_name(const char *path, char name[MEMORY_FILE_NAME_BYTES])
{
	size_t prefix = sizeof shown_prefix - 1, suffix = sizeof shown_suffix - 1, length;
	char shown[MEMORY_FILE_NAME_BYTES + sizeof shown_prefix + sizeof shown_suffix];
	ssize_t n = readlink(path, shown, sizeof shown - 1);

	if (strncmp(path, "/proc/self/fd/", 14) || n < (ssize_t)(prefix + suffix))
		return false;
	shown[n] = '\0';
	length = (size_t)n - prefix - suffix;
	if (memcmp(shown, shown_prefix, prefix) || strcmp(shown + prefix + length, shown_suffix) ||
	    length >= MEMORY_FILE_NAME_BYTES)
		return false;
	memcpy(name, shown + prefix, length);
	name[length] = '\0';
	return true;
}

int memory_file_read(struct arena *arena, int fd, char **bytes, size_t *size)
{
	char path[MEMORY_FILE_PATH_BYTES];

	memory_file_path(fd, path);
	return file_read(arena, path, bytes, size);
}
