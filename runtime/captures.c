#include "runtime/captures.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/packet_list.h"
#include "runtime/pcap_file.h"
#include "support/diag.h"

/* A capture that is being merged. */
struct source {
	struct packet_list list;
	size_t next;
	uint32_t ifindex;
};

/* Clocks do not go back. */
static void straighten(struct packet_list *list)
{
	for (size_t i = 1; i < list->count; i++)
		if (list->packets[i].time_ns < list->packets[i - 1].time_ns)
			list->packets[i].time_ns = list->packets[i - 1].time_ns;
}

static int read_one(const char *path, struct packet_list *list, struct diag *diag)
{
	int err = pcap_file_read(path, list, diag);

	if (err)
		return err;
	if (!list->count) {
		diag_error(diag, (struct src_loc){path}, "there is no packet in this capture");
		return -EINVAL;
	}
	straighten(list);
	return 0;
}

/* The source with the oldest packet, or NULL at the end; of equals the first. */
static struct source *find_oldest(struct source *sources, size_t count)
{
	struct source *oldest = NULL;

	for (struct source *s = sources; s < sources + count; s++)
		if (s->next < s->list.count &&
		    (!oldest ||
		     s->list.packets[s->next].time_ns < oldest->list.packets[oldest->next].time_ns))
			oldest = s;
	return oldest;
}

static int merge(const char *const *paths, size_t count, const struct ifindex_list *ifindexes,
		 struct packet_list *list, struct diag *diag)
{
	struct source *sources = calloc(count, sizeof *sources), *s;
	int err = sources ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		sources[i].ifindex = ifindex_list_at(ifindexes, i);
		err = read_one(paths[i], &sources[i].list, diag);
	}
	while (!err && (s = find_oldest(sources, count))) {
		const struct test_packet *p = &s->list.packets[s->next++];

		packet_list_add(list, p->bytes, p->size, s->ifindex, p->time_ns);
	}
	for (size_t i = 0; sources && i < count; i++)
		packet_list_free(&sources[i].list);
	free(sources);
	return err;
}

int captures_read(const char *const *paths, size_t count, const struct ifindex_list *ifindexes,
		  struct packet_list *list, struct diag *diag)
{
	int err;

	if (count > 1)
		return merge(paths, count, ifindexes, list, diag);
	err = read_one(paths[0], list, diag);
	if (!err)
		ifindex_list_apply(ifindexes, list);
	return err;
}
