/* The pipeline on one screen: a table of stages and one loop. */
#include "driver/pipeline.h"
#include "ir/llvm_ir.h"
#include "support/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int compile(struct compilation *c)
{
	int err = frontend_compile(c->arena, &c->input, &c->front, c->diag);
	const char *second = c->second_program ? c->second_program : c->front.pair;

	return !err && second ? pair_begin(c, second) : err;
}

static int split_objects(struct compilation *c)
{
	return ir_split_objects(c->front.program, c->diag);
}

static int split_blocks(struct compilation *c)
{
	return ir_split_blocks(c->front.program, c->diag);
}

static int graph(struct compilation *c)
{
	return ir_build_graph(c->front.program, c->diag);
}

static int effects(struct compilation *c)
{
	return ir_name_effects(c->front.program, c->diag);
}

static int live(struct compilation *c)
{
	return ir_compute_live(c->front.program, c->diag);
}

static int legal(struct compilation *c)
{
	int err = target_read(c->arena, c->target_path, &c->target, c->diag);

	return err ? err : partitioner_legal_layers(c->front.program, &c->target, c->diag);
}

/* Replay has user only. */
static void warn_of_replay(struct compilation *c)
{
	const struct ir_program *p = c->front.program;

	diag_warning(c->diag, p->blocks[0].loc, "it cannot be replayed: %s",
		     ir_why_sentence(p->arena, p->edges[0].cut));
}

/* A check runs an object as it is (runtime/host_replay.h). */
static bool is_input_checked(const struct compilation *c)
{
	return c->front.oracle_is_input;
}

static int emit_parts(struct compilation *c)
{
	struct backend_options options = {.replay_inputs = c->check, .first_cpu = c->first_cpu};
	int err = 0;

	for (size_t b = 0; backend_table[b] && !err; b++) {
		bool wanted = backend_table[b]->can_run(c->plan);

		if (strcmp(backend_table[b]->member, BUNDLE_MEMBER_REPLAY) == 0) {
			if (!wanted && c->replay && !c->check)
				warn_of_replay(c);
			wanted = wanted && c->replay;
		}
		if (wanted)
			err = backend_table[b]->emit(c->plan, &options, &c->parts[b], c->diag);
	}
	if (!err && c->check && c->front.oracle && !is_input_checked(c) && !c->replayed_source.size)
		err = backend_emit_replayed_source(c->front.program, c->first_cpu,
						   &c->replayed_source, c->diag);
	return err;
}

/*
 * The BPF backend puts lines of the source into BTF, and opens it by its name in debug info, which
 * begins at the source's folder.
 */
int pipeline_emit(struct compilation *c)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), err;
	bool moved = here >= 0 && c->front.folder && chdir(c->front.folder) == 0;

	err = emit_parts(c);
	if (moved && fchdir(here) && !err) {
		err = -errno;
		diag_error(c->diag, NO_LOC, "cannot go back to the working directory: %s",
			   strerror(-err));
	}
	if (here >= 0)
		close(here);
	return err;
}

static void dump_graph(struct compilation *c)
{
	ir_print_text(stdout, c->front.program);
}

static void dump_plan(struct compilation *c)
{
	plan_print_text(stdout, c->plan);
}

static void dump_bundle(struct compilation *c)
{
	bundle_print(c->bundle, stdout);
}

const struct stage pipeline[] = {
    {"compile", compile, NULL},
    {"split-objects", split_objects, NULL},
    {"split-blocks", split_blocks, NULL},
    {"graph", graph, dump_graph},
    {"effects", effects, dump_graph},
    {"live", live, dump_graph},
    {"legal", legal, dump_graph},
    {"plan", pipeline_plan, dump_plan},
    {"emit", pipeline_emit, NULL},
    {"verify", pipeline_verify, NULL},
    {"bundle", pipeline_make_bundle, dump_bundle},
    {NULL, NULL, NULL},
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void dump(const struct compilation *c, int stage)
{
	if (!c->dump_after || strcmp(c->dump_after, pipeline[stage].name) != 0 ||
	    !pipeline[stage].dump)
		return;
	pipeline[stage].dump((struct compilation *)c);
	if (c->second)
		pipeline[stage].dump(c->second);
}

static int run_from(struct compilation *c, int first)
{
	for (int s = first; pipeline[s].name; s++) {
		double start = now_ms();
		int err = c->second ? pair_run_stage(c, s) : pipeline[s].run(c);

		c->stage_ms[s] = now_ms() - start;
		if (err)
			return err;
#ifndef NDEBUG
		if (c->front.program->block_count)
			ir_check(c->front.program);
#endif
		dump(c, s);
		if (c->stop_after && strcmp(c->stop_after, pipeline[s].name) == 0)
			break;
	}
	return 0;
}

void compilation_begin(struct compilation *c, struct diag *diag)
{
	*c = (struct compilation){.arena = arena_new(), .diag = diag, .split_text = "auto"};
}

void compilation_end(struct compilation *c)
{
	pair_end(c);
	bundle_free(&c->bundle);
	if (c->front.program && c->front.program->llvm)
		ir_llvm_free(c->front.program->llvm);
	arena_free(&c->arena);
}

int pipeline_run(struct compilation *c)
{
	return run_from(c, 0);
}

int pipeline_replan(struct compilation *c)
{
	memset(c->parts, 0, sizeof c->parts);
	bundle_free(&c->bundle);
	if (c->second) {
		memset(c->second->parts, 0, sizeof c->second->parts);
		bundle_free(&c->second->bundle);
	}
	return run_from(c, pipeline_find("plan"));
}

int pipeline_find(const char *name)
{
	for (int s = 0; pipeline[s].name; s++)
		if (strcmp(pipeline[s].name, name) == 0)
			return s;
	return -1;
}

void pipeline_print_times(const struct compilation *c, FILE *out)
{
	double all = 0;

	for (int s = 0; pipeline[s].name; s++) {
		fprintf(out, "%-14s %8.1f ms\n", pipeline[s].name, c->stage_ms[s]);
		all += c->stage_ms[s];
	}
	for (size_t b = 0; backend_table[b]; b++)
		if (c->parts[b].size)
			fprintf(out, "  %-12s %8.1f ms\n", backend_table[b]->name, c->parts[b].ms);
	fprintf(out,
		"%-14s %8.1f ms, of which clang %.1f ms, the kernel's verifier %.1f ms, Cleave "
		"%.1f ms\n",
		"total", all, c->front.clang_ms, c->verifier_ms,
		all - c->front.clang_ms - c->verifier_ms);
}
