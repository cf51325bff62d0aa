// EXPECT layers: kernel
// EVERY --cuts 24: 55 take half a minute
// GEN {"saddr4": ["10.0.0.0/29"], "daddr4": ["192.0.2.0/30"], "weights": {"udp": 60,
// GEN "tcp": 30, "icmp": 10}}
/*
 * Values of two maps that may be NULL, live side by side over several branches; of one map by three
 * look-ups, one of which a phi chooses; and one kept while another look-up of the same map finds,
 * adds or deletes other elements.
 */
#include "nf.h"
#include "net.h"

struct state {
	__u64 packets;
	__u32 mark, last;
};

#define MAP(name, kind, entries)                                                                   \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(max_entries, entries);                                                      \
		__type(key, __u32);                                                                \
		__type(value, struct state);                                                       \
	} name SEC(".maps")

MAP(senders, BPF_MAP_TYPE_HASH, 256);
MAP(receivers, BPF_MAP_TYPE_HASH, 256);
MAP(classes, BPF_MAP_TYPE_ARRAY, 8);
MAP(cpus, BPF_MAP_TYPE_PERCPU_HASH, 64);

static __always_inline struct state *either(struct iphdr *ip4, __u32 hash)
{
	__u32 from = ip4->saddr, to = ip4->daddr, mixed = ip4->saddr ^ ip4->daddr;

	if (hash & 1)
		return bpf_map_lookup_elem(&senders, &from);
	if (hash & 2)
		return bpf_map_lookup_elem(&senders, &to);
	return hash & 4 ? bpf_map_lookup_elem(&senders, &mixed) : NULL;
}

SEC("xdp")
int values_merged(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct state *one, *two, *three, *four, *five, fresh = {};
	__u32 hash, key;

	if (!ip4)
		return XDP_PASS;
	hash = hash_mix(ip4->saddr ^ ip4->daddr ^ ip4->id);
	one = either(ip4, hash);
	key = ip4->daddr;
	two = bpf_map_lookup_elem(&receivers, &key);
	key = hash & 15;
	three = bpf_map_lookup_elem(&classes, &key);
	key = ip4->protocol;
	four = bpf_map_lookup_elem(&cpus, &key);
	fresh.mark = ip4->saddr;
	if (!one) {
		key = ip4->saddr;
		bpf_map_update_elem(&senders, &key, &fresh, BPF_NOEXIST);
	}
	if (!two) {
		fresh.last = 7;
		key = ip4->daddr;
		bpf_map_update_elem(&receivers, &key, &fresh, BPF_ANY);
	}
	if (!four) {
		key = ip4->protocol;
		bpf_map_update_elem(&cpus, &key, &fresh, BPF_ANY);
	}
	key = ip4->saddr + 1;
	five = bpf_map_lookup_elem(&senders, &key);
	if (five && one && hash & 8)
		five->last ^= one->mark;
	if (one)
		one->packets += two ? two->mark & 0xff : 1;
	if (hash & 16) {
		key = ip4->daddr + 2;
		bpf_map_delete_elem(&receivers, &key);
	}
	if (two && three) {
		two->packets += 1 + (three->packets & 1);
		three->packets++;
	}
	if (four)
		four->packets += five ? 3 : 1;
	if (three && !two)
		three->last = five ? five->last : hash;
	return one ? (two ? XDP_TX : XDP_PASS) : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
