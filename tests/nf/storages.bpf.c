// EXPECT layers: kernel
// EXPECT home of_tasks: kernel
// EXPECT home of_cgroups: kernel
// EXPECT split-user: bpf_get_current_task_btf
/*
 * Values that hang on the interrupted task and on its cgroup, found by the kernel's own pointers;
 * and what lies at an address of that task.
 */
#include "nf.h"

/* Younger than the header. */
enum { BPF_MAP_TYPE_CGRP_STORAGE = 32 };

struct vm_area_struct;

struct cgroup {
	int level;
} __attribute__((preserve_access_index));

struct css_set {
	struct cgroup *dfl_cgrp;
} __attribute__((preserve_access_index));

struct task_struct {
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

#define STORAGE(name, kind)                                                                        \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, int);                                                                  \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

STORAGE(of_tasks, BPF_MAP_TYPE_TASK_STORAGE);
STORAGE(of_cgroups, BPF_MAP_TYPE_CGRP_STORAGE);

static __always_inline __u64 count(__u64 *value)
{
	return value ? __sync_fetch_and_add(value, 1) & 1 : 2;
}

static long see_vma(struct task_struct *task, struct vm_area_struct *vma, long *found)
{
	*found = 1;
	return 0;
}

SEC("xdp")
int storages(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct css_set *set;
	struct cgroup *cgroup;
	long found = 0;

	if (!ip4)
		return XDP_PASS;
	set = task->cgroups;
	cgroup = set->dfl_cgrp;
	ip4->tos = count(bpf_task_storage_get(&of_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE));
	ip4->ttl =
	    count(bpf_cgrp_storage_get(&of_cgroups, cgroup, 0, BPF_LOCAL_STORAGE_GET_F_CREATE));
	ip4->tot_len = bpf_find_vma(task, 8, see_vma, &found, 0) + found;
	if (ip4->id & 4) {
		ip4->id = bpf_task_storage_delete(&of_tasks, task);
		ip4->check = bpf_cgrp_storage_delete(&of_cgroups, cgroup);
	}
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
