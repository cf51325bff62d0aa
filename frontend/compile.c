/* Runs clang: once to bitcode and, beside it, once to the object that is the oracle. */
#include "frontend/frontend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/arena.h"
#include "support/file.h"
#include "support/process.h"

/*
 * Headers of the C library and asm/ choose 32 bits when they do not know the machine, and then miss
 * files; BPF's long and pointers have 64, like the host's.
 */
#if defined(__x86_64__)
#define MULTIARCH_INCLUDE "/usr/include/x86_64-linux-gnu"
#define MACHINE           "-D__x86_64__"
#elif defined(__aarch64__)
#define MULTIARCH_INCLUDE "/usr/include/aarch64-linux-gnu"
#elif defined(__riscv)
#define MULTIARCH_INCLUDE "/usr/include/riscv64-linux-gnu"
#else
#define MULTIARCH_INCLUDE "/usr/include"
#endif
#ifndef MACHINE
#define MACHINE "-D__LP64__"
#endif

#define CLANG "clang-19"

/* One run of clang. */
struct run {
	struct process process;
	const char *output; /* path */
	char *errors;
	int status;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int check_source(const char *path, struct diag *diag)
{
	struct src_loc loc = {.file = path};
	char magic[4] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = -errno;
	struct stat st;
	ssize_t got;

	if (fd < 0 && err == -ENOENT)
		diag_error(diag, loc, "no such file");
	else if (fd < 0)
		diag_error(diag, loc, "%s", strerror(-err));
	if (fd < 0)
		return err;
	err = 0;
	got = read(fd, magic, sizeof magic);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		diag_error(diag, loc, "this is a directory");
		err = -EISDIR;
	} else if (got == sizeof magic && !memcmp(magic, "\177ELF", sizeof magic)) {
		diag_error(diag, loc, "this is a compiled object; the C source is needed");
		err = -EINVAL;
	}
	close(fd);
	return err;
}

/* clang's command line; emit_llvm is what differs between the two runs. */
static char **compose(struct arena *arena, const struct frontend_input *input, bool colour,
		      bool emit_llvm, const char *output)
{
	char *fixed[] = {CLANG,
			 "-target",
			 "bpf",
			 "-mcpu=v3",
			 "-g",
			 "-O2",
			 "-fdebug-compilation-dir=.",
			 "-fno-discard-value-names", /* so that live values have names */
			 "-fno-crash-diagnostics",
			 MACHINE,
			 "-I" MULTIARCH_INCLUDE};
	size_t fixed_count = sizeof fixed / sizeof *fixed, n = fixed_count;
	char **argv = arena_array(arena, fixed_count + input->flag_count + 7, sizeof *argv);

	memcpy(argv, fixed, sizeof fixed);
	if (colour)
		argv[n++] = "-fcolor-diagnostics";
	for (size_t i = 0; i < input->flag_count; i++)
		argv[n++] = input->flags[i];
	if (emit_llvm)
		argv[n++] = "-emit-llvm";
	argv[n++] = "-c";
	argv[n++] = "-o";
	argv[n++] = (char *)output;
	argv[n++] =
	    input->path[0] == '-' ? arena_printf(arena, "./%s", input->path) : (char *)input->path;
	return argv;
}

static int run_both(struct arena *arena, const struct frontend_input *input, struct run runs[2],
		    struct diag *diag)
{
	bool colour = isatty(fileno(diag->out)) == 1;

	for (int i = 0; i < 2; i++) {
		char **argv = compose(arena, input, colour, i == 0, runs[i].output);
		int err = process_start(&runs[i].process, argv);

		if (!err)
			continue;
		if (i == 1)
			process_wait(&runs[0].process, arena, NULL);
		if (err == -ENOENT) {
			diag_error(diag, NO_LOC,
				   CLANG " is not installed; install the package clang-19");
			return -ENOPKG;
		}
		diag_error(diag, NO_LOC, "cannot run " CLANG ": %s", strerror(-err));
		return err;
	}
	for (int i = 0; i < 2; i++)
		runs[i].status = process_wait(&runs[i].process, arena, &runs[i].errors);
	return 0;
}

/* What clang said, as it is; its errors count as ours. */
static int check_runs(struct run runs[2], const char *path, struct diag *diag)
{
	fputs(runs[0].errors ? runs[0].errors : "", diag->out);
	if (runs[0].status == 0)
		return 0;
	if (runs[0].status < 0 || runs[0].status > 128) {
		diag_error(diag, NO_LOC, CLANG " ended unexpectedly (status %d)", runs[0].status);
		return -EIO;
	}
	diag_error(diag, (struct src_loc){.file = path}, CLANG " does not accept it");
	return -EINVAL;
}

static int read_outputs(struct arena *arena, struct run runs[2], struct frontend_output *out,
			struct diag *diag)
{
	char *bytes;
	int err = file_read(arena, runs[0].output, &bytes, &out->bitcode_size);

	if (!err) {
		out->bitcode = bytes;
		if (runs[1].status)
			out->oracle_error = runs[1].errors;
		else
			err = file_read(arena, runs[1].output, &bytes, &out->oracle_size);
		out->oracle = runs[1].status || err ? NULL : bytes;
	}
	if (err)
		diag_error(diag, NO_LOC, "cannot read what " CLANG " wrote: %s", strerror(-err));
	return err;
}

static int compile_in(struct arena *arena, const char *folder, const struct frontend_input *input,
		      struct frontend_output *out, struct diag *diag)
{
	struct run runs[2] = {{.output = arena_printf(arena, "%s/nf.bc", folder)},
			      {.output = arena_printf(arena, "%s/nf.o", folder)}};
	double start = now_ms();
	int err = run_both(arena, input, runs, diag);

	out->clang_ms = now_ms() - start;
	if (!err)
		err = check_runs(runs, input->path, diag);
	if (!err)
		err = read_outputs(arena, runs, out, diag);
	return err;
}

/* A clang that was killed leaves its own temporary files beside the outputs. */
static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static int run_clang(struct arena *arena, const struct frontend_input *input,
		     struct frontend_output *out, struct diag *diag)
{
	const char *base = getenv("TMPDIR");
	char *folder = arena_printf(arena, "%s/cleave-XXXXXX", base && *base ? base : "/tmp");
	int err;

	if (!mkdtemp(folder)) {
		err = -errno;
		diag_error(diag, NO_LOC, "cannot make a folder in %s: %s",
			   base && *base ? base : "/tmp", strerror(-err));
		return err;
	}
	err = compile_in(arena, folder, input, out, diag);
	remove_folder(folder);
	return err;
}

int frontend_compile(struct arena *arena, const struct frontend_input *input,
		     struct frontend_output *out, struct diag *diag)
{
	struct frontend_source source = {.path = input->path, .program = input->program};
	int err = check_source(input->path, diag);

	*out = (struct frontend_output){0};
	if (!err)
		err = run_clang(arena, input, out, diag);
	if (err)
		return err;
	source.bitcode = out->bitcode;
	source.bitcode_size = out->bitcode_size;
	err = frontend_load(arena, &source, &out->program, diag);
	if (!err)
		out->clang_version = frontend_clang_version(out->program);
	return err;
}
