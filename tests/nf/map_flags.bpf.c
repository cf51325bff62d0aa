// EXPECT layers: kernel
/* Maps that programs may only read, or only write; definitions with sizes in place of types. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(key_size, 4);
	__uint(value_size, 8);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_WRONLY_PROG);
	__uint(key_size, 4);
	__uint(value_size, 8);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED);
	__uint(key_size, 4);
	__uint(value_size, 8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(key_size, 4);
	__uint(value_size, 8);
} allowed SEC(".maps");

SEC("xdp")
int map_flags(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *count, *limit, *may, start = 1;
	__u32 key;
	long err;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr & bpf_htonl(15);
	err = bpf_map_update_elem(&seen, &key, &start, BPF_ANY);
	count = bpf_map_lookup_elem(&counts, &key);
	if (!count) {
		bpf_map_update_elem(&counts, &key, &start, BPF_ANY);
		return err ? XDP_DROP : XDP_TX;
	}
	*count += 1;
	may = bpf_map_lookup_elem(&allowed, &key);
	key = ip4->id & 7;
	limit = bpf_map_lookup_elem(&limits, &key);
	if (limit && *count > *limit)
		return bpf_map_update_elem(&seen, &key, &start, BPF_EXIST) ? XDP_TX : XDP_PASS;
	return may && *may ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
