/* Packet accesses get the field's name from the branches before them, from the types, or from
 * neither. */
#include "ir_effects_case.h"

/* Ethernet is always there; IPv4 because the branch said so. */
static void names_by_branches(void **state)
{
	expect_ops("int prog(void *c) { u8 *d = data(c), *e = data_end(c);\n"
		   "if (d + 34 > e || *(u16 *)(d + 12) != 0x0008) return 1;\n"
		   "consume(*(u32 *)(d + 26)); consume(*(u64 *)(d + 26)); return 2; }",
		   "-g0", IR_OP_PKT_READ,
		   "pkt.read eth.type pkt[12:14]; pkt.read ipv4.saddr pkt[26:30]; "
		   "pkt.read ipv4.addrs pkt[26:34]");
}

/* The other EtherType: the same bytes have another name, or none where neither is known. */
static void another_branch_is_another_name(void **state)
{
	expect_ops("int prog(void *c) { u8 *d = data(c), *e = data_end(c);\n"
		   "if (d + 54 > e) return 1;\n"
		   "if (ntohs(*(u16 *)(d + 12)) == 0x86dd) { consume(1); consume(d[20]); }\n"
		   "else { consume(2); consume(*(u16 *)(d + 20)); } return 2; }",
		   "-g0", IR_OP_PKT_READ,
		   "pkt.read eth.type pkt[12:14]; pkt.read ipv6.nexthdr pkt[20:21]; "
		   "pkt.read pkt[20:22]");
}

/* Two cases lead to one block: what both say holds there. */
static void joins_keep_what_all_say(void **state)
{
	expect_ops("int prog(void *c) { u8 *d = data(c), *e = data_end(c);\n"
		   "if (d + 60 > e) return 1;\n"
		   "switch (*(u16 *)(d + 12)) { case 0x0081: case 0xa888: consume(*(u16 *)(d + "
		   "16)); break;\n"
		   "case 0x0008: case 0xdd86: consume(*(u8 *)(d + 23)); break; }\n"
		   "return 2; }",
		   "-g0", IR_OP_PKT_READ,
		   "pkt.read eth.type pkt[12:14]; pkt.read vlan.type pkt[16:18]; "
		   "pkt.read pkt[23:24]");
}

/* A header behind one of a length that it says itself. */
static void follows_header_length(void **state)
{
	expect_ops("int prog(void *c) { u8 *d = data(c), *e = data_end(c);\n"
		   "if (d + 34 > e || *(u16 *)(d + 12) != 0x0008 || d[23] != 17) return 1;\n"
		   "u8 *u = d + 14 + (d[14] & 15) * 4; if (u + 8 > e) return 1;\n"
		   "consume(*(u16 *)(u + 2)); return 2; }",
		   "-g0", IR_OP_PKT_READ,
		   "pkt.read eth.type pkt[12:14]; pkt.read ipv4.protocol pkt[23:24]; "
		   "pkt.read ipv4.version_ihl pkt[14:15]; pkt.read udp.dport udp[2:4]");
}

/* With or without a VLAN tag, the pointer behind the tags and the type are chosen together. */
static void follows_chosen_type(void **state)
{
	expect_ops("int prog(void *c) { u8 *d = data(c), *e = data_end(c), *n = d + 14;\n"
		   "if (d + 60 > e) return 1; u16 t = *(u16 *)(d + 12);\n"
		   "if (t == 0x0081) { t = *(u16 *)(d + 16); n = d + 18; consume(0); }\n"
		   "if (t != 0x0008) return 1;\n"
		   "consume(n[8]); return 2; }",
		   "-g0", IR_OP_PKT_READ,
		   "pkt.read eth.type pkt[12:14]; pkt.read vlan.type pkt[16:18]; "
		   "pkt.read ipv4.ttl ipv4[8:9]");
	expect_ops("int prog(void *c) { u8 *d = data(c), *e = data_end(c), *n = d + 14;\n"
		   "if (n > e) return 1; u16 t = *(u16 *)(d + 12);\n"
		   "if (t == 0x0081) { if (d + 18 > e) return 1; t = *(u16 *)(d + 16); n = d + 18; "
		   "}\n"
		   "if (t != 0x0008 || n + 20 > e) return 1;\n"
		   "consume(n[9]); return 2; }",
		   "-g0", IR_OP_PKT_READ,
		   "pkt.read eth.type pkt[12:14]; pkt.read vlan.type pkt[16:18]; "
		   "pkt.read ipv4.protocol ipv4[9:10]");
}

/* No branch says what it is: the pointer's type does. */
static void names_by_types(void **state)
{
	static const char body[] = "int prog(void *c) { void *d = data(c), *e = data_end(c);\n"
				   "struct iphdr *ip = d + ifindex(c); if (ip + 1 > e) return 1;\n"
				   "ip->ttl = 3; consume(ip->daddr); return 2; }";

	expect_ops(body, "-g", IR_OP_PKT_READ, "pkt.read ipv4.daddr ipv4[16:20]");
	expect_ops(body, "-g", IR_OP_PKT_WRITE, "pkt.write ipv4.ttl ipv4[8:9]");
	expect_ops(body, "-g0", IR_OP_PKT_READ, "pkt.read pkt[?], 4 bytes");
}

/*
 * The type is named behind the access, on one of two paths that disagree: splitting blocks does
 * that.
 */
static void names_by_types_behind(void **state)
{
	expect_ops("static inline void four(struct iphdr *ip) { u32 k = 0; ip->ttl = 3;\n"
		   "consume_pointer(lookup(array, &k)); }\n"
		   "static inline void other(struct udphdr *u) { u32 k = 1; u->check = 0;\n"
		   "consume_pointer(lookup(array, &k)); }\n"
		   "int prog(void *c) { void *d = data(c), *e = data_end(c), *p = d + ifindex(c);\n"
		   "if (p + 20 > e) return 1;\n"
		   "if (cpu()) four(p); else other(p); return 2; }",
		   "-g", IR_OP_PKT_WRITE,
		   "pkt.write udp.checksum udp[6:8]; pkt.write ipv4.ttl ipv4[8:9]");
}

/* A struct of headers, and a copy of more than one field. */
static void names_inside_structs(void **state)
{
	expect_ops("struct frame { struct ethhdr e; struct iphdr i; } __attribute__((packed));\n"
		   "int prog(void *c) { void *d = data(c), *e = data_end(c);\n"
		   "struct frame *f = d + ifindex(c); if (f + 1 > e) return 1;\n"
		   "consume(f->i.saddr); consume(*(u32 *)&f->i.tot_len); return 2; }",
		   "-g", IR_OP_PKT_READ,
		   "pkt.read ipv4.saddr ipv4[12:16]; pkt.read ipv4.length+id ipv4[2:6]");
}

/* What was learned about the packet's start says nothing about where the head has moved to. */
static void forgets_after_head_move(void **state)
{
	expect_ops("int prog(void *c) { u8 *d = data(c), *e = data_end(c);\n"
		   "if (d + 34 > e || *(u16 *)(d + 12) != 0x0008) return 1;\n"
		   "if (adjust_head(c, -20)) return 1;\n"
		   "d = data(c); if (d + 34 > (u8 *)data_end(c)) return 1;\n"
		   "consume(d[22]); return 2; }",
		   "-g0", IR_OP_PKT_READ, "pkt.read eth.type pkt[12:14]; pkt.read pkt[22:23]");
}

static void names_copies(void **state)
{
	expect_ops("int prog(void *c) { u8 b[4]; consume(0); if (load_bytes(c, 12, b, 2)) return "
		   "1;\n"
		   "consume_pointer(b); consume_pointer(data(c)); return 2; }",
		   "-g0", IR_OP_PKT_COPY_OUT, "pkt.load_bytes eth.type pkt[12:14]");
}

/* Ops say which function of the source they came from. */
static void names_functions(void **state)
{
	struct effects_case *c = case_open(
	    "static inline int inner(u8 *d) { if (ifindex(d)) { return d[3]; } return 1; }\n"
	    "int prog(void *c) { u8 *d = data(c), *e = data_end(c);\n"
	    "if (d + 4 > e) return d[0]; return inner(d); }",
	    "-g");

	assert_string_equal(case_op(c, IR_OP_CTX_READ, 0)->function, "inner");
	assert_string_equal(case_op(c, IR_OP_VERDICT, 0)->function, "prog");
	assert_string_equal(c->program.blocks[0].function, "prog");
	case_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_by_branches),
	    cmocka_unit_test(another_branch_is_another_name),
	    cmocka_unit_test(joins_keep_what_all_say),
	    cmocka_unit_test(follows_header_length),
	    cmocka_unit_test(follows_chosen_type),
	    cmocka_unit_test(names_by_types),
	    cmocka_unit_test(names_by_types_behind),
	    cmocka_unit_test(names_inside_structs),
	    cmocka_unit_test(forgets_after_head_move),
	    cmocka_unit_test(names_copies),
	    cmocka_unit_test(names_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
