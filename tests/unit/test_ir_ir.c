/* The tables of the IR are whole, and ir_check finds what it is there to find. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ir_sample.h"

static void names_everything(void **state)
{
	for (unsigned i = 0; i < IR_OP_COUNT; i++) {
		assert_non_null(ir_op_text(i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(ir_op_text(i), ir_op_text(j));
	}
	for (unsigned i = 0; i < IR_REASON_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(ir_reason_text(i), ir_reason_text(j));
	assert_string_equal(ir_layer_text(IR_LAYER_KERNEL), "kernel");
}

static void knows_effects(void **state)
{
	assert_int_equal(ir_op_packet(IR_OP_PKT_COPY_IN), IR_PACKET_WRITE);
	assert_int_equal(ir_op_packet(IR_OP_MAP_LOOKUP), IR_PACKET_NONE);
	assert_int_equal(ir_op_state(IR_OP_MAP_LOOKUP), IR_STATE_READ);
	assert_int_equal(ir_op_state(IR_OP_CLOCK), IR_STATE_CLOCK);
}

/* A sentence has at most one hole, which is a %s; it is filled, also without a detail. */
static void fills_sentences(void **state)
{
	struct arena *arena = arena_new();

	for (unsigned i = 0; i < IR_REASON_COUNT; i++)
		assert_null(strchr(ir_why_sentence(arena, (struct ir_why){i, "x"}), '%'));
	assert_string_equal(
	    ir_why_sentence(arena, (struct ir_why){IR_REASON_LIBRARY_CALL, "crypt"}),
	    "crypt is a function of a native library; the kernel cannot call it");
	assert_string_equal(
	    ir_why_sentence(arena, (struct ir_why){IR_REASON_LIBRARY_CALL, NULL}),
	    "something is a function of a native library; the kernel cannot call it");
	assert_string_equal(ir_why_sentence(arena, (struct ir_why){IR_REASON_STATE_NIC, "unused"}),
			    "the NIC keeps no map state");
	arena_free(&arena);
}

#ifndef NDEBUG
/* In a child: the assertion that is expected to fail ends it. */
static bool check_aborts(const struct ir_program *program)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		ir_check(program);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void checks_invariants(void **state)
{
	struct arena *arena = arena_new();
	struct ir_program p = sample_program(arena);

	assert_false(check_aborts(&p));
	sample_ops[1].legal = 0;
	assert_true(check_aborts(&p));
	sample_ops[1].legal = KERNEL_USER;
	sample_ops[1].block = 2;
	assert_true(check_aborts(&p));
	sample_ops[1].block = 1;
	sample_ops[3].lookup = 0; /* not a look-up */
	assert_true(check_aborts(&p));
	sample_ops[3].lookup = IR_NONE;
	sample_blocks[2].first_op = 2;
	assert_true(check_aborts(&p));
	sample_blocks[2].first_op = 3;
	sample_edges[0].from = 1;
	assert_true(check_aborts(&p));
	sample_edges[0].from = IR_NONE;
	assert_false(check_aborts(&p));
	arena_free(&arena);
}
#else
static void checks_invariants(void **state)
{
	skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_everything),
	    cmocka_unit_test(knows_effects),
	    cmocka_unit_test(fills_sentences),
	    cmocka_unit_test(checks_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
