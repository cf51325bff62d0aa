#include "runtime/verdict.h"

#include <errno.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "runtime/host_bpf.h"

enum { MAP_TARGET_NS = 10 * 1000 * 1000 };

static struct io_frame frame_of(struct worker *worker, const struct cleave_packet *packet)
{
	return (struct io_frame){(uint64_t)(packet->data - io_area_bytes(worker->area)),
				 (uint32_t)(packet->data_end - packet->data)};
}

static void drop(struct worker *worker, const struct cleave_packet *packet)
{
	io_recycle(worker->area, frame_of(worker, packet).addr);
}

static void lose(struct worker *worker, const struct cleave_packet *packet, enum loss why)
{
	count(&worker->counters.loss[why]);
	drop(worker, packet);
}

static void send_frame(struct worker *worker, struct io_sock *sock,
		       const struct cleave_packet *packet)
{
	if (!io_send(sock, frame_of(worker, packet)))
		lose(worker, packet, LOSS_RING_FULL);
}

static int open_packet_socket(uint32_t ifindex)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)ifindex};
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

/*
 * An interface none of our ports can send on: a TX-only socket on a queue, and where another worker
 * or process has that queue, a packet socket.
 */
static void open_target(struct worker *worker, struct worker_target *target)
{
	struct host_interface interface;
	char name[IF_NAMESIZE];
	struct io_options options = {.ifname = name, .copy = IO_COPY_YES};

	target->packet_fd = -1;
	if (!if_indextoname(target->ifindex, name) || host_interface_read(name, &interface) < 0)
		return;
	options.queue = worker->index % interface.transmit_queues;
	if (options.queue < interface.queues && io_open(worker->area, &options, &target->own) == 0)
		target->sock = target->own;
	else
		target->packet_fd = open_packet_socket(target->ifindex);
}

/* NULL: no room for another target. */
static struct worker_target *find_target(struct worker *worker, uint32_t ifindex)
{
	struct worker_target *target;

	for (uint32_t i = 0; i < worker->target_count; i++)
		if (worker->targets[i].ifindex == ifindex)
			return &worker->targets[i];
	if (worker->target_count == TARGETS_MAX)
		return NULL;
	target = &worker->targets[worker->target_count++];
	*target = (struct worker_target){.ifindex = ifindex, .packet_fd = -1};
	open_target(worker, target);
	return target;
}

static void send_by_packet_socket(struct worker *worker, int fd, const struct cleave_packet *packet)
{
	size_t length = (size_t)(packet->data_end - packet->data);

	if (send(fd, packet->data, length, MSG_DONTWAIT) < 0)
		count(&worker->counters.loss[LOSS_SEND]);
	drop(worker, packet);
}

static void send_to(struct worker *worker, uint32_t ifindex, const struct cleave_packet *packet)
{
	struct worker_target *target = find_target(worker, ifindex);

	if (target && target->sock)
		send_frame(worker, target->sock, packet);
	else if (target && target->packet_fd >= 0)
		send_by_packet_socket(worker, target->packet_fd, packet);
	else
		lose(worker, packet, LOSS_NO_TARGET);
}

/* The interface behind a devmap's key, or 0. */
static uint32_t read_map_target(struct worker *worker, uint32_t map, uint32_t key)
{
	struct map_target *cached = &worker->map_targets[(map * 31 + key) % MAP_TARGETS];
	struct bpf_devmap_val value = {0};

	if (cached->until_ns > worker->now_ns && cached->map == map && cached->key == key)
		return cached->ifindex;
	if (host_map_lookup(worker->setup->map_fds[map], &key, &value) < 0)
		value.ifindex = 0;
	*cached = (struct map_target){map, key, value.ifindex, worker->now_ns + MAP_TARGET_NS};
	return value.ifindex;
}

static void pass_with_metadata(struct worker *worker, struct worker_port *port,
			       const struct cleave_packet *packet)
{
	const struct worker_setup *setup = worker->setup;
	uint32_t ifindex = setup->interfaces[port->interface].ifindex;

	if (setup->pass_program < 0) {
		lose(worker, packet, LOSS_METADATA);
		return;
	}
	if (host_pass_packet(setup->pass_program, ifindex, packet->data_meta,
			     (uint32_t)(packet->data - packet->data_meta),
			     (uint32_t)(packet->data_end - packet->data)))
		count(&worker->counters.loss[LOSS_SEND]);
	drop(worker, packet);
}

static void pass(struct worker *worker, struct worker_port *port,
		 const struct cleave_packet *packet)
{
	struct io_sock *stack = worker->stack[port->interface];

	if (packet->data_meta != packet->data)
		pass_with_metadata(worker, port, packet);
	else if (stack)
		send_frame(worker, stack, packet);
	else
		lose(worker, packet, LOSS_NO_TARGET);
}

static void redirect_by_map(struct worker *worker, struct worker_port *port,
			    const struct cleave_packet *packet)
{
	const struct worker_setup *setup = worker->setup;
	uint32_t type, ifindex;

	if (packet->redirect_map >= setup->bundle->map_count) {
		lose(worker, packet, LOSS_TARGET_KIND);
		return;
	}
	type = setup->bundle->maps[packet->redirect_map].type;
	if (type == BPF_MAP_TYPE_CPUMAP) {
		pass(worker, port, packet); /* the stack, on a CPU of the kernel's choice */
		return;
	}
	if ((type != BPF_MAP_TYPE_DEVMAP && type != BPF_MAP_TYPE_DEVMAP_HASH) ||
	    packet->redirect_flags & BPF_F_BROADCAST) {
		lose(worker, packet, LOSS_TARGET_KIND);
		return;
	}
	ifindex = read_map_target(worker, packet->redirect_map, packet->redirect_target);
	if (ifindex)
		send_to(worker, ifindex, packet);
	else
		lose(worker, packet, LOSS_NO_TARGET);
}

static void redirect(struct worker *worker, struct worker_port *port,
		     const struct cleave_packet *packet)
{
	if (packet->redirect_kind == CLEAVE_REDIRECT_IFINDEX)
		send_to(worker, packet->redirect_target, packet);
	else if (packet->redirect_kind == CLEAVE_REDIRECT_MAP)
		redirect_by_map(worker, port, packet);
	else
		lose(worker, packet, LOSS_NO_TARGET);
}

void verdict_apply(struct worker *worker, struct worker_port *port, struct cleave_packet *packet,
		   uint32_t action)
{
	bool leaves = action == XDP_TX || action == XDP_REDIRECT || action == XDP_PASS;

	count(&worker->counters.verdict[action < ACTION_COUNT ? action : XDP_ABORTED]);
	if (leaves && packet->data_end - packet->data < ETH_HLEN)
		lose(worker, packet, LOSS_SHORT);
	else if (action == XDP_TX)
		send_to(worker, worker->setup->interfaces[port->interface].ifindex, packet);
	else if (action == XDP_REDIRECT)
		redirect(worker, port, packet);
	else if (action == XDP_PASS)
		pass(worker, port, packet);
	else if (action == XDP_DROP)
		drop(worker, packet);
	else
		lose(worker, packet, action == XDP_ABORTED ? LOSS_PROGRAM : LOSS_UNKNOWN_ACTION);
}

bool verdict_kick_all(struct worker *worker)
{
	bool visible = true;

	for (uint32_t i = 0; i < worker->port_count; i++)
		visible &= io_kick(worker->ports[i].sock);
	for (uint32_t i = 0; i < worker->setup->interface_count; i++)
		if (worker->stack[i])
			visible &= io_kick(worker->stack[i]);
	for (uint32_t i = 0; i < worker->target_count; i++)
		if (worker->targets[i].own)
			visible &= io_kick(worker->targets[i].own);
	return visible;
}

uint32_t verdict_in_flight(const struct worker *worker)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < worker->port_count; i++)
		sum += io_in_flight(worker->ports[i].sock);
	for (uint32_t i = 0; i < worker->setup->interface_count; i++)
		if (worker->stack[i])
			sum += io_in_flight(worker->stack[i]);
	for (uint32_t i = 0; i < worker->target_count; i++)
		if (worker->targets[i].own)
			sum += io_in_flight(worker->targets[i].own);
	return sum;
}

void verdict_close(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->target_count; i++) {
		io_close(&worker->targets[i].own);
		if (worker->targets[i].packet_fd >= 0)
			close(worker->targets[i].packet_fd);
	}
	worker->target_count = 0;
}
