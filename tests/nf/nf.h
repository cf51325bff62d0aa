/*
 * What the one-file NFs share: headers, and a loop that the kernel's verifier cannot bound, so that
 * what stands behind it runs in user.
 */
#ifndef TESTS_NF_H
#define TESTS_NF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include "numbers.h"

#define DATA(ctx)     ((void *)(long)(ctx)->data)
#define DATA_END(ctx) ((void *)(long)(ctx)->data_end)

/* The IPv4 header of an untagged frame, or NULL. */
static __always_inline struct iphdr *find_ip4(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip4 = (void *)(eth + 1);

	if ((void *)(ip4 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return NULL;
	return ip4;
}

/* Horner's rule over the bytes from p to the packet's end. */
static __always_inline __u32 hash_bytes(const __u8 *p, const void *data_end, __u32 hash)
{
	while ((const void *)(p + 1) <= data_end)
		hash = hash * 31 + *p++;
	return hash;
}

/* Copies at most length bytes, a constant, from p to the packet's end. */
static __always_inline void take_sample(__u8 *sample, int length, const __u8 *p,
					const void *data_end)
{
	for (int i = 0; i < length; i++) {
		if ((const void *)(p + i + 1) > data_end)
			break;
		sample[i] = p[i];
	}
}

#endif
