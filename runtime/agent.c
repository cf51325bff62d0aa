#include "runtime/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "runtime/agent_maps.h"
#include "runtime/agent_pair.h"
#include "runtime/agent_tc.h"
#include "runtime/host_bpf.h"
#include "runtime/lock.h"
#include "runtime/verdict.h"
#include "support/arena.h"
#include "support/exit_codes.h"

enum {
	CHUNK_BYTES = 4096,
	CHUNK_BYTES_JUMBO = 16384,
	LINK_HEADER_BYTES = 18, /* Ethernet and a VLAN tag */
	TC_SETTLE_US = 5000,    /* for packets between user and the kernel part */
};

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Steps. Each returns an exit code and has reported when that is not 0. */

static int read_input(struct agent *agent)
{
	const char *init = agent->options->map_init;

	if (bundle_read(agent->options->bundle_path, &agent->bundle, &agent->diag))
		return EXIT_CLEAVE_INPUT;
	if (!init || !map_init_read(&agent->start_state, agent->bundle->arena, init, agent->bundle,
				    &agent->diag))
		return EXIT_CLEAVE_OK;
	bundle_free(&agent->bundle);
	return EXIT_CLEAVE_INPUT;
}

static void free_input(struct agent *agent)
{
	bundle_free(&agent->bundle);
}

static int load_user(struct agent *agent)
{
	if (!bundle_find(agent->bundle, BUNDLE_MEMBER_USER))
		return EXIT_CLEAVE_OK;
	if (user_part_open(&agent->user, agent->bundle, BUNDLE_MEMBER_USER, &agent->diag))
		return EXIT_CLEAVE_INPUT;
	agent->setup.user_main = user_part_find(agent->user, CLEAVE_USER_MAIN);
	if (agent->setup.user_main)
		return EXIT_CLEAVE_OK;
	diag_error(&agent->diag, NO_LOC, "the bundle's user part has no %s", CLEAVE_USER_MAIN);
	user_part_close(&agent->user);
	return EXIT_CLEAVE_INPUT;
}

static void unload_user(struct agent *agent)
{
	user_part_close(&agent->user);
}

static int find_interfaces(struct agent *agent)
{
	uint32_t ports = agent_count_ports(agent->first);

	for (uint32_t i = 0; i < agent->options->interface_count; i++) {
		struct agent_interface *it = &agent->interfaces[i];
		const char *name = agent->options->ifnames[i];
		int err = host_interface_read(name, &it->host);

		it->lock_fd = -1;
		if (err) {
			diag_error(&agent->diag, NO_LOC,
				   err == -ENODEV
				       ? "there is no interface `%s` in this network namespace "
					 "(ip link shows those there are)"
				       : "cannot read the interface `%s`",
				   name);
			return EXIT_CLEAVE_HOST;
		}
		if (!it->host.up)
			diag_warning(&agent->diag, NO_LOC, "%s is down (ip link set dev %s up)",
				     name, name);
		if (agent_is_tc(agent)) /* all packets come by one private pair */
			it->host.queues = 1;
		it->port_base = ports;
		ports += it->host.queues;
		agent->hosts[i] = agent->devices[i] = it->host;
		agent_name_interface(agent, i);
		agent->port_base[i] = it->port_base;
		agent->interface_count++;
	}
	if (ports <= PORTS_MAX)
		return EXIT_CLEAVE_OK;
	diag_error(&agent->diag, NO_LOC,
		   "the interfaces have %u receive queues, one agent serves %u: reduce them with "
		   "ethtool -L, or start an agent for each interface",
		   ports, PORTS_MAX);
	return EXIT_CLEAVE_HOST;
}

static int check_privilege(struct agent *agent)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	/* Kernels before 5.11 count maps, and all of them packet memory, as locked. */
	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0 && geteuid() != 0)
		diag_note(&agent->diag, NO_LOC, "cannot raise the limit on locked memory");
	return EXIT_CLEAVE_OK;
}

/* A kernel that lacks something would refuse the program with a word that says less. */
static int check_kernel(struct agent *agent)
{
	const struct bundle *b = agent->bundle;
	unsigned major, minor, patch = 0;
	char features[512] = "";
	struct utsname host;
	size_t used = 0;

	if (uname(&host) || sscanf(host.release, "%u.%u.%u", &major, &minor, &patch) < 2 ||
	    (major << 16 | minor << 8 | (patch < 255 ? patch : 255)) >= b->min_kernel)
		return EXIT_CLEAVE_OK;
	for (size_t i = 0; i < b->kernel_feature_count && used < sizeof features; i++)
		used += (size_t)snprintf(features + used, sizeof features - used, "%s%s",
					 i ? ", " : "", b->kernel_features[i]);
	diag_error(
	    &agent->diag, NO_LOC,
	    "the bundle needs Linux %u.%u (%s) and this is %s: run it on a younger kernel, or "
	    "build it with --target for this one, so that user does what the kernel lacks",
	    b->min_kernel >> 16, b->min_kernel >> 8 & 0xff, features, host.release);
	return EXIT_CLEAVE_HOST;
}

static void release_locks(struct agent *agent)
{
	for (uint32_t i = 0; i < agent->interface_count; i++) {
		lock_release(agent->interfaces[i].lock_fd, agent->names[i]);
		agent->interfaces[i].lock_fd = -1;
	}
}

static void report_lock(struct agent *agent, const char *ifname, int err, pid_t owner)
{
	if (err == -EBUSY && owner == getpid())
		diag_error(&agent->diag, NO_LOC, "%s is named twice", ifname);
	else if (err == -EBUSY)
		diag_error(&agent->diag, NO_LOC,
			   "another agent (process %d) runs on %s: stop it first, or see "
			   "`cleaved status %s`",
			   owner, ifname, ifname);
	else
		diag_error(&agent->diag, NO_LOC, "cannot take the lock of %s under %s: %s%s",
			   ifname, RUN_FOLDER, strerror(-err),
			   err == -EACCES || err == -EPERM ? " (run as root)" : "");
}

static int take_locks(struct agent *agent)
{
	for (uint32_t i = 0; i < agent->interface_count; i++) {
		struct agent_interface *it = &agent->interfaces[i];
		pid_t owner;

		it->lock_fd = lock_take(it->lock_name, &owner);
		if (it->lock_fd >= 0)
			continue;
		report_lock(agent, it->lock_name, it->lock_fd, owner);
		it->lock_fd = -1;
		release_locks(agent);
		return EXIT_CLEAVE_HOST;
	}
	return EXIT_CLEAVE_OK;
}

/* The globals of --map-init as the loader wants them, in the bundle's arena. */
static void list_globals(struct agent *agent, struct kernel_load *load)
{
	const struct map_init *init = &agent->start_state;
	struct kernel_global *globals =
	    arena_array(agent->bundle->arena, init->global_count + 1, sizeof *globals);

	for (size_t i = 0; i < init->global_count; i++) {
		const struct bundle_global *g = &agent->bundle->globals[init->globals[i].global];

		globals[i] = (struct kernel_global){g->section, g->name, init->globals[i].bytes,
						    init->globals[i].size};
	}
	load->globals = globals;
	load->global_count = (uint32_t)init->global_count;
}

static int check_interfaces_free(struct agent *agent)
{
	for (uint32_t i = 0; i < agent->interface_count; i++)
		if (kernel_part_check_free(agent->kernel, i, agent->options->force, &agent->diag))
			return EXIT_CLEAVE_HOST;
	return EXIT_CLEAVE_OK;
}

static int load_kernel(struct agent *agent)
{
	struct kernel_load load = {
	    .pin_folder = agent->options->pin_folder,
	    .bundle = agent->bundle,
	    .interfaces = agent->hosts,
	    .names = agent->names,
	    .ways = agent->user && agent_is_tc(agent) ? agent->ways : NULL,
	    .egress = agent_is_egress(agent),
	    .shared = agent->first ? agent->first->kernel : NULL,
	    .port_base = agent->port_base,
	    .interface_count = agent->interface_count,
	    .gone_action = agent->options->gone_action,
	    .count = agent->options->count,
	};
	int err;

	list_globals(agent, &load);
	err = kernel_part_load(&agent->kernel, &load, &agent->diag);
	if (err)
		return err == -EBADMSG ? EXIT_CLEAVE_INPUT : EXIT_CLEAVE_HOST;
	err = check_interfaces_free(agent);
	if (!err)
		err = agent_choose_workers(agent);
	if (err)
		kernel_part_free(&agent->kernel);
	return err;
}

static void unload_kernel(struct agent *agent)
{
	kernel_part_free(&agent->kernel);
}

static void close_ways_to_stack(struct agent *agent)
{
	if (agent->setup.pass_program >= 0)
		close(agent->setup.pass_program);
	agent->setup.pass_program = -1;
	for (uint32_t i = 0; i < agent->interface_count; i++)
		pass_close(&agent->interfaces[i].pass);
}

static int open_ways_to_stack(struct agent *agent)
{
	bool passes = agent->user && !agent_is_tc(agent);

	agent->setup.pass_program = passes ? host_pass_program() : -1;
	for (uint32_t i = 0; passes && i < agent->interface_count; i++)
		if (pass_open(&agent->interfaces[i].pass, &agent->hosts[i], agent->worker_count,
			      &agent->diag)) {
			close_ways_to_stack(agent);
			return EXIT_CLEAVE_HOST;
		}
	return EXIT_CLEAVE_OK;
}

static void choose_chunk(struct agent *agent)
{
	agent->chunk_bytes = CHUNK_BYTES;
	for (uint32_t i = 0; i < agent->interface_count; i++)
		if (agent->devices[i].mtu + LINK_HEADER_BYTES > CHUNK_BYTES - IO_HEADROOM)
			agent->chunk_bytes = CHUNK_BYTES_JUMBO;
}

static int prepare_workers(struct agent *agent)
{
	agent->workers = calloc(agent->worker_count + 1, sizeof *agent->workers);
	if (!agent->workers)
		return EXIT_CLEAVE_HOST;
	choose_chunk(agent);
	agent->setup.bundle = agent->bundle;
	agent->setup.interfaces = agent->devices;
	agent->setup.tc = agent_is_tc(agent);
	agent->setup.port_base = agent->port_base;
	agent->setup.interface_count = agent->interface_count;
	agent->setup.worker_count = agent->worker_count;
	agent->setup.generation = kernel_part_generation(agent->kernel);
	agent->setup.order = agent_order(agent);
	agent->setup.epochs = agent->first ? &agent->first->epochs : &agent->epochs;
	agent->setup.worker_base = agent->first ? agent->first->worker_count : 0;
	if (agent->bundle->strict && !agent->options->relaxed)
		agent->setup.after_count = agent->bundle->ordered_maps;
	agent->setup.map_fds = agent_maps_fds(agent->maps);
	if (!agent->first)
		order_begin(agent->setup.order, &agent->epochs,
			    agent->worker_count +
				(agent->second ? agent->second->worker_count : 0));
	for (uint32_t w = 0; w < agent->worker_count; w++) {
		worker_init(&agent->workers[w], &agent->setup, w);
		agent->workers[w].env = agent_maps_env(agent->maps, w);
		agent->workers[w].cpu = agent_worker_cpu(agent->setup.worker_base + w);
	}
	return EXIT_CLEAVE_OK;
}

static void free_workers(struct agent *agent)
{
	free(agent->workers);
	agent->workers = NULL;
}

static void close_sockets(struct agent *agent)
{
	for (uint32_t w = 0; w < agent->worker_count; w++)
		worker_close(&agent->workers[w]);
}

static int open_sockets_once(struct agent *agent, enum io_copy copy, const char **failed)
{
	const char *devices[PORTS_MAX] = {NULL};
	int err = 0;

	for (uint32_t i = 0; i < agent->interface_count; i++)
		devices[i] =
		    agent->interfaces[i].pass ? pass_device(agent->interfaces[i].pass) : NULL;
	for (uint32_t w = 0; w < agent->worker_count && !err; w++)
		err = worker_open(&agent->workers[w], copy, agent->chunk_bytes, devices, failed);
	if (err)
		close_sockets(agent);
	return err;
}

static int open_sockets(struct agent *agent, enum io_copy copy)
{
	const char *failed = "";
	int err = open_sockets_once(agent, copy, &failed);

	if (err && agent->chunk_bytes > CHUNK_BYTES) {
		diag_warning(&agent->diag, NO_LOC,
			     "no huge pages for jumbo frames: those above %u bytes that need user "
			     "are lost (sysctl vm.nr_hugepages=%u gives %u workers enough)",
			     CHUNK_BYTES - IO_HEADROOM, 128 * agent->worker_count,
			     agent->worker_count);
		agent->chunk_bytes = CHUNK_BYTES;
		err = open_sockets_once(agent, copy, &failed);
	}
	if (err)
		diag_error(&agent->diag, NO_LOC, "cannot open AF_XDP sockets on %s: %s%s", failed,
			   strerror(-err),
			   err == -EBUSY   ? " (another process has its queue)"
			   : err == -EPERM ? " (run as root, or grant CAP_NET_RAW and CAP_IPC_LOCK)"
			   : err == -EOPNOTSUPP && copy == IO_COPY_NO
			       ? " (the driver has no zero copy; leave --zero-copy out)"
			       : "");
	return err;
}

static int fill_socket_map(struct agent *agent)
{
	int fd = kernel_part_map_fd(agent->kernel, CLEAVE_MAP_XSKS), err = 0;

	for (uint32_t w = 0; w < agent->worker_count; w++)
		for (uint32_t p = 0; p < agent->workers[w].port_count && !err; p++)
			err = io_enter_map(agent->workers[w].ports[p].sock, fd,
					   agent->workers[w].ports[p].order.port);
	if (err)
		diag_error(&agent->diag, NO_LOC, "cannot enter a socket into the map `%s`: %s",
			   CLEAVE_MAP_XSKS, strerror(-err));
	return err;
}

static int start_workers(struct agent *agent)
{
	int err = 0;

	agent->setup.goal = WORKER_RUN;
	for (uint32_t w = 0; w < agent->worker_count && !err; w++)
		err = worker_start(&agent->workers[w]);
	if (err)
		diag_error(&agent->diag, NO_LOC, "cannot start a worker: %s", strerror(-err));
	return err;
}

static void add_drops(const struct agent *agent, struct counters *counters)
{
	for (uint32_t w = 0; agent->workers && w < agent->worker_count; w++)
		for (uint32_t p = 0; p < agent->workers[w].port_count; p++) {
			struct io_drops drops;

			if (io_read_drops(agent->workers[w].ports[p].sock, &drops) == 0)
				counters_add_drops(counters, &drops);
		}
}

static void stop_workers(struct agent *agent)
{
	__atomic_store_n(&agent->setup.goal, WORKER_DRAIN, __ATOMIC_RELEASE);
	for (uint32_t w = 0; w < agent->worker_count; w++)
		worker_join(&agent->workers[w]);
}

static void detach_all(struct agent *agent)
{
	for (uint32_t i = 0; i < agent->interface_count; i++)
		if (agent->interfaces[i].attached)
			kernel_part_detach(agent->kernel, i);
}

/*
 * First no new packets, then the ones in flight. What user decides of a TC program's packet, the
 * kernel part has still to do: it goes last, and until then is told that user is gone.
 */
static void drain(struct agent *agent)
{
	if (agent_is_tc(agent))
		kernel_part_close_way(agent->kernel);
	else
		detach_all(agent);
	stop_workers(agent);
	if (agent_is_tc(agent))
		usleep(TC_SETTLE_US);
	detach_all(agent);
}

/* Then the sockets. */
static void stop_traffic(struct agent *agent)
{
	drain(agent);
	for (uint32_t i = 0; i < agent->interface_count; i++)
		agent->interfaces[i].attached = false;
	close_sockets(agent);
}

/* Sockets are in the map and workers run before the first packet can be handed over. */
static int try_traffic(struct agent *agent, enum attach_mode mode, enum io_copy copy)
{
	int err = 0;

	for (uint32_t i = 0; mode == ATTACH_GENERIC && i < agent->interface_count && !err; i++)
		if (agent->interfaces[i].pass)
			err = pass_avoid_generic(agent->interfaces[i].pass, &agent->diag);
	if (mode == ATTACH_GENERIC && agent->setup.pass_program >= 0) {
		/* the interface's program would run on such a packet again */
		close(agent->setup.pass_program);
		agent->setup.pass_program = -1;
	}
	if (!err)
		err = open_sockets(agent, copy);
	if (err)
		return err;
	err = fill_socket_map(agent);
	if (!err)
		err = start_workers(agent);
	for (uint32_t i = 0; i < agent->interface_count && !err; i++) {
		err =
		    kernel_part_attach(agent->kernel, i, mode, agent->options->force, &agent->diag);
		agent->interfaces[i].attached = !err;
	}
	if (err)
		stop_traffic(agent);
	return err;
}

/*
 * A driver that cannot run XDP natively (or not with this MTU) gets generic mode, and sockets
 * opened anew for it: a socket bound for the driver's zero copy does not work with generic XDP.
 */
static int start_traffic(struct agent *agent)
{
	enum attach_mode mode = agent->options->mode;
	enum io_copy copy = mode == ATTACH_GENERIC ? IO_COPY_YES : agent->options->copy;
	unsigned errors = agent->diag.errors;
	int err = try_traffic(agent, mode, copy);

	if (err && mode == ATTACH_AUTO && agent->diag.errors == errors) {
		diag_warning(&agent->diag, NO_LOC,
			     "native XDP is refused (%s); generic mode instead, which is slower",
			     strerror(-err));
		err = try_traffic(agent, ATTACH_GENERIC, IO_COPY_YES);
	}
	agent->started_ns = read_clock();
	return err ? EXIT_CLEAVE_HOST : EXIT_CLEAVE_OK;
}

static const struct step {
	int (*start)(struct agent *agent);
	void (*undo)(struct agent *agent);
} steps[] = {
    {read_input, free_input},
    {agent_join_second, agent_leave_second},
    {load_user, unload_user},
    {find_interfaces, NULL},
    {check_kernel, NULL},
    {check_privilege, NULL},
    {take_locks, release_locks},
    {agent_open_tc_ways, agent_close_tc_ways},
    {load_kernel, unload_kernel},
    {agent_maps_new, agent_maps_free},
    {open_ways_to_stack, close_ways_to_stack},
    {prepare_workers, free_workers},
    {start_traffic, stop_traffic},
};

enum { STEPS = sizeof steps / sizeof steps[0] };

static void undo_step(const struct step *step, struct agent *agent)
{
	if (step->undo && agent->second && step->start != agent_join_second)
		step->undo(agent->second);
	if (step->undo)
		step->undo(agent);
}

static void undo_steps(struct agent *agent)
{
	while (agent->steps_done > 0)
		undo_step(&steps[--agent->steps_done], agent);
}

/* Both programs of a pair, the first one first. */
static int start_step(const struct step *step, struct agent *agent)
{
	int code = step->start(agent);

	if (code != EXIT_CLEAVE_OK || !agent->second)
		return code;
	code = step->start(agent->second);
	if (code != EXIT_CLEAVE_OK && step->undo)
		step->undo(agent);
	return code;
}

int agent_start(struct agent *agent, const struct agent_options *options)
{
	memset(agent, 0, sizeof *agent);
	agent->options = options;
	agent->diag = (struct diag){.out = stderr, .prog = "cleaved"};
	while (agent->steps_done < STEPS) {
		int code = start_step(&steps[agent->steps_done], agent);

		if (code != EXIT_CLEAVE_OK) {
			undo_steps(agent);
			return code;
		}
		agent->steps_done++;
	}
	return EXIT_CLEAVE_OK;
}

void agent_counters(const struct agent *agent, struct counters *counters)
{
	memset(counters, 0, sizeof *counters);
	counters->kernel_verdicts = agent->options->count;
	kernel_part_counters(agent->kernel, &counters->kernel);
	for (uint32_t w = 0; w < agent->worker_count; w++)
		counters_add_worker(counters, &agent->workers[w].counters);
	add_drops(agent, counters);
}

void agent_quiesce(struct agent *agent)
{
	drain(agent);
	if (agent->second)
		drain(agent->second);
}

void agent_stop(struct agent *agent)
{
	undo_steps(agent);
}

bool agent_has_interface(const struct agent *agent)
{
	for (uint32_t i = 0; i < agent->interface_count; i++) {
		char name[IF_NAMESIZE];

		if (if_indextoname(agent->hosts[i].ifindex, name))
			return true;
	}
	return false;
}
