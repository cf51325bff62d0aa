/* Maps that a loader of its own would complete: how many elements, which inner maps. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} tables SEC(".maps");

SEC("filter")
int loader(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, *table;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u32 source, protocol, zero = 0;
	__u64 one = 1, *n;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	source = ip->saddr;
	protocol = ip->protocol;
	n = bpf_map_lookup_elem(&counts, &protocol);
	if (n)
		*n += 1;
	if (bpf_map_update_elem(&seen, &source, &one, BPF_NOEXIST))
		return XDP_DROP;
	table = bpf_map_lookup_elem(&tables, &zero);
	return table && bpf_map_lookup_elem(table, &source) ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
