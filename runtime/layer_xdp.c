#include "runtime/layer_xdp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "runtime/io_tc.h"
#include "runtime/layer_object.h"
#include "runtime/layer_tc.h"
#include "support/diag.h"
#include "support/limits.h"

/* How an interface came to run our program decides how it is taken off again. */
enum hold { HOLD_NONE, HOLD_LINK, HOLD_NETLINK };

struct attachment {
	struct host_interface interface;
	struct kernel_object object;
	struct pins pins;
	enum hold hold;
	int link_fd;
	const struct tc_way *way;  /* TC with cuts */
	struct tc_pair_links pair; /* on it */
};

enum { SECTIONS_MAX = 8 };

struct mapped_section {
	int fd;
	void *memory;
	size_t bytes;
};

struct kernel_part {
	const struct bundle *bundle;
	uint32_t generation;
	uint32_t adopted;
	uint32_t count;
	bool tc, egress;
	struct cleave_order *order;
	size_t order_bytes;
	struct mapped_section sections[SECTIONS_MAX];
	uint32_t section_count;
	struct attachment attachment[PORTS_MAX];
};

/*
 * Unguessable, so that bytes of a packet are never taken for a handoff header, and different from
 * that of the agent before us.
 */
static uint32_t choose_generation(void)
{
	uint32_t generation = 0;

	while (!generation)
		if (getrandom(&generation, sizeof generation, 0) < 0 && errno != EINTR)
			generation = (uint32_t)getpid();
	return generation;
}

static int map_order(struct kernel_part *part)
{
	int fd = kernel_part_map_fd(part, CLEAVE_MAP_ORDER);
	void *memory;

	if (fd < 0)
		return 0; /* relaxed order, or nothing that needs epochs */
	part->order_bytes = sizeof *part->order;
	memory = mmap(NULL, part->order_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	part->order = memory;
	return 0;
}

static int load_one(struct kernel_part *part, const struct kernel_load *load, uint32_t i,
		    struct diag *diag)
{
	struct attachment *a = &part->attachment[i];
	struct cleave_kernel_config config = {
	    .generation = part->generation,
	    .port_base = load->port_base[i],
	    .gone_action = load->gone_action,
	    .count = load->count,
	    .back_ifindex = load->interfaces[i].ifindex,
	    .back_flags = load->egress ? 0 : BPF_F_INGRESS,
	};

	a->interface = load->interfaces[i];
	a->link_fd = -1;
	a->pair = (struct tc_pair_links){-1, -1, -1};
	a->way = load->ways ? load->ways[i] : NULL;
	if (a->way)
		config.private_ifindex = tc_way_near(a->way)->ifindex;
	if (part->tc)
		config.gone_action = load->gone_action == XDP_PASS ? TC_ACT_OK : TC_ACT_SHOT;
	pins_find(&a->pins, load->names[i], diag);
	part->count++;
	return kernel_object_load(&a->object, load, &config,
				  i ? part->attachment[0].object.object : NULL, &a->pins,
				  &part->adopted, diag);
}

int kernel_part_load(struct kernel_part **out, const struct kernel_load *load, struct diag *diag)
{
	struct kernel_part *part = calloc(1, sizeof *part);
	int err = 0;

	if (!part)
		return -ENOMEM;
	part->bundle = load->bundle;
	part->generation = choose_generation();
	part->tc = bundle_is_tc(load->bundle);
	part->egress = load->egress;
	for (uint32_t i = 0; i < load->interface_count && !err; i++)
		err = load_one(part, load, i, diag);
	if (!err)
		err = map_order(part);
	if (err) {
		kernel_part_free(&part);
		return err;
	}
	*out = part;
	return 0;
}

struct bpf_object *kernel_part_object(const struct kernel_part *part)
{
	return part->attachment[0].object.object;
}

void kernel_part_free(struct kernel_part **out)
{
	struct kernel_part *part = *out;

	if (!part)
		return;
	if (part->order)
		munmap(part->order, part->order_bytes);
	for (uint32_t i = 0; i < part->section_count; i++)
		munmap(part->sections[i].memory, part->sections[i].bytes);
	/* The first instance owns the maps the others share: last. */
	for (uint32_t i = part->count; i-- > 0;) {
		if (part->attachment[i].link_fd >= 0)
			close(part->attachment[i].link_fd);
		tc_pair_detach(&part->attachment[i].pair);
		kernel_object_free(&part->attachment[i].object);
	}
	free(part);
	*out = NULL;
}

int kernel_part_map_fd(const struct kernel_part *part, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(part->attachment[0].object.object, name);

	return map ? bpf_map__fd(map) : -1;
}

int kernel_part_program_fd(const struct kernel_part *part, const char *name)
{
	struct bpf_program *prog =
	    bpf_object__find_program_by_name(part->attachment[0].object.object, name);
	int fd = prog ? bpf_program__fd(prog) : -1;

	return fd < 0 ? -1 : fd;
}

/* The memory of a writable section's map, mapped once. */
static uint8_t *map_section(struct kernel_part *part, const struct section_view *view)
{
	struct mapped_section *s;
	void *memory;

	for (uint32_t i = 0; i < part->section_count; i++)
		if (part->sections[i].fd == view->fd)
			return part->sections[i].memory;
	if (part->section_count == SECTIONS_MAX)
		return NULL;
	memory = mmap(NULL, view->size, PROT_READ | PROT_WRITE, MAP_SHARED, view->fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	s = &part->sections[part->section_count++];
	*s = (struct mapped_section){view->fd, memory, view->size};
	return memory;
}

uint8_t *kernel_part_global(struct kernel_part *part, const char *section, const char *name,
			    uint32_t size)
{
	struct section_view view;
	uint8_t *memory;

	if (kernel_object_find_global(&part->attachment[0].object, section, name, size, &view) < 0)
		return NULL;
	memory = strstr(section, ".rodata") ? view.bytes : map_section(part, &view);
	return memory ? memory + view.offset : NULL;
}

uint32_t kernel_part_generation(const struct kernel_part *part)
{
	return part->generation;
}

bool kernel_part_adopted(const struct kernel_part *part)
{
	return part->adopted;
}

struct cleave_order *kernel_part_order(const struct kernel_part *part)
{
	return part->order;
}

static uint32_t object_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}

static bool read_link(int fd, struct bpf_link_info *info)
{
	uint32_t size = sizeof *info;

	memset(info, 0, sizeof *info);
	return bpf_obj_get_info_by_fd(fd, info, &size) == 0 && info->type == BPF_LINK_TYPE_XDP;
}

/* The link through which the program is on the interface, or -ENOENT: it came by netlink. */
static int find_link(uint32_t ifindex, uint32_t prog_id)
{
	struct bpf_link_info info;
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (read_link(fd, &info) && info.xdp.ifindex == ifindex && info.prog_id == prog_id)
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static uint32_t attached_program(const struct attachment *a, struct bpf_xdp_query_opts *query)
{
	memset(query, 0, sizeof *query);
	query->sz = sizeof *query;
	if (bpf_xdp_query((int)a->interface.ifindex, 0, query) < 0)
		return 0;
	if (query->prog_id)
		return query->prog_id;
	return query->drv_prog_id ? query->drv_prog_id : query->skb_prog_id;
}

/* Is the attached program one that a dead agent left? Its pin says so. */
static bool is_orphan(const struct attachment *a, uint32_t prog_id)
{
	int fd = pins_get(&a->pins, "prog");
	bool same = fd >= 0 && object_id(fd) == prog_id;

	if (fd >= 0)
		close(fd);
	return same;
}

static void report_busy(const struct attachment *a, uint32_t prog_id, struct diag *diag)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;
	int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &size);
		close(fd);
	}
	diag_error(diag, NO_LOC,
		   "%s runs an XDP program already (`%s`, id %u): detach it first "
		   "(ip link set dev %s xdp off), or replace it with --force",
		   a->interface.name, info.name[0] ? info.name : "no name", prog_id,
		   a->interface.name);
}

int kernel_part_check_free(struct kernel_part *part, uint32_t interface, bool force,
			   struct diag *diag)
{
	struct attachment *a = &part->attachment[interface];
	struct bpf_xdp_query_opts query;
	uint32_t prog_id = part->tc ? 0 : attached_program(a, &query); /* of TC there may be many */

	if (!prog_id || force || is_orphan(a, prog_id))
		return 0;
	report_busy(a, prog_id, diag);
	return -EBUSY;
}

/* Replaces what is there without a gap. */
static int replace(struct attachment *a, uint32_t old_id)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	int err, link = find_link(a->interface.ifindex, old_id);

	if (link >= 0) {
		err = bpf_link_update(link, a->object.prog_fd, NULL) < 0 ? -errno : 0;
		if (err) {
			close(link);
			return err;
		}
		a->link_fd = link;
		a->hold = HOLD_LINK;
		return 0;
	}
	options.old_prog_fd = bpf_prog_get_fd_by_id(old_id);
	err = bpf_xdp_attach((int)a->interface.ifindex, a->object.prog_fd, XDP_FLAGS_REPLACE,
			     &options);
	if (options.old_prog_fd >= 0)
		close(options.old_prog_fd);
	if (!err)
		a->hold = HOLD_NETLINK;
	return err;
}

static int create_link(struct attachment *a, enum attach_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);

	if (mode != ATTACH_AUTO)
		options.flags = mode == ATTACH_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	a->link_fd =
	    bpf_link_create(a->object.prog_fd, (int)a->interface.ifindex, BPF_XDP, &options);
	if (a->link_fd < 0) {
		a->link_fd = -1;
		return -errno;
	}
	a->hold = HOLD_LINK;
	return 0;
}

static void pin_all(struct kernel_part *part, struct attachment *a, struct diag *diag)
{
	int err = pins_put(&a->pins, a->object.prog_fd, "prog");

	if (!err && a->hold == HOLD_LINK)
		err = pins_put(&a->pins, a->link_fd, "link");
	if (!err)
		err = kernel_object_pin_maps(&part->attachment[0].object, part->bundle, &a->pins);
	if (err) {
		pins_clear(&a->pins, NULL);
		a->pins.available = false;
		diag_warning(
		    diag, NO_LOC,
		    "cannot pin the kernel part of %s (%s): if this agent is killed, it goes too",
		    a->interface.name, strerror(-err));
	}
}

static int attach_tc(struct kernel_part *part, struct attachment *a, struct diag *diag)
{
	int err = 0;

	if (a->way)
		err = tc_pair_attach(&a->pair, a->object.object, tc_way_near(a->way)->ifindex,
				     tc_way_far(a->way)->ifindex);
	if (!err) {
		a->link_fd =
		    tc_hook_attach(a->object.prog_fd, a->interface.ifindex, part->egress, &a->pins);
		err = a->link_fd < 0 ? a->link_fd : 0;
	}
	if (err) {
		a->link_fd = -1;
		tc_pair_detach(&a->pair);
		diag_error(diag, NO_LOC, "cannot attach to the %s of %s: %s%s",
			   part->egress ? "egress" : "ingress", a->interface.name, strerror(-err),
			   err == -EOPNOTSUPP ? " (tcx needs Linux 6.6)" : "");
		return err;
	}
	a->hold = HOLD_LINK;
	pins_clear(&a->pins, NULL);
	pin_all(part, a, diag);
	return 0;
}

int kernel_part_attach(struct kernel_part *part, uint32_t interface, enum attach_mode mode,
		       bool force, struct diag *diag)
{
	struct attachment *a = &part->attachment[interface];

	if (part->tc)
		return attach_tc(part, a, diag);
	struct bpf_xdp_query_opts query;
	uint32_t old = attached_program(a, &query);
	int err = kernel_part_check_free(part, interface, force, diag);

	if (err)
		return err;
	err = old ? replace(a, old) : create_link(a, mode);
	if (err) {
		if (mode != ATTACH_AUTO || old)
			diag_error(diag, NO_LOC, "cannot attach to %s%s: %s", a->interface.name,
				   mode == ATTACH_NATIVE    ? " in native mode"
				   : mode == ATTACH_GENERIC ? " in generic mode"
							    : "",
				   strerror(-err));
		return err;
	}
	pins_clear(&a->pins, NULL);
	pin_all(part, a, diag);
	return 0;
}

void kernel_part_detach(struct kernel_part *part, uint32_t interface)
{
	struct attachment *a = &part->attachment[interface];
	LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = a->object.prog_fd);

	if (a->hold == HOLD_LINK)
		bpf_link_detach(a->link_fd);
	else if (a->hold == HOLD_NETLINK)
		bpf_xdp_detach((int)a->interface.ifindex, XDP_FLAGS_REPLACE, &options);
	if (a->link_fd >= 0)
		close(a->link_fd);
	a->link_fd = -1;
	tc_pair_detach(&a->pair);
	if (a->hold != HOLD_NONE)
		pins_clear(&a->pins, NULL);
	a->hold = HOLD_NONE;
}

void kernel_part_close_way(struct kernel_part *part)
{
	int fd = kernel_part_map_fd(part, CLEAVE_MAP_XSKS);

	for (uint32_t port = 0; fd >= 0 && port < CLEAVE_PORTS_MAX; port++)
		bpf_map_delete_elem(fd, &port);
}

const char *kernel_part_mode(const struct kernel_part *part, uint32_t interface)
{
	const struct attachment *a = &part->attachment[interface];
	struct bpf_xdp_query_opts query;

	if (part->tc && a->hold != HOLD_NONE)
		return part->egress ? "tcx egress" : "tcx ingress";
	if (a->hold == HOLD_NONE || !attached_program(a, &query))
		return "none";
	return query.skb_prog_id ? "generic" : query.hw_prog_id ? "offload" : "native";
}

bool kernel_part_pinned(const struct kernel_part *part, uint32_t interface)
{
	return part->attachment[interface].pins.available;
}

int kernel_part_counters(const struct kernel_part *part, struct cleave_kernel_counters *sum)
{
	int fd = kernel_part_map_fd(part, CLEAVE_MAP_COUNTERS), cpus = libbpf_num_possible_cpus();
	struct cleave_kernel_counters *each;
	struct bpf_map_info info = {0};
	uint32_t info_size = sizeof info;
	uint32_t key = 0;
	int err = 0;

	memset(sum, 0, sizeof *sum);
	if (fd < 0 || cpus < 0)
		return -ENOENT;
	/* The kernel writes what the map has, and the object says what that is. */
	if (bpf_obj_get_info_by_fd(fd, &info, &info_size) < 0 || info.value_size != sizeof *each)
		return -EBADMSG;
	each = calloc((size_t)cpus, sizeof *each);
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &key, each) < 0)
		err = -errno;
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		for (size_t i = 0; i < sizeof *sum / sizeof(uint64_t); i++)
			((uint64_t *)sum)[i] += ((uint64_t *)&each[cpu])[i];
	free(each);
	return err;
}
