// EXPECT layers: kernel
// EVERY --order relaxed: strict order cuts every path before the update
/*
 * One place on the stack for everything, as code generators use it that are short of registers: a
 * packet pointer is kept where a map's key lies at other times, and which of two keys is meant only
 * the packet says.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp") __attribute__((naked)) int one_place_for_all(void)
{
	asm volatile("r7 = *(u32 *)(r1 + 0)\n"
		     "r8 = *(u32 *)(r1 + 4)\n"
		     "r2 = r7\n"
		     "r2 += 14\n"
		     "if r2 > r8 goto 9f\n"
		     "*(u64 *)(r10 - 8) = r7\n" /* the packet */
		     "r7 = 0\n"
		     "r7 = *(u64 *)(r10 - 8)\n"
		     "r1 = *(u8 *)(r7 + 11)\n"
		     "*(u64 *)(r10 - 8) = r1\n" /* a key, or the one beside it */
		     "r1 &= 3\n"
		     "*(u64 *)(r10 - 16) = r1\n"
		     "r2 = r10\n"
		     "r2 += -8\n"
		     "if r1 != 1 goto 1f\n"
		     "r2 += -8\n"
		     "1: *(u64 *)(r10 - 24) = r7\n"
		     "r1 = %[seen] ll\n"
		     "call %[lookup]\n"
		     "r6 = 1\n"
		     "if r0 == 0 goto 2f\n"
		     "r6 = *(u64 *)(r0 + 0)\n"
		     "r6 += 1\n"
		     "2: *(u64 *)(r10 - 32) = r6\n"
		     "r1 = %[seen] ll\n"
		     "r2 = r10\n"
		     "r2 += -8\n"
		     "r3 = r10\n"
		     "r3 += -32\n"
		     "r4 = 0\n"
		     "call %[update]\n"
		     "r7 = *(u64 *)(r10 - 24)\n"
		     "*(u64 *)(r10 - 8) = r7\n" /* the packet again */
		     "*(u64 *)(r10 - 24) = r6\n"
		     "r7 = *(u64 *)(r10 - 8)\n"
		     "r1 = *(u8 *)(r7 + 10)\n"
		     "*(u8 *)(r7 + 0) = r1\n"
		     "*(u8 *)(r7 + 1) = r6\n"
		     "r0 = 3\n"
		     "exit\n"
		     "9: r0 = 2\n"
		     "exit\n"
		     :
		     : [seen] "i"(&seen), [lookup] "i"(BPF_FUNC_map_lookup_elem),
		       [update] "i"(BPF_FUNC_map_update_elem));
}

char _license[] SEC("license") = "GPL";
