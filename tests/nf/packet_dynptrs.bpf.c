// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_dynptr_from_xdp
/* The packet by the kernel's own functions: slices of it, copies of it, what is written back. */
#include "nf.h"

extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
			      __u32 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
				   __u32 size) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *ptr, __u32 start, __u32 end) __ksym;
extern bool bpf_dynptr_is_null(const struct bpf_dynptr *ptr) __ksym;
extern bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *ptr) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *ptr) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *ptr, struct bpf_dynptr *clone) __ksym;
extern int bpf_dynptr_copy(struct bpf_dynptr *to, __u32 to_offset, struct bpf_dynptr *from,
			   __u32 from_offset, __u32 size) __ksym;
extern int bpf_dynptr_memset(struct bpf_dynptr *ptr, __u32 offset, __u32 size, __u8 value) __ksym;
extern int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *to, __u32 offset, __u32 size,
					const void *from) __ksym;
extern int bpf_probe_read_kernel_str_dynptr(struct bpf_dynptr *to, __u32 offset, __u32 size,
					    const void *from) __ksym;
extern int bpf_probe_read_user_dynptr(struct bpf_dynptr *to, __u32 offset, __u32 size,
				      const void *from) __ksym;
extern int bpf_probe_read_user_str_dynptr(struct bpf_dynptr *to, __u32 offset, __u32 size,
					  const void *from) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

static __always_inline long change_tail(struct bpf_dynptr *whole, const struct iphdr *ip4)
{
	struct bpf_dynptr tail;
	__u32 size = bpf_dynptr_size(whole);

	if (bpf_dynptr_clone(whole, &tail) || bpf_dynptr_adjust(&tail, 34, size))
		return -1;
	if (bpf_dynptr_is_null(&tail) || bpf_dynptr_is_rdonly(&tail))
		return -1;
	bpf_dynptr_memset(&tail, 0, ip4->ttl & 3, 7);
	return bpf_dynptr_copy(&tail, 4, whole, 0, ip4->protocol & 15);
}

/* Nothing is to be read at this address. */
static __always_inline long read_nowhere(struct bpf_dynptr *to)
{
	const void *nowhere = (const void *)64;
	long failed = 0;

	failed += bpf_probe_read_kernel_dynptr(to, 0, 8, nowhere) < 0;
	failed += bpf_probe_read_kernel_str_dynptr(to, 4, 8, nowhere) < 0;
	failed += bpf_probe_read_user_dynptr(to, 0, 8, nowhere) < 0;
	failed += bpf_probe_read_user_str_dynptr(to, 4, 8, nowhere) < 0;
	return failed;
}

SEC("xdp")
int packet_dynptrs(struct xdp_md *ctx)
{
	struct bpf_dynptr whole;
	struct iphdr buffer = {}, *ip4;
	struct ethhdr link = {}, *eth;
	__u32 source;
	long err;

	if (bpf_dynptr_from_xdp(ctx, 0, &whole))
		return XDP_ABORTED;
	eth = bpf_dynptr_slice(&whole, 0, &link, sizeof(link));
	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip4 = bpf_dynptr_slice_rdwr(&whole, sizeof(*eth), &buffer, sizeof(buffer));
	if (!ip4)
		return XDP_DROP;
	bpf_rcu_read_lock();
	ip4->ttl--;
	source = ip4->saddr;
	bpf_rcu_read_unlock();
	err = change_tail(&whole, ip4) + read_nowhere(&whole);
	bpf_preempt_disable();
	ip4->id = err;
	bpf_preempt_enable();
	return source & 0x1000000 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
