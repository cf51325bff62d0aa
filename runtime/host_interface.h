/* What the agent needs to know of a network interface, and the few changes it makes to the links of
 * the host. */
#ifndef CLEAVE_RUNTIME_HOST_INTERFACE_H
#define CLEAVE_RUNTIME_HOST_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>
#include <net/if.h>

struct host_interface {
	char name[IF_NAMESIZE];
	char driver[32];
	uint32_t ifindex;
	uint32_t mtu;
	uint32_t queues;          /* receive queues in use */
	uint32_t transmit_queues; /* transmit queues in use */
	bool up;
};

/* Returns 0, or -ENODEV when there is no such interface in this network namespace. */
int host_interface_read(const char *name, struct host_interface *interface);

/* Inode number of the network namespace of the calling thread; names its interfaces across
 * namespaces. */
uint64_t host_netns_inode(void);

/*
 * Makes a veth pair with `queues` queues on both ends, both up, without ARP and without IPv6, so
 * that the kernel itself never sends on it. An old pair of that name is deleted first.
 */
int host_veth_new(const char *name, const char *peer, uint32_t queues, uint32_t mtu);
int host_link_delete(const char *name);
/* Gives an Ethernet link the address of another. */
int host_copy_address(const char *to, const char *from);
/*
 * Everything that arrives on `from` arrives on the interface `to` instead, by tc's mirred action:
 * the kernel marks such packets as redirected, and generic XDP leaves them alone. Replaces what tc
 * did.
 */
int host_mirror_ingress(const char *from, uint32_t to);

#endif
