/* Target files: what they override, and what they may not say. */
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "partitioner/plan.h"
#include "support/arena.h"

static struct arena *arena;

static int read_text(const char *json, struct target *target)
{
	char path[] = "/tmp/cleave-target-XXXXXX";
	int fd = mkstemp(path);
	FILE *null = fopen("/dev/null", "w");
	struct diag diag = {.out = null, .prog = "cleave"};

	assert_true(fd >= 0);
	assert_int_equal(write(fd, json, strlen(json)), (ssize_t)strlen(json));
	close(fd);
	int err = target_read(arena, path, target, &diag);

	assert_int_equal(diag.errors, err ? 1 : 0);
	unlink(path);
	fclose(null);
	return err;
}

static void has_a_built_in_one(void **state)
{
	struct target t;

	assert_int_equal(target_read(arena, NULL, &t, NULL), 0);
	assert_int_equal(t.handoff_bytes_max, 216);
	assert_int_equal(t.kernel_version, 6 << 16 | 18 << 8);
	assert_true(t.map_ns[BPF_MAP_TYPE_HASH][0][IR_LAYER_KERNEL] == 18.8);
	assert_true(t.verdict_ns[XDP_PASS] == 2700);
}

static void overrides_fields(void **state)
{
	struct target t;

	assert_int_equal(
	    read_text("{\"name\": \"old\", \"kernel\": \"5.4\", \"layers\": [\"kernel\"],"
		      "\"handoff_bytes_max\": 32, \"handoff_ns\": 90,"
		      "\"op_ns\": {\"clock\": {\"kernel\": 7}},"
		      "\"map_ns\": {\"lru_hash\": {\"user\": [1, 2, 3]}},"
		      "\"verdict_ns\": {\"TX\": 11}}",
		      &t),
	    0);
	assert_string_equal(t.name, "old");
	assert_int_equal(t.kernel_version, 5 << 16 | 4 << 8);
	assert_int_equal(t.layers, 1 << IR_LAYER_KERNEL);
	assert_int_equal(t.handoff_bytes_max, 32);
	assert_true(t.handoff_ns == 90);
	assert_true(t.op_ns[IR_OP_CLOCK][IR_LAYER_KERNEL] == 7);
	assert_true(t.op_ns[IR_OP_CLOCK][IR_LAYER_USER] == 20);
	assert_true(t.map_ns[BPF_MAP_TYPE_LRU_HASH][2][IR_LAYER_USER] == 3);
	assert_true(t.map_ns[BPF_MAP_TYPE_LRU_HASH][0][IR_LAYER_KERNEL] == 19.2);
	assert_true(t.verdict_ns[XDP_TX] == 11);
}

static void refuses_nonsense(void **state)
{
	static const char *const wrong[] = {
	    "",
	    "[]",
	    "{\"handof_ns\": 1}",
	    "{\"handoff_ns\": -1}",
	    "{\"handoff_ns\": \"1\"}",
	    "{\"handoff_ns\": 1, \"handoff_ns\": 2}",
	    "{\"layers\": []}",
	    "{\"layers\": [\"cloud\"]}",
	    "{\"layers\": 3}",
	    "{\"kernel\": \"six\"}",
	    "{\"kernel\": 6}",
	    "{\"handoff_bytes_max\": 4}",
	    "{\"handoff_bytes_max\": 1e11}",
	    "{\"op_ns\": {\"fly\": {\"kernel\": 1}}}",
	    "{\"op_ns\": {\"clock\": 1}}",
	    "{\"op_ns\": 1}",
	    "{\"map_ns\": {\"hash\": {\"kernel\": [1, 2]}}}",
	    "{\"map_ns\": {\"hash\": {\"moon\": [1, 2, 3]}}}",
	    "{\"map_ns\": {\"bag\": {\"kernel\": [1, 2, 3]}}}",
	    "{\"verdict_ns\": {\"EAT\": 1}}",
	};
	struct target t;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(read_text(wrong[i], &t), -EINVAL);
}

static void reports_missing_files(void **state)
{
	FILE *null = fopen("/dev/null", "w");
	struct diag diag = {.out = null, .prog = "cleave"};
	struct target t;

	assert_int_equal(target_read(arena, "/nonexistent/target.json", &t, &diag), -ENOENT);
	assert_int_equal(diag.errors, 1);
	fclose(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_a_built_in_one),
	    cmocka_unit_test(overrides_fields),
	    cmocka_unit_test(refuses_nonsense),
	    cmocka_unit_test(reports_missing_files),
	};

	arena = arena_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_free(&arena);
	return failed;
}
