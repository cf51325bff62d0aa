/* Frames that the tests of the examples send, and checksums by the plain definition. */
#ifndef TESTS_EXAMPLES_FRAMES_H
#define TESTS_EXAMPLES_FRAMES_H

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct frame {
	uint8_t bytes[2048];
	uint32_t size;
	uint32_t l3; /* offset of the IP header */
};

static inline uint32_t add_bytes(const void *from, size_t size, uint32_t sum)
{
	const uint8_t *p = from;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

/* 0 when the checksum inside is right. */
static inline uint16_t checksum_of(const void *from, size_t size, uint32_t sum)
{
	sum = add_bytes(from, size, sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline void put(struct frame *frame, const void *bytes, uint32_t size)
{
	if (size)
		memcpy(frame->bytes + frame->size, bytes, size);
	frame->size += size;
}

static inline void start_frame(struct frame *frame, uint8_t mac, bool vlan, uint16_t type)
{
	static const uint8_t from[6] = {2, 0, 0, 0, 0, 0x77};
	uint8_t to[6] = {2, 0, 0, 0, 0, mac};
	uint16_t tag[2] = {htons(0x8100), htons(100)};

	*frame = (struct frame){0};
	put(frame, to, 6);
	put(frame, from, 6);
	if (vlan)
		put(frame, tag, 4);
	type = htons(type);
	put(frame, &type, 2);
	frame->l3 = frame->size;
}

static inline void put_ip4(struct frame *frame, const char *from, const char *to, uint8_t ttl,
			   uint8_t protocol, uint32_t l4_bytes)
{
	struct iphdr ip4 = {.version = 4, .ihl = 5, .ttl = ttl, .protocol = protocol};

	ip4.tot_len = htons((uint16_t)(sizeof ip4 + l4_bytes));
	inet_pton(AF_INET, from, &ip4.saddr);
	inet_pton(AF_INET, to, &ip4.daddr);
	ip4.check = htons(checksum_of(&ip4, sizeof ip4, 0));
	put(frame, &ip4, sizeof ip4);
}

static inline void put_ip6(struct frame *frame, const char *from, const char *to, uint8_t hops,
			   uint8_t protocol, uint32_t l4_bytes)
{
	struct ip6_hdr ip6 = {.ip6_flow = htonl(6u << 28), .ip6_nxt = protocol, .ip6_hlim = hops};

	ip6.ip6_plen = htons((uint16_t)l4_bytes);
	inet_pton(AF_INET6, from, &ip6.ip6_src);
	inet_pton(AF_INET6, to, &ip6.ip6_dst);
	put(frame, &ip6, sizeof ip6);
}

static inline void put_ip(struct frame *frame, const char *from, const char *to, uint8_t ttl,
			  uint8_t protocol, uint32_t l4_bytes)
{
	if (strchr(from, ':'))
		put_ip6(frame, from, to, ttl, protocol, l4_bytes);
	else
		put_ip4(frame, from, to, ttl, protocol, l4_bytes);
}

static inline uint16_t ip_type(const char *address)
{
	return strchr(address, ':') ? 0x86dd : 0x0800;
}

struct segment {
	const char *from, *to;
	uint16_t sport, dport;
	uint8_t flags; /* TH_SYN ... */
	uint32_t seq;
	const char *payload;
	uint8_t mac;
	bool vlan;
};

static inline void make_tcp(struct frame *frame, const struct segment *s)
{
	struct tcphdr tcp = {.th_sport = htons(s->sport), .th_dport = htons(s->dport), .th_off = 5};
	uint32_t payload_bytes = s->payload ? (uint32_t)strlen(s->payload) : 0;

	tcp.th_flags = s->flags;
	tcp.th_seq = htonl(s->seq);
	start_frame(frame, s->mac, s->vlan, ip_type(s->from));
	put_ip(frame, s->from, s->to, 64, IPPROTO_TCP, sizeof tcp + payload_bytes);
	put(frame, &tcp, sizeof tcp);
	put(frame, s->payload, payload_bytes);
}

/* A UDP packet with so many bytes of payload, counted up from 0. */
static inline void make_udp(struct frame *frame, const char *from, const char *to, uint8_t ttl,
			    uint32_t payload_bytes, uint8_t mac, bool vlan)
{
	struct udphdr udp = {.uh_sport = htons(4000), .uh_dport = htons(53)};

	udp.uh_ulen = htons((uint16_t)(sizeof udp + payload_bytes));
	start_frame(frame, mac, vlan, ip_type(from));
	put_ip(frame, from, to, ttl, IPPROTO_UDP, sizeof udp + payload_bytes);
	put(frame, &udp, sizeof udp);
	for (uint32_t i = 0; i < payload_bytes; i++)
		frame->bytes[frame->size++] = (uint8_t)i;
}

#endif
