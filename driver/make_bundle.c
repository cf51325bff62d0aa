/* Fills in the bundle's image from what the stages made. */
#include "backends/handoff.h"
#include "bundle/kernel_abi.h"
#include "driver/pipeline.h"
#include "ir/kfuncs.h"
#include "ir/source_file.h"
#include "support/arena.h"
#include "support/map_types.h"
#include "support/version.h"
#include "verifier_model/verifier_model.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Nothing in a bundle tells where its source lay. */
static const char *stored_file(const struct ir_program *p, const struct src_loc *loc)
{
	return ir_stored_file(p, loc->file ? loc->file : p->source);
}

/* What a map of maps holds. */
static void fill_inner(struct bundle *b, const struct ir_map *map, struct bundle_map *out)
{
	const struct ir_inner *inner = &map->inner;

	if (!inner->type)
		return;
	out->inner = arena_alloc(b->arena, sizeof *out->inner);
	out->inner_count = 1;
	*out->inner = (struct bundle_inner){inner->type, inner->key_size, inner->value_size,
					    inner->max_entries, inner->flags};
	out->held = arena_array(b->arena, map->held_count + 1, sizeof *out->held);
	for (size_t i = 0; i < map->held_count; i++)
		if (map->held[i] != IR_NONE)
			out->held[out->held_count++] =
			    (struct bundle_held){(uint32_t)i, (uint32_t)map->held[i]};
}

static void fill_calls(struct bundle *b, const struct ir_map *map, struct bundle_map *out)
{
	out->call_count = map->call_count;
	out->calls = arena_array(b->arena, map->call_count + 1, sizeof *out->calls);
	for (size_t i = 0; i < map->call_count; i++)
		out->calls[i] = (struct bundle_call){map->calls[i].index, map->calls[i].program};
}

static void fill_programs(struct compilation *c, struct bundle *b)
{
	const struct ir_program *p = c->front.program;

	b->program_count = p->program_count;
	b->programs = arena_array(b->arena, p->program_count + 1, sizeof *b->programs);
	for (size_t i = 0; i < p->program_count; i++)
		b->programs[i] = p->programs[i].name;
}

static void fill_maps(struct compilation *c, struct bundle *b)
{
	const struct ir_program *p = c->front.program;

	b->map_count = p->map_count;
	b->maps = arena_array(b->arena, p->map_count + 1, sizeof *b->maps);
	for (size_t m = 0; m < p->map_count; m++) {
		const struct ir_map *map = &p->maps[m];
		bool values = c->plan->maps[m].home == MAP_HOME_SHARED_VALUES;

		b->maps[m] = (struct bundle_map){
		    .name = map->name,
		    .type = map->type,
		    .key_size = map->key_size,
		    .value_size = map->value_size,
		    .max_entries = map->max_entries,
		    .flags = map->flags,
		    .home = c->plan->maps[m].home,
		    .why = c->plan->maps[m].because ? c->plan->maps[m].because : "",
		    .slots = values ? 2 * map->max_entries + 1024 : 0,
		    .extra = map->extra};
		fill_inner(b, map, &b->maps[m]);
		fill_calls(b, map, &b->maps[m]);
	}
}

static void fill_globals(struct compilation *c, struct bundle *b)
{
	const struct ir_program *p = c->front.program;

	b->global_count = p->global_count;
	b->globals = arena_array(b->arena, p->global_count + 1, sizeof *b->globals);
	for (size_t g = 0; g < p->global_count; g++)
		b->globals[g] = (struct bundle_global){.name = p->globals[g].name,
						       .section = p->globals[g].section,
						       .size = p->globals[g].size,
						       .constant = p->globals[g].constant};
}

static void fill_live(struct compilation *c, struct bundle *b, const struct plan_cut *cut,
		      struct bundle_cut *out)
{
	struct handoff h = handoff_layout(c->arena, c->plan, cut, false);

	out->length = h.length;
	out->live_count = h.count;
	out->live = arena_array(b->arena, h.count + 1, sizeof *out->live);
	for (size_t i = 0; i < h.count; i++)
		out->live[i] = (struct bundle_live){.name = h.items[i].live->name,
						    .kind = handoff_item_kind(&h.items[i]),
						    .offset = h.items[i].offset,
						    .size = h.items[i].size};
}

static void fill_cuts(struct compilation *c, struct bundle *b)
{
	const struct ir_program *p = c->front.program;

	b->cut_count = c->plan->cut_count;
	b->cuts = arena_array(b->arena, b->cut_count + 1, sizeof *b->cuts);
	for (size_t n = 0; n < b->cut_count; n++) {
		const struct plan_cut *cut = &c->plan->cuts[n];
		struct src_loc loc = ir_edge_loc(p, &p->edges[cut->edge]);

		b->cuts[n] = (struct bundle_cut){.entry = cut->entry,
						 .file = stored_file(p, &loc),
						 .line = loc.line,
						 .why = cut->because ? cut->because : "",
						 .held_only = cut->held_only};
		fill_live(c, b, cut, &b->cuts[n]);
	}
}

/*
 * Could the kernel run the source as it is? If not, the first op that says why. What the verifier
 * refused of a kernel part says nothing of the source.
 */
static void fill_source(struct compilation *c, struct bundle *b)
{
	const struct ir_program *p = c->front.program;

	b->kernel_can_run_source = true;
	for (size_t o = 0; o < p->op_count && b->kernel_can_run_source; o++) {
		const struct ir_op *op = &p->ops[o];
		struct ir_why why = op->missing[IR_LAYER_KERNEL];

		if (op->legal & 1 << IR_LAYER_KERNEL || why.reason == IR_REASON_AFTER_USER_OP ||
		    why.reason == IR_REASON_VERIFIER || pipeline_is_rolled(op))
			continue;
		b->kernel_can_run_source = false;
		b->kernel_refusal = arena_printf(b->arena, "%s:%u: %s", stored_file(p, &op->loc),
						 op->loc.line, ir_why_sentence(b->arena, why));
	}
	if (!c->front.oracle && b->kernel_can_run_source) {
		b->kernel_can_run_source = false;
		b->kernel_refusal = "clang cannot make BPF code of it";
	}
}

static void need(struct bundle *b, size_t *capacity, const char *feature, uint32_t version)
{
	*ARENA_PUSH(b->arena, b->kernel_features, b->kernel_feature_count, *capacity) = feature;
	if (version > b->min_kernel)
		b->min_kernel = version;
}

/* What the kernel part calls, and what user asks the kernel: only the youngest is worth a word. */
static void need_helpers(struct compilation *c, struct bundle *b, size_t *capacity)
{
	const struct ir_program *p = c->front.program;
	uint32_t oldest = b->min_kernel, version;
	const char *name = NULL;

	for (size_t o = 0; o < p->op_count && p->kind == IR_PROGRAM_XDP; o++) {
		const struct ir_op *op = &p->ops[o];
		bool kernel = c->plan->blocks[op->block].layers & 1 << IR_LAYER_KERNEL;

		version = op->name && !strcmp(op->name, "signed division") ? VERIFIER_VERSION(6, 6)
									   : ir_op_since(op) << 8;
		if (version <= oldest || !(kernel || op->kind == IR_OP_ROUTE))
			continue;
		oldest = version;
		name =
		    op->helper == IR_NONE ? op->name : arena_printf(b->arena, "bpf_%s", op->name);
	}
	for (size_t m = 0; m < p->map_count && p->kind == IR_PROGRAM_XDP; m++) {
		const struct map_type_row *row = map_type_find(p->maps[m].type);

		version = row ? (uint32_t)row->since << 8 : 0;
		if (version <= oldest || c->plan->maps[m].home == MAP_HOME_USER)
			continue;
		oldest = version;
		name = arena_printf(b->arena, "%s maps", row->title);
	}
	if (name)
		need(b, capacity, name, oldest);
}

static void fill_needs(struct compilation *c, struct bundle *b)
{
	size_t capacity = 0;
	bool mapped = false, batched = false;

	for (size_t m = 0; m < b->map_count; m++) {
		mapped |= b->maps[m].home == MAP_HOME_SHARED_ARRAY ||
			  b->maps[m].home == MAP_HOME_SHARED_VALUES;
		batched |= b->maps[m].home == MAP_HOME_KERNEL_BATCHED;
	}
	if (bundle_is_tc(b)) {
		need(b, &capacity, "tcx", VERIFIER_VERSION(6, 6));
	} else {
		need(b, &capacity, "xdp", VERIFIER_VERSION(4, 8));
		need(b, &capacity, "bpf_link", VERIFIER_VERSION(5, 9));
	}
	if (b->cut_count)
		need(b, &capacity, "af_xdp", VERIFIER_VERSION(5, 4));
	if (mapped || b->ordered_maps)
		need(b, &capacity, "mmapable arrays", VERIFIER_VERSION(5, 5));
	if (b->ordered_maps || mapped)
		need(b, &capacity, "atomics with fetch", VERIFIER_VERSION(5, 12));
	if (batched)
		need(b, &capacity, "syscall programs", VERIFIER_VERSION(5, 14));
	need_helpers(c, b, &capacity);
}

static void copy_flags(struct compilation *c, struct bundle *b)
{
	b->clang_flag_count = c->input.flag_count;
	b->clang_flags = arena_array(b->arena, c->input.flag_count + 1, sizeof *b->clang_flags);
	for (size_t i = 0; i < c->input.flag_count; i++)
		b->clang_flags[i] = c->input.flags[i];
}

static int add_plan(struct compilation *c, struct bundle *b)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -1;
	plan_print_text(f, c->plan);
	fclose(f);
	bundle_add(b, BUNDLE_MEMBER_PLAN, arena_strndup(b->arena, text, size), size);
	free(text);
	return 0;
}

static void add_members(struct compilation *c, struct bundle *b)
{
	bundle_add(b, BUNDLE_MEMBER_IR, c->front.bitcode, c->front.bitcode_size);
	if (c->check && c->replayed_source.size)
		bundle_add(b, BUNDLE_MEMBER_SOURCE, c->replayed_source.bytes,
			   c->replayed_source.size);
	else if (c->front.oracle)
		bundle_add(b, BUNDLE_MEMBER_SOURCE, c->front.oracle, c->front.oracle_size);
	for (size_t n = 0; backend_table[n]; n++)
		if (c->parts[n].size)
			bundle_add(b, backend_table[n]->member, c->parts[n].bytes,
				   c->parts[n].size);
}

int pipeline_make_bundle(struct compilation *c)
{
	const struct ir_program *p = c->front.program;
	struct bundle *b = bundle_new();
	struct utsname host;

	uname(&host);
	c->bundle = b;
	b->cleave_version = CLEAVE_VERSION;
	b->program = p->name;
	b->section = p->section;
	b->source = base_name(c->input.path);
	b->clang = c->front.clang_version;
	copy_flags(c, b);
	b->machine = arena_strdup(b->arena, host.machine);
	b->cpu = backend_host_cpu(b->arena);
	b->split = c->split_text;
	b->strict = !c->relaxed;
	b->ordered_maps = c->plan->ordered_maps;
	b->replay_inputs = c->check;
	fill_programs(c, b);
	fill_maps(c, b);
	fill_globals(c, b);
	fill_cuts(c, b);
	fill_source(c, b);
	fill_needs(c, b);
	add_members(c, b);
	return add_plan(c, b);
}
