/* Contenders that run in the kernel, behind drive.bpf.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "eval/drive.h"
#include "eval/measure.h"
#include "runtime/host_bpf.h"
#include "support/diag.h"

enum { GROUPS_MAX = 16, WARM_UPS = 2 };

/* Packets of one interface: a run in the kernel has one for all its turns. */
struct group {
	uint32_t ifindex, first, count, next;
};

struct drive {
	struct bpf_object *object;
	int fd, targets_fd;
	uint32_t used; /* targets */
	struct drive_state *state;
	size_t state_bytes;
	struct group groups[GROUPS_MAX];
	unsigned group_count;
	size_t packet_count;
};

struct in_kernel {
	struct contender contender; /* first */
	struct drive *drive;
	struct check_side *side; /* NULL: the driver alone */
	struct cleave_order *order;
	size_t order_bytes;
	uint32_t target;
};

static int64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int64_t measure_spent_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int add_group(struct drive *d, const struct packet_list *packets, uint32_t ifindex)
{
	int fd = bpf_object__find_map_fd_by_name(d->object, "packets");
	struct group *g = &d->groups[d->group_count];
	static struct drive_packet value;

	*g = (struct group){.ifindex = ifindex, .first = (uint32_t)d->packet_count};
	for (size_t i = 0; i < packets->count && d->packet_count < DRIVE_PACKETS_MAX; i++) {
		uint32_t key = (uint32_t)d->packet_count;

		if (packets->packets[i].ifindex != ifindex)
			continue;
		value.size = packets->packets[i].size;
		memcpy(value.bytes, packets->packets[i].bytes, value.size);
		if (bpf_map_update_elem(fd, &key, &value, 0))
			return -errno;
		d->packet_count++;
		g->count++;
	}
	d->group_count++;
	return 0;
}

static bool has_group(const struct drive *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->group_count; i++)
		if (d->groups[i].ifindex == ifindex)
			return true;
	return false;
}

static int fill(struct drive *d, const struct packet_list *packets)
{
	int err = 0;

	for (size_t i = 0; i < packets->count && !err; i++) {
		uint32_t ifindex = packets->packets[i].ifindex;

		if (has_group(d, ifindex))
			continue;
		err = d->group_count < GROUPS_MAX ? add_group(d, packets, ifindex) : -E2BIG;
	}
	return err;
}

/* The driver's programs, and its state in our memory. */
static int load_drive(struct drive *d, const char *object)
{
	void *memory;
	int err;

	d->object = bpf_object__open_file(object, NULL);
	if (!d->object)
		return -errno;
	err = bpf_object__load(d->object);
	if (err)
		return err;
	d->fd = bpf_program__fd(bpf_object__find_program_by_name(d->object, "drive"));
	d->targets_fd = bpf_object__find_map_fd_by_name(d->object, "targets");
	err = host_map_mmap(bpf_object__find_map_fd_by_name(d->object, "state"), 1,
			    sizeof *d->state, &memory, &d->state_bytes);
	if (!err)
		d->state = memory;
	return err;
}

int drive_open(struct drive **drive, const char *object, const struct packet_list *packets,
	       struct diag *diag)
{
	struct drive *d = calloc(1, sizeof *d);
	int err;

	if (!d)
		return -ENOMEM;
	err = load_drive(d, object);
	if (!err)
		err = fill(d, packets);
	if (err) {
		diag_error(diag, NO_LOC, "cannot load the measuring program %s: %s", object,
			   strerror(-err));
		drive_close(&d);
		return err;
	}
	*drive = d;
	return 0;
}

void drive_close(struct drive **drive)
{
	struct drive *d = *drive;

	if (!d)
		return;
	if (d->state)
		host_map_munmap(d->state, d->state_bytes);
	bpf_object__close(d->object);
	free(d);
	*drive = NULL;
}

static int run_group(struct in_kernel *k, struct group *g, size_t turns)
{
	struct drive *d = k->drive;
	uint8_t bytes[64] = {0};
	struct xdp_md in = {.data_end = sizeof bytes, .ingress_ifindex = g->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = sizeof bytes,
		    .ctx_in = &in, .ctx_size_in = sizeof in, .repeat = (int)turns);

	*d->state = (struct drive_state){
	    .first = g->first, .count = g->count, .next = g->next, .target = k->target};
	if (bpf_prog_test_run_opts(d->fd, &opts))
		return -errno;
	g->next = d->state->next;
	return d->state->failed ? -EIO : 0;
}

/* Every interface gets turns by its share of the mix. */
static int64_t run(struct contender *c, size_t turns)
{
	struct in_kernel *k = (struct in_kernel *)c;
	struct drive *d = k->drive;
	int64_t start = measure_spent_ns();

	for (unsigned i = 0; i < d->group_count; i++) {
		struct group *g = &d->groups[i];
		size_t part = (turns * g->count + d->packet_count - 1) / d->packet_count;
		int err = run_group(k, g, part);

		if (err)
			return err;
	}
	return measure_spent_ns() - start;
}

static void free_kernel(struct contender *c)
{
	struct in_kernel *k = (struct in_kernel *)c;

	if (k->order)
		host_map_munmap(k->order, k->order_bytes);
	check_side_free(&k->side);
	free(c->ns);
	free(k);
}

static const struct contender_ops ops = {.run = run, .free = free_kernel};

/* The whole mix once or twice through both layers: tables fill as they would in use. */
static int warm_up(struct in_kernel *k, const struct packet_list *packets)
{
	static struct check_outcome outcome;
	size_t handed_over = 0;

	for (size_t i = 0; i < WARM_UPS * packets->count; i++) {
		struct cleave_replay_inputs inputs = {
		    .ktime_ns = (uint64_t)read_clock(CLOCK_MONOTONIC), .random = i + 1};
		int err = k->side->ops->run(k->side, &packets->packets[i % packets->count], &inputs,
					    &outcome);

		if (err)
			return err;
		if (!k->side->held)
			continue;
		handed_over += i >= packets->count;
		err = k->side->ops->complete(k->side, &outcome);
		if (err)
			return err;
	}
	k->contender.to_user = (double)handed_over / (double)packets->count;
	return 0;
}

/* Nobody completes handed-over packets while we measure; so all tickets are completed beforehand.
 */
static int complete_tickets(struct in_kernel *k)
{
	int fd = host_test_map_fd(k->side->test, CLEAVE_MAP_ORDER);
	void *memory;
	int err;

	if (fd < 0)
		return 0;
	err = host_map_mmap(fd, 1, sizeof *k->order, &memory, &k->order_bytes);
	if (err)
		return err;
	k->order = memory;
	for (unsigned i = 0; i < CLEAVE_PORTS_MAX; i++)
		k->order->done[i] = CLEAVE_TICKET_SEQ(~0ULL);
	return 0;
}

static int set_target(struct in_kernel *k, int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;

	k->target = k->drive->used++;
	if (fd < 0 || k->target >= DRIVE_TARGETS_MAX)
		return -E2BIG;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) ||
	    bpf_map_update_elem(k->drive->targets_fd, &k->target, &fd, 0))
		return -errno;
	k->contender.instructions = info.xlated_prog_len / sizeof(struct bpf_insn);
	return 0;
}

static int open_side(struct in_kernel *k, const char *kind, const struct check_side_setup *setup)
{
	struct check_side_setup own = *setup;

	own.count = !strcmp(kind, "kernel+count");
	return strcmp(kind, "original") ? check_split_new(&k->side, &own)
					: check_oracle_new(&k->side, &own);
}

static int prepare(struct in_kernel *k, const char *kind, const struct check_side_setup *setup,
		   const struct packet_list *packets)
{
	int err = open_side(k, kind, setup);

	if (err)
		return err;
	err = set_target(k, host_test_program_fd(k->side->test, setup->bundle->program));
	if (!err)
		err = warm_up(k, packets);
	if (!err)
		err = complete_tickets(k);
	if (err)
		diag_error(setup->diag, NO_LOC, "cannot measure %s of %s: %s", kind,
			   setup->bundle->source, strerror(-err));
	return err;
}

int contender_kernel_new(struct contender **c, struct drive *drive, const char *kind,
			 const struct check_side_setup *setup, const struct packet_list *packets)
{
	struct in_kernel *k = calloc(1, sizeof *k);
	int err;

	if (!k)
		return -ENOMEM;
	k->contender = (struct contender){.ops = &ops, .kind = kind, .in_kernel = true};
	k->drive = drive;
	if (setup)
		err = prepare(k, kind, setup, packets);
	else
		err = set_target(
		    k, bpf_program__fd(bpf_object__find_program_by_name(drive->object, "nothing")));
	if (err) {
		free_kernel(&k->contender);
		return err;
	}
	*c = &k->contender;
	return 0;
}
