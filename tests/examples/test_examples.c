/*
 * The examples by themselves, without Cleave: compiled by clang, run by the kernel with
 * BPF_PROG_TEST_RUN. The loops that the verifier refuses are compiled with a bound on their turns,
 * which is what `-Dwhile` does; that they are refused without it is tested too.
 *
 *     test_examples FOLDER-WITH-THE-OBJECTS
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "frames.h"

static const char *folder;

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static struct bpf_object *open_object(const char *name)
{
	char path[4096];
	struct bpf_object *object;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	object = bpf_object__open_file(path, NULL);
	assert_non_null(object);
	return object;
}

static struct bpf_object *load(const char *name)
{
	struct bpf_object *object = open_object(name);

	assert_int_equal(bpf_object__load(object), 0);
	return object;
}

static void set(struct bpf_object *object, const char *map, const void *key, const void *value)
{
	int fd = bpf_object__find_map_fd_by_name(object, map);

	assert_int_equal(bpf_map_update_elem(fd, key, value, BPF_ANY), 0);
}

static struct in6_addr address(const char *text)
{
	struct in6_addr in6 = {0};

	if (strchr(text, ':')) {
		inet_pton(AF_INET6, text, &in6);
	} else {
		in6.s6_addr[10] = in6.s6_addr[11] = 0xff;
		inet_pton(AF_INET, text, in6.s6_addr + 12);
	}
	return in6;
}

/* Runs the frame through the program; it becomes what the program made of it. */
static uint32_t run(struct bpf_object *object, struct frame *frame)
{
	struct bpf_program *program = bpf_object__next_program(object, NULL);
	struct frame out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->size, .data_out = out.bytes,
		    .data_size_out = sizeof out.bytes, .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
	out.size = options.data_size_out;
	out.l3 = frame->l3;
	*frame = out;
	return options.retval;
}

static uint64_t sum_counters(struct bpf_object *object, const char *map, uint32_t key, size_t words,
			     size_t word)
{
	uint64_t values[256 * 8] = {0}, sum = 0;
	int fd = bpf_object__find_map_fd_by_name(object, map), cpus = libbpf_num_possible_cpus();

	assert_true(cpus * words <= sizeof values / sizeof *values);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, values), 0);
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu * words + word];
	return sum;
}

static void whole_program_is_refused(void **state)
{
	static const char *names[] = {"firewall-dpi.o", "router.o"};

	for (size_t i = 0; i < 2; i++) {
		struct bpf_object *object = open_object(names[i]);

		assert_int_not_equal(bpf_object__load(object), 0);
		bpf_object__close(object);
	}
}

/* --- l4lb --- */

struct lb_vip_key {
	struct in6_addr address;
	uint16_t port, protocol;
};

static void set_vip(struct bpf_object *lb, const char *text, uint16_t port, uint32_t number)
{
	struct lb_vip_key key = {address(text), htons(port), IPPROTO_TCP};
	uint32_t vip[2] = {number, 0};

	set(lb, "vips", &key, vip);
}

static void set_backend(struct bpf_object *lb, uint32_t number, const char *text, uint32_t flags)
{
	struct {
		struct in6_addr address;
		uint32_t flags;
	} backend = {address(text), flags};

	set(lb, "backends", &number, &backend);
}

static struct bpf_object *load_lb(void)
{
	struct bpf_object *lb = load("l4lb.o");
	struct {
		struct in6_addr source4, source6;
		uint8_t own[6], gateway[6];
	} config = {address("192.0.2.1"), address("2001:db8::1"), {2, 1}, {2, 2}};
	uint32_t zero = 0;

	set(lb, "config", &zero, &config);
	set_vip(lb, "198.51.100.10", 80, 0);
	set_vip(lb, "2001:db8:10::10", 80, 1);
	set_backend(lb, 1, "10.1.0.1", 1);
	set_backend(lb, 2, "10.1.0.2", 1);
	set_backend(lb, 3, "2001:db8:2::3", 3);
	for (uint32_t slot = 0; slot < 2 * 509; slot++) {
		uint32_t backend = slot < 509 ? 1 + slot % 2 : 3;

		set(lb, "rings", &slot, &backend);
	}
	return lb;
}

static uint32_t outer_destination(const struct frame *frame)
{
	struct iphdr ip4;

	memcpy(&ip4, frame->bytes + frame->l3, sizeof ip4);
	assert_int_equal(checksum_of(&ip4, sizeof ip4, 0), 0);
	assert_int_equal(ip4.protocol, IPPROTO_IPIP);
	assert_int_equal(ntohs(ip4.tot_len), frame->size - frame->l3);
	return ip4.daddr;
}

static void lb_keeps_a_connection_on_its_backend(void **state)
{
	struct bpf_object *lb = load_lb();
	struct segment s = {"203.0.113.5", "198.51.100.10", 4000, 80, TH_SYN, .vlan = true};
	struct frame frame;
	uint32_t first, size;

	make_tcp(&frame, &s);
	size = frame.size;
	assert_int_equal(run(lb, &frame), XDP_TX);
	assert_int_equal(frame.size, size + 20);
	assert_int_equal(frame.bytes[0], 2);
	assert_int_equal(frame.bytes[1], 2);
	first = outer_destination(&frame);
	/* The ring now says otherwise; the connection stays. */
	for (uint32_t slot = 0; slot < 509; slot++) {
		uint32_t other = ntohl(first) == 0x0a010001 ? 2 : 1;

		set(lb, "rings", &slot, &other);
	}
	s.flags = TH_ACK;
	make_tcp(&frame, &s);
	assert_int_equal(run(lb, &frame), XDP_TX);
	assert_int_equal(outer_destination(&frame), first);
	set_backend(lb, ntohl(first) & 3, "10.1.0.9", 0);
	make_tcp(&frame, &s);
	assert_int_equal(run(lb, &frame), XDP_TX);
	assert_int_not_equal(outer_destination(&frame), first);
	assert_int_equal(sum_counters(lb, "vip_stats", 0, 3, 0), 3);
	bpf_object__close(lb);
}

static void lb_sends_path_mtu_to_the_connection(void **state)
{
	struct bpf_object *lb = load_lb();
	struct segment s = {"203.0.113.5", "198.51.100.10", 4000, 80, TH_SYN};
	struct icmphdr icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED};
	uint16_t ports[4] = {htons(80), htons(4000)};
	struct frame frame;
	uint32_t backend;

	make_tcp(&frame, &s);
	assert_int_equal(run(lb, &frame), XDP_TX);
	backend = outer_destination(&frame);
	start_frame(&frame, 1, false, 0x0800);
	put_ip4(&frame, "192.0.2.77", "198.51.100.10", 64, IPPROTO_ICMP, 8 + 20 + 8);
	put(&frame, &icmp, sizeof icmp);
	put_ip4(&frame, "198.51.100.10", "203.0.113.5", 60, IPPROTO_TCP, 1000);
	put(&frame, ports, sizeof ports);
	assert_int_equal(run(lb, &frame), XDP_TX);
	assert_int_equal(outer_destination(&frame), backend);
	bpf_object__close(lb);
}

static void lb_encapsulates_ip6_and_leaves_the_rest(void **state)
{
	struct bpf_object *lb = load_lb();
	struct segment s = {"2001:db8:c::5", "2001:db8:10::10", 4000, 80, TH_SYN};
	struct frame frame;
	struct ip6_hdr ip6;
	struct in6_addr backend = address("2001:db8:2::3");
	uint32_t size;

	make_tcp(&frame, &s);
	size = frame.size;
	assert_int_equal(run(lb, &frame), XDP_TX);
	assert_int_equal(frame.size, size + 40);
	memcpy(&ip6, frame.bytes + frame.l3, sizeof ip6);
	assert_int_equal(ip6.ip6_nxt, IPPROTO_IPV6);
	assert_memory_equal(&ip6.ip6_dst, &backend, 16);
	assert_int_equal(ntohs(ip6.ip6_plen), size - 14);
	s.dport = 81;
	make_tcp(&frame, &s);
	assert_int_equal(run(lb, &frame), XDP_PASS);
	set_backend(lb, 3, "2001:db8:2::3", 2);
	s.dport = 80;
	make_tcp(&frame, &s);
	assert_int_equal(run(lb, &frame), XDP_DROP);
	bpf_object__close(lb);
}

/* --- policer --- */

static void police(const char *prefix, uint32_t length, const char *from)
{
	struct bpf_object *policer = load("policer.o");
	struct {
		uint32_t length;
		struct in6_addr address;
	} key = {length, address(prefix)};
	struct {
		uint64_t rates[6];
		uint32_t class, dscp;
	} profile = {{1, 1000, 1, 2000, 1, 100000}, 5, 10};
	uint32_t verdicts[5] = {0}, marked = 0;
	struct frame frame;

	set(policer, "profiles", &key, &profile);
	for (int i = 0; i < 10; i++) {
		make_udp(&frame, from, strchr(from, ':') ? "2001:db8::9" : "10.0.0.9", 64,
			 400 - (strchr(from, ':') ? 62 : 42), 1, false);
		verdicts[run(policer, &frame)]++;
		if (strchr(from, ':')) {
			marked += (frame.bytes[14] << 8 | frame.bytes[15]) >> 6 == (6 << 6 | 10);
		} else {
			assert_int_equal(checksum_of(frame.bytes + 14, 20, 0), 0);
			marked += frame.bytes[15] == 10 << 2;
		}
	}
	/* 400 bytes each: two in 1,000 committed, five in 2,000 peak. */
	assert_int_equal(verdicts[XDP_PASS], 5);
	assert_int_equal(verdicts[XDP_DROP], 5);
	assert_int_equal(marked, 3);
	assert_int_equal(sum_counters(policer, "counters", 5, 6, 0), 2);
	assert_int_equal(sum_counters(policer, "counters", 5, 6, 1), 3);
	assert_int_equal(sum_counters(policer, "counters", 5, 6, 5), 5 * 400);
	bpf_object__close(policer);
}

static void policer_meters_in_three_colours(void **state)
{
	police("10.0.0.0", 104, "10.0.0.1");
	police("2001:db8::", 32, "2001:db8::1");
}

/* --- router --- */

static void set_route(struct bpf_object *router, const char *prefix, uint32_t length,
		      uint32_t nexthop)
{
	struct {
		uint32_t length;
		uint8_t address[16];
	} key = {length};

	inet_pton(strchr(prefix, ':') ? AF_INET6 : AF_INET, prefix, key.address);
	set(router, strchr(prefix, ':') ? "routes6" : "routes4", &key, &nexthop);
}

static void set_neighbour(struct bpf_object *router, const char *text)
{
	struct {
		struct in6_addr address;
		uint32_t port;
	} key = {address(text), 0};
	uint8_t mac[8] = {2, 0, 0, 0, 0, 0xee};

	set(router, "neighbours", &key, mac);
}

static struct bpf_object *load_router(void)
{
	struct bpf_object *router = load("router-bounded.o");
	struct {
		struct in6_addr address4, address6;
		uint8_t mac[6];
		uint16_t mtu;
	} port = {address("10.0.0.1"), address("2001:db8:a::1"), {2, 0, 0, 0, 0, 1}, 1500};
	struct {
		struct in6_addr gateway;
		uint32_t port, flags;
	} hop = {0};
	uint32_t ifindex = 1, zero = 0, one = 1;

	set(router, "port_numbers", &ifindex, &zero);
	set(router, "ports", &zero, &port);
	set(router, "tx_ports", &zero, &ifindex);
	set(router, "nexthops", &zero, &hop);
	hop.flags = 1;
	set(router, "nexthops", &one, &hop);
	set_route(router, "192.0.2.0", 24, 0);
	set_route(router, "192.0.2.1", 32, 1);
	set_route(router, "2001:db8:c::", 48, 0);
	set_neighbour(router, "192.0.2.9");
	set_neighbour(router, "2001:db8:c::9");
	return router;
}

static void router_forwards(void **state)
{
	struct bpf_object *router = load_router();
	struct frame frame;

	make_udp(&frame, "10.0.0.2", "192.0.2.9", 64, 30, 1, true);
	assert_int_equal(run(router, &frame), XDP_REDIRECT);
	assert_int_equal(frame.bytes[5], 0xee);
	assert_int_equal(frame.bytes[frame.l3 + 8], 63);
	assert_int_equal(checksum_of(frame.bytes + frame.l3, 20, 0), 0);
	make_udp(&frame, "2001:db8:a::2", "2001:db8:c::9", 2, 30, 1, false);
	assert_int_equal(run(router, &frame), XDP_REDIRECT);
	assert_int_equal(frame.bytes[frame.l3 + 7], 1);
	make_udp(&frame, "10.0.0.2", "192.0.2.1", 1, 30, 1, false);
	assert_int_equal(run(router, &frame), XDP_PASS);
	make_udp(&frame, "10.0.0.2", "192.0.2.8", 64, 30, 1, false);
	assert_int_equal(run(router, &frame), XDP_PASS);
	make_udp(&frame, "10.0.0.2", "192.0.2.9", 64, 1600, 1, false);
	assert_int_equal(run(router, &frame), XDP_PASS);
	make_udp(&frame, "127.0.0.2", "192.0.2.9", 64, 30, 1, false);
	assert_int_equal(run(router, &frame), XDP_DROP);
	make_udp(&frame, "fe80::2", "2001:db8:c::9", 64, 30, 1, false);
	assert_int_equal(run(router, &frame), XDP_DROP);
	make_udp(&frame, "10.0.0.2", "192.0.2.9", 64, 30, 9, false);
	assert_int_equal(run(router, &frame), XDP_DROP);
	bpf_object__close(router);
}

static void expire4(struct bpf_object *router, uint32_t payload, bool vlan)
{
	struct frame frame, sent;
	uint32_t quote = 28 + payload < 548 ? 28 + payload : 548;

	make_udp(&frame, "10.0.0.2", "192.0.2.9", 1, payload, 1, vlan);
	sent = frame;
	assert_int_equal(run(router, &frame), XDP_TX);
	assert_int_equal(frame.size, frame.l3 + 28 + quote);
	assert_memory_equal(frame.bytes, sent.bytes + 6, 6);
	assert_memory_equal(frame.bytes + 12, sent.bytes + 12, frame.l3 - 12);
	assert_int_equal(checksum_of(frame.bytes + frame.l3, 20, 0), 0);
	assert_int_equal(frame.bytes[frame.l3 + 20], ICMP_TIME_EXCEEDED);
	assert_int_equal(checksum_of(frame.bytes + frame.l3 + 20, 8 + quote, 0), 0);
	assert_memory_equal(frame.bytes + frame.l3 + 28, sent.bytes + sent.l3, quote);
}

static void expire6(struct bpf_object *router, uint32_t payload, bool vlan)
{
	struct frame frame, sent;
	uint32_t quote = 48 + payload < 1232 ? 48 + payload : 1232, pseudo;

	make_udp(&frame, "2001:db8:a::2", "2001:db8:c::9", 1, payload, 1, vlan);
	sent = frame;
	assert_int_equal(run(router, &frame), XDP_TX);
	assert_int_equal(frame.size, frame.l3 + 48 + quote);
	pseudo = add_bytes(frame.bytes + frame.l3 + 8, 32, 8 + quote + IPPROTO_ICMPV6);
	assert_int_equal(frame.bytes[frame.l3 + 40], ICMP6_TIME_EXCEEDED);
	assert_int_equal(checksum_of(frame.bytes + frame.l3 + 40, 8 + quote, pseudo), 0);
	assert_memory_equal(frame.bytes + frame.l3 + 48, sent.bytes + sent.l3, quote);
}

static void router_answers_expired_packets(void **state)
{
	struct bpf_object *router = load_router();
	struct icmphdr error = {.type = ICMP_DEST_UNREACH};
	struct frame frame;
	uint32_t answers = 4;

	expire4(router, 3, true);
	expire4(router, 1400, false);
	expire6(router, 10, true);
	expire6(router, 1400, false);
	start_frame(&frame, 1, false, 0x0800);
	put_ip4(&frame, "10.0.0.2", "192.0.2.9", 1, IPPROTO_ICMP, sizeof error);
	put(&frame, &error, sizeof error);
	assert_int_equal(run(router, &frame), XDP_DROP);
	for (int i = 0; i < 200; i++) {
		make_udp(&frame, "10.0.0.2", "192.0.2.9", 1, 30, 1, false);
		answers += run(router, &frame) == XDP_TX;
	}
	assert_in_range(answers, 20, 60);
	bpf_object__close(router);
}

/* --- firewall-dpi: interface 1 is what TEST_RUN reports; which side it is changes between packets
 * --- */

static void set_side(struct bpf_object *firewall, uint32_t inside)
{
	uint32_t ifindex = 1, port[2] = {inside, 7};

	set(firewall, "ports", &ifindex, port);
}

static struct bpf_object *load_firewall(void)
{
	struct bpf_object *firewall = load("firewall-dpi-bounded.o");
	struct {
		uint32_t zone;
		uint16_t port, protocol;
		uint32_t flags, bytes;
	} http = {0, 80, IPPROTO_TCP, 1, 12};
	/* The pattern is "ab". */
	struct {
		uint16_t next[256];
		uint32_t rule;
	} row = {.next = {['a'] = 1}};
	uint32_t state = 0;

	set(firewall, "services", &http, &http.flags);
	set(firewall, "automaton", &state, &row);
	row.next['b'] = 2;
	state = 1;
	set(firewall, "automaton", &state, &row);
	row.next['b'] = 0;
	row.rule = 1;
	state = 2;
	set(firewall, "automaton", &state, &row);
	return firewall;
}

static uint32_t pass(struct bpf_object *firewall, bool inside, uint8_t flags, uint32_t seq,
		     const char *payload, uint16_t port)
{
	struct segment s = {"10.0.0.1", "198.51.100.1", 4000, port, flags, seq, payload};
	struct segment back = {"198.51.100.1", "10.0.0.1", port, 4000, flags, seq, payload};
	struct frame frame;

	make_tcp(&frame, inside ? &s : &back);
	set_side(firewall, inside);
	return run(firewall, &frame);
}

static void shake_hands(struct bpf_object *firewall, uint16_t port)
{
	assert_int_equal(pass(firewall, true, TH_SYN, 100, NULL, port), XDP_REDIRECT);
	assert_int_equal(pass(firewall, false, TH_SYN | TH_ACK, 900, NULL, port), XDP_REDIRECT);
	assert_int_equal(pass(firewall, true, TH_ACK, 101, NULL, port), XDP_REDIRECT);
}

static void firewall_tracks_tcp(void **state)
{
	struct bpf_object *firewall = load_firewall();

	assert_int_equal(pass(firewall, false, TH_SYN, 1, NULL, 443), XDP_DROP);
	assert_int_equal(pass(firewall, true, TH_ACK, 1, NULL, 443), XDP_DROP);
	shake_hands(firewall, 443);
	assert_int_equal(pass(firewall, false, TH_ACK, 901, "xxabxx", 443), XDP_REDIRECT);
	assert_int_equal(pass(firewall, true, TH_SYN | TH_FIN, 101, NULL, 443), XDP_DROP);
	assert_int_equal(pass(firewall, true, TH_FIN | TH_ACK, 101, NULL, 443), XDP_REDIRECT);
	assert_int_equal(pass(firewall, false, TH_FIN | TH_ACK, 907, NULL, 443), XDP_REDIRECT);
	assert_int_equal(pass(firewall, true, TH_ACK, 102, NULL, 443), XDP_REDIRECT);
	assert_int_equal(pass(firewall, false, TH_SYN, 5, NULL, 443), XDP_DROP);
	bpf_object__close(firewall);
}

static void firewall_finds_patterns_across_segments(void **state)
{
	struct bpf_object *firewall = load_firewall();

	shake_hands(firewall, 80);
	assert_int_equal(pass(firewall, true, TH_ACK, 101, "hello a", 80), XDP_REDIRECT);
	assert_int_equal(pass(firewall, true, TH_ACK, 109, "gap", 80), XDP_DROP);
	assert_int_equal(pass(firewall, false, TH_ACK, 901, "b", 80), XDP_REDIRECT);
	assert_int_equal(pass(firewall, true, TH_ACK, 101, "hello a", 80), XDP_REDIRECT);
	assert_int_equal(pass(firewall, true, TH_ACK, 108, "bye", 80), XDP_DROP);
	assert_int_equal(pass(firewall, false, TH_ACK, 902, "x", 80), XDP_DROP);
	bpf_object__close(firewall);
}

static void firewall_inspects_only_the_start(void **state)
{
	struct bpf_object *firewall = load_firewall();

	shake_hands(firewall, 80);
	assert_int_equal(pass(firewall, true, TH_ACK, 101, "012345678901", 80), XDP_REDIRECT);
	assert_int_equal(pass(firewall, true, TH_ACK, 113, "ab", 80), XDP_REDIRECT);
	bpf_object__close(firewall);
}

static void firewall_relates_icmp_errors(void **state)
{
	struct bpf_object *firewall = load_firewall();
	struct icmphdr icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_PORT_UNREACH};
	uint16_t ports[4] = {htons(4000), htons(443)};
	struct frame frame;

	shake_hands(firewall, 443);
	set_side(firewall, 0);
	for (int i = 0; i < 2; i++) {
		start_frame(&frame, 1, false, 0x0800);
		put_ip4(&frame, "192.0.2.77", "10.0.0.1", 64, IPPROTO_ICMP, 8 + 20 + 8);
		put(&frame, &icmp, sizeof icmp);
		put_ip4(&frame, "10.0.0.1", "198.51.100.1", 60, IPPROTO_TCP, 1000);
		put(&frame, ports, sizeof ports);
		assert_int_equal(run(firewall, &frame), i ? XDP_DROP : XDP_REDIRECT);
		ports[0] = htons(4001);
	}
	bpf_object__close(firewall);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_program_is_refused),
	    cmocka_unit_test(lb_keeps_a_connection_on_its_backend),
	    cmocka_unit_test(lb_sends_path_mtu_to_the_connection),
	    cmocka_unit_test(lb_encapsulates_ip6_and_leaves_the_rest),
	    cmocka_unit_test(policer_meters_in_three_colours),
	    cmocka_unit_test(router_forwards),
	    cmocka_unit_test(router_answers_expired_packets),
	    cmocka_unit_test(firewall_tracks_tcp),
	    cmocka_unit_test(firewall_finds_patterns_across_segments),
	    cmocka_unit_test(firewall_inspects_only_the_start),
	    cmocka_unit_test(firewall_relates_icmp_errors),
	};
	int probe;

	if (argc != 2) {
		fprintf(stderr, "usage: test_examples FOLDER\n");
		return 2;
	}
	folder = argv[1];
	probe = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, NULL, 4, 4, 1, NULL);
	if (probe < 0) {
		printf("skipped: this process may not create BPF maps (%s)\n", strerror(errno));
		return 77;
	}
	close(probe);
	libbpf_set_print(silent);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
