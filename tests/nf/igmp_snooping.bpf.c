// EXPECT layers: kernel
// EVERY --cuts 6 --packets 150: short
// GEN {"ifindexes": [1, 2, 3], "daddr4": ["239.1.1.1", "239.1.1.2", "224.0.0.5"], "flows": 10,
// GEN "frames": [ ["in 1", "eth 01:00:5e:01:01:01", "ipv4 10.0.0.1 239.1.1.1 94040000",
// GEN "next 2", "hex 1600{sum}ef010101"], ["in 2", "eth 01:00:5e:01:01:01",
// GEN "ipv4 10.0.0.2 239.1.1.1 94040000", "next 2", "hex 1600{sum}ef010101"], ["in 3",
// GEN "eth 01:00:5e:01:01:01", "ipv4 10.0.0.9 239.1.1.1", "udp - 5000", "random 20"], ["in 2",
// GEN "eth 01:00:5e:00:00:02", "ipv4 10.0.0.2 224.0.0.2 94040000", "next 2",
// GEN "hex 1700{sum}ef010101"], ["in 3", "eth 01:00:5e:00:00:01",
// GEN "ipv4 10.0.0.9 224.0.0.1 94040000", "next 2", "hex 1164{sum}00000000"], ["in 1",
// GEN "eth 01:00:5e:00:00:16", "ipv4 10.0.0.1 224.0.0.22 94040000", "next 2",
// GEN "hex 2200{sum}0000000204000000ef01010203000000ef010101"], ["in 1",
// GEN "eth 01:00:5e:00:00:16", "ipv4 10.0.0.1 224.0.0.22 94040000", "next 2",
// GEN "hex 2200????0000000104000000ef010102"]]}
// MAPS {"tx": [{"key": 0, "value": 1}, {"key": 1, "value": 2}, {"key": 2, "value": 3}]}
/*
 * IGMP snooping (RFC 4541) on a switch with a few ports: reports and leaves of versions 2 and 3
 * keep the set of member ports of each group, queries show where the router is. Streams with one
 * taker are sent there, those without any are dropped, others are left to the stack to copy.
 */
#include "net.h"

enum { QUERY = 0x11, REPORT2 = 0x16, LEAVE = 0x17, REPORT3 = 0x22, RECORDS_MAX = 3, PORTS = 8 };

struct igmp {
	__u8 type, code;
	__u16 check;
	__be32 group;
};

struct record {
	__u8 type, aux;
	__be16 sources;
	__be32 group;
};

struct group {
	__u32 ports; /* by bit */
	__u32 reports;
	__u64 seen_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct group);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} router_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline bool is_local(__be32 group) /* 224.0.0.x is always flooded */
{
	return (group & bpf_htonl(0xffffff00)) == bpf_htonl(0xe0000000);
}

static __always_inline void join(__be32 address, __u32 port, __u64 now)
{
	struct group *group, first = {1u << (port & 7), 1, now};

	if (is_local(address))
		return;
	group = bpf_map_lookup_elem(&groups, &address);
	if (!group) {
		bpf_map_update_elem(&groups, &address, &first, BPF_NOEXIST);
		return;
	}
	group->ports |= 1u << (port & 7);
	group->reports++;
	group->seen_ns = now;
}

static __always_inline void leave(__be32 address, __u32 port)
{
	struct group *group = bpf_map_lookup_elem(&groups, &address);

	if (!group)
		return;
	group->ports &= ~(1u << (port & 7));
	if (!group->ports)
		bpf_map_delete_elem(&groups, &address);
}

static __always_inline void read_records(struct igmp *igmp, void *data_end, __u32 port, __u64 now)
{
	struct record *record = (void *)(igmp + 1);
	__u32 count = bpf_ntohl(igmp->group) & 0xffff;

	for (__u32 i = 0; i < RECORDS_MAX; i++) {
		if (i >= count || (void *)(record + 1) > data_end)
			return;
		if (record->type == 2 || record->type == 4) /* anything but: a member */
			join(record->group, port, now);
		else if (record->type == 3 && !record->sources)
			leave(record->group, port);
		if (record->sources || record->aux)
			return; /* source lists are the stack's */
		record++;
	}
}

static __always_inline int snoop(struct igmp *igmp, void *data_end, __u32 port)
{
	__u32 zero = 0, *routers;
	__u64 now;

	if ((void *)(igmp + 1) > data_end)
		return XDP_DROP;
	if (igmp->type != REPORT3 && csum_fold(csum_add(igmp, sizeof *igmp, 0)))
		return XDP_DROP;
	now = bpf_ktime_get_ns();
	switch (igmp->type) {
	case QUERY:
		routers = bpf_map_lookup_elem(&router_ports, &zero);
		if (routers)
			*routers |= 1u << (port & 7);
		break;
	case REPORT2:
		join(igmp->group, port, now);
		break;
	case LEAVE:
		leave(igmp->group, port);
		break;
	case REPORT3:
		read_records(igmp, data_end, port, now);
		break;
	}
	return XDP_PASS;
}

SEC("xdp")
int igmp_snooping(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 port = ctx->ingress_ifindex - 1, zero = 0, ports, *routers;
	struct group *group;
	__be32 address;

	if (!ip4 || (ip4->daddr & bpf_htonl(0xf0000000)) != bpf_htonl(0xe0000000) || port >= PORTS)
		return XDP_PASS;
	if (ip4->protocol == IPPROTO_IGMP && ip4->ihl >= 5)
		return snoop((void *)ip4 + ip4->ihl * 4, data_end, port);
	address = ip4->daddr;
	if (is_local(address))
		return XDP_PASS;
	group = bpf_map_lookup_elem(&groups, &address);
	routers = bpf_map_lookup_elem(&router_ports, &zero);
	ports = (group ? group->ports : 0) | (routers ? *routers : 0);
	ports &= ~(1u << (port & 7));
	if (!ports)
		return XDP_DROP;
	if (ports & (ports - 1))
		return XDP_PASS;
	for (__u32 i = 0; i < PORTS; i++)
		if (ports == 1u << i)
			return bpf_redirect_map(&tx, i, XDP_DROP);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
