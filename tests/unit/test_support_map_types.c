/* The table of map types: whole, in order, and the UAPI's numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/bpf.h>

#include "support/map_types.h"

static void has_a_row_for_each_type(void **state)
{
	size_t count = 0;

	for (const struct map_type_row *row; (row = map_type_at(count)); count++) {
		assert_int_equal(row->number, count + 1);
		assert_ptr_equal(map_type_find(row->number), row);
		for (size_t other = 0; other < count; other++)
			assert_string_not_equal(row->text, map_type_at(other)->text);
	}
	assert_true(count >= BPF_MAP_TYPE_USER_RINGBUF);
	assert_null(map_type_find(0));
	assert_null(map_type_find((uint32_t)count + 1));
}

static void has_the_numbers_of_the_uapi(void **state)
{
#define NUMBER(type, name) assert_string_equal(map_type_text(BPF_MAP_TYPE_##type), name)
	NUMBER(HASH, "hash");
	NUMBER(LRU_HASH, "lru_hash");
	NUMBER(HASH_OF_MAPS, "hash_of_maps");
	NUMBER(DEVMAP_HASH, "devmap_hash");
	NUMBER(QUEUE, "queue");
	NUMBER(STACK, "stack");
	NUMBER(RINGBUF, "ringbuf");
	NUMBER(BLOOM_FILTER, "bloom_filter");
	NUMBER(USER_RINGBUF, "user_ringbuf");
#undef NUMBER
	assert_string_equal(map_type_text(9999), "unknown");
}

/* What nobody can do is said by every column. */
static void agrees_with_itself(void **state)
{
	for (size_t i = 0; map_type_at(i); i++) {
		const struct map_type_row *row = map_type_at(i);

		assert_int_equal(row->support == MAP_SUPPORT_REFUSED, row->since == 0);
		assert_int_equal(row->support == MAP_SUPPORT_REFUSED, row->ops == 0);
		assert_int_equal(row->user == MAP_USER_PINNED, row->both == MAP_BOTH_PINNED);
		if (row->both == MAP_BOTH_ARRAY || row->both == MAP_BOTH_SHARED)
			assert_int_equal(row->holds, MAP_HOLDS_VALUES);
		if (row->key == MAP_KEY_NONE)
			assert_true(row->watched_whole);
	}
}

static void knows_shapes(void **state)
{
	assert_true(map_type_is_percpu(BPF_MAP_TYPE_LRU_PERCPU_HASH));
	assert_false(map_type_is_percpu(BPF_MAP_TYPE_LRU_HASH));
	assert_false(map_type_is_percpu(9999));
	assert_true(map_type_has_keys(BPF_MAP_TYPE_LPM_TRIE));
	assert_false(map_type_has_keys(BPF_MAP_TYPE_STACK));
	assert_false(map_type_has_keys(9999));
	assert_int_equal(map_type_holds(BPF_MAP_TYPE_CPUMAP), MAP_HOLDS_DEVICES);
	assert_int_equal(map_type_holds(9999), MAP_HOLDS_KERNEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_a_row_for_each_type),
	    cmocka_unit_test(has_the_numbers_of_the_uapi),
	    cmocka_unit_test(agrees_with_itself),
	    cmocka_unit_test(knows_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
