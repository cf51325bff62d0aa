/*
 * What pairs of programs share, one of what comes in and one of what goes out: UDP over IPv4, and a
 * flow's two ends, named the same way by both.
 */
#ifndef TESTS_NF_PAIR_H
#define TESTS_NF_PAIR_H

#include "nf.h"
#include <linux/pkt_cls.h>

struct flow {
	__u32 inside, outside;
	__u16 inside_port, outside_port;
};

static __always_inline struct iphdr *find_udp(void *data, void *end, struct udphdr **udp)
{
	struct iphdr *ip = find_ip4(data, end);

	if (!ip || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return NULL;
	*udp = (void *)(ip + 1);
	return (void *)(*udp + 1) > end ? NULL : ip;
}

static __always_inline struct flow flow_in(const struct iphdr *ip, const struct udphdr *udp)
{
	return (struct flow){ip->daddr, ip->saddr, udp->dest, udp->source};
}

static __always_inline struct flow flow_out(const struct iphdr *ip, const struct udphdr *udp)
{
	return (struct flow){ip->saddr, ip->daddr, udp->source, udp->dest};
}

#endif
