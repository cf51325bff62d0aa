/* The kernel part before the kernel's own verifier, and what to do when it says no. */
#include "driver/pipeline.h"
#include "support/arena.h"
#include "support/exit_codes.h"
#include "support/memory_file.h"
#include "support/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 24, KERNEL_PART = 0 /* its place in backend_table */ };

struct refusal {
	const char *file, *message;
	unsigned line;
};

/* cleaved beside this program, as a build or an installation has it; else the one in PATH. */
const char *find_cleaved(struct arena *arena)
{
	static const char *const places[] = {"cleaved", "../runtime/cleaved"};
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n <= 0)
		return "cleaved";
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char *path = arena_printf(arena, "%s/%s", self, places[i]);

		if (access(path, X_OK) == 0)
			return path;
	}
	return "cleaved";
}

/* What `cleaved verify` says about the kernel part; a negative errno when it did not run. */
static int run_verify(struct compilation *c, char **text)
{
	int fd = memory_file_new("kernel.bpf.o", c->parts[KERNEL_PART].bytes,
				 c->parts[KERNEL_PART].size),
	    status;
	char path[MEMORY_FILE_PATH_BYTES];
	char *const argv[] = {(char *)find_cleaved(c->arena), "verify", path, NULL};
	struct process child;

	if (fd < 0)
		return fd;
	memory_file_path(fd, path);
	status = process_start(&child, argv);
	if (!status)
		status = process_wait(&child, c->arena, text);
	close(fd);
	return status;
}

/* 1 accepted, 0 refused, negative: nobody to ask. */
static int ask(struct compilation *c, struct refusal *refusal)
{
	struct timespec start, end;
	char *text = "";
	int status;

	clock_gettime(CLOCK_MONOTONIC, &start);
	status = run_verify(c, &text);
	clock_gettime(CLOCK_MONOTONIC, &end);
	c->verifier_ms +=
	    (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
	if (status == EXIT_CLEAVE_OK)
		return 1;
	char *line = strchr(text, '\t'), *message = line ? strchr(line + 1, '\t') : NULL;
	if (status != EXIT_CLEAVE_INPUT || !message)
		return -ENOTSUP;
	*line++ = *message++ = '\0';
	message[strcspn(message, "\n")] = '\0';
	*refusal = (struct refusal){text, message, (unsigned)strtoul(line, NULL, 10)};
	return 0;
}

static bool is_at(const struct src_loc *loc, const struct refusal *r)
{
	size_t have = loc->file ? strlen(loc->file) : 0, want = strlen(r->file);

	if (loc->line != r->line || have < want || strcmp(loc->file + have - want, r->file) != 0)
		return false;
	return have == want || loc->file[have - want - 1] == '/';
}

/* Takes the kernel from the ops at that line. False when there is none left to take it from. */
static bool forbid(struct compilation *c, const struct refusal *r)
{
	struct ir_program *p = c->front.program;
	bool any = false;

	for (size_t o = 0; o < p->op_count; o++) {
		struct ir_op *op = &p->ops[o];

		if (!is_at(&op->loc, r) || !(op->legal & 1 << IR_LAYER_KERNEL) ||
		    !(op->legal & 1 << IR_LAYER_USER))
			continue;
		op->legal &= (ir_layer_set) ~(1 << IR_LAYER_KERNEL);
		op->missing[IR_LAYER_KERNEL] =
		    (struct ir_why){IR_REASON_VERIFIER, arena_strdup(p->arena, r->message)};
		any = true;
	}
	return any;
}

static int give_up(struct compilation *c, const struct refusal *r)
{
	const struct ir_program *p = c->front.program;
	struct src_loc loc = {.file = c->input.path, .line = r->line};

	/* The kernel names files without their folders. */
	for (size_t o = 0; o < p->op_count && *r->file; o++)
		if (is_at(&p->ops[o].loc, r)) {
			loc.file = p->ops[o].loc.file;
			break;
		}
	diag_error(c->diag, loc, "the kernel's verifier refuses the kernel part here: %s",
		   r->message);
	return -EINVAL;
}

int pipeline_verify(struct compilation *c)
{
	struct refusal refusal = {0};
	int err = 0;

	for (int round = 0; round < ROUNDS_MAX && !err; round++) {
		if (c->no_verify || ask(c, &refusal) != 0)
			return 0; /* accepted, or nobody to ask */
		if (c->split.kind == SPLIT_KERNEL || !forbid(c, &refusal))
			return give_up(c, &refusal);
		c->remedies++;
		memset(c->parts, 0, sizeof c->parts);
		err = partitioner_legal_layers(c->front.program, &c->target, c->diag);
		if (!err)
			err = pipeline_plan(c);
		if (!err)
			err = pipeline_emit(c);
	}
	return err ? err : give_up(c, &refusal);
}
