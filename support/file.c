#include "support/file.h"
#include "support/arena.h"
#include "support/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(struct arena *arena, const char *path, char **bytes, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t got = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (st.st_size > FILE_BYTES_MAX)
		err = -EFBIG;
	if (err) {
		close(fd);
		return err;
	}
	*bytes = arena_alloc(arena, (size_t)st.st_size + 1);
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, *bytes + got, (size_t)st.st_size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	if (size)
		*size = got;
	return err;
}

bool file_is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/*
 * A new file beside path, as open() would make it: the permissions that the umask leaves, or those
 * of the file that it will replace.
 */
static int open_temp(struct file_output *output, const struct stat *old)
{
	size_t length = strlen(output->path) + sizeof ".01234567";
	uint32_t number;
	int fd;

	output->temp = malloc(length);
	if (!output->temp)
		return -ENOMEM;
	do {
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			return -EIO;
		snprintf(output->temp, length, "%s.%08x", output->path, number);
		fd = open(output->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return -errno;
	if (old && fchmod(fd, old->st_mode & 0777) == 0)
		errno = 0; /* what a file system without permissions says does not matter */
	output->stream = fdopen(fd, "w");
	if (output->stream)
		return 0;
	close(fd);
	unlink(output->temp);
	return -ENOMEM;
}

static int open_direct(struct file_output *output)
{
	output->stream = fopen(output->path, "we");
	return output->stream ? 0 : -errno;
}

/* Names of files that are open already: what is there is not replaced. */
static bool is_open_file(const char *path)
{
	return !strncmp(path, "/dev/std", 8) || !strncmp(path, "/dev/fd/", 8) ||
	       !strncmp(path, "/proc/", 6);
}

int file_output_open(struct file_output *output, const char *path)
{
	struct stat st;
	bool exists = stat(path, &st) == 0, direct = is_open_file(path);
	int err;

	*output = (struct file_output){0};
	/* Behind a symbolic link it is the file that is replaced, not the link. */
	output->path =
	    exists && S_ISREG(st.st_mode) && !direct ? realpath(path, NULL) : strdup(path);
	if (!output->path)
		err = -errno;
	else if (exists && S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (direct || (exists && !S_ISREG(st.st_mode)))
		err = open_direct(output);
	else
		err = open_temp(output, exists ? &st : NULL);
	if (err) {
		free(output->temp);
		free(output->path);
	}
	return err;
}

int file_output_flush(struct file_output *output)
{
	errno = EIO; /* an earlier write that failed has left none */
	if (fflush(output->stream) || ferror(output->stream))
		return -errno;
	return output->temp && fsync(fileno(output->stream)) && errno != EINVAL ? -errno : 0;
}

int file_output_close(struct file_output *output, bool keep)
{
	int err = keep ? file_output_flush(output) : 0;

	if (fclose(output->stream) && keep && !err)
		err = -errno;
	if (output->temp && keep && !err && rename(output->temp, output->path) < 0)
		err = -errno;
	if (output->temp && (!keep || err))
		unlink(output->temp);
	free(output->temp);
	free(output->path);
	*output = (struct file_output){0};
	return err;
}

int file_write_atomic(const char *path, const void *bytes, size_t size)
{
	struct file_output output;
	int err = file_output_open(&output, path);
	bool written;

	if (err)
		return err;
	errno = 0;
	written = fwrite(bytes, 1, size, output.stream) == size;
	err = -errno;
	if (written)
		return file_output_close(&output, true);
	file_output_close(&output, false);
	return err ? err : -EIO;
}
