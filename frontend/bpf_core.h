/*
 * CO-RE: what an object asks about the kernel that it will run on, answered from that kernel's BTF.
 *
 * The question names a type of the object's own BTF, a way into it ("0:1:2") and what to know. The
 * kernel's type is found by name, without the part behind "___"; the way is followed by the names
 * of members. The rules are libbpf's (tools/lib/bpf/relo_core.c), so that the answers are those
 * that the loader of the unmodified program gives.
 *
 *     struct bpf_core_host *host = bpf_core_host_open(arena, NULL, diag);
 *     struct bpf_core_answer answer = bpf_core_ask(host, &object.types, &core);
 */
#ifndef CLEAVE_FRONTEND_BPF_CORE_H
#define CLEAVE_FRONTEND_BPF_CORE_H

#include "frontend/bpf_types.h"

struct diag;
struct bpf_core_host;

/* enum bpf_core_relo_kind of the kernel's include/uapi/linux/bpf.h */
enum bpf_core_kind {
	BPF_ASKS_FIELD_OFFSET,
	BPF_ASKS_FIELD_SIZE,
	BPF_ASKS_FIELD_EXISTS,
	BPF_ASKS_FIELD_SIGNED,
	BPF_ASKS_FIELD_LSHIFT,
	BPF_ASKS_FIELD_RSHIFT,
	BPF_ASKS_LOCAL_TYPE,
	BPF_ASKS_KERNEL_TYPE,
	BPF_ASKS_TYPE_EXISTS,
	BPF_ASKS_TYPE_SIZE,
	BPF_ASKS_VALUE_EXISTS,
	BPF_ASKS_VALUE,
	BPF_ASKS_TYPE_MATCHES,
};

enum bpf_core_outcome {
	BPF_CORE_ANSWERED,
	BPF_CORE_ABSENT,    /* the kernel has no such field, type or value */
	BPF_CORE_NO_TYPE,   /* the same, and it has no type of that name at all */
	BPF_CORE_NO_KERNEL, /* no kernel's BTF is there to ask */
	BPF_CORE_AMBIGUOUS, /* its types of that name give different answers */
	BPF_CORE_DAMAGED,   /* the question makes no sense */
};

struct bpf_core_answer {
	enum bpf_core_outcome outcome;
	uint64_t value;
	/* of a field offset: what to read there, in the object and in the kernel; 0: as it is */
	uint32_t local_bytes, bytes;
	bool resizable; /* the access may change its size: both are unsigned numbers or pointers */
};

/*
 * The kernel's BTF: a file of it, or NULL for this machine's (/sys/kernel/btf/vmlinux). NULL, after
 * a report, when the file that was asked for cannot be read. It is read when it is first asked.
 */
struct bpf_core_host *bpf_core_host_open(struct arena *arena, const char *path, struct diag *diag);
/* One from memory, for tests. */
struct bpf_core_host *bpf_core_host_of(struct arena *arena, const void *bytes, size_t size);
const struct bpf_types *bpf_core_host_types(struct bpf_core_host *host); /* NULL: there is none */

struct bpf_core_answer bpf_core_ask(struct bpf_core_host *host, const struct bpf_types *local,
				    const struct bpf_core *question);
/* "the offset of sock.sk_mark", for messages. */
const char *bpf_core_text(struct arena *arena, const struct bpf_types *local,
			  const struct bpf_core *question);

/* ---- comparing types (bpf_core_match.c) ---- */

/* Bytes of a name without its flavour: "sock___old" is "sock". */
size_t bpf_core_name_length(const char *name);
bool bpf_core_same_name(const char *a, const char *b);
bool bpf_core_same_kind(const struct btf_type *a, const struct btf_type *b);
/* May a field of the one type stand for one of the other? */
bool bpf_core_fields_agree(const struct bpf_types *local, uint32_t a,
			   const struct bpf_types *kernel, uint32_t b);
/* Same names and kinds, as far as the program can tell them apart. */
bool bpf_core_types_agree(const struct bpf_types *local, uint32_t a, const struct bpf_types *kernel,
			  uint32_t b);
/* All of the local type is found in the kernel's: bpf_core_type_matches(). */
bool bpf_core_types_match(const struct bpf_types *local, uint32_t a, const struct bpf_types *kernel,
			  uint32_t b);

#endif
