/* What an older kernel does not let XDP programs call is not the kernel part's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/bpf.h>

#include "partitioner/plan.h"
#include "partitioner_graph.h"
#include "support/diag.h"
#include "verifier_model/verifier_model.h"

struct case_of {
	struct arena *arena;
	struct ir_program *program;
	struct target target;
	struct diag diag;
	char *said;
	size_t length;
};

/* One helper call, or one of the kernel's own function. */
static int legal_layers(struct case_of *c, int helper, const char *name, ir_layer_set legal,
			uint32_t version)
{
	struct ir_op *op;

	c->arena = arena_new();
	c->program = graph_new(c->arena, 1);
	c->program->section = "xdp";
	op = graph_op(c->program, 0, IR_OP_HELPER);
	op->helper = helper;
	op->name = name;
	op->legal = legal;
	graph_op(c->program, 0, IR_OP_VERDICT)->verdicts = "PASS";
	c->diag = (struct diag){.out = open_memstream(&c->said, &c->length)};
	assert_int_equal(target_read(c->arena, NULL, &c->target, &c->diag), 0);
	c->target.kernel_version = version;
	return partitioner_legal_layers(c->program, &c->target, &c->diag);
}

static void close_case(struct case_of *c)
{
	fclose(c->diag.out);
	free(c->said);
	arena_free(&c->arena);
}

static void test_user_takes_over(void **state)
{
	struct case_of c;

	assert_int_equal(
	    legal_layers(&c, BPF_FUNC_strtol, "strtol", IR_LAYERS_ALL, VERIFIER_VERSION(5, 15)), 0);
	assert_int_equal(c.program->ops[0].legal, 1 << IR_LAYER_USER);
	assert_int_equal(c.program->ops[0].missing[IR_LAYER_KERNEL].reason, IR_REASON_NOT_YET);
	close_case(&c);
	assert_int_equal(
	    legal_layers(&c, BPF_FUNC_strtol, "strtol", IR_LAYERS_ALL, VERIFIER_VERSION(6, 1)), 0);
	assert_true(c.program->ops[0].legal & 1 << IR_LAYER_KERNEL);
	close_case(&c);
}

static void test_nobody_can(void **state)
{
	const ir_layer_set kernel = 1 << IR_LAYER_KERNEL;
	struct case_of c;

	assert_int_equal(
	    legal_layers(&c, IR_NONE, "bpf_dynptr_slice", kernel, VERIFIER_VERSION(6, 3)), -EINVAL);
	fflush(c.diag.out);
	assert_non_null(strstr(c.said, "bpf_dynptr_slice (Linux 6.4) only since a later kernel"));
	close_case(&c);
	assert_int_equal(
	    legal_layers(&c, IR_NONE, "bpf_dynptr_slice", kernel, VERIFIER_VERSION(6, 4)), 0);
	close_case(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_user_takes_over),
	    cmocka_unit_test(test_nobody_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
