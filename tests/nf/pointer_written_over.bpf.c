// EXPECT layers: kernel
/*
 * A number is written at a computed place on the stack, over what was a packet pointer or beside
 * it; what is there then is a number to the verifier.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") __attribute__((naked)) int pointer_written_over(void)
{
	asm volatile("r7 = *(u32 *)(r1 + 0)\n"
		     "r8 = *(u32 *)(r1 + 4)\n"
		     "r2 = r7\n"
		     "r2 += 14\n"
		     "if r2 > r8 goto 9f\n"
		     "*(u64 *)(r10 - 8) = r7\n"
		     "*(u64 *)(r10 - 16) = r7\n"
		     "r7 = *(u64 *)(r10 - 8)\n"
		     "r1 = *(u8 *)(r7 + 10)\n"
		     "r2 = r1\n"
		     "r2 &= 8\n"
		     "r3 = r10\n"
		     "r3 += -16\n"
		     "r3 += r2\n"
		     "*(u64 *)(r3 + 0) = r1\n" /* over it, or beside it */
		     "r4 = *(u64 *)(r10 - 8)\n"
		     "if r2 != 0 goto 3f\n"
		     "r4 = 77\n"
		     "3: *(u8 *)(r7 + 0) = r4\n"
		     "r0 = 3\n"
		     "exit\n"
		     "9: r0 = 2\n"
		     "exit\n" ::
			 : "r0");
}

char _license[] SEC("license") = "GPL";
