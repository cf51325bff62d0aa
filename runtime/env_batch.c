/*
 * What an environment puts off: effects that queue for the kernel part's batch program, and changes
 * to copies of kernel values. The program reads its list from one array per generation, so workers
 * take turns; each queues on its own and only the run is under the lock.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "runtime/env_state.h"
#include "runtime/host_bpf.h"
#include "runtime/map_ops.h"

int env_flush(struct cleave_env *env)
{
	struct env *e = env_state(env);
	struct batch_queue *batch = &e->set->batch;
	struct cleave_batch_args args = {.count = e->op_count};
	int err;

	if (!e->op_count)
		return 0;
	map_lock(&batch->lock);
	memcpy(batch->ops, e->ops, e->op_count * sizeof e->ops[0]);
	err = host_prog_run(batch->prog_fd, &args, sizeof args);
	map_unlock(&batch->lock);
	e->op_count = 0;
	return err;
}

void env_queue_add(struct env *e, const struct cleave_map *map, const void *key, uint32_t offset,
		   uint32_t size, uint64_t operand)
{
	struct cleave_batch_op *op;

	assert(map->key_size <= CLEAVE_BATCH_KEY_MAX);
	if (e->op_count == CLEAVE_BATCH_MAX)
		env_flush(&e->env);
	op = &e->ops[e->op_count++];
	op->map = map->index;
	op->kind = CLEAVE_BATCH_ADD;
	op->offset = offset;
	op->size = size;
	op->operand = operand;
	memcpy(op->key, key, map->key_size);
}

void env_burst_begin(struct cleave_env *env)
{
	env_state(env)->burst++;
}

void env_packet_end(struct cleave_env *env)
{
	struct env *e = env_state(env);

	for (uint32_t i = 0; i < e->copy_count; i++)
		if (e->copies[i].live)
			map_kernel_write_back(e, &e->copies[i]);
	e->copy_count = 0;
	e->pool_used = 0;
	if (e->record_pool)
		env_records_end(e);
	if (e->op_count > CLEAVE_BATCH_MAX - 32)
		env_flush(env);
}
