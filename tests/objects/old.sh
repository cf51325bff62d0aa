#!/bin/sh
# old.sh CLEAVE : objects that old compilers and loaders made: maps of struct bpf_map_def, no BTF, sections of any name.
set -u
cleave=$(realpath "$1")
. "$(dirname "$0")/../as_root.sh"
cd "$work" || exit 1
failed=0
cat >old.bpf.c <<'EOT'
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#define SEC(n) __attribute__((section(n), used))
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static int (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
#ifdef LONG
	unsigned int id, pinning, inner_id, inner_idx;
#endif
};
struct bpf_map_def SEC(MAPS "counts") counts = {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 256};
struct bpf_map_def SEC(MAPS "seen") seen = {BPF_MAP_TYPE_HASH, 4, 8, 1024, BPF_F_NO_PREALLOC};
SEC(SECTION) int old(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u64 one = 1, *n;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	__u32 protocol = ip->protocol, source = ip->saddr;
	n = bpf_map_lookup_elem(&counts, &protocol);
	if (n)
		*n += 1;
	n = bpf_map_lookup_elem(&seen, &source);
	if (!n)
		bpf_map_update_elem(&seen, &source, &one, 0);
	else
		__sync_fetch_and_add(n, 1);
	return protocol == 17 ? XDP_DROP : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOT
sed 's,MAPS "[a-z]*",MAPS,' old.bpf.c >one.bpf.c # all maps in one section

same() { # FILE FLAG... : against the kernel, in both layers
	file=$1
	shift
	for split in kernel user; do
		"$cleave" check "$file" --split $split --packets 200 "$@" >out 2>&1 && grep -q ' 0 mismatches' out &&
			! grep -q 'The kernel cannot run this program' out && continue
		echo "$file $*, split $split:"
		cat out
		failed=1
	done
}

object() { # SOURCE SECTION MAPS FLAG...
	source=$1 section=$2 maps=$3
	shift 3
	clang-19 -target bpf -O2 "-D__$(uname -m)__" "-I/usr/include/$(uname -m)-linux-gnu" "-DSECTION=\"$section\"" \
		"-DMAPS=\"$maps\"" "$@" -c "$source" -o old.bpf.o || exit 1
}

object one.bpf.c xdp maps -g
same old.bpf.o
object one.bpf.c xdp_prog maps
same old.bpf.o
object one.bpf.c prog maps -DLONG -g
same old.bpf.o
object old.bpf.c xdp-drop maps/ -mcpu=v1
same old.bpf.o
object one.bpf.c ingress maps
same old.bpf.o --program old
same old.bpf.o --program ingress
same old.bpf.o --type xdp
object one.bpf.c redirect_to_111 maps -g # its BTF says what it takes
same old.bpf.o
same one.bpf.c -- '-DSECTION="xdp"' '-DMAPS="maps"'
same one.bpf.c -- '-DSECTION="2/1"' '-DMAPS="maps"'
exit $failed
