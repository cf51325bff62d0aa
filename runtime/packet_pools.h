/*
 * What generated packets are made of: `--gen FILE` of cleave check.
 *
 *     { "saddr4": ["10.0.0.0/24"], "daddr4": ["192.0.2.10"], "saddr6": [],
 *       "daddr6": ["2001:db8::/64"], "sports": ["1024-2047"], "dports": [53, 80],
 *       "dmacs": ["02:00:00:00:00:01"], "payloads": ["GET /evil"], "ifindexes": [1, 2],
 *       "frames": [["eth", "ipv4", "udp - 2152", "hex 30ff{len}000000??", "ipv4", "udp"]],
 *       "flows": 8, "weights": {"tcp": 60, "udp": 30, "frame": 50, "malformed": 5} }
 *
 * Whatever is not given keeps its default. Weights of kinds are relative to each other; those of
 * variations are per cent of flows or packets. A flow of kind "frame" sends the frames in turn,
 * beginning with any (runtime/packet_frame.h has their parts); without frames there is none.
 */
#ifndef CLEAVE_RUNTIME_PACKET_POOLS_H
#define CLEAVE_RUNTIME_PACKET_POOLS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/packet_frame.h"
#include "runtime/packet_words.h"

struct diag;
struct arena;

/* WEIGHT(id, name, default). Up to OTHER: kinds of flows; after it: variations, per cent. */
#define PACKET_WEIGHTS                                                                             \
	WEIGHT(TCP, "tcp", 50)                                                                     \
	WEIGHT(UDP, "udp", 30)                                                                     \
	WEIGHT(ICMP, "icmp", 8)                                                                    \
	WEIGHT(ARP, "arp", 3)                                                                      \
	WEIGHT(ND, "nd", 3)                                                                        \
	WEIGHT(FRAME, "frame", 100)                                                                \
	WEIGHT(OTHER, "other", 6)                                                                  \
	WEIGHT(IPV6, "ipv6", 40)                                                                   \
	WEIGHT(VLAN, "vlan", 6)                                                                    \
	WEIGHT(QINQ, "qinq", 3)                                                                    \
	WEIGHT(GRE, "gre", 3)                                                                      \
	WEIGHT(IPIP, "ipip", 3)                                                                    \
	WEIGHT(IP6IP6, "ip6ip6", 3)                                                                \
	WEIGHT(VXLAN, "vxlan", 3)                                                                  \
	WEIGHT(OPTIONS, "options", 8)                                                              \
	WEIGHT(EXTENSIONS, "extensions", 10)                                                       \
	WEIGHT(FRAGMENTS, "fragments", 6)                                                          \
	WEIGHT(JUMBO, "jumbo", 1)                                                                  \
	WEIGHT(TRUNCATED, "truncated", 5)                                                          \
	WEIGHT(MALFORMED, "malformed", 5)

enum packet_weight {
#define WEIGHT(id, name, amount) PACKET_WEIGHT_##id,
	PACKET_WEIGHTS
#undef WEIGHT
	    PACKET_WEIGHT_COUNT
};

struct packet_ports {
	uint16_t first, last;
};

enum { PACKET_FLOWS_MAX = 48 };

enum packet_pool_addr {
	PACKET_POOL_SADDR4,
	PACKET_POOL_DADDR4,
	PACKET_POOL_SADDR6,
	PACKET_POOL_DADDR6,
	PACKET_POOL_ADDRS
};

struct packet_pools {
	struct packet_range *addrs[PACKET_POOL_ADDRS];
	size_t addr_count[PACKET_POOL_ADDRS];
	struct packet_ports *sports, *dports;
	size_t sport_count, dport_count;
	uint8_t (*dmacs)[6];
	size_t dmac_count;
	const char **payloads;
	size_t payload_count;
	uint32_t *ifindexes;
	size_t ifindex_count;
	struct packet_frame *frames;
	size_t frame_count;
	unsigned weights[PACKET_WEIGHT_COUNT];
	unsigned flows; /* at a time */
};

/* The defaults. Everything is in the arena. */
void packet_pools_default(struct packet_pools *pools, struct arena *arena);
/* The file's words over what pools holds. Returns 0 or a negative errno, reported to diag. */
int packet_pools_read(struct packet_pools *pools, struct arena *arena, const char *path,
		      struct diag *diag);

#endif
