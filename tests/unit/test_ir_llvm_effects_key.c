/* Keys by parts, where their bytes come from, and what a return can say. */
#include "ir_effects_case.h"

#define IPV4                                                                                       \
	"u8 *d = data(c), *e = data_end(c);\n"                                                     \
	"if (d + 42 > e || *(u16 *)(d + 12) != 0x0008) return 1;\n"
#define KEY "struct key { u32 a; u16 b, z; } k = {0};\n"

static void names_fields_and_constants(void **state)
{
	expect_ops("int prog(void *c) {" IPV4 KEY "k.a = *(u32 *)(d + 26); k.b = 7;\n"
		   "consume_pointer(lookup(hash, &k)); return 2; }",
		   "-g0", IR_OP_MAP_LOOKUP, "map.lookup hash key=[0:4 ipv4.saddr, 4:8 const 7]");
}

static void sees_through_byte_order_and_casts(void **state)
{
	expect_ops("int prog(void *c) {" IPV4 KEY "k.a = ntohs(*(u16 *)(d + 16)); k.b = d[23];\n"
		   "consume_pointer(lookup(hash, &k)); return 2; }",
		   "-g0", IR_OP_MAP_LOOKUP,
		   "map.lookup hash key=[0:4 ipv4.length, 4:6 ipv4.protocol, 6:8 const 0]");
}

/* Different writes on different paths, and what stood there when neither wrote. */
static void unites_paths(void **state)
{
	expect_ops("int prog(void *c) {" IPV4 KEY
		   "if (d[23] == 6) { k.a = *(u32 *)(d + 26); consume_pointer(&k); consume(1); }\n"
		   "else if (d[23] == 17) { k.a = ifindex(c); consume(2); }\n"
		   "consume_pointer(lookup(hash, &k)); return 2; }",
		   "-g0", IR_OP_MAP_LOOKUP,
		   "map.lookup hash key=[0:4 const 0|ifindex|ipv4.saddr|unknown, 4:8 "
		   "const 0|unknown]");
}

static void names_what_it_is_computed_from(void **state)
{
	expect_ops(
	    "int prog(void *c) {" IPV4 "u32 k = (*(u32 *)(d + 26) ^ *(u32 *)(d + 30)) * 31 & 3;\n"
	    "consume_pointer(lookup(array, &k)); return 2; }",
	    "-g0", IR_OP_MAP_LOOKUP, "map.lookup array key=[0:4 computed(ipv4.daddr, ipv4.saddr)]");
}

static void names_cpu_and_other_maps(void **state)
{
	expect_ops("int prog(void *c) { u32 k = cpu(), *v = lookup(array, &k);\n"
		   "if (!v) return 1; struct { u32 a, b; } key = {*v, 70000};\n"
		   "return update(hash, &key, v, 0); }",
		   "-g0", IR_OP_MAP_UPDATE,
		   "map.update hash key=[0:4 map array, 4:8 const 0x11170]");
	expect_ops("int prog(void *c) { u32 k = cpu(); consume_pointer(lookup(array, &k));\n"
		   "return 1; }",
		   "-g0", IR_OP_MAP_LOOKUP, "map.lookup array key=[0:4 cpu]");
}

/* A key that is a part of the packet itself, or not written at all. */
static void names_keys_elsewhere(void **state)
{
	expect_ops("int prog(void *c) {" IPV4 "consume_pointer(lookup(hash, d + 26)); return 2; }",
		   "-g0", IR_OP_MAP_LOOKUP, "map.lookup hash key=[0:8 ipv4.addrs]");
	expect_ops("int prog(void *c) { u8 k[8]; consume_pointer(k);\n"
		   "consume_pointer(lookup(hash, k)); return 2; }",
		   "-g0", IR_OP_MAP_LOOKUP, "map.lookup hash key=[0:8 unknown]");
	expect_ops("int prog(void *c) { u32 k[2]; k[0] = cpu(); if (k[0] == 3) k[1] = 5;\n"
		   "consume_pointer(lookup(hash, k)); return 2; }",
		   "-g0", IR_OP_MAP_LOOKUP, "map.lookup hash key=[0:4 cpu, 4:8 const 5|unknown]");
}

/* A loop that changes the key: the first round's value and the later ones'. */
static void follows_loops(void **state)
{
	expect_ops("int prog(void *c) { u32 k = 5;\n"
		   "for (u32 i = 0; i < ifindex(c); i++) {\n"
		   "consume_pointer(lookup(array, &k)); k = cpu(); }\n"
		   "return 2; }",
		   "-g0", IR_OP_MAP_LOOKUP, "map.lookup array key=[0:4 const 5|cpu]");
}

static void names_verdicts(void **state)
{
	expect_ops("int prog(void *c) { return ifindex(c) == 3 ? 1 : ifindex(c) == 4 ? 3 : 2; }",
		   "-g0", IR_OP_VERDICT, "verdict DROP|PASS|TX");
	expect_ops("int prog(void *c) { if (cpu() == 3) return redirect_map(hash, 1, 2);\n"
		   "return 1; }",
		   "-g0", IR_OP_VERDICT, "verdict DROP|PASS|REDIRECT");
	expect_ops("int prog(void *c) { return cpu() ? ifindex(c) : 0; }", "-g0", IR_OP_VERDICT,
		   "verdict ABORTED|?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_fields_and_constants),
	    cmocka_unit_test(sees_through_byte_order_and_casts),
	    cmocka_unit_test(unites_paths),
	    cmocka_unit_test(names_what_it_is_computed_from),
	    cmocka_unit_test(names_cpu_and_other_maps),
	    cmocka_unit_test(names_keys_elsewhere),
	    cmocka_unit_test(follows_loops),
	    cmocka_unit_test(names_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
