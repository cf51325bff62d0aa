/*
 * The agent: one bundle running on one or more interfaces. Starting is a table of steps, each with
 * its undo; stopping runs the undos of the steps that were done, last first.
 */
#ifndef CLEAVE_RUNTIME_AGENT_H
#define CLEAVE_RUNTIME_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/counters.h"
#include "runtime/env.h"
#include "runtime/io_pass.h"
#include "runtime/io_tc.h"
#include "runtime/layer_xdp.h"
#include "runtime/map_init.h"
#include "runtime/worker.h"
#include "support/diag.h"

struct agent_options {
	const char *bundle_path;
	const char *ifnames[PORTS_MAX];
	uint32_t interface_count;
	uint32_t gone_action; /* XDP_DROP or XDP_PASS */
	enum attach_mode mode;
	enum io_copy copy;
	bool relaxed; /* ignore a strict bundle's order */
	bool force, count, json;
	const char *hook; /* TC: "ingress" or "egress"; NULL: as the section says */
	uint32_t workers; /* 0: as many as queues, at most one per CPU */
	const char *map_init, *pin_folder;
	double stats_interval_s; /* 0: none */
	double duration_s;       /* 0: until a signal */
};

struct agent_interface {
	struct host_interface host;
	uint32_t port_base;
	int lock_fd;
	struct pass_link *pass;
	struct tc_way *way;               /* TC with cuts */
	char lock_name[IF_NAMESIZE + 16]; /* "eth0", "eth0+egress" */
	bool attached;
};

/*
 * Of a pair there is one for each program: the one that agent_start is given, and `second`. They
 * take every step together, and have maps, tickets and epochs in common.
 */
struct agent {
	const struct agent_options *options;
	struct agent *first, *second; /* the other one of a pair, from either side; else NULL */
	struct diag diag;
	struct bundle *bundle;
	struct agent_interface interfaces[PORTS_MAX];
	uint32_t interface_count;
	/* The same again as workers and the kernel part want them. */
	struct host_interface hosts[PORTS_MAX];
	struct host_interface devices[PORTS_MAX]; /* where the sockets are: hosts, or far ends */
	const char *names[PORTS_MAX];             /* lock_name */
	const struct tc_way *ways[PORTS_MAX];
	uint32_t port_base[PORTS_MAX];
	struct user_part *user; /* NULL: everything is decided in the kernel */
	struct kernel_part *kernel;
	struct map_init start_state; /* --map-init, in the bundle's arena */
	struct agent_maps *maps;
	struct order_epochs epochs;
	struct worker_setup setup;
	struct worker *workers;
	uint32_t worker_count;
	uint32_t chunk_bytes;
	uint32_t steps_done;
	uint64_t started_ns;
};

/* Returns an exit code; not EXIT_CLEAVE_OK: reported and nothing left behind. */
int agent_start(struct agent *agent, const struct agent_options *options);
/* Takes the kernel parts off the interfaces and lets the workers complete what is in flight. */
void agent_quiesce(struct agent *agent);
/* Frees everything. */
void agent_stop(struct agent *agent);

void agent_counters(const struct agent *agent, struct counters *counters);
/* What orders packets, or NULL; valid until the kernel parts are freed. */
struct cleave_order *agent_order(const struct agent *agent);
/* The CPU a worker is pinned to; -1: none. Workers of a pair's second program come last. */
int agent_worker_cpu(uint32_t worker);
/* Is at least one of the interfaces still there? */
bool agent_has_interface(const struct agent *agent);

/* What `cleaved status` shows: a JSON object, a new reference. */
struct json_t *agent_status_json(const struct agent *agent, const struct counters *counters);
void agent_write_status(const struct agent *agent, const struct counters *counters);
void agent_remove_status(const struct agent *agent);
/* One line: what runs where and how. */
void agent_print_headline(const struct agent *agent, FILE *out);

#endif
