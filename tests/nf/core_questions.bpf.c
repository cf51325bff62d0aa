// EXPECT layers: kernel
// EVERY --cuts 6: short
/* CO-RE: what a program asks about the kernel is answered when it is built. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include "numbers.h"

#define CORE                   __attribute__((preserve_access_index))
#define FIELD(of, kind)        __builtin_preserve_field_info(of, kind)
#define TYPE(of, kind)         __builtin_preserve_type_info(*(of *)0, kind)
#define VALUE(of, value, kind) __builtin_preserve_enum_value(*(typeof(enum of) *)value, kind)
enum { OFFSET, SIZE, EXISTS, SIGNED, LSHIFT, RSHIFT };

struct iphdr {
	__u8 low : 4, version : 4;
	__u8 tos;
	__u16 tot_len;
	__u16 id, frag_off;
	__u8 ttl, protocol;
} CORE;
struct xdp_buff___mine {
	void *data;
	int never_was;
} CORE;
struct never_was {
	int field;
} CORE;
enum xdp_action___mine { XDP_TX___mine = 100, XDP_NEVER = 101 };

NUMBERS(answers, ARRAY, 12);

SEC("xdp")
int core_questions(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct xdp_buff___mine *buff = 0;
	struct never_was *never = 0;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	put_number(&answers, 0, FIELD(ip->ttl, OFFSET));
	put_number(&answers, 1, FIELD(buff->data, SIZE));
	put_number(&answers, 2, FIELD(buff->data, EXISTS));
	put_number(&answers, 3, FIELD(buff->never_was, EXISTS));
	put_number(&answers, 4, TYPE(struct xdp_buff___mine, 0));
	put_number(&answers, 5, TYPE(struct never_was, 0));
	put_number(&answers, 6, TYPE(struct iphdr, 1));
	put_number(&answers, 7, VALUE(xdp_action___mine, XDP_TX___mine, 1));
	put_number(&answers, 8, VALUE(xdp_action___mine, XDP_NEVER, 0));
	if (FIELD(never->field, EXISTS))
		put_number(&answers, 9, FIELD(never->field, SIZE));
	put_number(&answers, 10, ip->version);
	put_number(&answers, 11, FIELD(ip->version, LSHIFT) << 8 | FIELD(ip->version, RSHIFT));
	return ip->ttl > 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
