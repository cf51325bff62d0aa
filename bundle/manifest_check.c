#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "bundle/manifest.h"
#include "support/arena.h"

#include <linux/bpf.h>
#include <string.h>

/* The members in the order they have in the file. */
static const struct {
	const char *name;
	bool mandatory;
} known_members[] = {
    {BUNDLE_MEMBER_MANIFEST, true}, {BUNDLE_MEMBER_IR, true},      {BUNDLE_MEMBER_SOURCE, false},
    {BUNDLE_MEMBER_KERNEL, true},   {BUNDLE_MEMBER_USER, false},   {BUNDLE_MEMBER_PLAN, true},
    {BUNDLE_MEMBER_REPLAY, false},  {BUNDLE_MEMBER_SECOND, false},
};

enum { KNOWN_MEMBERS = sizeof known_members / sizeof *known_members };

int manifest_find_member(const char *name)
{
	for (int i = 0; i < KNOWN_MEMBERS; i++)
		if (!strcmp(known_members[i].name, name))
			return i;
	return -1;
}

const char *manifest_check_members(const struct bundle *bundle)
{
	int last = -1;

	for (size_t i = 0; i < bundle->member_count; i++) {
		const char *name = bundle->members[i].name;
		int place = manifest_find_member(name);

		if (place < 0)
			return arena_printf(bundle->arena, "has an unknown member %s", name);
		if (place <= last)
			return arena_printf(bundle->arena, "has %s twice or out of order", name);
		last = place;
	}
	for (int i = 0; i < KNOWN_MEMBERS; i++)
		if (known_members[i].mandatory && !bundle_find(bundle, known_members[i].name))
			return arena_printf(bundle->arena, "lacks %s", known_members[i].name);
	/* What even clang's BPF backend cannot compile has no oracle object. */
	if (bundle->kernel_can_run_source && !bundle_find(bundle, BUNDLE_MEMBER_SOURCE))
		return "lacks " BUNDLE_MEMBER_SOURCE;
	if (bundle->cut_count && !bundle_find(bundle, BUNDLE_MEMBER_USER) &&
	    !bundle_find(bundle, BUNDLE_MEMBER_REPLAY))
		return "has cuts but no user part";
	return NULL;
}

static const char *check_map(const struct bundle *bundle, size_t index)
{
	const struct bundle_map *map = &bundle->maps[index];
	bool has_slots = map->home == MAP_HOME_SHARED_VALUES;

	for (size_t i = 0; i < index; i++)
		if (!strcmp(bundle->maps[i].name, map->name))
			return arena_printf(bundle->arena, "has the map %s twice", map->name);
	for (size_t i = 0; i < map->held_count; i++)
		if (!map->inner_count || map->held[i].map >= bundle->map_count ||
		    map->held[i].map == index)
			return arena_printf(bundle->arena,
					    "puts a map into %s that cannot be there", map->name);
	for (size_t i = 0; i < map->call_count; i++)
		if (map->type != BPF_MAP_TYPE_PROG_ARRAY ||
		    map->calls[i].index >= map->max_entries ||
		    map->calls[i].program >= bundle->program_count)
			return arena_printf(bundle->arena,
					    "puts a program into %s that cannot be there",
					    map->name);
	if (has_slots != (map->slots > 0))
		return arena_printf(bundle->arena, "gives the map %s %s", map->name,
				    has_slots ? "no slots" : "slots, which its home has not");
	if (map->layout != bundle_map_layout(map))
		return arena_printf(bundle->arena, "has a wrong layout number for the map %s",
				    map->name);
	return NULL;
}

static const char *check_global(const struct bundle *bundle, size_t index)
{
	const struct bundle_global *global = &bundle->globals[index];

	for (size_t i = 0; i < index; i++)
		if (!strcmp(bundle->globals[i].name, global->name))
			return arena_printf(bundle->arena, "has the global %s twice", global->name);
	return NULL;
}

/* The live values lie behind the ticket and in front of the header. */
static const char *check_cut(const struct bundle *bundle, size_t index)
{
	const struct bundle_cut *cut = &bundle->cuts[index];
	uint32_t first = 0, last = cut->length - (uint32_t)sizeof(struct cleave_handoff);

	for (size_t i = 0; i < index; i++)
		if (bundle->cuts[i].entry == cut->entry)
			return arena_printf(bundle->arena, "has entry %u twice", cut->entry);
	if (bundle->strict && bundle->ordered_maps)
		first = (uint32_t)sizeof(struct cleave_ticket) + 8 * bundle->ordered_maps;
	if (cut->length % 4 || cut->length < first + sizeof(struct cleave_handoff))
		return arena_printf(bundle->arena, "has an impossible length for entry %u",
				    cut->entry);
	for (size_t i = 0; i < cut->live_count; i++)
		if (cut->live[i].offset < first || cut->live[i].offset > last ||
		    cut->live[i].size > last - cut->live[i].offset)
			return arena_printf(bundle->arena,
					    "has a live value outside of the handoff of entry %u",
					    cut->entry);
	return NULL;
}

const char *manifest_check(const struct bundle *bundle)
{
	const char *why = NULL;

	if (bundle->kernel_can_run_source == (bundle->kernel_refusal != NULL))
		return "has a kernel_refusal without need, or none where it needs one";
	for (size_t i = 0; !why && i < bundle->map_count; i++)
		why = check_map(bundle, i);
	for (size_t i = 0; !why && i < bundle->global_count; i++)
		why = check_global(bundle, i);
	for (size_t i = 0; !why && i < bundle->cut_count; i++)
		why = check_cut(bundle, i);
	return why;
}
