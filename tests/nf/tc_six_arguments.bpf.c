// EXPECT layers: kernel
/* A static function of more arguments than BPF passes, called twice: inlined, as by every clang. */
#include "nf.h"
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} bytes_of SEC(".maps");

static __attribute__((noinline)) int account(struct __sk_buff *skb, struct iphdr *ip, __u32 address,
					     __u32 other, __u32 length, __u32 limit)
{
	__u64 *bytes = bpf_map_lookup_elem(&bytes_of, &address), first = length;

	if (!bytes) {
		bpf_map_update_elem(&bytes_of, &address, &first, BPF_ANY);
		return TC_ACT_OK;
	}
	__sync_fetch_and_add(bytes, length);
	if (*bytes > limit && other != address && ip->ttl < 200 && skb->len > 60)
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc")
int tc_six_arguments(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);

	if ((void *)(ip + 1) > data_end)
		return TC_ACT_OK;
	if (ip->protocol == 17)
		return account(skb, ip, ip->saddr, ip->daddr, ip->tot_len, 100000);
	return account(skb, ip, ip->daddr, ip->saddr, ip->tot_len, 1000000);
}

char LICENSE[] SEC("license") = "GPL";
