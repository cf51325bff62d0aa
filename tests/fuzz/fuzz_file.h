/* An input as a file, for readers that take a path: in memory, the same file for every input. */
#ifndef CLEAVE_TESTS_FUZZ_FILE_H
#define CLEAVE_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(int fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* An empty file in memory and its path. */
static inline const char *fuzz_file_new(int *fd, char path[32])
{
	*fd = memfd_create("fuzz", MFD_CLOEXEC);
	require(*fd >= 0, "no file in memory");
	snprintf(path, 32, "/proc/self/fd/%d", *fd);
	return path;
}

static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd;

	if (!*path)
		fuzz_file_new(&fd, path);
	require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size,
		"cannot write the input");
	return path;
}

/* Messages are made, and read by nobody. */
static inline struct diag fuzz_diag(void)
{
	static FILE *null;

	if (!null)
		null = fopen("/dev/null", "w");
	require(null != NULL, "cannot open /dev/null");
	return (struct diag){.out = null, .prog = "fuzz"};
}

#endif
