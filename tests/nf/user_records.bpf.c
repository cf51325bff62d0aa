// EXPECT layers: kernel
// EXPECT home commands: kernel
// EXPECT split-user: bpf_user_ringbuf_drain
/*
 * A user ring buffer: what a process outside tells the program, record by record, is read by a
 * function that the kernel calls. Without records there is nothing to do, and too long a list of
 * flags is an error.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} blocked SEC(".maps");

struct command {
	__u32 address, block;
};

static long obey(struct bpf_dynptr *record, __u32 *obeyed)
{
	struct command command;

	if (bpf_dynptr_read(&command, sizeof(command), record, 0, 0))
		return 1;
	if (command.block)
		bpf_map_update_elem(&blocked, &command.address, &command.block, BPF_ANY);
	else
		bpf_map_delete_elem(&blocked, &command.address);
	*obeyed += 1;
	return 0;
}

SEC("xdp")
int user_records(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 obeyed = 0, key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	ip4->id = bpf_user_ringbuf_drain(&commands, obey, &obeyed, 0);
	ip4->check = bpf_user_ringbuf_drain(&commands, obey, &obeyed, 1 << 7);
	ip4->tot_len = obeyed;
	return bpf_map_lookup_elem(&blocked, &key) ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "GPL";
