// EXPECT layers: kernel
/*
 * The context is kept on the stack behind a buffer that a helper fills to a length which the packet
 * says: what of the stack the helper may write ends before it, but only the verifier can see that.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") __attribute__((naked)) int context_behind_buffer(void)
{
	asm volatile("*(u64 *)(r10 - 8) = r1\n"
		     "r7 = *(u32 *)(r1 + 0)\n"
		     "r8 = *(u32 *)(r1 + 4)\n"
		     "r2 = r7\n"
		     "r2 += 14\n"
		     "if r2 > r8 goto 9f\n"
		     "r4 = *(u8 *)(r7 + 11)\n"
		     "r4 &= 7\n"
		     "r4 += 1\n"
		     "r6 = 0\n"
		     "*(u64 *)(r10 - 16) = r6\n"
		     "r2 = 2\n"
		     "r3 = r10\n"
		     "r3 += -16\n"
		     "call %[load]\n"
		     "r6 = *(u64 *)(r10 - 16)\n"
		     "r1 = *(u64 *)(r10 - 8)\n" /* the context */
		     "r7 = *(u32 *)(r1 + 0)\n"
		     "r8 = *(u32 *)(r1 + 4)\n"
		     "r2 = r7\n"
		     "r2 += 14\n"
		     "if r2 > r8 goto 9f\n"
		     "r6 *= 7\n"
		     "*(u8 *)(r7 + 0) = r6\n"
		     "r6 >>= 24\n"
		     "*(u8 *)(r7 + 1) = r6\n"
		     "r0 = 3\n"
		     "exit\n"
		     "9: r0 = 2\n"
		     "exit\n"
		     :
		     : [load] "i"(BPF_FUNC_xdp_load_bytes));
}

char _license[] SEC("license") = "GPL";
