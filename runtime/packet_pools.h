/*
 * What generated packets are made of: `--gen FILE` of cleave check.
 *
 *     { "saddr4": ["10.0.0.0/24"], "daddr4": ["192.0.2.10"], "saddr6": [], "daddr6":
 * ["2001:db8::/64"], "sports": ["1024-2047"], "dports": [53, 80], "dmacs": ["02:00:00:00:00:01"],
 *       "payloads": ["GET /evil"], "ifindexes": [1, 2],
 *       "weights": {"tcp": 60, "udp": 30, "malformed": 5} }
 *
 * Whatever is not given keeps its default. Weights of kinds are relative to each other; those of
 * variations are per cent of flows or packets.
 */
#ifndef CLEAVE_RUNTIME_PACKET_POOLS_H
#define CLEAVE_RUNTIME_PACKET_POOLS_H

#include <stddef.h>
#include <stdint.h>

struct diag;
struct arena;

/* WEIGHT(id, name, default). Up to OTHER: kinds of flows; after it: variations, per cent. */
#define PACKET_WEIGHTS                                                                             \
	WEIGHT(TCP, "tcp", 50)                                                                     \
	WEIGHT(UDP, "udp", 30)                                                                     \
	WEIGHT(ICMP, "icmp", 8)                                                                    \
	WEIGHT(ARP, "arp", 3)                                                                      \
	WEIGHT(ND, "nd", 3)                                                                        \
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

/* Bytes of an address; bits after the prefix are drawn at random. */
struct packet_range {
	uint8_t bytes[16];
	unsigned prefix;
};

struct packet_ports {
	uint16_t first, last;
};

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
	unsigned weights[PACKET_WEIGHT_COUNT];
};

/* The defaults. Everything is in the arena. */
void packet_pools_default(struct packet_pools *pools, struct arena *arena);
/* The file's words over what pools holds. Returns 0 or a negative errno, reported to diag. */
int packet_pools_read(struct packet_pools *pools, struct arena *arena, const char *path,
		      struct diag *diag);

#endif
