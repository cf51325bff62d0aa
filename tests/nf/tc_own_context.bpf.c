// EXPECT layers: kernel
/*
 * The context by a struct of the program's own, whose fields are relocated (as vmlinux.h has them):
 * clang then does not see that two reads are of one field, and reads behind a choice of its
 * addresses.
 */
#define __sk_buff kernels_own
#include "nf.h"
#undef __sk_buff
#include <linux/pkt_cls.h>

struct __sk_buff {
	__u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto,
	    priority;
} __attribute__((preserve_access_index));

struct sizes {
	__u64 passed, dropped, of_passed, of_dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct sizes);
} classes SEC(".maps");

SEC("classifier")
int tc_own_context(struct __sk_buff *skb)
{
	__u32 class = skb->mark & 15, action;
	struct sizes *sizes = bpf_map_lookup_elem(&classes, &class);

	if (!sizes)
		return TC_ACT_UNSPEC;
	action = skb->priority % 3;
	if (action == 1) {
		__sync_fetch_and_add(&sizes->passed, 1);
		__sync_fetch_and_add(&sizes->of_passed, skb->len);
	} else if (action == 2) {
		__sync_fetch_and_add(&sizes->dropped, 1);
		__sync_fetch_and_add(&sizes->of_dropped, skb->len);
	}
	skb->priority = class;
	return action == 2 ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
