/* Which actions a return can give. */
#include "ir/llvm_effects.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "support/arena.h"

enum { SEEN_MAX = 256, ACTIONS = TC_ACT_TRAP + 1, UNSPEC = ACTIONS };

struct actions {
	const struct ir_program *program;
	bool possible[ACTIONS + 1]; /* TC: and TC_ACT_UNSPEC */
	bool unknown;
	LLVMValueRef seen[SEEN_MAX];
	size_t seen_count;
};

static const char *const names[][ACTIONS + 1] = {
    [IR_PROGRAM_XDP] = {[XDP_ABORTED] = "ABORTED",
			[XDP_DROP] = "DROP",
			[XDP_PASS] = "PASS",
			[XDP_TX] = "TX",
			[XDP_REDIRECT] = "REDIRECT"},
    [IR_PROGRAM_TC] = {[TC_ACT_OK] = "OK",
		       [TC_ACT_RECLASSIFY] = "RECLASSIFY",
		       [TC_ACT_SHOT] = "SHOT",
		       [TC_ACT_PIPE] = "PIPE",
		       [TC_ACT_STOLEN] = "STOLEN",
		       [TC_ACT_QUEUED] = "QUEUED",
		       [TC_ACT_REPEAT] = "REPEAT",
		       [TC_ACT_REDIRECT] = "REDIRECT",
		       [TC_ACT_TRAP] = "TRAP",
		       [UNSPEC] = "UNSPEC"},
};

static void add_number(struct actions *out, uint64_t action)
{
	if (out->program->kind == IR_PROGRAM_TC && (uint32_t)action == (uint32_t)TC_ACT_UNSPEC)
		action = UNSPEC;
	if (action <= ACTIONS && names[out->program->kind][action])
		out->possible[action] = true;
	else
		out->unknown = true;
}

/* bpf_redirect_map gives the low bits of its flags when the map has no such entry. */
static void add_redirect_map(struct actions *out, LLVMValueRef call)
{
	uint64_t flags;

	out->possible[XDP_REDIRECT] = true;
	if (LLVMGetNumArgOperands(call) > 2 && effects_const(LLVMGetOperand(call, 2), &flags))
		add_number(out, flags & 3);
	else
		out->unknown = true;
}

static bool meet(struct actions *out, LLVMValueRef value)
{
	for (size_t i = 0; i < out->seen_count; i++)
		if (out->seen[i] == value)
			return false;
	if (out->seen_count == SEEN_MAX) {
		out->unknown = true;
		return false;
	}
	out->seen[out->seen_count++] = value;
	return true;
}

static void add_value(struct actions *out, LLVMValueRef value)
{
	const char *helper = effects_helper_name(value);
	uint64_t action;

	if (effects_const(value, &action)) {
		add_number(out, action);
	} else if (!LLVMIsAInstruction(value) || !meet(out, value)) {
		out->unknown |= !LLVMIsAInstruction(value);
	} else if (LLVMIsAPHINode(value)) {
		for (unsigned i = 0; i < LLVMCountIncoming(value); i++)
			add_value(out, LLVMGetIncomingValue(value, i));
	} else if (LLVMIsASelectInst(value)) {
		add_value(out, LLVMGetOperand(value, 1));
		add_value(out, LLVMGetOperand(value, 2));
	} else if (LLVMIsACastInst(value) || LLVMIsAFreezeInst(value)) {
		add_value(out, LLVMGetOperand(value, 0));
	} else if (helper && !strcmp(helper, "redirect_map")) {
		add_redirect_map(out, value);
	} else if (helper && !strncmp(helper, "redirect", 8)) {
		add_number(out, out->program->kind == IR_PROGRAM_TC ? (uint64_t)TC_ACT_REDIRECT
								    : (uint64_t)XDP_REDIRECT);
	} else {
		out->unknown = true;
	}
}

void effects_name_verdicts(struct effects *fx, struct ir_op *op)
{
	struct arena *arena = fx->program->arena;
	struct actions actions = {.program = fx->program};

	if (!LLVMIsAReturnInst(op->value) || !LLVMGetNumOperands(op->value)) {
		op->verdicts = "?";
		return;
	}
	add_value(&actions, LLVMGetOperand(op->value, 0));
	op->verdicts = NULL;
	for (unsigned a = 0; a <= ACTIONS; a++) {
		if (!actions.possible[a])
			continue;
		const char *name = names[fx->program->kind][a];

		op->verdicts =
		    op->verdicts ? arena_printf(arena, "%s|%s", op->verdicts, name) : name;
	}
	if (actions.unknown)
		op->verdicts = op->verdicts ? arena_printf(arena, "%s|?", op->verdicts) : "?";
}
