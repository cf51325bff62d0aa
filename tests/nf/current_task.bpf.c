// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_get_current_task
/* Who was interrupted by the packet: nothing that any other layer could tell. */
#include "nf.h"

struct task_struct;

struct seen {
	__u64 pid_tgid, uid_gid, cgroup, ancestor, task;
	__u32 classid, signals;
	char comm[16], name[16];
	__u8 bytes[8];
	struct bpf_pidns_info ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

SEC("xdp")
int current_task(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 address = bpf_get_current_task(), stack[4] = {};
	char text[8] = {}, word[8] = {};
	__u32 zero = 0;
	struct seen *s;

	if (!ip4)
		return XDP_PASS;
	ip4->id = bpf_get_task_stack(task, stack, sizeof(stack), 0) > 0;
	ip4->ttl = bpf_task_pt_regs(task) != 0;
	if (bpf_probe_read_kernel(word, sizeof(word), (void *)address) ||
	    bpf_probe_read_kernel_str(text, sizeof(text), (void *)8) > 0)
		return XDP_ABORTED;
	ip4->tos = bpf_probe_read_user(word, sizeof(word), (void *)4096) < 0;
	ip4->tos += bpf_probe_read_user_str(text, sizeof(text), (void *)4096) < 0;
	s = bpf_map_lookup_elem(&seen, &zero);
	if (!s)
		return XDP_ABORTED;
	s->pid_tgid = bpf_get_current_pid_tgid();
	s->uid_gid = bpf_get_current_uid_gid();
	bpf_get_current_comm(s->comm, sizeof(s->comm));
	s->cgroup = bpf_get_current_cgroup_id();
	s->ancestor = bpf_get_current_ancestor_cgroup_id(1);
	s->classid = bpf_get_cgroup_classid((void *)ctx);
	s->ancestor -= bpf_current_task_under_cgroup(&cgroups, 0);
	s->signals = bpf_send_signal(0) + bpf_send_signal_thread(0);
	s->task = address == (__u64)(long)task;
	ip4->check = bpf_get_ns_current_pid_tgid(0, 0, &s->ns, sizeof(s->ns));
	ip4->frag_off = bpf_get_branch_snapshot(stack, sizeof(stack), 0) < 0;
	__builtin_memcpy(s->bytes, word, sizeof(word));
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
