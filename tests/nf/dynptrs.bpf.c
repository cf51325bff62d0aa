// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_dynptr_from_mem
/* Memory behind dynamic pointers: a map value, and a record that is submitted or thrown away. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[8]);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} records SEC(".maps");

static __always_inline void submit(struct iphdr *ip4)
{
	struct bpf_dynptr record;

	if (bpf_ringbuf_reserve_dynptr(&records, 16, 0, &record)) {
		bpf_ringbuf_discard_dynptr(&record, 0);
		return;
	}
	bpf_dynptr_write(&record, 4, &(__u32){7}, 4, 0);
	if (ip4->ttl & 1)
		bpf_ringbuf_submit_dynptr(&record, 0);
	else
		bpf_ringbuf_discard_dynptr(&record, 0);
}

SEC("xdp")
int dynptrs(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_dynptr whole;
	__u32 zero = 0, word = 0, source, *slice;
	__u64 *value;

	if (!ip4)
		return XDP_PASS;
	source = ip4->saddr;
	value = bpf_map_lookup_elem(&values, &zero);
	if (!value || bpf_dynptr_from_mem(value, 64, 0, &whole))
		return XDP_ABORTED;
	ip4->tos = bpf_dynptr_write(&whole, ip4->ttl & 63, &source, 4, 0) < 0;
	ip4->id = bpf_dynptr_read(&word, sizeof(word), &whole, ip4->protocol & 63, 0);
	slice = bpf_dynptr_data(&whole, 8, 4);
	if (slice)
		*slice += 1;
	submit(ip4);
	ip4->check = word;
	return word & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
