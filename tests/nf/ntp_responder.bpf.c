// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "daddr4": ["192.0.2.1"], "flows": 8, "frames": [
// GEN ["eth", "ipv4", "udp 123 123", "hex 23020600", "random 36", "random 8"],
// GEN ["eth", "ipv6", "udp 123 123", "hex e3020600", "random 44"],
// GEN ["eth", "ipv4", "udp - 123", "hex 2a000600", "random 44"],
// GEN ["eth", "ipv4", "udp - 123", "hex 1700032a", "random 4"]]}
/*
 * An NTP server's fast path (RFC 5905): client requests are answered from a clock that is kept by
 * a map's offset; each client has at most one answer a second, then a kiss of death.
 */
#include "net.h"

struct ntp {
	__u8 leap_version_mode, stratum;
	__s8 poll, precision;
	__be32 root_delay, root_dispersion, reference;
	__be32 reference_time[2], origin[2], receive[2], transmit[2];
};

struct clock {
	__u64 offset_s;
	__u32 stratum, reference;
};

const volatile __u64 pause_ns = 1000000000ULL;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct in6_addr);
	__type(value, __u64);
} clients SEC(".maps");

static __always_inline bool is_too_soon(const struct in6_addr *client, __u64 now)
{
	__u64 *last = bpf_map_lookup_elem(&clients, client);

	if (last && now - *last < pause_ns) {
		*last = now;
		return true;
	}
	bpf_map_update_elem(&clients, client, &now, BPF_ANY);
	return false;
}

static __always_inline void stamp(__be32 *time, const struct clock *clock, __u64 now)
{
	__u64 fraction = (now % 1000000000 << 32) / 1000000000;

	time[0] = bpf_htonl(now / 1000000000 + clock->offset_s);
	time[1] = bpf_htonl(fraction);
}

static __always_inline int answer(struct ntp *ntp, const struct clock *clock, __u64 now, bool kiss)
{
	ntp->leap_version_mode = (ntp->leap_version_mode & 0x38) | 4;
	ntp->stratum = kiss ? 0 : clock->stratum;
	ntp->precision = -20;
	ntp->root_delay = bpf_htonl(0x100);
	ntp->root_dispersion = bpf_htonl(0x80);
	ntp->reference = kiss ? bpf_htonl(0x52415445) : clock->reference;
	ntp->origin[0] = ntp->transmit[0];
	ntp->origin[1] = ntp->transmit[1];
	stamp(ntp->reference_time, clock, now - now % 16000000000ULL);
	stamp(ntp->receive, clock, now);
	stamp(ntp->transmit, clock, now);
	return XDP_TX;
}

SEC("xdp")
int ntp_responder(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct in6_addr client = {};
	struct clock *clock;
	struct udphdr *udp;
	struct ntp *ntp;
	__u32 zero = 0;
	__u64 now;

	if (!ip4 || ip4->ihl != 5 || is_fragment(ip4) || ip4->protocol != IPPROTO_UDP)
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	ntp = (void *)(udp + 1);
	if ((void *)(udp + 1) > data_end || udp->dest != bpf_htons(123))
		return XDP_PASS;
	if ((void *)(ntp + 1) > data_end)
		return XDP_DROP; /* mode 7 and such */
	if ((ntp->leap_version_mode & 7) != 3)
		return XDP_DROP;
	clock = bpf_map_lookup_elem(&clocks, &zero);
	if (!clock)
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	client.in6_u.u6_addr32[3] = ip4->saddr;
	answer(ntp, clock, now, is_too_soon(&client, now));
	udp_turn_round(data, ip4, udp);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
