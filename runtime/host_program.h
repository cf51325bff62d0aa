/* Programs' types by their sections, also where libbpf is older than the section's name. */
#ifndef CLEAVE_RUNTIME_HOST_PROGRAM_H
#define CLEAVE_RUNTIME_HOST_PROGRAM_H

#include <stdint.h>

struct bpf_object;

/* Before the load: programs of sections tc, tcx/..., classifier and action become SCHED_CLS,
 * and what begins with "xdp", XDP. */
void host_program_types(struct bpf_object *object);

/* The kernel's number for a loaded program; 0 for none. */
uint32_t host_program_id(int fd);

#endif
