/* Layouts of handoffs: nothing overlaps, everything lies on its alignment, the header is last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backends/handoff.h"
#include "bundle/kernel_abi.h"
#include "support/arena.h"

enum { MAPS = 5 };

static struct ir_map maps[MAPS] = {{.key_size = 4}, {.key_size = 6}, {.key_size = 12}};
static struct plan_map homes[MAPS] = {{.home = MAP_HOME_SHARED_ARRAY},
				      {.home = MAP_HOME_SHARED_VALUES},
				      {.home = MAP_HOME_KERNEL_BATCHED},
				      {.home = MAP_HOME_KERNEL},
				      {.home = MAP_HOME_PACKET_LOCAL}};

/* The layout of one cut with these live values. */
static struct handoff layout(struct arena *arena, struct ir_live *live, size_t count,
			     uint32_t ordered_maps, bool native)
{
	struct ir_edge edge = {.live = live, .live_count = count};
	struct ir_program program = {.edges = &edge, .edge_count = 1, .maps = maps};
	struct plan plan = {.program = &program,
			    .maps = homes,
			    .strict = ordered_maps > 0,
			    .ordered_maps = ordered_maps};
	struct plan_cut cut = {.edge = 0};

	return handoff_layout(arena, &plan, &cut, native);
}

static void expect_sound(const struct handoff *h, uint32_t first)
{
	uint32_t end = h->length - (uint32_t)sizeof(struct cleave_handoff);

	assert_int_equal(h->length % 4, 0);
	for (size_t i = 0; i < h->count; i++) {
		const struct handoff_item *a = &h->items[i];

		assert_int_equal(a->offset % a->align, 0);
		assert_in_range(a->offset, first, end - a->size);
		for (size_t j = 0; j < i; j++) {
			const struct handoff_item *b = &h->items[j];

			assert_true(a->offset + a->size <= b->offset ||
				    b->offset + b->size <= a->offset);
		}
	}
}

static void an_empty_one_is_its_header(void **state)
{
	struct arena *arena = arena_new();
	struct handoff h = layout(arena, NULL, 0, 0, false);

	assert_int_equal(h.length, sizeof(struct cleave_handoff));
	assert_false(h.ticket);
	h = layout(arena, NULL, 0, 3, false);
	assert_true(h.ticket);
	assert_int_equal(h.length, 8 + 3 * 8 + sizeof(struct cleave_handoff));
	arena_free(&arena);
}

static void widest_alignment_first(void **state)
{
	struct ir_live live[] = {
	    {.kind = IR_LIVE_SCALAR, .size = 1},
	    {.kind = IR_LIVE_SCALAR, .size = 8},
	    {.kind = IR_LIVE_PACKET, .size = 4},
	    {.kind = IR_LIVE_SCALAR, .size = 2},
	    {.kind = IR_LIVE_STACK, .size = 12, .from = 4, .to = 16},
	    {.kind = IR_LIVE_STACK, .size = 3, .from = 1, .to = 4},
	    {.kind = IR_LIVE_MAP_BYTES, .size = 16, .from = 8, .to = 24, .map = 4},
	};
	struct arena *arena = arena_new();
	struct handoff h = layout(arena, live, 7, 0, false);

	expect_sound(&h, 0);
	assert_int_equal(h.length,
			 8 + 16 + 4 + 12 + 2 + 1 + 3 + 2 + 8); /* 2: up to a multiple of 4 */
	for (size_t i = 1; i < h.count; i++)
		assert_true(h.items[i - 1].align >= h.items[i].align);
	h = layout(arena, live, 7, 1, false);
	expect_sound(&h, 16);
	arena_free(&arena);
}

static void map_values_by_their_home(void **state)
{
	static const struct {
		enum handoff_value value;
		uint32_t size;
		const char *kind;
	} wanted[MAPS] = {{HANDOFF_VALUE_INDEX, 4, "map index"},
			  {HANDOFF_VALUE_INDEX, 4, "map index"},
			  {HANDOFF_VALUE_KEY, 4 + 12, "map key"},
			  {HANDOFF_VALUE_FLAG, 4, "map null flag"},
			  {HANDOFF_VALUE_FLAG, 4, "map null flag"}};
	struct arena *arena = arena_new();

	for (int m = 0; m < MAPS; m++) {
		struct ir_live live = {.kind = IR_LIVE_MAP_VALUE, .size = 4, .map = m};
		struct handoff h = layout(arena, &live, 1, 0, false);

		assert_int_equal(h.items[0].value, wanted[m].value);
		assert_int_equal(h.items[0].size, wanted[m].size);
		assert_string_equal(handoff_item_kind(&h.items[0]), wanted[m].kind);
		expect_sound(&h, 0);
		h = layout(arena, &live, 1, 0, true);
		assert_int_equal(h.items[0].value, HANDOFF_VALUE_NATIVE);
		assert_int_equal(h.items[0].size, 8);
		assert_int_equal(h.length, 16);
	}
	arena_free(&arena);
}

/* A key of 6 bytes leaves a multiple of 2 behind it: what follows is aligned again. */
static void odd_keys_push_nothing_off_its_place(void **state)
{
	struct ir_live live[] = {{.kind = IR_LIVE_MAP_VALUE, .size = 4, .map = 1},
				 {.kind = IR_LIVE_MAP_VALUE, .size = 4, .map = 1},
				 {.kind = IR_LIVE_PACKET, .size = 4}};
	struct arena *arena = arena_new();
	struct handoff h;

	homes[1].home = MAP_HOME_KERNEL_BATCHED;
	h = layout(arena, live, 3, 0, false);
	homes[1].home = MAP_HOME_SHARED_VALUES;
	expect_sound(&h, 0);
	assert_int_equal(h.items[0].size, 10);
	assert_int_equal(h.length, 10 + 2 + 10 + 2 + 4 + 8);
	arena_free(&arena);
}

static void finds_values_but_not_bytes(void **state)
{
	int scalar, object;
	struct ir_live live[] = {
	    {.kind = IR_LIVE_STACK, .size = 4, .from = 0, .to = 4, .value = &object},
	    {.kind = IR_LIVE_SCALAR, .size = 4, .value = &scalar}};
	struct arena *arena = arena_new();
	struct handoff h = layout(arena, live, 2, 0, false);

	assert_ptr_equal(handoff_find(&h, &scalar)->live, &live[1]);
	assert_null(handoff_find(&h, &object)); /* its bytes travel, its address does not */
	assert_null(handoff_find(&h, &h));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_one_is_its_header),
	    cmocka_unit_test(widest_alignment_first),
	    cmocka_unit_test(map_values_by_their_home),
	    cmocka_unit_test(odd_keys_push_nothing_off_its_place),
	    cmocka_unit_test(finds_values_but_not_bytes),
	};

	return cmocka_run_group_tests_name("backends/handoff", tests, NULL, NULL);
}
