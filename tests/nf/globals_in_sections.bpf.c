// EXPECT layers: kernel
// EXPECT cuts: 0
/*
 * Variables in sections of their own: small constants that clang merges (.rodata.cst4,
 * .rodata.cst16), a configuration, named data and named zeroes. What each packet leaves in them
 * tells the next one.
 */
#include "nf.h"

static const __u8 turns[4] = {51, 113, 29, 190};
static const __u32 salts[4] = {0x9E3779B9, 0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F};
static const char label[8] = "classes";
static const volatile __u32 shift = 3;
const volatile __u16 threshold SEC(".rodata.config") = 700;
__u32 last_hash SEC(".data.state") = 7;
__u64 classes[4] SEC(".bss.state");
static __u32 turn = 5;

SEC("xdp")
int globals_in_sections(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	__u32 hash, length = data_end - data;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	hash = (eth->h_source[5] + turns[eth->h_source[4] & 3]) * salts[length & 3];
	hash ^= label[hash & 7] << shift;
	eth->h_dest[5] = hash >> 24;
	eth->h_dest[4] = last_hash;
	eth->h_dest[3] = turn++;
	last_hash = hash >> 8;
	classes[hash & 3]++;
	if (length > threshold && (classes[hash & 3] & 1))
		return XDP_DROP;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
