#include "runtime/io_tc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/host_offload.h"
#include "runtime/lock.h"
#include "support/diag.h"

/* What native XDP on veth allows: a page less headroom, skb_shared_info and Ethernet header. */
enum { WAY_MTU = 4096 - 256 - 320 - 14 };

struct tc_way {
	struct host_interface target, near, far;
	uint32_t offloads; /* of the target, to be switched on again */
	uint32_t segments; /* 0: not changed */
	char kept[256];    /* a file that says both, for whoever comes after a crash */
};

/* What an agent that was killed had changed; nothing when there was none. */
static void read_kept(struct tc_way *way)
{
	FILE *file = fopen(way->kept, "r");

	if (!file)
		return;
	if (fscanf(file, "%u %u", &way->offloads, &way->segments) != 2)
		way->offloads = way->segments = 0;
	fclose(file);
}

static void write_kept(const struct tc_way *way, struct diag *diag)
{
	FILE *file = fopen(way->kept, "w");
	int written = file ? fprintf(file, "%u %u\n", way->offloads, way->segments) : -1;

	if ((file && fclose(file)) || written < 0)
		diag_warning(diag, NO_LOC,
			     "cannot write %s: if this agent is killed, offloads of %s stay off",
			     way->kept, way->target.name);
}

/* Off for as long as the agent runs. */
static void switch_offloads(struct tc_way *way, bool egress, struct diag *diag)
{
	char stem[IF_NAMESIZE + 16];
	uint32_t segments;

	snprintf(stem, sizeof stem, "%s%s", way->target.name, egress ? "+egress" : "");
	lock_path(way->kept, sizeof way->kept, stem, "offloads");
	read_kept(way);
	way->offloads |=
	    host_offload_off(way->target.name, egress ? OFFLOAD_TSO | OFFLOAD_GSO : OFFLOAD_GRO);
	segments = egress ? host_segments_set(way->target.name, 1) : 0;
	if (!way->segments)
		way->segments = segments;
	write_kept(way, diag);
}

static int open_pair(struct tc_way *way, char hook)
{
	char near[IF_NAMESIZE], far[IF_NAMESIZE];
	int err;

	snprintf(near, sizeof near, "clv%u%cr", way->target.ifindex, hook);
	snprintf(far, sizeof far, "clv%u%cs", way->target.ifindex, hook);
	err = host_veth_new(far, near, 1, WAY_MTU);
	if (!err)
		err = host_interface_read(far, &way->far);
	if (!err)
		err = host_interface_read(near, &way->near);
	return err;
}

int tc_way_open(struct tc_way **out, const struct host_interface *target, bool egress,
		struct diag *diag)
{
	struct tc_way *way = calloc(1, sizeof *way);
	int err;

	if (!way)
		return -ENOMEM;
	way->target = *target;
	err = open_pair(way, egress ? 'e' : 'i');
	if (err) {
		diag_error(diag, NO_LOC,
			   "cannot build the way between %s and user (a veth pair): %s",
			   target->name, strerror(-err));
		tc_way_close(&way);
		return err;
	}
	host_offload_off(way->near.name,
			 OFFLOAD_CHECKSUM | OFFLOAD_SCATTER | OFFLOAD_TSO | OFFLOAD_GSO);
	switch_offloads(way, egress, diag);
	*out = way;
	return 0;
}

void tc_way_close(struct tc_way **out)
{
	struct tc_way *way = *out;

	if (!way)
		return;
	host_offload_on(way->target.name, way->offloads);
	if (way->segments)
		host_segments_set(way->target.name, way->segments);
	if (way->kept[0])
		unlink(way->kept);
	if (way->far.name[0])
		host_link_delete(way->far.name);
	free(way);
	*out = NULL;
}

const struct host_interface *tc_way_near(const struct tc_way *way)
{
	return &way->near;
}

const struct host_interface *tc_way_far(const struct tc_way *way)
{
	return &way->far;
}
