// EXPECT layers: kernel
// EVERY --cuts 12: a look-up for each port in two tables
/*
 * The first port that is free, in the table of the packet's protocol: a map is chosen, or none, and
 * the loop counts in the key itself.
 */
#include "nf.h"

enum { PORTS = 5, SIZES = 4 };

struct ports {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
};
struct ports tcp_ports SEC(".maps");
struct ports udp_ports SEC(".maps");

NUMBERS(sizes, ARRAY, SIZES);

static __always_inline __u64 take_port(void *map, __u64 length)
{
	for (__u64 port = 1; port <= PORTS; port++)
		if (!bpf_map_lookup_elem(map, &port)) {
			bpf_map_update_elem(map, &port, &length, BPF_ANY);
			return port;
		}
	return 0;
}

SEC("xdp")
int free_port(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *map;
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 length = data_end - data, sum = 0, port;

	if (!ip4)
		return XDP_PASS;
	map = ip4->protocol == IPPROTO_TCP   ? (void *)&tcp_ports
	      : ip4->protocol == IPPROTO_UDP ? (void *)&udp_ports
					     : NULL;
	for (__u32 size = 0; size < SIZES; size++) {
		__u64 *number = bpf_map_lookup_elem(&sizes, &size);

		sum += number ? *number : 0;
	}
	count_own(&sizes, length % SIZES);
	if (!map || sum > 1000)
		return XDP_PASS;
	port = take_port(map, length);
	if (!port && length % 8 == 0) {
		port = length % PORTS + 1;
		bpf_map_delete_elem(map, &port);
	}
	return port ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
