/* Text, JSON and DOT of a graph made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ir_sample.h"

static const char expected_text[] =
    "program nf (xdp) in nf.bpf.c, license GPL\n"
    "3 blocks, 4 ops, 16 bytes of stack, reads time or random numbers\n"
    "\n"
    "map flows: lru_hash, key 8, value 16, 1024 entries, flags 0x2\n"
    "map scratch: percpu_array, key 4, value 64, 1 entry, packet-local\n"
    "global limit: .rodata, 4 bytes, constant\n"
    "global seen: .bss, 1 byte\n"
    "\n"
    "b0 nf:9  freq 1.000  depth 0  instructions 3  [nic kernel user]\n"
    "      10  pkt.read eth.type pkt[12:14]  [nic kernel user]\n"
    "    -> b1  p 0.250  cut 28 bytes: packet ip 4, stack key[4:12] 8, map scratch[0:16] 16\n"
    "    -> b2  p 0.750  no cut: live-too-big (300)\n"
    "\n"
    "b1 nf:parse.h:30  freq 0.250  depth 1  instructions 7  [user]\n"
    "      12  map.lookup flows key=[0:4 ipv4.saddr, 4:8 const 0] only added to  {reads state}  "
    "[kernel user]  nic: nic-state\n"
    "       -  loop without a bound  [user]  nic: nic-compute  kernel: after-user-op (crypt() in "
    "line 11)\n"
    "    -> b2  p 1.000  cut 0 bytes\n"
    "\n"
    "b2 nf:20  freq 1.000  depth 0  instructions 1  [kernel user]\n"
    "      20  verdict DROP|PASS  [kernel user]  nic: nic-state\n"
    "\n"
    "nic-state: the NIC keeps no map state\n"
    "nic-compute: the NIC only matches fields and forwards\n"
    "after-user-op: it depends on ..., which can only run in user\n"
    "live-too-big: ... bytes are live here, more than the target's metadata holds\n";

enum form { TEXT, JSON, DOT };

static char *printed(enum form form, const ir_layer_set *layers)
{
	struct arena *arena = arena_new();
	struct ir_program p = sample_program(arena);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (form == TEXT)
		ir_print_text(out, &p);
	else if (form == JSON)
		ir_print_json(out, &p);
	else
		ir_print_dot(out, &p, layers);
	fclose(out);
	arena_free(&arena);
	return text;
}

static void prints_text(void **state)
{
	char *text = printed(TEXT, NULL);

	assert_string_equal(text, expected_text);
	free(text);
}

static void prints_json(void **state)
{
	char *text = printed(JSON, NULL);
	json_t *root = json_loads(text, 0, NULL);
	json_t *op = json_array_get(json_object_get(root, "ops"), 1);
	json_t *edge = json_array_get(json_object_get(root, "edges"), 2);
	const char *source, *reason;

	assert_non_null(root);
	assert_int_equal(json_array_size(json_object_get(root, "blocks")), 3);
	assert_int_equal(json_array_size(json_object_get(root, "edges")), 4);
	assert_true(json_is_null(
	    json_object_get(json_array_get(json_object_get(root, "edges"), 0), "from")));
	source = json_string_value(
	    json_object_get(json_array_get(json_object_get(op, "key"), 0), "source"));
	assert_string_equal(source, "ipv4.saddr");
	assert_true(json_is_true(json_object_get(op, "add_only")));
	reason = json_string_value(
	    json_object_get(json_object_get(json_object_get(op, "missing"), "nic"), "reason"));
	assert_string_equal(reason, "nic-state");
	assert_true(json_is_false(json_object_get(edge, "cut")));
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(edge, "why_not"), "sentence")),
	    "300 bytes are live here, more than the target's metadata holds");
	json_decref(root);
	free(text);
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fprintf(stderr, "no \"%s\" in\n%s\n", part, text);
	assert_non_null(strstr(text, part));
}

static void prints_dot(void **state)
{
	static const ir_layer_set layers[] = {KERNEL_USER, 1 << IR_LAYER_KERNEL, USER};
	char *text = printed(DOT, layers);

	expect(text, "start -> b0");
	expect(text, "b0 [fillcolor=\"#f3ecd2\"");
	expect(text, "b1 [fillcolor=\"#d3ead3\"");
	expect(text, "b2 [fillcolor=\"#d2e1f5\"");
	expect(text, "b0 -> b1 [penwidth=1.00, label=\"28 B\"]");
	expect(text, "style=dashed, color=\"#999999\", tooltip=\"live-too-big\"");
	expect(text, "verdict\\ DROP\\|PASS\\l"); /* a bare | would begin another cell */
	free(text);
	text = printed(DOT, NULL);
	expect(text, "b1 [fillcolor=\"#d2e1f5\""); /* without a plan: what its ops allow */
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prints_text),
	    cmocka_unit_test(prints_json),
	    cmocka_unit_test(prints_dot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
