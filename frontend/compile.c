/* Runs clang: once to bitcode and, beside it, once to the object that is the oracle. */
#include "frontend/frontend.h"
#include "frontend/lift.h"
#include "frontend/missing_header.h"
#include "frontend/object_modern.h"
#include "frontend/source_place.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/arena.h"
#include "support/file.h"
#include "support/memory_file.h"
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
	int fd; /* what it writes */
	char *errors;
	int status;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool begins_with(const char *path, const char *magic)
{
	char head[8] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, head, sizeof head);

	if (fd >= 0)
		close(fd);
	return got >= (ssize_t)strlen(magic) && !memcmp(head, magic, strlen(magic));
}

/* What people give instead of a source, by its first bytes. */
static const char *find_mistake(const char *path)
{
	static const struct {
		const char *magic, *what;
	} mistakes[] = {
	    {"BC\300\336", "this is LLVM bitcode; the C source or an object is needed"},
	    {"SHA256", "this is a bundle; the C source or an object is needed (explain, check "
		       "and bundle show take bundles)"},
	};

	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
		if (begins_with(path, mistakes[i].magic))
			return mistakes[i].what;
	return NULL;
}

static int check_source(const char *path, struct diag *diag)
{
	struct src_loc loc = {.file = path};
	const char *mistake = NULL;
	struct stat st;
	int err = stat(path, &st) ? -errno : 0;

	if (!err && !S_ISDIR(st.st_mode) && S_ISREG(st.st_mode) && access(path, R_OK))
		err = -errno;
	if (err == -ENOENT && strcmp(path, "-") == 0)
		mistake = "the source is read from a file, not from standard input";
	else if (err)
		mistake = err == -ENOENT ? "no such file" : strerror(-err);
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR, mistake = "this is a directory";
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL,
		mistake = "the source is read from a file, not from a pipe or device";
	else if ((mistake = find_mistake(path)))
		err = -EINVAL;
	if (mistake)
		diag_error(diag, loc, "%s", mistake);
	return err;
}

/* clang's command line; emit_llvm is what differs between the two runs. */
static char **compose(struct arena *arena, const struct frontend_input *input,
		      const struct source_place *place, const struct missing_header *header,
		      bool colour, bool emit_llvm, const char *cpu)
{
	char *fixed[] = {CLANG,
			 "-target",
			 "bpf",
			 (char *)cpu,
			 "-g",
			 "-O2",
			 "-fdebug-compilation-dir=.",
			 "-fno-discard-value-names", /* so that live values have names */
			 "-fno-crash-diagnostics",
			 MACHINE,
			 "-I" MULTIARCH_INCLUDE,
			 "-idirafter", /* "bpf_helpers.h" */
			 "/usr/include/bpf"};
	size_t fixed_count = sizeof fixed / sizeof *fixed, n = fixed_count;
	char **argv = arena_array(arena, fixed_count + 2 * input->flag_count + 16, sizeof *argv);

	memcpy(argv, fixed, sizeof fixed);
	if (colour)
		argv[n++] = "-fcolor-diagnostics";
	for (char **flag = place->flags; *flag; flag++)
		argv[n++] = *flag;
	for (const char *const *flag = header->flags; *flag; flag++)
		argv[n++] = (char *)*flag;
	if (emit_llvm)
		argv[n++] = "-emit-llvm";
	argv[n++] = "-c";
	argv[n++] = "-o";
	argv[n++] = "-";
	argv[n++] = "-x";
	argv[n++] = "c";
	argv[n++] = place->path;
	return argv;
}

/* Only the fourth version of the instruction set divides signed numbers (Linux 6.6). */
static void run_again_signed(struct arena *arena, const struct frontend_input *input,
			     const struct source_place *place, const struct missing_header *header,
			     struct run *object)
{
	if (!object->status || !object->errors || !strstr(object->errors, "signed division") ||
	    ftruncate(object->fd, 0) || lseek(object->fd, 0, SEEK_SET))
		return;
	char **argv = compose(arena, input, place, header, false, false, "-mcpu=v4");

	if (!process_start_in(&object->process, argv, place->folder, object->fd))
		object->status = process_wait(&object->process, arena, &object->errors);
}

static int run_both(struct arena *arena, const struct frontend_input *input,
		    const struct source_place *place, const struct missing_header *header,
		    struct run runs[2], struct diag *diag)
{
	bool colour = isatty(fileno(diag->out)) == 1;

	for (int i = 0; i < 2; i++) {
		char **argv = compose(arena, input, place, header, colour, i == 0, "-mcpu=v3");
		int err = process_start_in(&runs[i].process, argv, place->folder, runs[i].fd);

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
	if (!runs[0].status)
		run_again_signed(arena, input, place, header, &runs[1]);
	return 0;
}

/* And once more when clang misses a header that can be made. */
static int run_with_headers(struct arena *arena, const struct frontend_input *input,
			    const struct source_place *place, struct run runs[2], struct diag *diag)
{
	struct missing_header header = {0};
	int err = run_both(arena, input, place, &header, runs, diag), made;

	if (err || !runs[0].status)
		return err;
	made = missing_header_make(arena, runs[0].errors, input->btf, &header);
	if (made > 0) {
		diag_note(diag, (struct src_loc){.file = input->path}, "%s is made from %s",
			  header.name, header.from);
		err = run_both(arena, input, place, &header, runs, diag);
	} else if (made < 0) {
		diag_note(diag, (struct src_loc){.file = input->path},
			  "%s cannot be made from %s: %s", header.name, header.from,
			  strerror(-made));
	}
	missing_header_close(&header);
	return err;
}

/* What clang said, with paths as the user gave them; its errors count as ours. */
static int check_runs(struct arena *arena, struct run runs[2], const struct source_place *place,
		      const char *path, struct diag *diag)
{
	fputs(source_place_restore(arena, place, runs[0].errors ? runs[0].errors : ""), diag->out);
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
	int err = memory_file_read(arena, runs[0].fd, &bytes, &out->bitcode_size);

	if (!err) {
		out->bitcode = bytes;
		if (runs[1].status)
			out->oracle_error = runs[1].errors;
		else
			err = memory_file_read(arena, runs[1].fd, &bytes, &out->oracle_size);
		out->oracle = runs[1].status || err ? NULL : bytes;
	}
	if (err)
		diag_error(diag, NO_LOC, "cannot read what " CLANG " wrote: %s", strerror(-err));
	return err;
}

static int run_clang(struct arena *arena, const struct frontend_input *input,
		     struct frontend_output *out, struct diag *diag)
{
	struct run runs[2] = {{.fd = memory_file_new("nf.bc", NULL, 0)},
			      {.fd = memory_file_new("nf.o", NULL, 0)}};
	struct source_place place = {0};
	double start = now_ms();
	int err = runs[0].fd < 0 ? runs[0].fd : runs[1].fd < 0 ? runs[1].fd : 0;

	if (err)
		diag_error(diag, NO_LOC, "cannot make room for what " CLANG " writes: %s",
			   strerror(-err));
	if (!err)
		err = source_place_find(arena, input, &place, diag);
	if (!err)
		err = run_with_headers(arena, input, &place, runs, diag);
	out->clang_ms = now_ms() - start;
	if (!err)
		err = check_runs(arena, runs, &place, input->path, diag);
	if (!err)
		err = read_outputs(arena, runs, out, diag);
	out->folder = place.absolute;
	for (int i = 0; i < 2; i++)
		if (runs[i].fd >= 0)
			close(runs[i].fd);
	return err;
}

static int lift(struct arena *arena, const struct frontend_input *input,
		struct frontend_output *out, const char **chosen, struct diag *diag)
{
	struct lift_input lift = {.bytes = out->oracle,
				  .size = out->oracle_size,
				  .path = input->path,
				  .program = input->program,
				  .tail_calls = input->tail_calls,
				  .type = input->type,
				  .btf = input->btf};

	return frontend_lift(arena, &lift, &out->bitcode, &out->bitcode_size, chosen, diag);
}

/* The object is its own oracle. */
static int read_object(struct arena *arena, const struct frontend_input *input,
		       struct frontend_output *out, const char **chosen, struct diag *diag)
{
	struct frontend_input plain = {.path = input->path};
	struct source_place place = {0};
	char *bytes;
	int err = source_place_find(arena, &plain, &place, diag);

	if (!err && input->flag_count) {
		diag_error(diag, (struct src_loc){.file = input->path},
			   "clang's flags (%s) are for a source; this is compiled already",
			   input->flags[0]);
		return -EINVAL;
	}
	if (!err)
		err = file_read(arena, input->path, &bytes, &out->oracle_size);
	if (err) {
		diag_error(diag, (struct src_loc){.file = input->path}, "%s", strerror(-err));
		return err;
	}
	out->is_object = true;
	out->oracle = bytes;
	out->oracle_is_input = true;
	out->folder = place.absolute;
	return lift(arena, input, out, chosen, diag);
}

static int load(struct arena *arena, const struct frontend_input *input, const char *chosen,
		bool lifted, struct frontend_output *out, struct diag *diag)
{
	struct frontend_source source = {.bitcode = out->bitcode,
					 .bitcode_size = out->bitcode_size,
					 .path = input->path,
					 .program = chosen,
					 .type = lifted ? NULL : input->type,
					 .tail_calls = input->tail_calls,
					 .btf = input->btf,
					 .object = out->oracle,
					 .object_size = out->oracle_size,
					 .lifted = lifted,
					 .maps = &input->maps};
	const char *pair[2];

	out->pair = NULL;
	if (!input->program && !lifted && frontend_find_pair(arena, &source, pair)) {
		source.program = pair[0];
		out->pair = pair[1];
	}
	return frontend_load(arena, &source, &out->program, diag);
}

int frontend_compile(struct arena *arena, const struct frontend_input *input,
		     struct frontend_output *out, struct diag *diag)
{
	int err = check_source(input->path, diag);
	bool lifted = !err && begins_with(input->path, ELFMAG);
	const char *chosen = input->program;

	*out = (struct frontend_output){0};
	if (!err)
		err = lifted ? read_object(arena, input, out, &chosen, diag)
			     : run_clang(arena, input, out, diag);
	if (!err)
		err = load(arena, input, chosen, lifted, out, diag);
	if (err == -EAGAIN) /* BPF assembly, old maps: the object says it */
		err = lift(arena, input, out, &chosen, diag)
			  ?: load(arena, input, chosen, true, out, diag);
	if (err)
		return err;
	if (out->oracle)
		object_modernise(arena, &out->oracle, &out->oracle_size);
	out->clang_version = frontend_clang_version(out->program);
	frontend_copy_bitcode(out->program, &out->bitcode, &out->bitcode_size);
	return 0;
}
