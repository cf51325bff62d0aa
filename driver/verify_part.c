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

enum { ROUNDS_MAX = 24, BLOCKS_BEHIND_MAX = 4, KERNEL_PART = 0 /* its place in backend_table */ };

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

static bool forbid_op(struct ir_program *p, struct ir_op *op, const struct refusal *r)
{
	if (!(op->legal & 1 << IR_LAYER_KERNEL) || !(op->legal & 1 << IR_LAYER_USER))
		return false;
	op->legal &= (ir_layer_set) ~(1 << IR_LAYER_KERNEL);
	op->missing[IR_LAYER_KERNEL] =
	    (struct ir_why){IR_REASON_VERIFIER, arena_strdup(p->arena, r->message)};
	return true;
}

/* The ops of a block, or where it only computes, those of the blocks that it leads to. */
static bool forbid_behind(struct ir_program *p, size_t block, const struct refusal *r,
			  unsigned depth)
{
	bool any = false;

	for (struct ir_op *op = ir_first_op(p, block); op < ir_end_op(p, block); op++)
		any |= forbid_op(p, op, r);
	for (size_t o = 0; !p->blocks[block].op_count && o < p->blocks[block].out_count; o++)
		if (depth < BLOCKS_BEHIND_MAX)
			any |= forbid_behind(p, (size_t)p->edges[p->blocks[block].out[o]].to, r,
					     depth + 1);
	return any;
}

/* The same of the blocks that lead to it. */
static bool forbid_before(struct ir_program *p, size_t block, const struct refusal *r,
			  unsigned depth)
{
	bool any = false;

	for (size_t i = 0; i < p->blocks[block].in_count; i++) {
		int from = p->edges[p->blocks[block].in[i]].from;

		if (from == IR_NONE || depth == BLOCKS_BEHIND_MAX)
			continue;
		for (struct ir_op *op = ir_first_op(p, (size_t)from);
		     op < ir_end_op(p, (size_t)from); op++)
			any |= forbid_op(p, op, r);
		if (!p->blocks[from].op_count)
			any |= forbid_before(p, (size_t)from, r, depth + 1);
	}
	return any;
}

/*
 * Takes the kernel from the ops at that line; when it is arithmetic that the verifier refuses,
 * from the ops beside it, or else before it. False when there is none left to take it from.
 */
static bool forbid(struct compilation *c, const struct refusal *r)
{
	struct ir_program *p = c->front.program;
	bool any = false;

	for (size_t o = 0; o < p->op_count; o++)
		if (ir_is_at(&p->ops[o].loc, r->file, r->line))
			any |= forbid_op(p, &p->ops[o], r);
	for (size_t b = 0; !any && b < p->block_count; b++)
		if (ir_block_has_line(p, b, r->file, r->line))
			any |= forbid_behind(p, b, r, 0);
	for (size_t b = 0; !any && b < p->block_count; b++)
		if (ir_block_has_line(p, b, r->file, r->line))
			any |= forbid_before(p, b, r, 0);
	return any;
}

static int give_up(struct compilation *c, const struct refusal *r)
{
	const struct ir_program *p = c->front.program;
	struct src_loc loc = {.file = c->input.path, .line = r->line};

	/* The kernel names files without their folders. */
	if (*r->file && strcmp(r->file, basename(c->input.path)) != 0)
		loc.file = r->file;
	for (size_t o = 0; o < p->op_count && *r->file; o++)
		if (ir_is_at(&p->ops[o].loc, r->file, r->line)) {
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
