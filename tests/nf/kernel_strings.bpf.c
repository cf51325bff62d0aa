// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_strlen
/* What the kernel's own string functions say of the payload. */
#include "nf.h"
#include <stddef.h>

extern int bpf_strlen(const char *s) __ksym;
extern int bpf_strnlen(const char *s, size_t count) __ksym;
extern int bpf_strcmp(const char *a, const char *b) __ksym;
extern int bpf_strcasecmp(const char *a, const char *b) __ksym;
extern int bpf_strchr(const char *s, char c) __ksym;
extern int bpf_strchrnul(const char *s, char c) __ksym;
extern int bpf_strnchr(const char *s, size_t count, char c) __ksym;
extern int bpf_strrchr(const char *s, int c) __ksym;
extern int bpf_strspn(const char *s, const char *accept) __ksym;
extern int bpf_strcspn(const char *s, const char *reject) __ksym;
extern int bpf_strstr(const char *s, const char *find) __ksym;
extern int bpf_strnstr(const char *s, const char *find, size_t length) __ksym;

SEC("xdp")
int kernel_strings(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	char text[17] = {}, digits[] = "0123456789abc";
	__u8 *out;

	if (!ip4 || (void *)(ip4 + 1) + 16 > data_end)
		return XDP_PASS;
	out = (void *)(ip4 + 1);
	__builtin_memcpy(text, out, 16);
	out[0] = bpf_strlen(text);
	out[1] = bpf_strnlen(text, 8);
	out[2] = bpf_strcmp(text, digits);
	out[3] = bpf_strcasecmp(text, digits);
	out[4] = bpf_strchr(text, 'a');
	out[5] = bpf_strchrnul(text, 'a');
	out[6] = bpf_strnchr(text, 8, 'a');
	out[7] = bpf_strrchr(text, 'a');
	out[8] = bpf_strspn(text, digits);
	out[9] = bpf_strcspn(text, digits);
	out[10] = bpf_strstr(text, digits + 12);
	out[11] = bpf_strnstr(text, digits + 12, 8);
	return text[0] & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
