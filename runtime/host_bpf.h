/*
 * bpf() as the maps need it: thin wrappers, so that libbpf stays out of the map code. Every
 * function returns 0 (or a descriptor) or a negative errno.
 */
#ifndef CLEAVE_RUNTIME_HOST_BPF_H
#define CLEAVE_RUNTIME_HOST_BPF_H

#include <stddef.h>
#include <stdint.h>

struct bundle;

int host_map_lookup(int fd, const void *key, void *value);
int host_map_update(int fd, const void *key, const void *value, uint64_t flags);
int host_map_delete(int fd, const void *key);
/* Of a map without keys. */
int host_map_push(int fd, const void *value, uint64_t flags);
int host_map_pop(int fd, void *value);
int host_map_peek(int fd, void *value);
int host_map_next_key(int fd, const void *key, void *next);

/*
 * Calls visit for every element, thousands of them read by one call, until it returns non-zero;
 * returns that or 0. -EOPNOTSUPP, before any visit: this kernel cannot do that for the map.
 */
typedef int host_map_visit(void *context, const void *key, void *value);
int host_map_walk(int fd, uint32_t key_bytes, size_t value_bytes, host_map_visit *visit,
		  void *context);

/* A map of this kernel by its id; a new one without BTF. The caller closes it. */
int host_map_open(uint32_t id);
int host_map_create(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
		    uint32_t flags);

/* What a BPF map really is; a bundle's manifest only says so. */
struct host_map_layout {
	uint32_t type, key_size, value_size;
};
int host_map_read_layout(int fd, struct host_map_layout *layout);

/* Maps entries * stride bytes of a BPF_F_MMAPABLE array, readable and writable. */
int host_map_mmap(int fd, uint32_t entries, uint32_t stride, void **memory, size_t *bytes);
/* The same for a map that programs may only read, which may not be mapped otherwise. */
int host_map_mmap_read(int fd, uint32_t entries, uint32_t stride, void **memory, size_t *bytes);
void host_map_munmap(void *memory, size_t bytes);

/*
 * Puts an AF_XDP socket that is bound to nothing into an XSKMAP: programs find it there, no packet
 * reaches it. Returns its descriptor, which keeps it there; -EAFNOSUPPORT: a kernel without AF_XDP.
 */
int host_xsk_enter(int map_fd, uint32_t key);

/* Maps the pages of a ring buffer that hold the positions: the consumer's, the producer's. */
int host_ring_mmap(int fd, void **consumer, size_t *consumer_bytes, void **producer,
		   size_t *producer_bytes);

/* Runs an XDP program once on these bytes; what becomes of them is not told. */
int host_packet_run(int prog_fd, const void *packet, uint32_t size);

/* Runs a SEC("syscall") program once on this CPU; the context is read and written back. */
int host_prog_run(int fd, void *context, size_t context_bytes);

/*
 * A packet for the local stack with its metadata in front: the kernel runs a program on it that
 * passes, as on a packet that arrived on the interface. Slow (17 to 28 us), for packets that can go
 * no other way. host_pass_program: a descriptor, or a negative errno.
 */
int host_pass_program(void);
int host_pass_packet(int program, uint32_t ifindex, const uint8_t *bytes, uint32_t meta,
		     uint32_t size);

/* Values per element of a per-CPU map on this host. */
int host_possible_cpus(void);

/* The low 32 bits of the kernel's jiffies. Needs the privilege to load a program. */
int host_jiffies_read(uint32_t *jiffies);

/*
 * Copies the initial value of every global variable of the bundle, as its source object has it, to
 * values[i] (globals[i].size bytes each). Needs no privilege. -ENOENT: no such object or variable.
 */
int host_globals_read(const struct bundle *bundle, uint8_t *const *values);

/* Before the object is loaded: a section of variables that change can be mapped into memory, which
 * libbpf does not ask for where all of them are static. Nothing for other maps. */
struct bpf_map;
void host_section_share(struct bpf_map *map);

#endif
