#!/bin/sh
# messages.sh CLEAVE : what objects are refused for, and where the message says it is.
set -u
cleave=$(realpath "$1")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

takes() { # OPTION... -- FLAG... < BODY : the program's object has a plan
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	{
		printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
		cat
		printf 'char _license[] SEC("license") = "GPL";\n'
	} >nf.bpf.c
	clang-19 -target bpf -O2 "-I/usr/include/$(uname -m)-linux-gnu" "$@" -c nf.bpf.c -o nf.bpf.o || exit 1
	# shellcheck disable=SC2086 # words
	"$cleave" explain $options nf.bpf.o >out 2>&1 && return
	echo "$options: $(head -3 out)"
	failed=1
}

refuses() { # TEXT FLAG... < BODY : the program's object is refused with exit code 1 and this text
	text=$1
	shift
	{
		printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
		cat
		printf 'char _license[] SEC("license") = "GPL";\n'
	} >nf.bpf.c
	clang-19 -target bpf -O2 "-I/usr/include/$(uname -m)-linux-gnu" "$@" -c nf.bpf.c -o nf.bpf.o || exit 1
	"$cleave" explain nf.bpf.o >out 2>&1
	code=$?
	[ $code -eq 1 ] && grep -qF -- "$text" out && return
	echo "exit code $code, no message with '$text', but: $(head -3 out)"
	failed=1
}

refuses 'nf.bpf.o[nf]:1: error: the kernel function' <<'EOT'
extern int bpf_none(void) __attribute__((section(".ksyms")));
SEC("xdp") int nf(struct xdp_md *ctx) { return bpf_none(); }
EOT
refuses 'nf.bpf.c:4:' -g <<'EOT'
extern int LINUX_NO_SUCH_THING __attribute__((section(".kconfig")));
SEC("xdp") int nf(struct xdp_md *ctx) { return LINUX_NO_SUCH_THING & 1; }
EOT
refuses 'the CO-RE relocation for the size of none.here has no answer: ' -g <<'EOT'
struct none { int here; } __attribute__((preserve_access_index));
SEC("xdp") int nf(struct xdp_md *ctx) { struct none *s = 0; return __builtin_preserve_field_info(s->here, 1); }
EOT
refuses 'there are several programs (nf, other)' <<'EOT'
SEC("xdp") int nf(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") int other(struct xdp_md *ctx) { return XDP_DROP; }
EOT
refuses 'there is nf in section ingress; --program NAME or --type xdp takes it as one' <<'EOT'
SEC("ingress") int nf(struct xdp_md *ctx) { return XDP_PASS; }
EOT
refuses 'big-endian' --target=bpfeb <<'EOT'
SEC("xdp") int nf(struct xdp_md *ctx) { return XDP_PASS; }
EOT
refuses 'this is an object for another machine' --target=x86_64-linux-gnu <<'EOT'
SEC("xdp") int nf(struct xdp_md *ctx) { return XDP_PASS; }
EOT
refuses 'nf.bpf.c:3:68: error: may_goto' -g <<'EOT'
SEC("xdp") int nf(struct xdp_md *ctx) { int n = 0; for (;;) { n++; asm volatile goto("may_goto %l[out]" :::: out); } out: return n & 1; }
EOT
refuses 'BPF_LD_ABS' -g <<'EOT'
SEC("xdp") int nf(struct xdp_md *ctx) { int n; asm volatile("r6 = %1; r0 = *(u8 *)skb[9]; %0 = r0" : "=r"(n) : "r"(ctx) : "r0", "r6", "r1", "r2", "r3", "r4", "r5"); return n; }
EOT

refuses "nf.bpf.c:5:107: error: bpf_loop whose callback is not known here" -g <<'EOT'
static long a(unsigned n, void *c) { return 0; }
static long b(unsigned n, void *c) { return 1; }
SEC("xdp") int nf(struct xdp_md *ctx) { long (*f)(unsigned, void *) = ctx->rx_queue_index ? a : b; return bpf_loop(3, f, 0, 0); }
EOT
# What the user says arrays of programs hold may be of arrays that the program does not use.
takes --program nf --tail-calls 'next[1]=other' -- -g <<'EOT'
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, int); } next SEC(".maps");
SEC("xdp") int nf(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") int other(struct xdp_md *ctx) { return XDP_DROP; }
SEC("xdp") int third(struct xdp_md *ctx) { bpf_tail_call(ctx, &next, 1); return XDP_DROP; }
EOT
# Functions that the kernel may lack: what is behind the question for one that it lacks is not looked at.
takes -- -g <<'EOT'
extern __u32 bpf_none(const struct bpf_dynptr *ptr) __ksym __weak;
extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym __weak;
SEC("xdp") int nf(struct xdp_md *ctx) { struct bpf_dynptr d; if (!bpf_dynptr_from_xdp || bpf_dynptr_from_xdp(ctx, 0, &d)) return XDP_ABORTED; return bpf_none ? bpf_none(&d) & 1 : XDP_PASS; }
EOT
refuses 'nf.bpf.c:4:48: error: the kernel function bpf_none is not supported' -g <<'EOT'
extern __u32 bpf_none(struct xdp_md *xdp) __ksym;
SEC("xdp") int nf(struct xdp_md *ctx) { return bpf_none(ctx); }
EOT
refuses 'the kernel function bpf_xdp_metadata_rx_timestamp (it needs a program that is bound to one device) is not supported' -g <<'EOT'
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;
SEC("xdp") int nf(struct xdp_md *ctx) { __u64 t; return bpf_xdp_metadata_rx_timestamp(ctx, &t) ? 1 : t & 3; }
EOT
exit $failed
