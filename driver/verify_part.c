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
	struct ir_why why;
	struct src_loc *places; /* whose ops move; the first is shown */
	size_t place_count;
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
	struct src_loc *place = arena_array(c->arena, 1, sizeof *place);
	*place = (struct src_loc){.file = text, .line = (unsigned)strtoul(line, NULL, 10)};
	*refusal =
	    (struct refusal){{IR_REASON_VERIFIER, arena_strdup(c->arena, message)}, place, 1};
	return 0;
}

/* Nobody could be asked whether these loops end. */
static void warn_of_loops(struct compilation *c)
{
	const struct ir_program *p = c->front.program;

	for (size_t o = 0; o < p->op_count; o++)
		if (p->ops[o].loop_left)
			diag_warning(c->diag, p->ops[o].loc,
				     "only the kernel's verifier can find the end of this loop, "
				     "and it was not asked");
}

/*
 * Where nobody can be asked, what needs more stack than any kernel gives is refused all the same;
 * and where the verifier refuses that, whatever it says, this is why.
 */
static bool is_refused(struct compilation *c, struct refusal *refusal)
{
	const struct backend_output *part = &c->parts[KERNEL_PART];
	int answer = c->no_verify ? -ENOTSUP : ask(c, refusal);

	if (answer < 0 && !part->over_stack)
		warn_of_loops(c);
	if (answer > 0 || (answer < 0 && !part->over_stack))
		return false;
	if (part->over_stack)
		*refusal = (struct refusal){{IR_REASON_BIG_STACK, "more than 512"},
					    part->stack_places,
					    part->stack_place_count};
	return true;
}

static bool forbid_op(struct ir_op *op, const struct refusal *r)
{
	if (!(op->legal & 1 << IR_LAYER_KERNEL) || !(op->legal & 1 << IR_LAYER_USER))
		return false;
	op->legal &= (ir_layer_set) ~(1 << IR_LAYER_KERNEL);
	op->missing[IR_LAYER_KERNEL] = r->why;
	return true;
}

/* The ops of a block, or where it only computes, those of the blocks that it leads to. */
static bool forbid_behind(struct ir_program *p, size_t block, const struct refusal *r,
			  unsigned depth)
{
	bool any = false;

	for (struct ir_op *op = ir_first_op(p, block); op < ir_end_op(p, block); op++)
		any |= forbid_op(op, r);
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
			any |= forbid_op(op, r);
		if (!p->blocks[from].op_count)
			any |= forbid_before(p, (size_t)from, r, depth + 1);
	}
	return any;
}

typedef bool forbid_around(struct ir_program *p, size_t block, const struct refusal *r,
			   unsigned depth);

static bool forbid_at(struct ir_program *p, const struct src_loc *at, const struct refusal *r)
{
	bool any = false;

	for (size_t o = 0; o < p->op_count; o++)
		if (ir_is_at(&p->ops[o].loc, at->file, at->line))
			any |= forbid_op(&p->ops[o], r);
	return any;
}

static bool forbid_near(struct ir_program *p, const struct src_loc *at, const struct refusal *r,
			forbid_around *around)
{
	bool any = false;

	for (size_t b = 0; b < p->block_count; b++)
		if (ir_block_has_line(p, b, at->file, at->line))
			any |= around(p, b, r, 0);
	return any;
}

/*
 * Takes the kernel from the ops at those lines; when it is arithmetic that the verifier refuses,
 * from the ops beside it, or else before it. False when there is none left to take it from.
 */
static bool forbid(struct compilation *c, const struct refusal *r)
{
	static forbid_around *const arounds[] = {forbid_behind, forbid_before};
	struct ir_program *p = c->front.program;
	bool any = false;

	for (size_t i = 0; i < r->place_count; i++)
		any |= forbid_at(p, &r->places[i], r);
	for (size_t n = 0; n < sizeof arounds / sizeof *arounds && !any; n++)
		for (size_t i = 0; i < r->place_count; i++)
			any |= forbid_near(p, &r->places[i], r, arounds[n]);
	return any;
}

/* Nobody knows which ops it is about: user runs what it can. */
static bool forbid_all(struct compilation *c, const struct refusal *r)
{
	struct ir_program *p = c->front.program;
	bool any = false;

	for (size_t o = 0; o < p->op_count; o++)
		any |= forbid_op(&p->ops[o], r);
	return any;
}

/* The kernel names files without their folders. */
static struct src_loc shown_place(const struct compilation *c, const struct refusal *r)
{
	const struct ir_program *p = c->front.program;
	struct src_loc loc = {.file = c->input.path};

	if (!r->place_count)
		return loc;
	loc.line = r->places->line;
	if (*r->places->file && strcmp(r->places->file, basename(c->input.path)) != 0)
		loc.file = r->places->file;
	for (size_t o = 0; o < p->op_count; o++)
		if (ir_is_at(&p->ops[o].loc, r->places->file, r->places->line))
			loc.file = p->ops[o].loc.file;
	return loc;
}

static int give_up(struct compilation *c, const struct refusal *r)
{
	diag_error(c->diag, shown_place(c, r), "%s", ir_why_sentence(c->arena, r->why));
	return -EINVAL;
}

/*
 * Nothing is left to move. What the kernel takes as it stands is at least run as it stands: clang's
 * own code, and if need be for the CPU that clang knows by default. Which of two CPUs is easier for
 * the verifier differs from program to program.
 */
static bool take_source(struct compilation *c)
{
	struct backend_output refused = c->parts[KERNEL_PART], *part = &c->parts[KERNEL_PART];
	struct refusal refusal;

	if (c->front.program->kind != IR_PROGRAM_XDP || !pipeline_plan_source(c))
		return false;
	for (int cpu = 0; cpu < 2; cpu++) {
		c->first_cpu = cpu;
		memset(c->parts, 0, sizeof c->parts);
		c->replayed_source.size = 0;
		if (pipeline_emit(c))
			return false;
		if (part->size == refused.size && !memcmp(part->bytes, refused.bytes, part->size))
			continue;
		if (!is_refused(c, &refusal))
			return true;
	}
	return false;
}

int pipeline_verify(struct compilation *c)
{
	struct refusal refusal = {0};
	int err = 0;

	for (int round = 0; round < ROUNDS_MAX && !err; round++) {
		if (!is_refused(c, &refusal))
			return 0;
		if (c->split.kind == SPLIT_KERNEL || !forbid(c, &refusal)) {
			if (take_source(c))
				return 0;
			c->first_cpu = false;
			if (c->split.kind != SPLIT_AUTO || !forbid_all(c, &refusal))
				return give_up(c, &refusal);
		}
		c->remedies++;
		memset(c->parts, 0, sizeof c->parts);
		err = partitioner_legal_layers(c->front.program, &c->target, c->diag);
		if (!err)
			err = pipeline_plan(c);
		if (!err)
			err = pipeline_emit(c);
	}
	return err || take_source(c) ? err : give_up(c, &refusal);
}
