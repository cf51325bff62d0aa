/* Counters that are only added to, and scratch that every packet writes first. */
#include "ir_effects_case.h"

#define FIND(map) "u32 k = 0; u64 *v = lookup(" #map ", &k); if (!v) return 1;\n"

static void add_only(const char *body, bool expected)
{
	struct effects_case *c = case_open(body, "-g0");

	assert_int_equal(case_op(c, IR_OP_MAP_LOOKUP, 0)->add_only, expected);
	case_close(c);
}

static void knows_counters(void **state)
{
	add_only("int prog(void *c) {" FIND(array) "v[0]++; v[1] += ifindex(c); return 2; }", true);
	add_only("int prog(void *c) {" FIND(
		     array) "__sync_fetch_and_add(v + 1, ifindex(c)); return 2; }",
		 true);
	add_only("int prog(void *c) { u32 k = 0; u64 *v = lookup(array, &k); if (v) *v += 1;\n"
		 "return 2; }",
		 true);
}

static void knows_what_is_no_counter(void **state)
{
	/* read, returned, compared, overwritten, handed on, stored, added to elsewhere */
	add_only("int prog(void *c) {" FIND(array) "consume(*v); return 2; }", false);
	add_only("int prog(void *c) {" FIND(array) "return ++*v; }", false);
	add_only("int prog(void *c) {" FIND(array) "return ++*v > 10 ? 1 : 2; }", false);
	add_only("int prog(void *c) {" FIND(array) "*v = 3; return 2; }", false);
	add_only("int prog(void *c) {" FIND(array) "consume_pointer(v); return 2; }", false);
	add_only("int prog(void *c) {" FIND(array) "v[0] = v[1] + 1; return 2; }", false);
	add_only("int prog(void *c) {" FIND(array) "*v <<= 1; return 2; }", false);
	add_only(
	    "int prog(void *c) {" FIND(array) "return __sync_fetch_and_add(v, 1) > 3 ? 1 : 2; }",
	    false);
	add_only(
	    "int prog(void *c) {" FIND(array) "__sync_fetch_and_and(v, ifindex(c)); return 2; }",
	    false);
	/* another call between load and store may change it */
	add_only(
	    "int prog(void *c) {" FIND(array) "u64 n = *v; consume(0); *v = n + 1; return 2; }",
	    false);
	/* the value of either look-up */
	add_only("int prog(void *c) { u32 k = 0, j = 1; u64 *v = lookup(array, &k);\n"
		 "u64 *w = lookup(hash, &j); u64 *x = ifindex(c) ? v : w; if (!x) return 1;\n"
		 "*x += 1; return 2; }",
		 false);
}

static void local(const char *body, bool expected)
{
	struct effects_case *c = case_open(body, "-g0");

	assert_int_equal(c->program.maps[2].packet_local, expected);
	assert_false(c->program.maps[0].packet_local);
	case_close(c);
}

static void knows_scratch(void **state)
{
	local("int prog(void *c) {" FIND(
		  scratch) "v[0] = ifindex(c); consume(1); consume(v[0]); return 2; }",
	      true);
	/* written in one block of two look-ups, read behind the second */
	local("int prog(void *c) {" FIND(scratch) "v[1] = ifindex(c); consume(1); u64 *w = "
						  "lookup(scratch, &k); if (!w) return 1;\n"
						  "consume(w[1]); return 2; }",
	      true);
	local("int prog(void *c) {" FIND(scratch) "if (ifindex(c)) v[0] = 1; else v[0] = 2; "
						  "consume(1); consume(v[0]); return 2; }",
	      true);
	local("int prog(void *c) {" FIND(
		  scratch) "__builtin_memset(v, ifindex(c), 16); consume(1); consume(v[1]);\n"
			   "return update(hash, v, v, 0); }",
	      true);
	/* somewhere in what was written */
	local("int prog(void *c) {" FIND(scratch) "v[0] = ifindex(c); consume(1); consume(((u8 "
						  "*)v)[ifindex(c) & 7]); return 2; }",
	      true);
	/* a loop writes, a loop reads what was written before it */
	local("int prog(void *c) {" FIND(scratch) "v[0] = 0; consume(1); for (u32 i = 0; i < "
						  "ifindex(c); i++) v[0] += cpu();\n"
						  "consume(v[0]); return 2; }",
	      true);
}

static void knows_what_is_state(void **state)
{
	/* read first; written on one path; other bytes; never surely */
	local("int prog(void *c) {" FIND(scratch) "consume(v[0]); v[0] = 1; return 2; }", false);
	local("int prog(void *c) {" FIND(
		  scratch) "if (ifindex(c)) v[0] = 1; consume(1); consume(v[0]); return 2; }",
	      false);
	local("int prog(void *c) {" FIND(
		  scratch) "*(u32 *)v = 1; consume(1); consume(v[0]); return 2; }",
	      false);
	local("int prog(void *c) {" FIND(scratch) "((u8 *)v)[ifindex(c) & 7] = 1; consume(1); "
						  "consume(*(u8 *)v); return 2; }",
	      false);
	local("int prog(void *c) {" FIND(scratch) "for (u32 i = 0; i < ifindex(c); i++) { v[0] = "
						  "i; consume(i); } consume(v[0]);\n"
						  "return 2; }",
	      false);
	/* somewhere in more than was written; nobody knows where */
	local("int prog(void *c) {" FIND(scratch) "v[0] = ifindex(c); consume(1); consume(((u8 "
						  "*)v)[ifindex(c) & 15]); return 2; }",
	      false);
	local("int prog(void *c) {" FIND(scratch) "v[0] = ifindex(c); consume(1); consume(*(u16 "
						  "*)((u8 *)v + (ifindex(c) & 7)));\n"
						  "return 2; }",
	      false);
	local("int prog(void *c) {" FIND(scratch) "v[1] = ifindex(c); consume(1); consume(((u8 "
						  "*)(v + 1))[(int)ifindex(c)]);\n"
						  "return 2; }",
	      false);
	/* counted in */
	local("int prog(void *c) {" FIND(scratch) "v[0]++; return 2; }", false);
	/* hands its address on, or the whole value to a map */
	local("int prog(void *c) {" FIND(scratch) "v[0] = 1; consume_pointer(v); return 2; }",
	      false);
	local("int prog(void *c) {" FIND(scratch) "v[0] = 1; return update(hash, v, v, 0); }",
	      false);
	/* another key, a key that varies, an update */
	local("int prog(void *c) { u32 k = ifindex(c); u64 *v = lookup(scratch, &k);\n"
	      "if (!v) return 1; v[0] = 1; consume(1); consume(v[0]); return 2; }",
	      false);
	local("int prog(void *c) {" FIND(scratch) "v[0] = 1; k = 1; u64 *w = lookup(scratch, &k); "
						  "if (!w) return 1; consume(w[0]);\n"
						  "return 2; }",
	      false);
	local("int prog(void *c) {" FIND(
		  scratch) "v[0] = 1; consume(v[0]); return update(scratch, &k, &k, 0); }",
	      false);
	/* copied within itself before it was written */
	local("int prog(void *c) {" FIND(scratch) "u8 *b = (u8 *)v; b[7] = 1; __builtin_memmove(b, "
						  "b + 1, 7); consume(b[2]);\n"
						  "return 2; }",
	      false);
	local("int prog(void *c) {" FIND(
		  scratch) "__builtin_memcpy(v, v + 1, 8); consume(1); consume(v[0]); return 2; }",
	      false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_counters),
	    cmocka_unit_test(knows_what_is_no_counter),
	    cmocka_unit_test(knows_scratch),
	    cmocka_unit_test(knows_what_is_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
