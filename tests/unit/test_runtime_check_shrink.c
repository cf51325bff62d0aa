/* Shrinking ends at the packets that matter, cut to the bytes that matter, within its budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/check_shrink.h"
#include "runtime/packet_list.h"

static void fill(struct packet_list *list, unsigned count)
{
	uint8_t bytes[100] = {0};

	for (unsigned i = 0; i < count; i++) {
		bytes[0] = (uint8_t)i;
		packet_list_add(list, bytes, sizeof bytes, 1, i);
	}
}

/* Fails when a 7 comes before a 93 of at least 40 bytes. */
static bool needs_two(void *context, const struct packet_list *list)
{
	bool first = false;

	++*(unsigned *)context;
	for (size_t i = 0; i < list->count; i++) {
		first |= list->packets[i].bytes[0] == 7;
		if (first && list->packets[i].bytes[0] == 93 && list->packets[i].size >= 40)
			return true;
	}
	return false;
}

static void ends_at_what_matters(void **state)
{
	struct packet_list list = {0};
	unsigned runs = 0, told;

	fill(&list, 150);
	told = check_shrink(&list, 1000, needs_two, &runs);
	assert_int_equal(told, runs);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.packets[0].bytes[0], 7);
	assert_int_equal(list.packets[0].size, 14);
	assert_int_equal(list.packets[1].bytes[0], 93);
	assert_int_equal(list.packets[1].size, 40);
	assert_int_equal(list.packets[1].time_ns, 93);
	packet_list_free(&list);
}

static void keeps_to_its_budget(void **state)
{
	struct packet_list list = {0};
	unsigned runs = 0;

	fill(&list, 150);
	assert_int_equal(check_shrink(&list, 5, needs_two, &runs), 5);
	assert_int_equal(runs, 5);
	assert_true(needs_two(&runs, &list));
	packet_list_free(&list);
}

static bool always(void *context, const struct packet_list *list)
{
	return list->count > 0;
}

static void one_packet_stays(void **state)
{
	struct packet_list list = {0};

	fill(&list, 1);
	check_shrink(&list, 100, always, NULL);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.packets[0].size, 14);
	packet_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ends_at_what_matters),
	    cmocka_unit_test(keeps_to_its_budget),
	    cmocka_unit_test(one_packet_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
