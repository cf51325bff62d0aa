/* Interfaces of the packets of a capture. */
#include "runtime/ifindex_list.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/packet_list.h"

/* The next number of the list, or 0 when there is none; *rest moves on. */
static uint32_t next_number(const char **rest)
{
	char *end;
	unsigned long number = strtoul(*rest, &end, 10);

	if (end == *rest || (*end && *end != ',') || !number || number > INT32_MAX)
		return 0;
	*rest = *end ? end + 1 : end;
	return (uint32_t)number;
}

bool ifindex_list_is_valid(const struct ifindex_list *ifindexes)
{
	const char *rest = ifindexes->text;

	if (!rest)
		return true;
	do {
		if (!next_number(&rest))
			return false;
	} while (*rest);
	return true;
}

uint32_t ifindex_list_at(const struct ifindex_list *ifindexes, size_t n)
{
	const char *rest = ifindexes->text ? ifindexes->text : "1";
	uint32_t last = 1;

	for (size_t i = 0; i <= n && *rest; i++)
		last = next_number(&rest);
	return last;
}

void ifindex_list_apply(const struct ifindex_list *ifindexes, struct packet_list *list)
{
	const char *rest = ifindexes->text ? ifindexes->text : "1";
	uint32_t last = 1;

	for (size_t i = 0; i < list->count; i++) {
		if (*rest)
			last = next_number(&rest);
		list->packets[i].ifindex = last;
	}
}
