// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_map_lookup_percpu_elem
/* What other CPUs have counted, by bpf_map_lookup_percpu_elem: only the kernel can look there. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} by_source SEC(".maps");

SEC("xdp")
int percpu_of_another(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 slot, source;
	__u64 *count, sum = 0, start = 1;

	if (!ip4)
		return XDP_PASS;
	slot = ip4->protocol & 3;
	source = ip4->saddr;
	count = bpf_map_lookup_elem(&counts, &slot);
	if (count)
		*count += 1;
	count = bpf_map_lookup_elem(&by_source, &source);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&by_source, &source, &start, BPF_ANY);
	for (__u32 cpu = 0; cpu < 4; cpu++) {
		count = bpf_map_lookup_percpu_elem(&counts, &slot, cpu);
		sum += count ? *count : 1000;
		count = bpf_map_lookup_percpu_elem(&by_source, &source, cpu);
		sum += count ? *count : 100000;
	}
	return sum & 4 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
