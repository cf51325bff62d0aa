/*
 * The contract between a bundle's kernel part (an XDP object) and the agent: names and layouts of
 * what Cleave adds to the user's own maps. Included by C and by the BPF run-time part, so plain
 * types only.
 *
 * Handoff. A packet that leaves the kernel for user carries a block of `length` bytes immediately
 * before its first byte, little endian:
 *
 *     data - length   [struct cleave_ticket]   8 + 8 * n bytes, in strict order with n > 0 ordered
 *                                              maps
 *                     live values              where the manifest says, from the block's start
 *                     padding                  so that length is a multiple of 4
 *     data - 8        struct cleave_handoff
 *
 * The block is the packet's XDP metadata: data_meta == data - length. An AF_XDP descriptor tells
 * where the packet begins but not where its metadata does, so the header is at the end. Metadata
 * that the program itself keeps there stands before the block: data_meta == data - length - own.
 * docs/handoff-format.md.
 *
 * Strict order. Every packet that is handed over takes a ticket: (port << 48) | sequence, the
 * sequence counted per port (= interface and queue). The kernel writes the ticket into the order
 * cell of every state key the user part may touch. A later packet that is about to touch the same
 * key in the kernel sees that the ticket is not done yet (done[port] < ticket) and is handed over
 * too, with the old ticket in its `after` list; the agent processes a packet only when all tickets
 * of its `after` list are done. The agent writes done[port] when the effects and the transmit of
 * that packet are visible. A ticket whose packet was lost (ring full) is done as soon as a later
 * one of its port is.
 */
#ifndef CLEAVE_BUNDLE_KERNEL_ABI_H
#define CLEAVE_BUNDLE_KERNEL_ABI_H

#include <linux/types.h>

#define CLEAVE_CONFIG_SYMBOL "cleave_config" /* struct cleave_kernel_config in .rodata */
#define CLEAVE_MAP_XSKS      "cleave_xsks"   /* XSKMAP, index = port */
/* PERCPU_ARRAY, 1 entry, struct cleave_kernel_counters */
#define CLEAVE_MAP_COUNTERS "cleave_counts"
#define CLEAVE_MAP_ORDER    "cleave_order" /* ARRAY, mmapable, 1 entry, struct cleave_order */
/* TC: XDP on both ends of the private pair, and TC at the ingress of the near one */
#define CLEAVE_PROG_UP   "cleave_tc_up"
#define CLEAVE_PROG_DOWN "cleave_tc_down"
#define CLEAVE_PROG_BACK "cleave_tc_back"
/* SEC("syscall"), struct cleave_batch_args as context */
#define CLEAVE_PROG_BATCH "cleave_batch"
/* ARRAY, mmapable, CLEAVE_BATCH_MAX entries of struct cleave_batch_op */
#define CLEAVE_MAP_BATCH "cleave_batchq"
/* SEC("xdp"), run for one event of the user part, which lies in CLEAVE_MAP_OUTPUT */
#define CLEAVE_PROG_OUTPUT "cleave_output"
/* ARRAY, mmapable, 1 entry of struct cleave_output_args */
#define CLEAVE_MAP_OUTPUT "cleave_outq"
/* the first program as others call it, where tail calls come back to it */
#define CLEAVE_PROG_CALLEE "cleave_callee"
/* PERCPU_ARRAY, 1 entry, u32: tail calls so far of the packet that runs on this CPU */
#define CLEAVE_MAP_DEPTH "cleave_depth"
/* + map name: ARRAY, mmapable: values of a `shared values` map */
#define CLEAVE_VALUES_PREFIX "cv_"
/* struct cleave_replay_inputs in .bss, in check builds only */
#define CLEAVE_REPLAY_SYMBOL "cleave_replay"
/* struct cleave_skb in .bss, in check builds of TC programs: the context when they returned */
#define CLEAVE_SKB_SYMBOL "cleave_skb_left"
/* struct cleave_replay_redirect in .bss, in check builds of programs that redirect */
#define CLEAVE_REDIRECT_SYMBOL "cleave_redirect"

enum {
	CLEAVE_PORTS_MAX = 64,
	CLEAVE_ENTRIES_MAX = 256,
	/* power of two; the first CLEAVE_ORDER_MAPS stand for whole maps */
	CLEAVE_ORDER_CELLS = 65536,
	CLEAVE_ORDER_MAPS = 16, /* ordered maps of one plan, at most */
	CLEAVE_CLAIMS_MAX = 64, /* `shared values` maps of one kernel part, at most */
	CLEAVE_BATCH_MAX = 256,
	CLEAVE_BATCH_KEY_MAX = 64,
	CLEAVE_OUTPUT_BYTES = 8192, /* of one event of the user part; power of two */
	CLEAVE_WAY_BYTES =
	    3520, /* of a frame on TC's private pair: native XDP on veth takes no more */
	CLEAVE_BLOCK_MAX = 252, /* XDP metadata is less than 256 bytes, and whole words */
	CLEAVE_BACK_MAGIC = 0x6b636162,
};

/*
 * Set by the agent before load; one copy per interface (the objects of two interfaces share all
 * maps but .rodata).
 */
struct cleave_kernel_config {
	__u32 generation;  /* written into every handoff header; never 0 */
	__u32 port_base;   /* port of this interface's queue 0: port = port_base + rx_queue_index */
	__u32 gone_action; /* XDP_DROP or XDP_PASS: when no socket takes a handed-over packet */
	__u32 count;       /* count verdicts decided in the kernel too (cuts are always counted) */
	__u32 private_ifindex; /* TC: the end of the private pair that the program sends to */
	__u32 back_ifindex;    /* TC: where packets from user go back to ... */
	__u32 back_flags;      /* ... BPF_F_INGRESS or 0 */
};

/* The last 8 bytes of the block. */
struct cleave_handoff {
	__u32 generation;
	__u8 entry;   /* which cut; 0 is the start of the program */
	__u8 own;     /* bytes of the program's own metadata, right before the block */
	__u16 length; /* bytes of the block, this header included */
};

/*
 * TC: before the header, what the kernel keeps of the packet beside its bytes, as the program sees
 * it in struct __sk_buff where the packet is handed over. docs/tc.md.
 */
struct cleave_skb {
	__u64 tstamp;
	__u32 linear; /* bytes of the packet up to data_end; there may be more */
	__u32 mark;
	__u32 priority;
	__u32 ifindex;
	__u32 ingress_ifindex;
	__u32 hash;
	__u32 cb[5];
	__u16 tc_index;
	__u16 tc_classid;
	__u16 queue_mapping;
	__u16 protocol;   /* network byte order, as vlan_proto */
	__u16 vlan_tci;   /* of a tag that is not among the packet's bytes */
	__u16 vlan_proto; /* 0: there is no such tag */
	__u8 pkt_type;
	__u8 reserved[3];
};

/*
 * TC: in front of a frame that comes back from user: what the kernel part is to do with it when it
 * meets it at the program's hook again.
 */
struct cleave_back {
	__u32 generation;
	__u32 magic;           /* CLEAVE_BACK_MAGIC */
	__u32 verdict;         /* TC_ACT_... */
	__u32 redirect_kind;   /* enum cleave_redirect_kind */
	__u32 redirect_target; /* interface */
	__u32 reserved;
	__u64 redirect_flags;
	struct cleave_skb skb; /* as the program left it; linear does not count */
};

/* The first bytes of the block. */
struct cleave_ticket {
	__u64 ticket;  /* this packet's: (port << 48) | sequence from 1 */
	__u64 after[]; /* one per ordered map of the plan; 0: nothing to wait for */
};

#define CLEAVE_TICKET_PORT(t) ((__u32)((t) >> 48))
#define CLEAVE_TICKET_SEQ(t)  ((t) & 0xffffffffffffULL)

struct cleave_order {
	/* agent: +1 whenever every packet in flight at the last +1 is completed; from 1 */
	__u64 epoch;
	__u64 next[CLEAVE_PORTS_MAX];   /* sequence last given out, kernel writes */
	__u64 done[CLEAVE_PORTS_MAX];   /* sequence last completed, agent writes (release) */
	__u64 cell[CLEAVE_ORDER_CELLS]; /* ticket last given for a key with this hash; 0: none */
};

struct cleave_kernel_counters {
	/* by XDP action, decided in the kernel; when config.count */
	__u64 verdict[8];
	__u64 cut[CLEAVE_ENTRIES_MAX]; /* packets handed over, by entry */
	__u64 gone;                    /* of those, packets that no socket was there for */
	__u64 no_room;                 /* adjust_meta refused the handoff; packet aborted */
	/* of the cuts, packets sent only because their key was in flight */
	__u64 held;
	__u64 gso; /* TC: packets of several segments, which could not be handed over */
};

/* One queued effect of the user part on a map with home `kernel, batched`. */
struct cleave_batch_op {
	__u32 map;     /* index of the map in the manifest */
	__u32 kind;    /* enum cleave_batch_kind */
	__u32 offset;  /* byte offset of the counter in the value */
	__u32 size;    /* width of the add: 4 or 8, atomic; 1 or 2, not */
	__u64 operand; /* what is added */
	__u8 key[CLEAVE_BATCH_KEY_MAX];
};

enum cleave_batch_kind { CLEAVE_BATCH_ADD = 1 };

struct cleave_batch_args {
	__u32 count; /* ops to run, at most CLEAVE_BATCH_MAX */
	__u32 done;  /* out: ops that found their element */
};

/* One event of the user part. The packet, whose bytes it may ask for, is that of the run. */
struct cleave_output_args {
	__u32 map;  /* index in the manifest */
	__u32 size; /* at most CLEAVE_OUTPUT_BYTES */
	__u64 flags;
	__s64 result;
	__u8 bytes[CLEAVE_OUTPUT_BYTES];
};

/* Check builds replay time and random numbers, the same on both sides. */
struct cleave_replay_inputs {
	__u64 ktime_ns; /* what every clock helper returns; jiffies = ktime_ns / 4000000 */
	__u64 random;   /* xorshift64* state; every draw advances it (never 0) */
};

enum cleave_redirect_kind {
	CLEAVE_REDIRECT_NONE,
	CLEAVE_REDIRECT_IFINDEX,
	CLEAVE_REDIRECT_MAP,
	CLEAVE_REDIRECT_PEER, /* TC: bpf_redirect_peer */
};

/* Check builds note what the last redirect helper was asked; a test run does not show it. */
struct cleave_replay_redirect {
	__u32 action;      /* what it returned */
	__u32 kind;        /* enum cleave_redirect_kind */
	__u32 target, map; /* as in struct cleave_packet */
	__u64 flags;
};

/*
 * A slot of a `shared values` array: this header, the key padded to 8, the value padded to 8. A
 * slot is free when the hash does not map its key to its index, so eviction and deletion need no
 * free list. A packet in flight may still hold its index: it is reused only after a grace period,
 * two epochs (as in quiescent-state-based reclamation) or one second after it was first seen
 * unowned.
 */
struct cleave_value_slot {
	__u32 index; /* of this slot, so that a value pointer tells its index */
	/* low 32 bits of the epoch at which it was first seen unowned; 0: not seen */
	__u32 seen_epoch;
	__u32 seen_s; /* second (monotonic) of the same */
	__u32 used;   /* 0: never used, free at once */
};

#endif
