// EXPECT layers: kernel
// EXPECT split-user: bpf_get_current_task_btf
/*
 * Tasks and cgroups by the kernel's own functions: taken, asked, given back. Then what they hang
 * together by: bits of a number one after the other, how full a map is, what cannot be interrupted.
 */
#include "nf.h"

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };

struct bpf_map {
	__u32 max_entries;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct kmem_cache {
	unsigned int size;
} __attribute__((preserve_access_index));

struct cgroup_subsys_state {
	int id;
} __attribute__((preserve_access_index));

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
} __attribute__((preserve_access_index));

struct bpf_iter_bits {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_iter_task {
	__u64 opaque[3];
} __attribute__((aligned(8)));

struct bpf_iter_css {
	__u64 opaque[3];
} __attribute__((aligned(8)));

extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
extern struct task_struct *bpf_task_from_vpid(__s32 pid) __ksym;
extern long bpf_task_under_cgroup(struct task_struct *task, struct cgroup *ancestor) __ksym;
extern struct cgroup *bpf_task_get_cgroup1(struct task_struct *task, int hierarchy) __ksym;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *cgroup) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgroup, int level) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgroup) __ksym;
extern int bpf_send_signal_task(struct task_struct *task, int signal, enum pid_type type,
				__u64 value) __ksym;
extern struct kmem_cache *bpf_get_kmem_cache(__u64 address) __ksym;
extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) __ksym;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const __u64 *words, __u32 count) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
			     unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start,
			    unsigned int flags) __ksym;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __ksym;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) __ksym;
extern void bpf_local_irq_save(unsigned long *flags) __ksym;
extern void bpf_local_irq_restore(unsigned long *flags) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} sources SEC(".maps");

static __always_inline long ask_task(struct task_struct *task)
{
	struct task_struct *held = bpf_task_acquire(task), *first = bpf_task_from_pid(1), *none;
	struct cgroup *old;
	struct kmem_cache *cache;
	long answer = 0;

	if (held) {
		cache = bpf_get_kmem_cache(bpf_get_current_task());
		answer |= cache && cache->size > 64;
		bpf_task_release(held);
	}
	none = bpf_task_from_vpid(0x7fffffff);
	if (none)
		bpf_task_release(none);
	if (!first)
		return answer;
	answer |= bpf_send_signal_task(first, 0, PIDTYPE_TGID, 0) << 8;
	old = bpf_task_get_cgroup1(first, 0);
	if (old)
		bpf_cgroup_release(old);
	bpf_task_release(first);
	return answer | (old != NULL) << 1;
}

static __always_inline long ask_cgroup(struct task_struct *task)
{
	struct cgroup *root = bpf_cgroup_from_id(1), *held;
	long answer;

	if (!root)
		return 1;
	answer = bpf_task_under_cgroup(task, root);
	held = bpf_cgroup_acquire(root);
	if (held)
		bpf_cgroup_release(held);
	held = bpf_cgroup_ancestor(root, 3);
	if (held)
		bpf_cgroup_release(held);
	bpf_cgroup_release(root);
	return answer << 1;
}

static __always_inline __u32 add_bits(__u64 word)
{
	struct bpf_iter_bits it;
	__u32 sum = 0;
	int *bit;

	bpf_iter_bits_new(&it, &word, 1);
	while ((bit = bpf_iter_bits_next(&it)))
		sum += *bit;
	bpf_iter_bits_destroy(&it);
	return sum;
}

/* There are two tasks at least. */
static __always_inline __u32 walk_tasks(void)
{
	struct bpf_iter_task it;
	struct task_struct *task;
	__u32 count = 0;

	bpf_iter_task_new(&it, NULL, 0);
	while (count < 2 && (task = bpf_iter_task_next(&it)))
		count += task->pid > 0;
	bpf_iter_task_destroy(&it);
	return count;
}

/* The first in the walk down from a cgroup is the cgroup itself. */
static __always_inline __u32 walk_cgroups(void)
{
	struct cgroup *root = bpf_cgroup_from_id(1);
	struct cgroup_subsys_state *css;
	struct bpf_iter_css it;
	__u32 count = 0;

	if (!root)
		return 0;
	bpf_iter_css_new(&it, &root->self, 2 /* BPF_CGROUP_ITER_DESCENDANTS_PRE */);
	while (!count && (css = bpf_iter_css_next(&it)))
		count = 1 + css->id;
	bpf_iter_css_destroy(&it);
	bpf_cgroup_release(root);
	return count;
}

SEC("xdp")
int kernel_objects(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	unsigned long flags;
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	ip4->id = ask_task(task);
	ip4->tot_len = ask_cgroup(task);
	bpf_map_update_elem(&sources, &key, &key, BPF_ANY);
	ip4->ttl = bpf_map_sum_elem_count((const struct bpf_map *)&sources);
	ip4->frag_off = add_bits(ip4->daddr);
	ip4->check = walk_tasks() << 8 | walk_cgroups();
	bpf_local_irq_save(&flags);
	ip4->tos++;
	bpf_local_irq_restore(&flags);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
