// EXPECT layers: kernel
// EXPECT home buckets: kernel
// EXPECT split-user: only the kernel can
/*
 * Locks that give up instead of waiting for ever, with and without interrupts, and work that is put
 * off until the packet is gone: a function that the kernel calls.
 */
#include "nf.h"

struct bpf_res_spin_lock {
	__u32 val;
};

struct bpf_wq {
	__u64 opaque[2];
} __attribute__((aligned(8)));

extern int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __ksym;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __ksym;
extern int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock, unsigned long *flags) __ksym;
extern void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock,
					   unsigned long *flags) __ksym;
extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*callback)(void *map, int *key, void *),
				    unsigned int flags, void *aux) __ksym;

struct bucket {
	struct bpf_res_spin_lock lock;
	__u32 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct later {
	struct bpf_wq work;
	__u64 started;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct later);
} put_off SEC(".maps");

__u64 left;

static int finish(void *map, int *key, void *value)
{
	__sync_fetch_and_and(&left, 0);
	return 0;
}

/* It may fail at any time: memory for it is taken without waiting (kmalloc_nolock, Linux 6.18). */
static __always_inline long put_work_off(__u32 key)
{
	struct later *later = bpf_map_lookup_elem(&put_off, &key);

	if (!later)
		return -1;
	if (!__sync_fetch_and_add(&later->started, 1))
		bpf_wq_init(&later->work, &put_off, 0);
	if (!bpf_wq_set_callback_impl(&later->work, finish, 0, NULL))
		bpf_wq_start(&later->work, 0);
	return 0;
}

static __always_inline __u32 count(struct bucket *b)
{
	unsigned long flags;
	__u32 packets;

	if (bpf_res_spin_lock(&b->lock))
		return 0;
	packets = ++b->packets;
	bpf_res_spin_unlock(&b->lock);
	if (bpf_res_spin_lock_irqsave(&b->lock, &flags))
		return 0;
	b->packets++;
	bpf_res_spin_unlock_irqrestore(&b->lock, &flags);
	return packets;
}

SEC("xdp")
int resilient_lock(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bucket *b, fresh = {};
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	b = bpf_map_lookup_elem(&buckets, &key);
	if (!b) {
		bpf_map_update_elem(&buckets, &key, &fresh, BPF_NOEXIST);
		return XDP_PASS;
	}
	ip4->id = count(b);
	ip4->check = put_work_off(ip4->ttl & 7);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
