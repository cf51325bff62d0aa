/*
 * Frames that a file describes part by part, for protocols that the generator does not have of its
 * own: ["eth", "ipv4 10.0.0.0/30", "udp - 2152", "hex 30ff{len}000000??", "ipv4", "tcp - 80 0x02"].
 *
 *     eth DST SRC            vlan ID TPID           arp OP SENDER TARGET    gre KEY      vxlan VNI
 *     ipv4 SRC DST OPTIONS   ipv6 SRC DST           udp SPORT DPORT         icmp TYPE CODE
 *     tcp SPORT DPORT FLAGS OPTIONS                 icmpv6 TYPE CODE
 *     in N           the interface that it arrives on
 *     next N         what the header before says comes next, where that is not a part named here
 *     set AT HEX     these bytes of the header before
 *     hex HEX        bytes; behind them may come headers again
 *     text TEXT      the rest of the part, as it stands
 *     random N       as many bytes
 *
 * Words at the end may be left out, and "-" stands for one: then the flow's own value is taken.
 * Addresses may have a prefix, numbers may be ranges; what is open is drawn for every packet, and
 * so is each "?" of HEX (4 bits). In the part hex, "{len}", "{len+2}" or "{len-2}" are two bytes:
 * how many bytes follow the part; "{sum}": the Internet checksum from the part's start to the
 * frame's end.
 */
#ifndef CLEAVE_RUNTIME_PACKET_FRAME_H
#define CLEAVE_RUNTIME_PACKET_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;
struct packet_build;
struct packet_frame_part;

struct packet_frame {
	struct packet_frame_part *parts;
	unsigned count;
	uint32_t ifindex; /* 0: the flow's own */
};

/* What a flow has of its own, the sender's first. */
struct packet_frame_ends {
	const uint8_t *mac[2], *addr4[2], *addr6[2];
	uint16_t port[2];
	uint32_t seq[2];
};

/* Returns whether the value is a list of parts, the first of them eth, that fit in a packet. */
bool packet_frame_read(struct packet_frame *frame, struct arena *arena, const json_t *value);
/* The frame into an empty b, finished. */
void packet_frame_build(const struct packet_frame *frame, struct packet_build *b,
			const struct packet_frame_ends *ends, uint64_t *random);

#endif
