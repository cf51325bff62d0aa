// EXPECT layers: kernel
/*
 * A pair in which one program alone writes records, and the ring buffer is declared with their
 * type, as Go's loader lets it be; the kernel takes no ring buffer with a value.
 */
#include "nf.h"
#include <linux/pkt_cls.h>

struct record {
	__u32 source;
	__u16 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct record);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} senders SEC(".maps");

SEC("xdp")
int pair_in(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct record record = {};
	__u64 one = 1;

	if (!ip4)
		return XDP_PASS;
	record.source = ip4->saddr;
	record.bytes = ip4->tot_len;
	if (bpf_map_update_elem(&senders, &record.source, &one, BPF_NOEXIST))
		return XDP_PASS;
	bpf_ringbuf_output(&records, &record, sizeof record, 0);
	return XDP_TX;
}

SEC("tc/egress")
int pair_out(struct __sk_buff *skb)
{
	struct iphdr *ip4 = find_ip4(DATA(skb), DATA_END(skb));
	__u64 *packets = NULL;

	if (ip4) {
		__u32 to = ip4->daddr;

		packets = bpf_map_lookup_elem(&senders, &to);
	}
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return packets ? TC_ACT_OK : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
