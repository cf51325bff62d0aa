/* `cleave explain`: the plan in words and numbers. The text is stable: golden tests compare it. */
#include "partitioner/map_homes.h"

#include <math.h>
#include <string.h>

#include "support/arena.h"
#include "support/map_types.h"

static const char *layers_text(ir_layer_set layers)
{
	bool kernel = layers & 1 << IR_LAYER_KERNEL, user = layers & 1 << IR_LAYER_USER;

	if (kernel && user)
		return "kernel+user";
	return kernel ? "kernel" : user ? "user" : "-";
}

/* File names without their folder: the text is the same wherever the source lies. */
static const char *file_text(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "?";
}

static void print_place(FILE *out, const char *function, struct src_loc loc)
{
	fprintf(out, "%s", function ? function : "?");
	if (loc.line)
		fprintf(out, " %s:%u", file_text(loc.file), loc.line);
}

static void print_ns(FILE *out, double ns)
{
	if (isfinite(ns))
		fprintf(out, "%.1f ns", ns);
	else
		fprintf(out, "not possible");
}

static void print_split(FILE *out, const struct plan *plan)
{
	switch (plan->split.kind) {
	case SPLIT_KERNEL:
		fprintf(out, "kernel");
		break;
	case SPLIT_USER:
		fprintf(out, "user");
		break;
	case SPLIT_AT_LINE:
		fprintf(out, "at:%u", plan->split.line);
		break;
	case SPLIT_AT_EDGE:
		fprintf(out, "at edge %d", plan->split.edge);
		break;
	default:
		fprintf(out, "auto");
	}
}

static void print_block(FILE *out, const struct plan *plan, size_t b)
{
	const struct ir_block *block = &plan->program->blocks[b];
	const struct plan_block *pb = &plan->blocks[b];

	fprintf(out, "  %-5s %-12s", block->label, layers_text(pb->layers));
	print_place(out, block->function, block->loc);
	fprintf(out, "\n        ");
	for (int l = IR_LAYER_KERNEL; l <= IR_LAYER_USER; l++) {
		fprintf(out, "%s %.4f x ", ir_layer_text((enum ir_layer)l), pb->frequency[l]);
		print_ns(out, pb->cost_ns[l]);
		fprintf(out, l < IR_LAYER_USER ? ", " : "\n");
	}
	fprintf(out, "        %s\n", pb->because);
}

static const char *value_kind(enum map_home home)
{
	switch (home) {
	case MAP_HOME_KERNEL_BATCHED:
		return "map key";
	case MAP_HOME_SHARED_ARRAY:
	case MAP_HOME_SHARED_VALUES:
		return "map index";
	default:
		return "map null flag";
	}
}

static const char *live_kind(const struct plan *plan, const struct ir_live *live)
{
	switch (live->kind) {
	case IR_LIVE_SCALAR:
		return "value";
	case IR_LIVE_PACKET:
		return "packet offset";
	case IR_LIVE_MAP_VALUE:
		return value_kind(plan->maps[live->map].home);
	case IR_LIVE_STACK:
		return "stack bytes";
	default:
		return "map bytes";
	}
}

static enum map_home live_home(const struct plan *plan, const struct ir_live *live)
{
	return live->kind == IR_LIVE_MAP_VALUE ? plan->maps[live->map].home : MAP_HOME_KERNEL;
}

static void print_cut(FILE *out, const struct plan *plan, const struct plan_cut *cut)
{
	const struct ir_program *p = plan->program;
	const struct ir_edge *e = &p->edges[cut->edge];
	const struct ir_block *to = &p->blocks[e->to];

	fprintf(out, "  entry %u: %s -> %s, ", cut->entry,
		e->from == IR_NONE ? "start" : p->blocks[e->from].label, to->label);
	print_place(out, to->function, to->loc);
	fprintf(out, "\n        ");
	if (cut->held_only)
		fprintf(out, "held packets only, ");
	else
		fprintf(out, "%.4f of packets x %.1f ns, ", cut->frequency, cut->cost_ns);
	fprintf(out, "%u bytes of metadata, %u live\n        %s\n", plan_handoff_bytes(plan, cut),
		cut->live_bytes, cut->because);
	e = ir_edge_behind(p, cut->edge);
	for (size_t i = 0; i < e->live_count; i++)
		fprintf(out, "        %-16s %3u  %s%s%s\n", e->live[i].name ? e->live[i].name : "?",
			map_live_size(p, &e->live[i], live_home(plan, &e->live[i])),
			live_kind(plan, &e->live[i]),
			e->live[i].kind == IR_LIVE_MAP_VALUE ? " of " : "",
			e->live[i].kind == IR_LIVE_MAP_VALUE ? p->maps[e->live[i].map].name : "");
	if (e->own_metadata)
		fprintf(out, "        %-16s %3u  the program's own metadata, at most\n",
			"data_meta", e->own_metadata);
}

static const char *access_text(bool reads, bool writes)
{
	return reads && writes ? "reads and writes" : writes ? "writes" : reads ? "reads" : "-";
}

static void print_map(FILE *out, const struct plan *plan, size_t m)
{
	const struct ir_map *map = &plan->program->maps[m];
	const struct plan_map *pm = &plan->maps[m];

	fprintf(out, "  %-16s %s (%s)%s, %.1f ns a packet\n", map->name, map_home_text(pm->home),
		map_type_text(map->type), pm->ordered ? ", ordered" : "", pm->cost_ns);
	fprintf(out, "        kernel: %s, user: %s\n        %s\n",
		access_text(pm->kernel_reads, pm->kernel_writes),
		access_text(pm->user_reads, pm->user_writes), pm->because);
}

static void print_totals(FILE *out, const struct plan *plan)
{
	double best = fmin(plan->kernel_cost_ns, plan->user_cost_ns);

	fprintf(out, "cost of a packet\n  this plan   ");
	print_ns(out, plan->cost_ns);
	fprintf(out, "\n  all kernel  ");
	print_ns(out, plan->kernel_cost_ns);
	fprintf(out, "\n  all user    ");
	print_ns(out, plan->user_cost_ns);
	if (isfinite(best) && plan->cost_ns > 0)
		fprintf(out, "\n  the better of these takes %.2f times as long as this plan",
			best / plan->cost_ns);
	if (!plan->exact)
		fprintf(out, "\n  not proved to be the best: the search ran out of its budget");
	fprintf(out, "\n");
}

void plan_print_text(FILE *out, const struct plan *plan)
{
	const struct ir_program *p = plan->program;

	fprintf(out, "plan of %s (%s), split ", p->name ? p->name : "?", file_text(p->source));
	print_split(out, plan);
	fprintf(out, ", %s order, target %s\n", plan->strict ? "strict" : "relaxed",
		plan->target.name);
	fprintf(out, "blocks\n");
	for (size_t b = 0; b < p->block_count; b++)
		print_block(out, plan, b);
	fprintf(out, "cuts\n");
	for (size_t i = 0; i < plan->cut_count; i++)
		print_cut(out, plan, &plan->cuts[i]);
	if (!plan->cut_count)
		fprintf(out, "  none: everything runs in the kernel\n");
	fprintf(out, "maps\n");
	for (size_t m = 0; m < p->map_count; m++)
		print_map(out, plan, m);
	if (!p->map_count)
		fprintf(out, "  none\n");
	print_totals(out, plan);
}
