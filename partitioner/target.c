/*
 * Targets: what a host costs. The built-in one describes Linux 6.18 with veth and AF_XDP in copy
 * mode, measured; a file overrides any part of it. docs/partitioning.md lists the fields.
 */
#include "partitioner/plan.h"

#include <errno.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <math.h>
#include <string.h>

#include "partitioner/target_json.h"
#include "support/arena.h"
#include "support/limits.h"
#include "verifier_model/verifier_model.h"

enum { KERNEL = IR_LAYER_KERNEL, USER = IR_LAYER_USER };

static void set_op(struct target *t, enum ir_op_kind kind, double kernel_ns, double user_ns)
{
	t->op_ns[kind][KERNEL] = kernel_ns;
	t->op_ns[kind][USER] = user_ns;
}

/* ns of a look-up, an update and a delete where the map is at home. */
static void set_map(struct target *t, uint32_t type, const double kernel_ns[3],
		    const double user_ns[3])
{
	for (int i = 0; i < 3; i++) {
		t->map_ns[type][i][KERNEL] = kernel_ns[i];
		t->map_ns[type][i][USER] = user_ns[i];
	}
}

static void set_maps(struct target *t)
{
	static const struct {
		uint32_t type;
		double kernel_ns[3], user_ns[3];
	} rows[] = {
	    {BPF_MAP_TYPE_ARRAY, {3.9, 10, 10}, {2, 3, 3}},
	    {BPF_MAP_TYPE_PERCPU_ARRAY, {3.9, 10, 10}, {2, 3, 3}},
	    {BPF_MAP_TYPE_HASH, {18.8, 60, 55}, {20, 40, 35}},
	    {BPF_MAP_TYPE_PERCPU_HASH, {18.8, 60, 55}, {20, 40, 35}},
	    {BPF_MAP_TYPE_LRU_HASH, {19.2, 80, 60}, {22, 45, 40}},
	    {BPF_MAP_TYPE_LRU_PERCPU_HASH, {19.2, 80, 60}, {22, 45, 40}},
	    {BPF_MAP_TYPE_LPM_TRIE, {45, 150, 150}, {35, 120, 120}},
	    {BPF_MAP_TYPE_DEVMAP, {4, 0, 0}, {4, 0, 0}},
	    {BPF_MAP_TYPE_DEVMAP_HASH, {15, 0, 0}, {15, 0, 0}},
	    {BPF_MAP_TYPE_CPUMAP, {4, 0, 0}, {4, 0, 0}},
	    {BPF_MAP_TYPE_XSKMAP, {4, 0, 0}, {4, 0, 0}},
	};

	for (uint32_t type = 0; type < 64; type++)
		set_map(t, type, (const double[3]){20, 60, 60}, (const double[3]){20, 60, 60});
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		set_map(t, rows[i].type, rows[i].kernel_ns, rows[i].user_ns);
}

static void set_ops(struct target *t)
{
	set_op(t, IR_OP_PKT_READ, 0.5, 0.5);
	set_op(t, IR_OP_PKT_WRITE, 0.5, 0.5);
	set_op(t, IR_OP_PKT_RESIZE, 5, 2);
	set_op(t, IR_OP_PKT_COPY_OUT, 8, 3);
	set_op(t, IR_OP_PKT_COPY_IN, 8, 3);
	set_op(t, IR_OP_MAP_READ, 0.5, 0.5);
	set_op(t, IR_OP_MAP_WRITE, 0.5, 0.5);
	set_op(t, IR_OP_MAP_ADD, 5, 5);
	set_op(t, IR_OP_GLOBAL_READ, 0.5, 0.5);
	set_op(t, IR_OP_GLOBAL_WRITE, 0.5, 0.5);
	set_op(t, IR_OP_GLOBAL_ADD, 5, 5);
	set_op(t, IR_OP_HELPER, 30, 30);
	set_op(t, IR_OP_ROUTE, 120, 1000);
	set_op(t, IR_OP_CLOCK, 20, 20);
	set_op(t, IR_OP_CHECKSUM, 10, 5);
	set_op(t, IR_OP_PKT_CHECKSUM, 10, 5);
	set_op(t, IR_OP_CTX_WRITE, 0.5, 0.5);
	set_op(t, IR_OP_SKB_STATE, 50, 50);
	set_op(t, IR_OP_REDIRECT, 10, 5);
	set_op(t, IR_OP_OUTPUT, 60, 0);
	set_op(t, IR_OP_TRACE, 500, 500);
	set_op(t, IR_OP_LIBRARY, 50, 50);
	set_op(t, IR_OP_FLOAT, 1, 1);
	set_op(t, IR_OP_STACK, 0, 0);
}

/* Figures of Linux 6.18 on veth, AF_XDP in copy mode, bursts of 64. */
static void set_builtin(struct target *t)
{
	*t = (struct target){
	    .name = "Linux 6.18, veth",
	    .layers = 1 << IR_LAYER_KERNEL | 1 << IR_LAYER_USER,
	    .handoff_bytes_max = HANDOFF_BYTES_MAX,
	    .kernel_version = VERIFIER_VERSION(6, 18),
	    .instruction_ns = {[KERNEL] = 0.35, [USER] = 0.25},
	    .shared_value_ns = {500, 760, 670},
	    .kernel_shared_value_ns = {4, 45, 5},
	    .bpf_call_ns = 600,
	    .batched_add_ns = 15,
	    .handoff_ns = 400,
	    .handoff_byte_ns = 0.15,
	    .verdict_ns = {[XDP_ABORTED] = 5,
			   [XDP_DROP] = 5,
			   [XDP_PASS] = 2700,
			   [XDP_TX] = 150,
			   [XDP_REDIRECT] = 150},
	    .loop_trips = 10,
	};
	set_ops(t);
	set_maps(t);
}

/* A file that describes something impossible is at fault, whichever field says so. */
static const char *find_nonsense(const struct target *t)
{
	if (!(t->layers & 1 << IR_LAYER_USER) && !(t->layers & 1 << IR_LAYER_KERNEL))
		return "a target needs the kernel or the user layer";
	if (t->handoff_bytes_max < 8 || t->handoff_bytes_max > 252)
		return "handoff_bytes_max must be 8 to 252";
	if (!t->kernel_version)
		return "kernel must be a version such as \"6.18\"";
	return NULL;
}

int target_read(struct arena *arena, const char *path, struct target *target, struct diag *diag)
{
	json_error_t error;
	const char *wrong;

	set_builtin(target);
	if (!path)
		return 0;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	struct src_loc loc = {path, error.line > 0 ? (unsigned)error.line : 0,
			      error.column > 0 ? (unsigned)error.column : 0};

	if (!root) {
		diag_error(diag, loc, "%s", error.text);
		return json_error_code(&error) == json_error_cannot_open_file ? -ENOENT : -EINVAL;
	}
	wrong = target_apply_json(arena, root, target);
	json_decref(root);
	if (!wrong)
		wrong = find_nonsense(target);
	if (!wrong)
		return 0;
	diag_error(diag, (struct src_loc){path, 1, 1}, "%s", wrong);
	return -EINVAL;
}
