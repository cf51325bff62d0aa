/*
 * The kernel part: one instance of the bundle's object per interface, all maps shared but the
 * read-only data (which holds the interface's configuration).
 *
 *     kernel_part_load     load every instance; take over the maps a dead agent left pinned
 *     kernel_part_attach   make the interface run it: adopt the dead agent's link, or a new one
 *     kernel_part_detach   the interface runs nothing of ours any more; pins removed
 *
 * The attachment outlives the process on purpose, if bpffs is there: after a crash the kernel part
 * goes on deciding.
 */
#ifndef CLEAVE_RUNTIME_LAYER_XDP_H
#define CLEAVE_RUNTIME_LAYER_XDP_H

#include <stdbool.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "runtime/host_interface.h"

struct bpf_object;
struct diag;
struct kernel_part;
struct tc_way;

enum attach_mode { ATTACH_AUTO, ATTACH_NATIVE, ATTACH_GENERIC };

/* What a global variable starts with, instead of the source's value. */
struct kernel_global {
	const char *section, *name;
	const uint8_t *bytes;
	uint32_t size;
};

struct kernel_load {
	const struct bundle *bundle;
	const struct host_interface *interfaces;
	const char *const *names;         /* per interface: of its pins */
	const struct tc_way *const *ways; /* TC with cuts, per interface; else NULL */
	const struct kernel_part
	    *shared;               /* a pair's first program; outlives it. NULL: alone, or it */
	bool egress;               /* TC: the hook */
	const uint32_t *port_base; /* per interface */
	uint32_t interface_count;
	const struct kernel_global *globals;
	uint32_t global_count;
	uint32_t gone_action; /* XDP_DROP or XDP_PASS */
	bool count;
	const char
	    *pin_folder; /* of maps that are pinned by their names; NULL: the root of bpffs */
};

/* Returns 0 or a negative errno, reported: -EACCES/-EPERM privilege, -EINVAL the verifier's
 * refusal, ... */
int kernel_part_load(struct kernel_part **part, const struct kernel_load *load, struct diag *diag);
/* Of the first instance; the part's. */
struct bpf_object *kernel_part_object(const struct kernel_part *part);
/* Detaches nothing. */
void kernel_part_free(struct kernel_part **part);

/* Descriptors stay the part's. -1 when the object has no such map or program. */
int kernel_part_map_fd(const struct kernel_part *part, const char *name);
int kernel_part_program_fd(const struct kernel_part *part, const char *name);
/*
 * Address of a global variable as the loaded programs see it (read-only ones: as they were loaded),
 * or NULL. Valid as long as the part.
 */
uint8_t *kernel_part_global(struct kernel_part *part, const char *section, const char *name,
			    uint32_t size);
uint32_t kernel_part_generation(const struct kernel_part *part);
/* Were the maps of a dead agent taken over? */
bool kernel_part_adopted(const struct kernel_part *part);

/*
 * Returns 0; -EBUSY (reported) when the interface has a program already and force is not set;
 * -EOPNOTSUPP (not reported in ATTACH_AUTO) when the driver cannot run it natively; or another
 * negative errno, reported.
 */
int kernel_part_attach(struct kernel_part *part, uint32_t interface, enum attach_mode mode,
		       bool force, struct diag *diag);
/* -EBUSY, reported, when attaching without force would be refused. */
int kernel_part_check_free(struct kernel_part *part, uint32_t interface, bool force,
			   struct diag *diag);
void kernel_part_detach(struct kernel_part *part, uint32_t interface);
/* No packet is handed over from now on: what needs user gets the action for when user is gone. */
void kernel_part_close_way(struct kernel_part *part);
/*
 * "native", "generic" or "offload": what the driver really runs; of TC "tcx ingress" or "tcx
 * egress"; "none" when not attached.
 */
const char *kernel_part_mode(const struct kernel_part *part, uint32_t interface);
bool kernel_part_pinned(const struct kernel_part *part, uint32_t interface);

/* Sums the per-CPU counters. */
int kernel_part_counters(const struct kernel_part *part, struct cleave_kernel_counters *sum);
/* The order map's memory, or NULL; unmapped with the part. */
struct cleave_order *kernel_part_order(const struct kernel_part *part);

#endif
