/* What libbpf does not make of an object: programs' types by newer section names, sizes. */
#ifndef CLEAVE_RUNTIME_HOST_PROGRAM_H
#define CLEAVE_RUNTIME_HOST_PROGRAM_H

#include <stdint.h>

struct bpf_object;

/* Before the load: programs of sections tc, tcx/..., classifier and action become SCHED_CLS,
 * and what begins with "xdp", XDP. */
void host_program_types(struct bpf_object *object);

/*
 * Before the load: the kernel takes no ring buffer with a key or a value, though sources name the
 * type of their records so; loaders other than libbpf leave it out. Arrays of events or programs
 * whose definitions do not give the sizes of keys and values get them, 4 bytes each.
 */
void host_map_sizes(struct bpf_object *object);

/* The kernel's number for a loaded program; 0 for none. */
uint32_t host_program_id(int fd);

#endif
