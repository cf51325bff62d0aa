#include "runtime/worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "runtime/env.h"
#include "runtime/verdict.h"
#include "runtime/verdict_tc.h"

enum {
	IDLE_ROUNDS = 64, /* empty rounds before the worker sleeps */
	SLEEP_MS = 10,    /* ORDER_SILENCE_NS must be noticed */
	DRAIN_NS = 20 * 1000 * 1000,
	ETHERNET_BYTES = 14,
};

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void worker_init(struct worker *worker, const struct worker_setup *setup, uint32_t index)
{
	memset(worker, 0, sizeof *worker);
	worker->setup = setup;
	worker->index = index;
	worker->cpu = -1;
	frame_format_init(&worker->format, setup->bundle, setup->generation);
}

static void add_own_target(struct worker *worker, const struct worker_port *port)
{
	const struct host_interface *interface = &worker->setup->interfaces[port->interface];

	for (uint32_t i = 0; i < worker->target_count; i++)
		if (worker->targets[i].ifindex == interface->ifindex)
			return;
	if (port->queue < interface->transmit_queues)
		worker->targets[worker->target_count++] = (struct worker_target){
		    .ifindex = interface->ifindex, .sock = port->sock, .packet_fd = -1};
}

static int open_port(struct worker *worker, uint32_t interface, uint32_t queue, enum io_copy copy)
{
	const struct worker_setup *setup = worker->setup;
	struct worker_port *port = &worker->ports[worker->port_count];
	uint32_t number = setup->port_base[interface] + queue;
	struct io_options options = {.ifname = setup->interfaces[interface].name,
				     .queue = queue,
				     .receive = true,
				     .copy = copy};
	int err;

	memset(port, 0, sizeof *port);
	err = io_open(worker->area, &options, &port->sock);
	if (err)
		return err;
	port->interface = interface;
	port->queue = queue;
	port->order.port = number;
	if (setup->order)
		port->order.run = port->order.published = setup->order->done[number];
	worker->port_of[number] = &port->order;
	worker->port_count++;
	add_own_target(worker, port);
	return 0;
}

static int open_ports(struct worker *worker, enum io_copy copy, const char **failed)
{
	const struct worker_setup *setup = worker->setup;
	int err = 0;

	for (uint32_t i = 0; i < setup->interface_count && !err; i++) {
		*failed = setup->interfaces[i].name;
		for (uint32_t q = worker->index; q < setup->interfaces[i].queues && !err;
		     q += setup->worker_count)
			err = open_port(worker, i, q, copy);
	}
	return err;
}

static int open_ways_to_stack(struct worker *worker, const char *const *devices,
			      const char **failed)
{
	int err = 0;

	for (uint32_t i = 0; i < worker->setup->interface_count && !err; i++) {
		struct io_options options = {
		    .ifname = devices[i], .queue = worker->index, .copy = IO_COPY_YES};

		if (!devices[i])
			continue;
		*failed = devices[i];
		err = io_open(worker->area, &options, &worker->stack[i]);
	}
	return err;
}

static uint32_t count_frames(const struct worker *worker)
{
	const struct worker_setup *setup = worker->setup;
	uint32_t ports = 0;

	for (uint32_t i = 0; i < setup->interface_count; i++)
		for (uint32_t q = worker->index; q < setup->interfaces[i].queues;
		     q += setup->worker_count)
			ports++;
	return ports * IO_FRAMES_PER_PORT + setup->interface_count * IO_FRAMES_PER_SENDER;
}

int worker_open(struct worker *worker, enum io_copy copy, uint32_t chunk_bytes,
		const char *const *pass_devices, const char **failed)
{
	int err = io_area_new(&worker->area, count_frames(worker), chunk_bytes);

	*failed = "packet memory";
	if (err)
		return err;
	err = open_ports(worker, copy, failed);
	if (!err)
		err = open_ways_to_stack(worker, pass_devices, failed);
	if (err)
		worker_close(worker);
	return err;
}

void worker_close(struct worker *worker)
{
	verdict_close(worker);
	for (uint32_t i = 0; i < PORTS_MAX; i++)
		io_close(&worker->stack[i]);
	while (worker->port_count > 0)
		io_close(&worker->ports[--worker->port_count].sock);
	memset(worker->port_of, 0, sizeof worker->port_of);
	io_area_free(&worker->area);
}

static bool find_handoff(const struct worker *worker, struct io_frame frame,
			 struct frame_handoff *handoff)
{
	return frame_handoff_find(&worker->format, io_area_bytes(worker->area) + frame.addr,
				  frame.addr & (io_area_chunk(worker->area) - 1), handoff);
}

/* Where the ticket lies, at any alignment; the manifest's reader saw to it that there is room. */
static const uint8_t *ticket_of(const struct worker *worker, const struct frame_handoff *handoff)
{
	const struct worker_setup *setup = worker->setup;

	if (!setup->order || !setup->bundle->strict || !setup->bundle->ordered_maps)
		return NULL;
	return handoff->bytes;
}

/* May the packet run now? If it waits for too long, what it waits for is lost. */
static bool is_ready(struct worker *worker, struct worker_port *port,
		     const struct frame_handoff *handoff)
{
	const uint8_t *ticket = ticket_of(worker, handoff);
	uint64_t number;

	if (!ticket)
		return true;
	memcpy(&number, ticket, sizeof number);
	count_more(&worker->counters.lost_tickets, order_note_next(&port->order, number));
	if (order_is_ready(worker->setup->order, worker->port_of, ticket,
			   worker->setup->after_count)) {
		port->blocked_since_ns = 0;
		return true;
	}
	if (!port->blocked_since_ns) {
		port->blocked_since_ns = worker->now_ns;
		count(&worker->counters.waited);
		return false;
	}
	if (worker->now_ns - port->blocked_since_ns < ORDER_WAIT_NS)
		return false;
	count(&worker->counters.wait_timeouts);
	port->blocked_since_ns = 0;
	return true;
}

/* What a TC program sees beside the bytes: it stands before the handoff's header. */
static void take_skb(struct worker *worker, struct cleave_packet *packet, uint32_t length)
{
	size_t tail = sizeof worker->skb + sizeof(struct cleave_handoff);

	memcpy(&worker->skb, worker->handoff + length - tail, sizeof worker->skb);
	packet->skb = &worker->skb;
	packet->end = packet->data_end;
	packet->network = ETHERNET_BYTES;
	if (worker->skb.linear < (uint64_t)(packet->end - packet->data))
		packet->data_end = packet->data + worker->skb.linear;
}

static void run_packet(struct worker *worker, struct worker_port *port, struct io_frame frame,
		       const struct frame_handoff *handoff)
{
	uint8_t *data = io_area_bytes(worker->area) + frame.addr;
	uint64_t inside = frame.addr & (io_area_chunk(worker->area) - 1);
	const uint8_t *ticket = ticket_of(worker, handoff);
	uint64_t number = 0;
	struct cleave_packet packet = {
	    .data = data,
	    .data_end = data + frame.length,
	    .data_meta = data - handoff->own,
	    .head = data - inside,
	    .limit = data - inside + io_area_chunk(worker->area),
	    .handoff = worker->handoff,
	    .env = worker->env,
	    .entry = handoff->entry,
	    .ingress_ifindex = worker->setup->interfaces[port->interface].ifindex,
	    .rx_queue_index = port->queue,
	};

	if (ticket)
		memcpy(&number, ticket, sizeof number);
	frame_handoff_take(handoff, worker->handoff);
	count(&worker->counters.entry[handoff->entry]);
	if (worker->setup->tc) {
		take_skb(worker, &packet, handoff->length);
		verdict_apply_tc(worker, port, &packet, worker->setup->user_main(&packet));
	} else {
		verdict_apply(worker, port, &packet, worker->setup->user_main(&packet));
	}
	env_packet_end(worker->env);
	if (number)
		order_note_run(&port->order, number);
}

/* Runs what has arrived on a port, up to a burst or to the first packet that must wait. */
static uint32_t run_port(struct worker *worker, struct worker_port *port)
{
	uint32_t ran = 0;

	if (port->burst_at == port->burst_count) {
		port->burst_at = 0;
		port->burst_count = io_receive(port->sock, port->burst, IO_BURST);
		io_refill(port->sock);
	}
	for (; port->burst_at < port->burst_count; port->burst_at++, ran++) {
		struct io_frame frame = port->burst[port->burst_at];
		struct frame_handoff handoff;

		if (!find_handoff(worker, frame, &handoff)) {
			count(&worker->counters.loss[LOSS_HANDOFF]);
			if (!worker->setup->tc)
				count(&worker->counters.verdict[0]);
			io_recycle(worker->area, frame.addr);
		} else if (is_ready(worker, port, &handoff)) {
			run_packet(worker, port, frame, &handoff);
		} else {
			break;
		}
		count(&worker->counters.received);
		port->finished++;
	}
	return ran;
}

static bool has_waiting(const struct worker *worker)
{
	for (uint32_t i = 0; i < worker->port_count; i++)
		if (worker->ports[i].burst_at < worker->ports[i].burst_count)
			return true;
	return false;
}

/* Nothing of the time when the epoch began is left in the worker's rings and hands. */
static bool is_past_epoch(const struct worker *worker)
{
	for (uint32_t i = 0; i < worker->port_count; i++) {
		const struct worker_port *port = &worker->ports[i];

		if ((int32_t)(port->finished - port->epoch_snapshot) < 0)
			return false;
	}
	return true;
}

static void keep_epoch(struct worker *worker)
{
	const struct worker_setup *setup = worker->setup;
	uint64_t epoch = __atomic_load_n((uint64_t *)&setup->order->epoch, __ATOMIC_ACQUIRE);

	if (epoch != worker->epoch_seen) {
		worker->epoch_seen = epoch;
		for (uint32_t i = 0; i < worker->port_count; i++)
			worker->ports[i].epoch_snapshot = io_produced(worker->ports[i].sock);
	}
	if (is_past_epoch(worker))
		order_reach(setup->order, setup->epochs, setup->worker_base + worker->index, epoch,
			    worker->now_ns);
}

static void finish_burst(struct worker *worker)
{
	const struct worker_setup *setup = worker->setup;

	env_flush(worker->env);
	if (!verdict_kick_all(worker) || !setup->order)
		return;
	for (uint32_t i = 0; i < worker->port_count; i++) {
		struct worker_port *port = &worker->ports[i];
		uint64_t lost = 0;

		if (port->burst_at == port->burst_count &&
		    io_produced(port->sock) == port->finished)
			lost = order_note_silence(setup->order, &port->order, worker->now_ns);
		count_more(&worker->counters.lost_tickets, lost);
		order_publish(setup->order, &port->order);
	}
	keep_epoch(worker);
}

static uint32_t run_round(struct worker *worker)
{
	uint32_t ran = 0;

	worker->now_ns = read_clock();
	env_burst_begin(worker->env);
	for (uint32_t i = 0; i < worker->port_count; i++)
		ran += run_port(worker, &worker->ports[i]);
	finish_burst(worker);
	return ran;
}

static void sleep_until_packets(struct worker *worker)
{
	struct pollfd fds[PORTS_MAX];

	for (uint32_t i = 0; i < worker->port_count; i++) {
		io_refill(worker->ports[i].sock);
		fds[i] = (struct pollfd){.fd = io_fd(worker->ports[i].sock), .events = POLLIN};
	}
	poll(fds, worker->port_count, SLEEP_MS);
}

static void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *run_worker(void *context)
{
	struct worker *worker = context;
	uint32_t idle = 0;
	uint64_t last_work_ns = read_clock();

	pin_to_cpu(worker->cpu);
	for (;;) {
		enum worker_goal goal = __atomic_load_n(&worker->setup->goal, __ATOMIC_ACQUIRE);

		if (run_round(worker)) {
			idle = 0;
			last_work_ns = worker->now_ns;
			continue;
		}
		if (has_waiting(worker)) {
			sched_yield(); /* another worker has what we wait for */
			continue;
		}
		if (goal == WORKER_DRAIN && worker->now_ns - last_work_ns > DRAIN_NS)
			break;
		if (++idle > IDLE_ROUNDS)
			sleep_until_packets(worker);
	}
	env_flush(worker->env);
	return NULL;
}

int worker_start(struct worker *worker)
{
	sigset_t all, old;
	int err;

	/* Signals are the main thread's, but for those a fault of the user part raises. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&worker->thread, NULL, run_worker, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	worker->started = !err;
	return -err;
}

void worker_join(struct worker *worker)
{
	if (worker->started)
		pthread_join(worker->thread, NULL);
	worker->started = false;
}
