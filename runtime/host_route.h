/*
 * Routes, and what an interface takes, which the kernel alone knows: an XDP program that does
 * nothing but bpf_fib_lookup, or bpf_check_mtu, is run once on what is asked. It sees the network
 * namespace that this thread is in.
 */
#ifndef CLEAVE_RUNTIME_HOST_ROUTE_H
#define CLEAVE_RUNTIME_HOST_ROUTE_H

#include <stdint.h>

/* The program's descriptor, for any thread; a negative errno. */
int host_route_open(void);

/*
 * bpf_fib_lookup with a struct bpf_fib_lookup of `size` bytes, which is left as the helper leaves
 * it; returns the helper's result, or a negative errno where the program could not be run.
 */
int64_t host_route_find(int prog_fd, void *params, uint32_t size, uint32_t flags);

/* The same for bpf_check_mtu about a packet of so many bytes. */
int host_mtu_open(void);
int64_t host_mtu_check(int prog_fd, uint32_t ifindex, uint32_t packet_bytes, uint32_t *mtu,
		       int32_t difference, uint64_t flags);

#endif
