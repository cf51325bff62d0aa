/* Homes: every one has a text that leads back to it and a sentence. */
#include "bundle/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_texts(void **state)
{
	for (enum map_home home = 0; home < MAP_HOME_COUNT; home++) {
		assert_int_equal(map_home_find(map_home_text(home)), home);
		assert_true(strlen(map_home_meaning(home)) > 10);
	}
	assert_int_equal(map_home_find("shared"), MAP_HOME_COUNT);
	assert_int_equal(map_home_find(""), MAP_HOME_COUNT);
}

static void test_layout(void **state)
{
	struct bundle_map map = {"m", 1, 4, 8, 16, 0, MAP_HOME_KERNEL, "", 0, 0}, other = map;

	other.name = "n";
	other.why = "its name and the reason do not count";
	assert_true(bundle_map_layout(&map) == bundle_map_layout(&other));
	other.home = MAP_HOME_USER;
	assert_true(bundle_map_layout(&map) != bundle_map_layout(&other));
	other = map;
	other.value_size = 16;
	assert_true(bundle_map_layout(&map) != bundle_map_layout(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts),
					   cmocka_unit_test(test_layout)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
