/*
 * Packets in order, as a capture or the generator gives them and as replay and check run them. Each
 * has the interface it arrives on and the time at which it arrives (what replayed clocks show).
 */
#ifndef CLEAVE_RUNTIME_PACKET_LIST_H
#define CLEAVE_RUNTIME_PACKET_LIST_H

#include <stddef.h>
#include <stdint.h>

struct test_packet {
	uint8_t *bytes; /* owned by the list */
	uint32_t size;
	uint32_t ifindex;
	uint64_t time_ns;
};

struct packet_list {
	struct test_packet *packets;
	size_t count, capacity;
};

/* Appends a copy. Out of memory ends the process. */
struct test_packet *packet_list_add(struct packet_list *list, const void *bytes, uint32_t size,
				    uint32_t ifindex, uint64_t time_ns);
/* Frees the packets and leaves an empty list. */
void packet_list_free(struct packet_list *list);

#endif
