#include "runtime/test_skb.h"

#include <net/if.h>
#include <netinet/in.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/packet_list.h"
#include "runtime/packet_random.h"

enum { DRAWN_BYTES = 64, SMALL = 8, CB_WORDS = 5 };

/* An interface's addresses: zeroes for the loopback, which has no broadcast address either. */
struct addresses {
	uint32_t ifindex;
	uint8_t own[ETH_ALEN], broadcast[ETH_ALEN];
};

/* Interfaces keep theirs while we run. */
static const struct addresses *addresses_of(uint32_t ifindex)
{
	static struct addresses known;
	struct ifreq request = {0};
	int fd;

	if (ifindex == known.ifindex)
		return &known;
	known = (struct addresses){.ifindex = ifindex};
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && if_indextoname(ifindex, request.ifr_name) &&
	    !ioctl(fd, SIOCGIFHWADDR, &request) && request.ifr_hwaddr.sa_family == ARPHRD_ETHER) {
		memcpy(known.own, request.ifr_hwaddr.sa_data, ETH_ALEN);
		memset(known.broadcast, 0xff, ETH_ALEN);
	}
	if (fd >= 0)
		close(fd);
	return &known;
}

/* As eth_type_trans (net/ethernet/eth.c). */
static uint8_t packet_type(const struct test_packet *packet, uint32_t ifindex)
{
	const struct addresses *interface = addresses_of(ifindex);

	if (packet->size < ETH_HLEN || !memcmp(packet->bytes, interface->own, ETH_ALEN))
		return PACKET_HOST;
	if (packet->bytes[0] & 1)
		return memcmp(packet->bytes, interface->broadcast, ETH_ALEN) ? PACKET_MULTICAST
									     : PACKET_BROADCAST;
	return PACKET_OTHERHOST;
}

static uint16_t protocol(const struct test_packet *packet)
{
	const uint8_t *at = packet->bytes + ETH_HLEN - 2;
	uint16_t proto = 0;

	if (packet->size < ETH_HLEN)
		return 0;
	memcpy(&proto, at, sizeof proto);
	if (ntohs(proto) >= ETH_P_802_3_MIN)
		return proto;
	if (packet->size >= ETH_HLEN + 2 && at[2] == 0xff && at[3] == 0xff)
		return htons(ETH_P_802_3);
	return htons(ETH_P_802_2);
}

/* Often 0, often small, sometimes anything. */
static uint32_t draw(uint64_t *random)
{
	switch (packet_random_below(random, 4)) {
	case 0:
		return (uint32_t)packet_random(random);
	case 1:
		return packet_random_below(random, SMALL);
	default:
		return 0;
	}
}

void test_skb_begin(const struct test_packet *packet, struct cleave_skb *skb)
{
	uint32_t ifindex = packet->ifindex ? packet->ifindex : 1;
	uint64_t random = packet->time_ns;

	for (uint32_t i = 0; i < packet->size && i < DRAWN_BYTES; i++)
		random = random * 31 + packet->bytes[i];
	random = packet_random_seed(random);
	*skb = (struct cleave_skb){.linear = packet->size,
				   .mark = draw(&random),
				   .priority = draw(&random),
				   .ifindex = ifindex,
				   .ingress_ifindex = ifindex,
				   .protocol = protocol(packet),
				   .pkt_type = packet_type(packet, ifindex)};
	for (unsigned i = 0; i < CB_WORDS; i++)
		skb->cb[i] = draw(&random);
	skb->tstamp = packet_random_below(&random, 4) ? packet->time_ns : 0;
}
