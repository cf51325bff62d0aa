/* Handoffs are believed only when they fit this generation and the manifest, and only once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bundle/bundle.h"
#include "runtime/frame_handoff.h"
#include "support/limits.h"

enum { GENERATION = 0xabcd1234, LENGTH = 40, ROOM = 256 };

struct frame {
	struct frame_format format;
	uint8_t *bytes;
};

static struct frame new_frame(uint32_t generation, uint16_t entry, uint16_t length)
{
	struct bundle_cut cuts[] = {{.entry = 3, .length = LENGTH},
				    {.entry = CLEAVE_ENTRIES_MAX - 1, .length = HANDOFF_BYTES_MAX}};
	struct bundle bundle = {.cuts = cuts, .cut_count = 2};
	struct cleave_handoff header = {
	    .generation = generation, .entry = (uint8_t)entry, .length = length};
	struct frame f = {.bytes = malloc(ROOM)};

	frame_format_init(&f.format, &bundle, GENERATION);
	for (int i = 0; i < ROOM; i++)
		f.bytes[i] = (uint8_t)i;
	memcpy(f.bytes + ROOM - sizeof header, &header, sizeof header);
	return f;
}

static bool is_found(uint32_t generation, uint16_t entry, uint16_t length)
{
	struct frame f = new_frame(generation, entry, length);
	struct frame_handoff h;
	bool found = frame_handoff_find(&f.format, f.bytes + ROOM, ROOM, &h);

	free(f.bytes);
	return found;
}

static void finds_what_the_manifest_describes(void **state)
{
	struct frame f = new_frame(GENERATION, 3, LENGTH);
	struct frame_handoff h;

	assert_true(frame_handoff_find(&f.format, f.bytes + ROOM, ROOM, &h));
	assert_ptr_equal(h.bytes, f.bytes + ROOM - LENGTH);
	assert_int_equal(h.length, LENGTH);
	assert_int_equal(h.entry, 3);
	free(f.bytes);
	assert_true(is_found(GENERATION, CLEAVE_ENTRIES_MAX - 1, HANDOFF_BYTES_MAX));
}

static void refuses_every_other_header(void **state)
{
	assert_false(is_found(GENERATION + 1, 3, LENGTH));
	assert_false(is_found(0, 3, LENGTH));
	assert_false(is_found(GENERATION, 2, LENGTH)); /* no such cut */
	assert_false(is_found(GENERATION, 2, 0));      /* the length of no cut is no length */
	assert_false(is_found(GENERATION, 0, LENGTH));
	assert_false(is_found(GENERATION, 3, LENGTH - 4));
	assert_false(is_found(GENERATION, 3, LENGTH + 4));
	assert_false(is_found(GENERATION, 3, 7));
	assert_false(is_found(GENERATION, 3, UINT16_MAX));
}

/* Less in front of the packet than a header, than a block: nothing there is read. */
static void stays_in_the_frame(void **state)
{
	struct frame f = new_frame(GENERATION, 3, LENGTH);
	struct frame_handoff h;

	for (unsigned before = 0; before < LENGTH; before++) {
		uint8_t *cut = malloc(before + 1);

		memcpy(cut, f.bytes + ROOM - before, before);
		assert_false(frame_handoff_find(&f.format, cut + before, before, &h));
		free(cut);
	}
	assert_true(frame_handoff_find(&f.format, f.bytes + ROOM, LENGTH, &h));
	free(f.bytes);
}

static void is_taken_once(void **state)
{
	struct frame f = new_frame(GENERATION, 3, LENGTH);
	uint8_t copy[LENGTH], before[LENGTH];
	struct frame_handoff h;

	memcpy(before, f.bytes + ROOM - LENGTH, LENGTH);
	assert_true(frame_handoff_find(&f.format, f.bytes + ROOM, ROOM, &h));
	frame_handoff_take(&h, copy);
	assert_memory_equal(copy, before, LENGTH);
	assert_false(frame_handoff_find(&f.format, f.bytes + ROOM, ROOM, &h));
	free(f.bytes);
}

/* The program's own metadata stands before the block, and then where the block was. */
static void own_metadata_comes_back(void **state)
{
	struct frame f = new_frame(GENERATION, 3, LENGTH);
	uint8_t *header = f.bytes + ROOM - sizeof(struct cleave_handoff), copy[LENGTH];
	struct frame_handoff h;

	header[offsetof(struct cleave_handoff, own)] = 60; /* more than a block: they overlap */
	assert_false(frame_handoff_find(&f.format, f.bytes + ROOM, LENGTH + 59, &h));
	assert_true(frame_handoff_find(&f.format, f.bytes + ROOM, LENGTH + 60, &h));
	assert_int_equal(h.own, 60);
	frame_handoff_take(&h, copy);
	for (int i = 0; i < 60; i++)
		assert_int_equal(f.bytes[ROOM - 60 + i], ROOM - LENGTH - 60 + i);
	assert_int_equal(copy[0], ROOM - LENGTH);
	free(f.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_what_the_manifest_describes),
	    cmocka_unit_test(refuses_every_other_header),
	    cmocka_unit_test(stays_in_the_frame),
	    cmocka_unit_test(is_taken_once),
	    cmocka_unit_test(own_metadata_comes_back),
	};

	return cmocka_run_group_tests_name("runtime/frame_handoff", tests, NULL, NULL);
}
