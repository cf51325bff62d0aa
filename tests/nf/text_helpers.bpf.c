// EXPECT layers: kernel
/*
 * Numbers and strings that helpers read from the payload and write into it: each must say the
 * same in either layer, whatever stands there. The string that a format names by its address comes
 * along.
 */
#include "nf.h"

#define TEXT_BYTES 24

SEC("xdp")
int text_helpers(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	char input[TEXT_BYTES] = {}, text[TEXT_BYTES] = {};
	long number = 0, read, order;
	unsigned long word = 0;
	__u64 arguments[3];

	if (!ip4 || (void *)(ip4 + 1) + TEXT_BYTES > data_end)
		return XDP_PASS;
	if (ip4->id & 1)
		bpf_snprintf(input, sizeof(input), "%d:%u", (__u64[]){-ip4->ttl, ip4->id}, 16);
	else
		__builtin_memcpy(input, ip4 + 1, sizeof(input) - 1);
	read = bpf_strtol(input, sizeof(input), 0, &number);
	if (read < 0)
		read = bpf_strtoul(input, sizeof(input), 16, &word);
	order = bpf_strncmp(input, sizeof(input), "-64");
	arguments[0] = (__u64)(long)input;
	arguments[1] = number + word;
	arguments[2] = read + order;
	bpf_trace_vprintk("%s: %lld %lld", 14, arguments, sizeof(arguments));
	bpf_trace_printk("%d", 3, number);
	if (order > 0)
		input[0] = '!';
	read = bpf_snprintf(text, sizeof(text), "%5s|%llx|%+d", arguments, sizeof(arguments));
	__builtin_memcpy(ip4 + 1, text, sizeof(text));
	ip4->tot_len = read;
	return order ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
