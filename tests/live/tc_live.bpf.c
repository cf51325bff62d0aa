/* Verdicts of a TC program by UDP port; from 9000 on user decides. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

/* The verifier sees no end of it, so that it runs in user. */
static __always_inline __u32 hash_bytes(const __u8 *p, const void *end, __u32 hash)
{
	while ((const void *)(p + 1) <= end)
		hash = hash * 31 + *p++;
	return hash;
}

static __always_inline int decide(struct __sk_buff *skb, __u32 port, __u32 word)
{
	switch (port) {
	case 9000:
		return TC_ACT_SHOT;
	case 9001:
		skb->mark = 0x77;
		skb->priority = 3;
		skb->tc_index = 9;
		return TC_ACT_OK;
	case 9002:
		return TC_ACT_UNSPEC;
	case 9003:
		return bpf_redirect(word, 0);
	case 9004:
		skb->tstamp = 0;
		bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 42);
		return TC_ACT_OK;
	case 9005:
		return bpf_redirect(word, BPF_F_INGRESS);
	default:
		return TC_ACT_OK;
	}
}

SEC("tc")
int tc_live(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip4 = data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip4 + 1);
	__u32 *word = (void *)(udp + 1), key, port, hash;
	__u64 *count;

	if ((void *)(word + 1) > end || ip4->protocol != IPPROTO_UDP)
		return TC_ACT_OK;
	port = bpf_ntohs(udp->dest);
	if (port == 8000)
		return TC_ACT_SHOT;
	if (port < 9000)
		return TC_ACT_OK;
	hash = hash_bytes((void *)(ip4 + 1), end, 0);
	key = port & 63;
	count = bpf_map_lookup_elem(&seen, &key);
	if (count)
		__sync_fetch_and_add(count, 1 + (hash == 0));
	return decide(skb, port, *word);
}

char _license[] SEC("license") = "Dual BSD/GPL";
