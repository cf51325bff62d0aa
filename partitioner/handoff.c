#include "partitioner/handoff.h"

#include "bundle/kernel_abi.h"

uint32_t handoff_align(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 ? size : 8;
}

static uint32_t align_up(uint32_t at, uint32_t align)
{
	return (at + align - 1) / align * align;
}

static uint32_t head_bytes(uint32_t ordered_maps)
{
	uint32_t bytes = sizeof(struct cleave_handoff);

	if (ordered_maps)
		bytes += (uint32_t)sizeof(struct cleave_ticket) + 8 * ordered_maps;
	return bytes;
}

uint32_t handoff_bytes(const struct ir_program *program, int edge, const enum map_mode *modes,
		       uint32_t ordered_maps, uint32_t *sum)
{
	const struct ir_edge *e = &program->edges[edge];
	uint32_t at = head_bytes(ordered_maps), total = 0;

	for (size_t i = 0; i < e->live_count; i++) {
		const struct ir_live *live = &e->live[i];
		enum map_mode mode = live->kind == IR_LIVE_MAP_VALUE ? modes[live->map] : MODE_OPEN;
		uint32_t size = map_live_size(program, live, mode);

		if (!size && live->size)
			return UINT32_MAX;
		at = align_up(at, handoff_align(size)) + size;
		total += size;
	}
	if (sum)
		*sum = total;
	return align_up(at, 4);
}

static uint32_t size_at_home(const struct plan *plan, const struct ir_live *live)
{
	if (live->kind != IR_LIVE_MAP_VALUE)
		return live->size;
	if (plan->maps[live->map].home == MAP_HOME_KERNEL_BATCHED)
		return plan->program->maps[live->map].key_size + 4;
	return 4;
}

uint32_t plan_handoff_bytes(const struct plan *plan, const struct plan_cut *cut)
{
	const struct ir_edge *e = &plan->program->edges[cut->edge];
	uint32_t at = head_bytes(plan->strict ? plan->ordered_maps : 0);

	for (size_t i = 0; i < e->live_count; i++) {
		uint32_t size = size_at_home(plan, &e->live[i]);

		at = align_up(at, handoff_align(size)) + size;
	}
	return align_up(at, 4);
}
