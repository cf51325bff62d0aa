/*
 * Does each helper take the map that it is given? The verifier would refuse it too
 * (check_map_func_compatibility), but without a line of the source, and user would not notice.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>
#include <linux/bpf.h>

#include "ir/helpers.h"
#include "support/arena.h"
#include "support/map_types.h"

/* The column of the table for a helper; 0: it is not listed. */
static unsigned op_of(int helper)
{
	static const struct {
		int helper;
		unsigned op;
	} ops[] = {
	    {BPF_FUNC_map_lookup_elem, MAP_OP_LOOKUP},
	    {BPF_FUNC_map_update_elem, MAP_OP_UPDATE},
	    {BPF_FUNC_map_delete_elem, MAP_OP_DELETE},
	    {BPF_FUNC_map_push_elem, MAP_OP_PUSH},
	    {BPF_FUNC_map_pop_elem, MAP_OP_POP},
	    {BPF_FUNC_map_peek_elem, MAP_OP_PEEK},
	    {BPF_FUNC_map_lookup_percpu_elem, MAP_OP_PERCPU},
	    {BPF_FUNC_for_each_map_elem, MAP_OP_EACH},
	    {BPF_FUNC_redirect_map, MAP_OP_REDIRECT},
	    {BPF_FUNC_perf_event_output, MAP_OP_OUTPUT},
	    {BPF_FUNC_ringbuf_output, MAP_OP_OUTPUT},
	    {BPF_FUNC_ringbuf_reserve, MAP_OP_OUTPUT},
	    {BPF_FUNC_ringbuf_query, MAP_OP_OUTPUT},
	    {BPF_FUNC_ringbuf_reserve_dynptr, MAP_OP_OUTPUT},
	    {BPF_FUNC_tail_call, MAP_OP_TAIL_CALL},
	};

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (ops[i].helper == helper)
			return ops[i].op;
	return 0;
}

static int check_call(struct ir_program *program, LLVMValueRef call, struct diag *diag)
{
	const char *name = llvm_intrinsic_name(call);
	const struct ir_helper *helper = name ? ir_helper_by_intrinsic(name) : NULL;
	unsigned op = helper ? op_of(helper->number) : 0;
	bool inner;
	int map = op ? llvm_call_map(program, call, &inner) : IR_NONE;
	const struct map_type_row *row;

	if (map == IR_NONE)
		return 0;
	row = map_type_find(inner ? program->maps[map].inner.type : program->maps[map].type);
	if (!row || row->ops & op)
		return 0;
	return frontend_refuse(program, diag, frontend_value_loc(program, call), IR_REASON_MAP_USE,
			       arena_printf(program->arena, "%s takes no %s (map %s)", helper->name,
					    row->title, program->maps[map].name));
}

int frontend_check_map_uses(struct ir_program *program, struct diag *diag)
{
	LLVMValueRef i = frontend_first_instruction(program->llvm->function);
	int err = 0;

	for (; i; i = frontend_next_instruction(i))
		if (LLVMIsACallInst(i))
			err = check_call(program, i, diag) ?: err;
	return err;
}
