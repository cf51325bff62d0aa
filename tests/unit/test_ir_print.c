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
#include "ir/picture.h"

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

static char *printed(enum form form, const struct ir_picture_plan *plan)
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
		ir_print_dot(out, &p, plan);
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
	static const char *const cuts[] = {NULL, " cut <1>", NULL, NULL};
	static const bool held[] = {false, true, false, false};
	struct ir_picture_plan plan = {"all \"of\" it", layers, cuts, held}, none = {0};
	char *text = printed(DOT, &plan);

	expect(text, "label=\"all &quot;of&quot; it\"");
	expect(text, "packet -> b0");
	expect(text, "BGCOLOR=\"#ead9a6\" ALIGN=\"LEFT\"><B>b0</B>&#160;&#160;nf:9");
	expect(text, "BGCOLOR=\"#a8d5a2\" ALIGN=\"LEFT\"><B>b1</B>&#160;&#160;nf parse.h:30");
	expect(text, "BGCOLOR=\"#a9c7f0\" ALIGN=\"LEFT\"><B>b2</B>");
	expect(text, "20 verdict DROP|PASS<BR");
	expect(text, "fontcolor=\"#c0241c\", style=dashed, label=\" cut &lt;1&gt;\"");
	expect(text, "b0 -> b2 [penwidth=2.40, color=\"#a0a0a0\"");
	free(text);
	text = printed(DOT, &none);
	expect(text, "BGCOLOR=\"#a9c7f0\" ALIGN=\"LEFT\"><B>b1</B>"); /* what its ops allow */
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
