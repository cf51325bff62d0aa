/* build, inspect, explain: what needs the compiler alone. */
#include "driver/commands.h"
#include "ir/picture.h"
#include "ir/source_file.h"
#include "support/arena.h"
#include "support/exit_codes.h"
#include "support/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Digits alone, and no more than fit. */
static bool read_number(const char *text, unsigned *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	*number = (unsigned)value;
	return *text >= '0' && *text <= '9' && !*end && !errno && value <= INT_MAX;
}

static int read_split(struct compilation *c, const char *text, struct diag *diag)
{
	unsigned number;

	c->split_text = text;
	if (strcmp(text, "auto") == 0) {
		c->split.kind = SPLIT_AUTO;
	} else if (strcmp(text, "kernel") == 0) {
		c->split.kind = SPLIT_KERNEL;
	} else if (strcmp(text, "user") == 0) {
		c->split.kind = SPLIT_USER;
	} else if (strncmp(text, "at:", 3) == 0) {
		c->split.kind = SPLIT_AT_LINE;
		if (!read_number(text + 3, &c->split.line) || !c->split.line)
			goto bad;
	} else if (strncmp(text, "edge:", 5) == 0) {
		c->split.kind = SPLIT_AT_EDGE;
		if (!read_number(text + 5, &number))
			goto bad;
		c->split.edge = (int)number;
	} else if (strcmp(text, "every") != 0) {
		goto bad;
	}
	return 0;
bad:
	diag_error(diag, NO_LOC, "--split %s: it is auto, kernel, user, at:LINE, edge:N or every",
		   text);
	return EXIT_CLEAVE_USAGE;
}

static int read_order(struct compilation *c, const char *text, struct diag *diag)
{
	if (strcmp(text, "strict") != 0 && strcmp(text, "relaxed") != 0) {
		diag_error(diag, NO_LOC, "--order %s: it is strict or relaxed", text);
		return EXIT_CLEAVE_USAGE;
	}
	c->relaxed = strcmp(text, "relaxed") == 0;
	return 0;
}

static int read_cuts(struct compilation *c, const struct options *o, struct diag *diag)
{
	const char *split = o->text[OPTION_SPLIT];

	if (!split || strcmp(split, "every") != 0) {
		diag_error(diag, NO_LOC, "--cuts goes with --split every");
		return EXIT_CLEAVE_USAGE;
	}
	if (!read_number(o->text[OPTION_CUTS], &c->cuts_max) || !c->cuts_max) {
		diag_error(diag, NO_LOC, "--cuts %s: expected a number from 1",
			   o->text[OPTION_CUTS]);
		return EXIT_CLEAVE_USAGE;
	}
	return 0;
}

static int check_stage(const char *name, struct diag *diag)
{
	if (!name || pipeline_find(name) >= 0)
		return 0;
	diag_error(diag, NO_LOC, "there is no stage %s; the stages are:", name);
	for (int s = 0; pipeline[s].name; s++)
		fprintf(diag->out, "  %s\n", pipeline[s].name);
	return EXIT_CLEAVE_USAGE;
}

int compile_by_options(struct compilation *c, struct options *o, struct diag *diag)
{
	int code = 0;

	if (o->word_count < 1) {
		diag_error(diag, NO_LOC, "no source given; see --help");
		return EXIT_CLEAVE_USAGE;
	}
	c->input.path = o->words[0];
	c->input.program = o->text[OPTION_PROGRAM];
	c->second_program = o->second_program;
	c->input.tail_calls = o->text[OPTION_TAIL_CALLS];
	c->input.btf = o->text[OPTION_BTF];
	c->input.type = o->text[OPTION_TYPE];
	c->input.maps =
	    (struct map_settings){o->text[OPTION_MAP_ENTRIES], o->text[OPTION_MAP_INNER]};
	if (c->input.type && strcmp(c->input.type, "xdp") && strcmp(c->input.type, "tc")) {
		diag_error(diag, NO_LOC, "--type is xdp or tc, not %s", c->input.type);
		return EXIT_CLEAVE_USAGE;
	}
	c->input.flags = o->flags;
	c->input.flag_count = o->flag_count;
	c->target_path = o->text[OPTION_TARGET];
	c->replay |= o->text[OPTION_REPLAY] != NULL;
	c->no_verify = o->text[OPTION_NO_VERIFY] != NULL;
	c->check = o->text[OPTION_CHECK_BUILD] != NULL;
	c->dump_after = o->text[OPTION_DUMP_AFTER];
	if (!c->stop_after)
		c->stop_after = o->text[OPTION_STOP_AFTER];
	if (o->text[OPTION_SPLIT] && strcmp(o->text[OPTION_SPLIT], "every") == 0 &&
	    !strchr("bc", o->command)) {
		diag_error(diag, NO_LOC, "--split every is many plans; name one, such as edge:N");
		return EXIT_CLEAVE_USAGE;
	}
	if (o->text[OPTION_SPLIT])
		code = read_split(c, o->text[OPTION_SPLIT], diag);
	if (!code && o->text[OPTION_CUTS])
		code = read_cuts(c, o, diag);
	if (!code && o->text[OPTION_ORDER])
		code = read_order(c, o->text[OPTION_ORDER], diag);
	if (!code)
		code = check_stage(c->dump_after, diag);
	if (!code)
		code = check_stage(c->stop_after, diag);
	return code ? code : exit_code_of(pipeline_run(c));
}

static char *default_output(struct arena *arena, const char *source)
{
	const char *slash = strrchr(source, '/');
	const char *name = slash ? slash + 1 : source, *end = strstr(name, ".bpf.c");

	if (!end)
		end = strstr(name, ".bpf.o");
	if (!end)
		end = strrchr(name, '.');
	return arena_printf(arena, "%.*s.cleave", end ? (int)(end - name) : (int)strlen(name),
			    name);
}

static char *without_suffix(struct arena *arena, const char *path)
{
	const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');

	if (dot && slash && dot < slash)
		dot = NULL;
	return arena_printf(arena, "%.*s.", dot ? (int)(dot - path) : (int)strlen(path), path);
}

/* The files that a build reads must not be what it writes. */
static int check_output(const char *output, bool every, const struct options *o, struct diag *diag)
{
	const char *read[] = {o->words[0], o->text[OPTION_TARGET]};

	if (every && strncmp(output, "/dev/", 5) == 0) {
		diag_error(diag, NO_LOC, "--split every writes several bundles, which need names");
		return EXIT_CLEAVE_USAGE;
	}
	for (size_t i = 0; i < sizeof read / sizeof *read; i++)
		if (read[i] && file_is_same(output, read[i])) {
			diag_error(diag, NO_LOC,
				   "the bundle would overwrite %s; name another with -o", read[i]);
			return EXIT_CLEAVE_USAGE;
		}
	return 0;
}

/* The files of --split every. */
struct variants {
	struct arena *arena;
	const char *prefix;
	const char **paths;
	size_t count, capacity;
};

static int write_variant(void *context, struct bundle *bundle, const char *name, struct diag *diag)
{
	struct variants *v = context;
	const char *path = arena_printf(v->arena, "%s%s.cleave", v->prefix, name);
	int err = bundle_write(bundle, path, diag);

	if (!err)
		*ARENA_PUSH(v->arena, v->paths, v->count, v->capacity) = path;
	return err;
}

static int write_bundles(struct compilation *c, const char *output, bool every)
{
	struct variants v = {c->arena, without_suffix(c->arena, output)};
	int err;

	if (!every)
		return c->bundle ? bundle_write(c->bundle, output, c->diag) : 0;
	c->stop_after = NULL;
	err = pipeline_every(c, write_variant, &v);
	/* All or none. */
	for (size_t i = 0; err && i < v.count; i++)
		unlink(v.paths[i]);
	return err;
}

int command_build(struct options *o, struct diag *diag)
{
	struct compilation c;
	const char *output = o->text[OPTION_OUTPUT];
	bool every = o->text[OPTION_SPLIT] && strcmp(o->text[OPTION_SPLIT], "every") == 0;
	int code = 0;

	compilation_begin(&c, diag);
	if (every)
		c.stop_after = "legal";
	if (output && strcmp(output, "-") == 0)
		output = "/dev/stdout";
	if (!output && o->word_count)
		output = default_output(c.arena, o->words[0]);
	if (output && o->word_count)
		code = check_output(output, every, o, diag);
	if (!code)
		code = compile_by_options(&c, o, diag);
	if (!code)
		code = exit_code_of(write_bundles(&c, output, every));
	if (!code && o->text[OPTION_TIME])
		pipeline_print_times(&c, stdout);
	compilation_end(&c);
	return code;
}

static const char *cut_label(struct compilation *c, const struct plan_cut *cut)
{
	return arena_printf(
	    c->arena, " cut %u: %u bytes%s", cut->entry, plan_handoff_bytes(c->plan, cut),
	    cut->held_only ? ", if held"
			   : arena_printf(c->arena, ", %.3g %%", 100 * cut->frequency));
}

/* The plan, for the picture. */
static struct ir_picture_plan make_picture(struct compilation *c)
{
	const struct ir_program *p = c->front.program;
	ir_layer_set *layers = arena_array(c->arena, p->block_count + 1, sizeof *layers);
	const char **cuts = arena_array(c->arena, p->edge_count + 1, sizeof *cuts);
	bool *held = arena_array(c->arena, p->edge_count + 1, sizeof *held);

	for (size_t b = 0; b < p->block_count; b++)
		layers[b] = c->plan->blocks[b].layers;
	for (size_t i = 0; i < c->plan->cut_count; i++) {
		const struct plan_cut *cut = &c->plan->cuts[i];

		cuts[cut->edge] = cut_label(c, cut);
		held[cut->edge] = cut->held_only;
	}
	return (struct ir_picture_plan){.title = arena_printf(c->arena, "%s (%s), split %s",
							      p->name, ir_stored_file(p, p->source),
							      c->split_text),
					.block_layers = layers,
					.cuts = cuts,
					.held = held};
}

/* Graphviz does the drawing; the graph goes to it through a pipe. */
static int draw_svg(struct compilation *c, const struct ir_picture_plan *plan, struct diag *diag)
{
	FILE *dot;

	fflush(stdout);
	dot = popen("dot -Tsvg", "w");
	if (dot) {
		ir_print_dot(dot, c->front.program, plan);
		if (pclose(dot) == 0)
			return EXIT_CLEAVE_OK;
	}
	diag_error(diag, NO_LOC, "graphviz's dot did not run (Debian package graphviz)");
	return EXIT_CLEAVE_HOST;
}

static void print_plan_json(const struct compilation *c)
{
	plan_print_json(stdout, c->plan);
}

static void print_graph_json(const struct compilation *c)
{
	ir_print_json(stdout, c->front.program);
}

/* One object, or of a pair a list of two. */
static void print_json(const struct compilation *c, void (*print)(const struct compilation *))
{
	if (c->second)
		fputs("[\n", stdout);
	print(c);
	if (!c->second)
		return;
	fputs(",\n", stdout);
	print(c->second);
	fputs("]\n", stdout);
}

static int print_inspection(struct compilation *c, const struct options *o, struct diag *diag)
{
	const struct ir_program *p = c->front.program;
	struct ir_picture_plan plan = make_picture(c);

	if (c->second && (o->text[OPTION_DOT] || o->text[OPTION_SVG])) {
		diag_error(diag, NO_LOC, "one program, one picture: name it with --program");
		return EXIT_CLEAVE_USAGE;
	}
	if (o->text[OPTION_JSON])
		print_json(c, print_graph_json);
	else if (o->text[OPTION_DOT])
		ir_print_dot(stdout, p, &plan);
	else if (o->text[OPTION_SVG])
		return draw_svg(c, &plan, diag);
	else
		ir_print_text(stdout, p);
	if (c->second && !o->text[OPTION_JSON]) {
		putchar('\n');
		ir_print_text(stdout, c->second->front.program);
	}
	return EXIT_CLEAVE_OK;
}

int command_inspect(struct options *o, struct diag *diag)
{
	struct compilation c;
	int code;

	compilation_begin(&c, diag);
	c.stop_after = "plan";
	code = compile_by_options(&c, o, diag);
	if (!code)
		code = print_inspection(&c, o, diag);
	compilation_end(&c);
	return code;
}

bool is_bundle(const char *path)
{
	const char *dot = strrchr(path, '.');

	return bundle_begins_like_one(path) || (dot && strcmp(dot, ".cleave") == 0);
}

int refuse_compiling(const struct options *o, struct diag *diag)
{
	const char *option = options_find_compiling(o);

	if (!option && !o->flag_count)
		return 0;
	diag_error(diag, NO_LOC, "%s%s: only for a source; %s is a bundle, compiled already",
		   option ? "--" : "", option ? option : "clang's flags", o->words[0]);
	return EXIT_CLEAVE_USAGE;
}

static int explain_bundle(const char *path, struct options *o, struct diag *diag)
{
	struct bundle *b = NULL;
	int err = refuse_compiling(o, diag);

	if (err)
		return err;
	if (o->text[OPTION_JSON]) {
		diag_error(
		    diag, NO_LOC,
		    "a bundle keeps its plan as text; `cleave bundle show --json` prints what "
		    "programs need of it");
		return EXIT_CLEAVE_USAGE;
	}
	err = bundle_read(path, &b, diag);
	if (!err) {
		const struct bundle_member *plan = bundle_find(b, BUNDLE_MEMBER_PLAN);

		fwrite(plan->bytes, 1, plan->size, stdout);
		plan = b->second ? bundle_find(b->second, BUNDLE_MEMBER_PLAN) : NULL;
		if (plan) {
			putchar('\n');
			fwrite(plan->bytes, 1, plan->size, stdout);
		}
	}
	bundle_free(&b);
	return exit_code_of(err);
}

static void print_plans(const struct compilation *c)
{
	plan_print_text(stdout, c->plan);
	if (!c->second)
		return;
	putchar('\n');
	plan_print_text(stdout, c->second->plan);
}

int command_explain(struct options *o, struct diag *diag)
{
	struct compilation c;
	int code;

	if (o->word_count && is_bundle(o->words[0]))
		return explain_bundle(o->words[0], o, diag);
	compilation_begin(&c, diag);
	c.stop_after = "plan";
	code = compile_by_options(&c, o, diag);
	if (!code && o->text[OPTION_JSON])
		print_json(&c, print_plan_json);
	else if (!code)
		print_plans(&c);
	compilation_end(&c);
	return code;
}
