/* Arena: zeroed, aligned, growing, with texts of any length. */
#include "support/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_memory_is_zeroed_and_aligned(void **state)
{
	struct arena *arena = arena_new();

	for (size_t size = 0; size < 200000; size = size * 3 + 1) {
		unsigned char *bytes = arena_alloc(arena, size);

		assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xff, size); /* must not show in the next one */
	}
	arena_free(&arena);
	assert_null(arena);
	arena_free(&arena);
}

static void test_push_keeps_what_was_there(void **state)
{
	struct arena *arena = arena_new();
	unsigned *numbers = NULL;
	size_t count = 0, cap = 0;

	for (unsigned i = 0; i < 10000; i++) {
		unsigned *number = ARENA_PUSH(arena, numbers, count, cap);

		assert_int_equal(*number, 0);
		*number = i;
	}
	assert_int_equal(count, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(numbers[i], i);
	arena_free(&arena);
}

static void test_texts(void **state)
{
	struct arena *arena = arena_new();
	char *text;

	assert_string_equal(arena_strdup(arena, ""), "");
	assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(arena, "%s:%u", "file", 7), "file:7");
	text = arena_printf(arena, "%100000d", 1); /* longer than a chunk */
	assert_int_equal(strlen(text), 100000);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_memory_is_zeroed_and_aligned),
	    cmocka_unit_test(test_push_keeps_what_was_there),
	    cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
