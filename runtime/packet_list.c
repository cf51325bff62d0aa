/* Packets in order. */
#include "runtime/packet_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/exit_codes.h"

static void *must(void *memory)
{
	if (!memory) {
		fputs("cleaved: out of memory\n", stderr);
		exit(EXIT_CLEAVE_HOST);
	}
	return memory;
}

struct test_packet *packet_list_add(struct packet_list *list, const void *bytes, uint32_t size,
				    uint32_t ifindex, uint64_t time_ns)
{
	struct test_packet *p;

	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 64;
		list->packets =
		    must(reallocarray(list->packets, list->capacity, sizeof *list->packets));
	}
	p = &list->packets[list->count++];
	*p = (struct test_packet){.size = size, .ifindex = ifindex, .time_ns = time_ns};
	p->bytes = must(malloc(size ? size : 1));
	if (size)
		memcpy(p->bytes, bytes, size);
	return p;
}

void packet_list_free(struct packet_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->packets[i].bytes);
	free(list->packets);
	*list = (struct packet_list){0};
}
