/* The layout is that of backends/handoff.c: widest alignment first, so that little is lost to
 * padding. */
#include "partitioner/handoff.h"

#include "bundle/kernel_abi.h"

static uint32_t align_of(const struct ir_live *live, uint32_t size)
{
	uint32_t align = 8;

	switch (live->kind) {
	case IR_LIVE_MAP_VALUE:
		return 4;
	case IR_LIVE_STACK:
	case IR_LIVE_MAP_BYTES:
		while (align > 1 && (live->from % align || size % align))
			align /= 2;
		return align;
	default:
		return size == 1 || size == 2 || size == 4 ? size : 8;
	}
}

static uint32_t align_up(uint32_t at, uint32_t align)
{
	return (at + align - 1) / align * align;
}

/* Where the homes come from: a finished plan, or the modes of a search. */
struct homes {
	const struct ir_program *program;
	const struct plan *plan;
	const enum map_mode *modes;
};

static uint32_t size_of(const struct homes *homes, const struct ir_live *live)
{
	enum map_home home = MAP_HOME_KERNEL;

	if (live->kind == IR_LIVE_MAP_VALUE)
		home = homes->plan ? homes->plan->maps[live->map].home
				   : map_mode_home(&homes->program->maps[live->map],
						   homes->modes[live->map]);
	return map_live_size(homes->program, live, home);
}

static uint32_t lay_out(const struct homes *homes, int edge, uint32_t ordered_maps, uint32_t *sum)
{
	const struct ir_edge *e = ir_edge_behind(homes->program, edge);
	uint32_t at = sizeof(struct cleave_handoff), total = 0;

	if (homes->program->kind == IR_PROGRAM_TC)
		at += (uint32_t)sizeof(struct cleave_skb);
	if (ordered_maps)
		at += (uint32_t)sizeof(struct cleave_ticket) + 8 * ordered_maps;
	for (uint32_t align = 8; align; align /= 2)
		for (size_t i = 0; i < e->live_count; i++) {
			uint32_t size = size_of(homes, &e->live[i]);

			if (align_of(&e->live[i], size) != align)
				continue;
			at = align_up(at, align) + size;
			total += size;
		}
	if (sum)
		*sum = total + e->own_metadata;
	return align_up(at, 4) + e->own_metadata;
}

uint32_t handoff_bytes(const struct ir_program *program, int edge, const enum map_mode *modes,
		       uint32_t ordered_maps, uint32_t *sum)
{
	struct homes homes = {program, NULL, modes};

	return lay_out(&homes, edge, ordered_maps, sum);
}

uint32_t plan_handoff_bytes(const struct plan *plan, const struct plan_cut *cut)
{
	struct homes homes = {plan->program, plan, NULL};

	return lay_out(&homes, cut->edge, plan->strict ? plan->ordered_maps : 0, NULL);
}
