#include "support/standard_files.h"
#include "support/exit_codes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void standard_files_open(void)
{
	/*
	 * Output that is closed is opened for reading only: printing to it fails and is told.
	 * Messages without a reader are lost without a word.
	 */
	static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			break; /* no /dev/null: nothing more can be done */
}

int standard_files_close(const char *prog, int code)
{
	errno = EIO;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	fprintf(stderr, "%s: error: cannot write to standard output: %s\n", prog, strerror(errno));
	return code ? code : EXIT_CLEAVE_HOST;
}
