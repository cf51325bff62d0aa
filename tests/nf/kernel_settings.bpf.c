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

NUMBERS(settings, ARRAY, 8);

SEC("xdp")
int kernel_settings(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));

	if (!ip4)
		return XDP_PASS;
	put_number(&settings, 0, LINUX_KERNEL_VERSION);
	put_number(&settings, 1, CONFIG_NET);
	put_number(&settings, 2, CONFIG_INET);
	put_number(&settings, 3, CONFIG_BPF);
	put_number(&settings, 4, CONFIG_HZ);
	put_number(&settings, 5, CONFIG_NEVER_WAS);
	put_number(&settings, 6, CONFIG_DEFAULT_HOSTNAME[1]);
	if (LINUX_KERNEL_VERSION < 0x40000)
		return XDP_ABORTED;
	return ip4->ttl > 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
