// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"ifindexes": [1, 2], "flows": 8, "frames": [
// GEN ["in 1", "eth 01:15:4e:00:00:01", "next 0x88e3",
// GEN "hex 00010212800002000000000100000000000100000???", "hex 0112", "random 16", "hex 0000"],
// GEN ["in 2", "eth 01:15:4e:00:00:01", "next 0x88e3",
// GEN "hex 000102127000020000000002000100000001000000??", "hex 0112", "random 16", "hex 0000"],
// GEN ["in 1", "eth 01:15:4e:00:00:02", "next 0x88e3",
// GEN "hex 0001030a8000020000000001000a", "hex 0112", "random 16", "hex 0000"],
// GEN ["in 2", "eth 01:15:4e:00:00:02", "next 0x88e3", "hex 0001040c020000000003", "random 30"],
// GEN ["in 1", "eth 01:15:4e:00:00:01", "next 0x88e3", "hex 0001ff00", "random 40"],
// GEN ["in 1", "eth 01:15:4e:00:00:01", "next 0x88e3", "hex 00020200"]]}
// MAPS {"ring": [{"key": 0, "value": {"peer": 2, "slot": 1, "state": 1}},
// MAPS {"key": 1, "value": {"peer": 1, "slot": 0, "state": 1}}],
// MAPS "tx": [{"key": 0, "value": 1}, {"key": 1, "value": 2}]}
/*
 * A client of the media redundancy protocol (IEC 62439-2): test frames of the ring's manager pass
 * from one ring port to the other at once, topology changes are noted and forwarded, link changes
 * of other clients too. What is for the manager of the ring alone reaches the stack.
 */
#include "net.h"

enum { ETHERTYPE_MRP = 0x88e3 };
enum {
	MRP_END = 0,
	MRP_COMMON = 1,
	MRP_TEST = 2,
	MRP_TOPOLOGY = 3,
	MRP_LINK_DOWN = 4,
	MRP_LINK_UP = 5
};

struct mrp_tlv {
	__u8 type, length;
};

struct mrp_test {
	__be16 priority;
	__u8 source[6];
	__be16 port_role, ring_state, transition;
	__be32 time_ms;
} __attribute__((packed));

struct mrp_topology {
	__be16 priority;
	__u8 source[6];
	__be16 interval_ms;
} __attribute__((packed));

struct ring_port {
	__u32 peer, slot, state; /* 1: forwarding */
	__u32 tests;
};

struct manager {
	__u8 mac[6];
	__u16 priority;
	__u16 ring_state, transitions;
	__u32 changes;
	__u64 last_test_ns, flush_at_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ring_port);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct manager);
} managers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline bool note_test(struct manager *m, const struct mrp_test *test,
				      void *data_end, __u64 now)
{
	if ((const void *)(test + 1) > data_end)
		return false;
	/* A better manager takes over: lower priority, then lower address. */
	if (m->last_test_ns && bpf_ntohs(test->priority) > m->priority)
		return false;
	mac_copy(m->mac, test->source);
	m->priority = bpf_ntohs(test->priority);
	m->ring_state = bpf_ntohs(test->ring_state);
	m->transitions = bpf_ntohs(test->transition);
	m->last_test_ns = now;
	return true;
}

static __always_inline bool note_topology(struct manager *m, const struct mrp_topology *change,
					  void *data_end, __u64 now)
{
	if ((const void *)(change + 1) > data_end)
		return false;
	m->changes++;
	m->flush_at_ns = now + (__u64)bpf_ntohs(change->interval_ms) * 1000000;
	return true;
}

SEC("xdp")
int mrp_ring(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	__be16 *version = (void *)(eth + 1);
	struct mrp_tlv *tlv = (void *)(version + 1);
	__u32 index = ctx->ingress_ifindex - 1, zero = 0;
	struct ring_port *port;
	struct manager *m;
	__u64 now;

	if ((void *)(tlv + 1) > data_end || eth->h_proto != bpf_htons(ETHERTYPE_MRP))
		return XDP_PASS;
	if (eth->h_dest[0] != 0x01 || eth->h_dest[1] != 0x15 || eth->h_dest[2] != 0x4e)
		return XDP_DROP;
	port = bpf_map_lookup_elem(&ring, &index);
	m = bpf_map_lookup_elem(&managers, &zero);
	if (!port || !m || *version != bpf_htons(1))
		return XDP_DROP;
	now = bpf_ktime_get_ns();
	switch (tlv->type) {
	case MRP_TEST:
		port->tests++;
		if (!note_test(m, (void *)(tlv + 1), data_end, now))
			return XDP_DROP;
		break;
	case MRP_TOPOLOGY:
		if (!note_topology(m, (void *)(tlv + 1), data_end, now))
			return XDP_DROP;
		break;
	case MRP_LINK_DOWN:
	case MRP_LINK_UP:
		break;
	default:
		return XDP_PASS;
	}
	if (port->state != 1)
		return XDP_DROP;
	return bpf_redirect_map(&tx, port->slot, XDP_DROP);
}

char _license[] SEC("license") = "Dual BSD/GPL";
