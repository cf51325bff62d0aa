// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "saddr6": ["2001:db8:1:0::/64"], "flows": 10}
// MAPS {"globals": {"rate": 20000, "burst": 3000}}
/*
 * A token bucket for each user, an IPv4 address or an IPv6 /64, in an LRU map: new users begin
 * with a full bucket. Tokens are bytes, refilled by the time since the last packet.
 */
#include "net.h"

struct user {
	__u64 half[2];
};

struct bucket {
	__u64 last_ns, tokens;
	__u64 passed, dropped;
};

const volatile __u64 rate = 1000000, burst = 15000;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct user);
	__type(value, struct bucket);
} buckets SEC(".maps");

static __always_inline bool find_user(void *data, void *data_end, struct user *user)
{
	struct ethhdr *eth = data;
	struct iphdr *ip4 = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);

	if ((void *)(ip4 + 1) > data_end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		user->half[1] = ip4->saddr;
		return true;
	}
	if (eth->h_proto != bpf_htons(ETH_P_IPV6) || (void *)(ip6 + 1) > data_end)
		return false;
	__builtin_memcpy(&user->half[0], &ip6->saddr, 8);
	return true;
}

SEC("xdp")
int token_bucket_user(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	__u64 now, bytes = data_end - data, gained;
	struct bucket *bucket, fresh = {};
	struct user user = {};

	if (!find_user(data, data_end, &user))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	bucket = bpf_map_lookup_elem(&buckets, &user);
	if (!bucket) {
		fresh.last_ns = now;
		fresh.tokens = burst > bytes ? burst - bytes : 0;
		fresh.passed = 1;
		bpf_map_update_elem(&buckets, &user, &fresh, BPF_ANY);
		return XDP_PASS;
	}
	gained = (now - bucket->last_ns) / 1000 * rate / 1000000;
	if (gained) {
		bucket->tokens = bucket->tokens + gained > burst ? burst : bucket->tokens + gained;
		bucket->last_ns = now;
	}
	if (bucket->tokens < bytes) {
		bucket->dropped++;
		return XDP_DROP;
	}
	bucket->tokens -= bytes;
	bucket->passed++;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
