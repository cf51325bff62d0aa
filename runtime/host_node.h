/* Where CPUs stand. */
#ifndef CLEAVE_RUNTIME_HOST_NODE_H
#define CLEAVE_RUNTIME_HOST_NODE_H

#include <stdint.h>

/* The CPU's NUMA node; 0 where the kernel knows of none. */
uint32_t host_numa_node(uint32_t cpu);

#endif
