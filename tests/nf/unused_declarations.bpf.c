// EXPECT layers: kernel
/*
 * Beside the program: a map that no kernel makes as it is declared, one of a type of its own, and a
 * program that the verifier refuses. None of them is this program's business.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int unused_declarations(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&seen, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	return find_ip4(DATA(ctx), DATA_END(ctx)) ? XDP_TX : XDP_PASS;
}

SEC("xdp/devmap")
int refused(struct xdp_md *ctx)
{
	__u32 key = 0, *table = bpf_map_lookup_elem(&tables, &key);

	return *table;
}

char _license[] SEC("license") = "Dual BSD/GPL";
