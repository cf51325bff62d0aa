// EXPECT layers: kernel
/* Variables of .kconfig are what the kernel here was built with. */
#include "nf.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_NET __kconfig;
extern enum libbpf_tristate CONFIG_INET __kconfig;
extern char CONFIG_BPF __kconfig;
extern unsigned long CONFIG_HZ __kconfig;
extern unsigned int CONFIG_NEVER_WAS __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[8] __kconfig __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} settings SEC(".maps");

static __always_inline void put(__u32 n, __u64 setting)
{
	__u64 *slot = bpf_map_lookup_elem(&settings, &n);

	if (slot)
		*slot = setting;
}

SEC("xdp")
int kernel_settings(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));

	if (!ip4)
		return XDP_PASS;
	put(0, LINUX_KERNEL_VERSION);
	put(1, CONFIG_NET);
	put(2, CONFIG_INET);
	put(3, CONFIG_BPF);
	put(4, CONFIG_HZ);
	put(5, CONFIG_NEVER_WAS);
	put(6, CONFIG_DEFAULT_HOSTNAME[1]);
	if (LINUX_KERNEL_VERSION < 0x40000)
		return XDP_ABORTED;
	return ip4->ttl > 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
