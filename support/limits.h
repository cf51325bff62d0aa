/* Every limit of Cleave, with its reason. */
#ifndef CLEAVE_SUPPORT_LIMITS_H
#define CLEAVE_SUPPORT_LIMITS_H

enum {
	/*
	 * Larger than any object, bundle or capture we are meant for; keeps a wrong path from
	 * eating memory.
	 */
	FILE_BYTES_MAX = 1 << 30,
	/*
	 * Largest program we take: the kernel's own limit on processed instructions is a
	 * million.
	 */
	IR_BLOCKS_MAX = 65536,
	/* Entry numbers are 16 bits in the handoff; the counters map has one cell for each. */
	ENTRIES_MAX = 256,
	/*
	 * XDP metadata that veth accepts on Linux 6.18 (256 bytes of headroom less struct
	 * xdp_frame).
	 */
	HANDOFF_BYTES_MAX = 216,
	/* ... and what kernels before 6.3 accept (net/core/xdp.c, xdp_metalen_invalid). */
	HANDOFF_BYTES_OLD_KERNEL = 32,
	/* The verifier's stack limit (include/linux/filter.h, MAX_BPF_STACK). */
	BPF_STACK_BYTES_MAX = 512,
	/* Interfaces times queues one agent serves; tickets carry the port in 16 bits. */
	PORTS_MAX = 64,
	/*
	 * What a bundle's manifest may hold: far more than any program we saw (37 maps), and it
	 * keeps a bad one small.
	 */
	BUNDLE_MAPS_MAX = 256,
	BUNDLE_HELD_MAX = 65536,
	BUNDLE_GLOBALS_MAX = 1024,
	BUNDLE_TEXTS_MAX = 1024, /* elements of a list of texts, e.g. clang's flags */
	BUNDLE_TEXT_BYTES_MAX = 64 * 1024,
	BUNDLE_MANIFEST_BYTES_MAX = 8 << 20,
	/*
	 * Keys lie on the BPF stack or in a value; values as the kernel limits them
	 * (kernel/bpf/arraymap.c, INT_MAX).
	 */
	MAP_KEY_BYTES_MAX = 64 * 1024,
	MAP_VALUE_BYTES_MAX = 1 << 30,
};

#endif
