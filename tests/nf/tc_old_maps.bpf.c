// EXPECT layers: kernel
/* Maps as iproute2 has them, so that the object is read; texts with and without values. */
#include "nf.h"
#include <linux/pkt_cls.h>

struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};

struct bpf_elf_map SEC("maps") queues = {
    .type = BPF_MAP_TYPE_ARRAY,
    .size_key = 4,
    .size_value = 4,
    .max_elem = 8,
    .pinning = 2,
};

#define SAY(text, ...)                                                                             \
	({                                                                                         \
		char text_[] = "(tc) " text;                                                       \
		bpf_trace_printk(text_, sizeof text_, ##__VA_ARGS__);                              \
	})

SEC("tc_classify")
int tc_old_maps(struct __sk_buff *skb)
{
	__u32 key = skb->mark & 7, *queue = bpf_map_lookup_elem(&queues, &key);

	if (!queue)
		return TC_ACT_SHOT;
	if (!*queue)
		SAY("no queue for %u (%u now)\n", key, skb->queue_mapping);
	else
		skb->queue_mapping = *queue & 0xffff;
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IPV6):
		break;
	case bpf_htons(ETH_P_IP):
		SAY("IPv4 at the queues\n");
		++*queue;
		break;
	default:
		SAY("another one: %x\n", skb->protocol);
	}
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
