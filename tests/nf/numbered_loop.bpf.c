// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_iter_num_new
/* A loop over an iterator, as bpf_for makes it: as long as the payload, and still the kernel's. */
#include "nf.h"

struct bpf_iter_num {
	__u64 __opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

__u64 sums;

SEC("xdp")
int numbered_loop(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_iter_num it;
	__u32 hash = 0, rounds = 0;
	int *i;

	if (!ip4)
		return XDP_PASS;
	bpf_iter_num_new(&it, 34, data_end - data);
	while ((i = bpf_iter_num_next(&it))) {
		__u8 *at = data + (*i & 0xfff);

		if ((void *)(at + 1) > data_end)
			break;
		hash = hash * 31 + *at;
		rounds++;
	}
	bpf_iter_num_destroy(&it);
	sums += hash;
	ip4->id = rounds;
	return hash & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
