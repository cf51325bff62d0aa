/* tc: only packets that carry the live tests' note as metadata. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "hand_abi.h"

SEC("classifier")
int note_only(struct __sk_buff *skb)
{
	__u32 *note = (void *)(long)skb->data_meta;

	if ((void *)(note + 1) > (void *)(long)skb->data)
		return TC_ACT_SHOT;
	return *note == HAND_NOTE ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
