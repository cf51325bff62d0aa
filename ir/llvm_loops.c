/*
 * Loops: which blocks head one, how deep blocks lie, and whether the kernel's verifier can see a
 * loop's end. The verifier has no notion of loops: it walks every iteration and gives up after a
 * million instructions (kernel/bpf/verifier.c, BPF_COMPLEXITY_LIMIT_INSNS). It therefore accepts a
 * loop when some value that it tracks reaches an exit condition in few enough steps; that is what
 * `loop_bounded` guesses, from induction variables with constant steps and limits of known range.
 */
#include "ir/graph.h"
#include "ir/llvm_graph.h"
#include "ir/llvm_steps.h"
#include "support/arena.h"

#include <string.h>

enum { TRIPS_MAX = 1 << 20, RANGE_DEPTH = 12 };

struct loop_walk {
	struct ir_program *program;
	const int *idom;
	int header;
	bool *body; /* per block */
};

/* The blocks that reach `latch` without passing the header. */
static void collect_body(struct loop_walk *walk, int latch)
{
	int *stack = arena_array(walk->program->arena, walk->program->block_count + 1, sizeof(int));
	size_t depth = 0;

	walk->body[walk->header] = true;
	if (!walk->body[latch]) {
		walk->body[latch] = true;
		stack[depth++] = latch;
	}
	while (depth) {
		const struct ir_block *block = &walk->program->blocks[stack[--depth]];

		for (size_t i = 0; i < block->in_count; i++) {
			int from = walk->program->edges[block->in[i]].from;

			if (from == IR_NONE || walk->body[from])
				continue;
			walk->body[from] = true;
			stack[depth++] = from;
		}
	}
}

static uint64_t largest(LLVMValueRef value, unsigned depth);

/* One way or another of coming here, over few such places: a value may depend on itself. */
static uint64_t largest_incoming(LLVMValueRef phi, unsigned depth)
{
	uint64_t most = 0;

	if (LLVMCountIncoming(phi) > 4)
		return UINT64_MAX;
	for (unsigned n = 0; n < LLVMCountIncoming(phi); n++) {
		uint64_t one = largest(LLVMGetIncomingValue(phi, n), depth + 4);

		most = one > most ? one : most;
	}
	return most;
}

/* Largest unsigned value, from the operations that made it. */
static uint64_t largest(LLVMValueRef value, unsigned depth)
{
	LLVMTypeRef type = LLVMTypeOf(value);
	unsigned bits =
	    LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 64;
	uint64_t all = bits >= 64 ? UINT64_MAX : (1ull << bits) - 1, a, b;

	if (LLVMIsAConstantInt(value))
		return LLVMConstIntGetZExtValue(value);
	if (!LLVMIsAInstruction(value) || depth >= RANGE_DEPTH)
		return all;
	switch (LLVMGetInstructionOpcode(value)) {
	case LLVMZExt:
	case LLVMTrunc:
	case LLVMFreeze:
		a = largest(LLVMGetOperand(value, 0), depth + 1);
		return a < all ? a : all;
	case LLVMAnd:
		a = largest(LLVMGetOperand(value, 0), depth + 1);
		b = largest(LLVMGetOperand(value, 1), depth + 1);
		return a < b ? a : b;
	case LLVMLShr:
		b = largest(LLVMGetOperand(value, 1), RANGE_DEPTH);
		return b < 64 ? largest(LLVMGetOperand(value, 0), depth + 1) >> b : all;
	case LLVMShl:
		a = largest(LLVMGetOperand(value, 0), depth + 1);
		b = largest(LLVMGetOperand(value, 1), RANGE_DEPTH);
		return b < 32 && a < UINT32_MAX && a << b < all ? a << b : all;
	case LLVMURem:
		b = largest(LLVMGetOperand(value, 1), depth + 1);
		return b ? b - 1 : all;
	case LLVMUDiv:
		return largest(LLVMGetOperand(value, 0), depth + 1);
	case LLVMAdd:
	case LLVMMul:
	case LLVMOr: {
		bool product = LLVMGetInstructionOpcode(value) == LLVMMul;

		a = largest(LLVMGetOperand(value, 0), depth + 1);
		b = largest(LLVMGetOperand(value, 1), depth + 1);
		if (a > UINT32_MAX || b > UINT32_MAX)
			return all;
		return (product ? a * b : a + b) < all ? (product ? a * b : a + b) : all;
	}
	case LLVMSelect:
		a = largest(LLVMGetOperand(value, 1), depth + 1);
		b = largest(LLVMGetOperand(value, 2), depth + 1);
		return a > b ? a : b;
	case LLVMPHI:
		a = largest_incoming(value, depth);
		return a < all ? a : all;
	default:
		return all;
	}
}

/* A dominating branch that went only one way may bound the value: `if (n > 20) return;`. */
static uint64_t largest_at(const struct loop_walk *walk, LLVMValueRef value)
{
	uint64_t best = largest(value, 0);

	for (int b = walk->header; b != 0; b = walk->idom[b]) {
		const struct ir_block *parent = &walk->program->blocks[walk->idom[b]];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(parent->value);

		if (!LLVMIsABranchInst(end) || !LLVMIsConditional(end))
			continue;
		LLVMValueRef test = LLVMGetCondition(end);
		if (!LLVMIsAICmpInst(test) || !LLVMIsAConstantInt(LLVMGetOperand(test, 1)))
			continue;
		LLVMValueRef tested = LLVMGetOperand(test, 0);
		if (tested != value &&
		    !(LLVMIsAZExtInst(value) && LLVMGetOperand(value, 0) == tested))
			continue;
		int yes = walk->program->edges[parent->out[0]].to;
		int no = walk->program->edges[parent->out[1]].to;
		bool by_yes = yes != no && ir_dominates(walk->idom, yes, walk->header) &&
			      walk->program->blocks[yes].in_count == 1;
		bool by_no = yes != no && ir_dominates(walk->idom, no, walk->header) &&
			     walk->program->blocks[no].in_count == 1;
		uint64_t limit = LLVMConstIntGetZExtValue(LLVMGetOperand(test, 1));
		LLVMIntPredicate p = LLVMGetICmpPredicate(test);
		uint64_t now = UINT64_MAX;

		if ((by_no && p == LLVMIntUGT) || (by_yes && p == LLVMIntULE))
			now = limit;
		else if (limit && ((by_no && p == LLVMIntUGE) || (by_yes && p == LLVMIntULT)))
			now = limit - 1;
		best = now < best ? now : best;
	}
	return best;
}

/* phi = [start, outside], [phi + step, inside] */
static bool read_induction(const struct loop_walk *walk, LLVMValueRef value, struct induction *iv)
{
	value = ir_induced_by(value, walk->program->blocks[walk->header].value, 0);
	if (!value)
		return false;
	*iv = (struct induction){.phi = value};
	for (unsigned n = 0; n < LLVMCountIncoming(value); n++) {
		LLVMValueRef in = LLVMGetIncomingValue(value, n);
		int from = ir_block_of(walk->program, LLVMGetIncomingBlock(value, n));

		if (from == IR_NONE)
			continue;
		if (!walk->body[from]) {
			iv->start_known = LLVMIsAConstantInt(in);
			iv->start = iv->start_known ? LLVMConstIntGetSExtValue(in) : 0;
			iv->start_max = largest_at(walk, in);
			continue;
		}
		if (!ir_read_steps(iv, in, 0, 0))
			return false;
	}
	return iv->step != 0;
}

enum trend { TREND_ABOVE, TREND_BELOW, TREND_EQUAL, TREND_DIFFERENT };

/* What a comparison asks of its first operand. */
static enum trend predicate_trend(LLVMIntPredicate predicate)
{
	switch (predicate) {
	case LLVMIntEQ:
		return TREND_EQUAL;
	case LLVMIntNE:
		return TREND_DIFFERENT;
	case LLVMIntUGT:
	case LLVMIntUGE:
	case LLVMIntSGT:
	case LLVMIntSGE:
		return TREND_ABOVE;
	default:
		return TREND_BELOW;
	}
}

static enum trend denied(enum trend trend)
{
	switch (trend) {
	case TREND_EQUAL:
		return TREND_DIFFERENT;
	case TREND_DIFFERENT:
		return TREND_EQUAL;
	case TREND_ABOVE:
		return TREND_BELOW;
	default:
		return TREND_ABOVE;
	}
}

static enum trend mirrored(enum trend trend)
{
	return trend == TREND_ABOVE ? TREND_BELOW : trend == TREND_BELOW ? TREND_ABOVE : trend;
}

/* Steps until only an exact hit of the limit ends the loop. */
static uint64_t count_to_hit(const struct induction *iv, uint64_t limit, bool limit_constant,
			     unsigned bits)
{
	uint64_t step = (uint64_t)(iv->step < 0 ? -iv->step : iv->step);
	uint64_t start = (uint64_t)iv->start;
	uint64_t distance = iv->step > 0 ? limit - start : start - limit;

	if (iv->uneven) /* it may jump over the limit */
		return TRIPS_MAX;
	/* Equal in the bits that are compared: `(__u32)i == -5` counts down from 0 as well. */
	if (bits < 64)
		distance &= (1ull << bits) - 1;
	/* From above step by step, as loops behind `if (n > limit)` become. */
	if (!iv->start_known && iv->step == -1 && limit_constant && iv->start_max < TRIPS_MAX)
		return iv->start_max > limit ? iv->start_max - limit + 1 : 2;
	if (!iv->start_known)
		return TRIPS_MAX;
	if (!limit_constant)
		return limit < TRIPS_MAX && iv->step == 1 ? limit + 1 : TRIPS_MAX;
	return distance % step || distance / step >= TRIPS_MAX ? TRIPS_MAX : distance / step + 1;
}

/* Iterations until the induction variable first is where it leaves, or TRIPS_MAX. */
static uint64_t count_trips(const struct induction *iv, enum trend leaves, LLVMValueRef limit,
			    uint64_t limit_max, unsigned bits)
{
	bool constant = LLVMIsAConstantInt(limit), up = iv->step > 0;
	int64_t step = up ? iv->step : -iv->step, from, to;

	switch (leaves) {
	case TREND_DIFFERENT: /* of two values in turn one differs */
		return 2;
	case TREND_EQUAL:
		return count_to_hit(iv, limit_max, constant, bits);
	case TREND_ABOVE:
		if (!up || limit_max > INT64_MAX)
			return TRIPS_MAX;
		from = iv->start_known ? iv->start : 0;
		to = constant ? LLVMConstIntGetSExtValue(limit) : (int64_t)limit_max;
		break;
	default:
		if (up || iv->start_max > INT64_MAX)
			return TRIPS_MAX;
		from = constant ? LLVMConstIntGetSExtValue(limit) : 0;
		to = iv->start_known ? iv->start : (int64_t)iv->start_max;
		break;
	}
	if (to <= from)
		return 2;
	return (to - from) / step < TRIPS_MAX - 2 ? (uint64_t)((to - from) / step) + 2 : TRIPS_MAX;
}

static bool is_next(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length > 5 && !strncmp(name, "bpf_iter_", 9) && !strcmp(name + length - 5, "_next");
}

/* `bpf_iter_num_next(&it) == NULL`: the verifier knows that what it walks over ends (bpf_for). */
static bool asks_iterator(LLVMValueRef test)
{
	for (unsigned side = 0; side < 2; side++) {
		const char *name = llvm_kernel_function(LLVMGetOperand(test, side));

		if (is_next(name) && LLVMIsAConstantPointerNull(LLVMGetOperand(test, 1 - side)))
			return true;
	}
	return false;
}

static unsigned width_of(LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);

	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 64;
}

/* `i & 0xffff`: the value, and how many of its bits count; else the value as it is. */
static LLVMValueRef peel_mask(LLVMValueRef value, uint64_t limit, unsigned *bits)
{
	uint64_t mask;

	if (!LLVMIsAInstruction(value) || LLVMGetInstructionOpcode(value) != LLVMAnd ||
	    !LLVMIsAConstantInt(LLVMGetOperand(value, 1)))
		return value;
	mask = LLVMConstIntGetZExtValue(LLVMGetOperand(value, 1));
	if (!mask || mask & (mask + 1) || limit > mask)
		return value;
	*bits = (unsigned)__builtin_popcountll(mask);
	return LLVMGetOperand(value, 0);
}

static uint64_t compare_trips(const struct loop_walk *walk, LLVMValueRef test, bool leaves_when)
{
	enum trend trend = predicate_trend(LLVMGetICmpPredicate(test));
	struct induction iv;
	uint64_t best;

	if (asks_iterator(test)) /* it goes through such a loop until nothing new is found */
		return 2;
	best = ir_fold_trips(test, leaves_when, walk->program->blocks[walk->header].value);
	if (best)
		return best;
	best = TRIPS_MAX;
	if (!leaves_when)
		trend = denied(trend);
	for (unsigned side = 0; side < 2; side++) {
		LLVMValueRef limit = LLVMGetOperand(test, 1 - side);
		LLVMValueRef value = LLVMGetOperand(test, side);
		bool whole = trend != TREND_EQUAL || !LLVMIsAConstantInt(limit);
		unsigned bits = width_of(limit);

		if (!read_induction(
			walk,
			whole ? value : peel_mask(value, LLVMConstIntGetZExtValue(limit), &bits),
			&iv))
			continue;
		uint64_t trips = count_trips(&iv, side ? mirrored(trend) : trend, limit,
					     largest_at(walk, limit), bits);
		best = trips < best ? trips : best;
	}
	return best;
}

static bool is_bool(LLVMValueRef value, unsigned bit)
{
	return LLVMIsAConstantInt(value) && LLVMConstIntGetZExtValue(value) == bit;
}

/* `a || b` or `a && b`, as bits or as a choice. */
static bool read_connective(LLVMValueRef test, LLVMValueRef operand[2], bool *any)
{
	if (!LLVMIsAInstruction(test))
		return false;
	LLVMOpcode opcode = LLVMGetInstructionOpcode(test);

	operand[0] = LLVMGetOperand(test, 0);
	if (opcode == LLVMOr || opcode == LLVMAnd) {
		operand[1] = LLVMGetOperand(test, 1);
		*any = opcode == LLVMOr;
		return true;
	}
	if (opcode != LLVMSelect)
		return false;
	*any = is_bool(LLVMGetOperand(test, 1), 1);
	operand[1] = LLVMGetOperand(test, *any ? 2 : 1);
	return *any || is_bool(LLVMGetOperand(test, 2), 0);
}

/* From the second round on this flag is `bit`: what clang makes of a counter to two. */
static bool becomes(const struct loop_walk *walk, LLVMValueRef flag, unsigned bit)
{
	bool always = true;

	if (!LLVMIsAPHINode(flag) ||
	    LLVMGetInstructionParent(flag) != walk->program->blocks[walk->header].value)
		return false;
	for (unsigned n = 0; n < LLVMCountIncoming(flag); n++) {
		int from = ir_block_of(walk->program, LLVMGetIncomingBlock(flag, n));

		if (from != IR_NONE && walk->body[from])
			always &= is_bool(LLVMGetIncomingValue(flag, n), bit);
	}
	return always;
}

/*
 * Iterations until `test` is what leaves. clang folds `i < N && more` into one branch: the loop
 * ends as soon as one test of an "or" holds, but only once both of an "and" do.
 */
static uint64_t test_trips(const struct loop_walk *walk, LLVMValueRef test, bool leaves_when,
			   unsigned depth)
{
	LLVMValueRef operand[2];
	bool any;

	test = llvm_bare_value(test);
	if (LLVMIsAICmpInst(test))
		return compare_trips(walk, test, leaves_when);
	if (becomes(walk, test, leaves_when))
		return 2;
	if (depth >= RANGE_DEPTH)
		return TRIPS_MAX;
	if (LLVMIsABinaryOperator(test) && LLVMGetInstructionOpcode(test) == LLVMXor &&
	    is_bool(LLVMGetOperand(test, 1), 1))
		return test_trips(walk, LLVMGetOperand(test, 0), !leaves_when, depth + 1);
	if (!read_connective(test, operand, &any))
		return TRIPS_MAX;
	uint64_t a = test_trips(walk, operand[0], leaves_when, depth + 1);
	uint64_t b = test_trips(walk, operand[1], leaves_when, depth + 1);

	return any == leaves_when ? (a < b ? a : b) : (a > b ? a : b);
}

static uint64_t exit_trips(const struct loop_walk *walk, const struct ir_block *block)
{
	LLVMValueRef end = LLVMGetBasicBlockTerminator(block->value);

	if (!LLVMIsABranchInst(end) || !LLVMIsConditional(end))
		return TRIPS_MAX;
	bool leaves_when = !walk->body[walk->program->edges[block->out[0]].to];

	return test_trips(walk, LLVMGetCondition(end), leaves_when, 0);
}

/* The least bound among the exits that every iteration passes. */
static uint64_t loop_trips(const struct loop_walk *walk, int latch)
{
	uint64_t best = TRIPS_MAX;

	for (size_t b = 0; b < walk->program->block_count; b++) {
		const struct ir_block *block = &walk->program->blocks[b];
		bool leaves = false;

		if (!walk->body[b] || !ir_dominates(walk->idom, (int)b, latch))
			continue;
		for (size_t o = 0; o < block->out_count; o++)
			leaves |= !walk->body[walk->program->edges[block->out[o]].to];
		if (!leaves)
			continue;
		uint64_t trips = exit_trips(walk, block);
		best = trips < best ? trips : best;
	}
	return best;
}

/* LOOP stands first in the header, so that the header's ops come after it. */
static struct ir_op *insert_loop_op(struct ir_program *program, int header, uint64_t trips,
				    int latch)
{
	struct ir_op *ops = arena_array(program->arena, program->op_count + 1, sizeof *ops);
	size_t at = (size_t)program->blocks[header].first_op;
	LLVMValueRef end = LLVMGetBasicBlockTerminator(program->blocks[latch].value);
	LLVMValueRef head_end = LLVMGetBasicBlockTerminator(program->blocks[header].value);
	bool bounded = trips < TRIPS_MAX;

	memcpy(ops, program->ops, at * sizeof *ops);
	memcpy(ops + at + 1, program->ops + at, (program->op_count - at) * sizeof *ops);
	ops[at] = (struct ir_op){.kind = IR_OP_LOOP,
				 .block = header,
				 .loc = ir_instruction_loc(program, head_end),
				 .function = program->blocks[header].function,
				 .map = IR_NONE,
				 .global = IR_NONE,
				 .lookup = IR_NONE,
				 .helper = IR_NONE,
				 .loop_bounded = bounded,
				 .loop_trips = bounded ? trips : 0,
				 .legal = IR_LAYERS_ALL,
				 .value = end};
	if (!ops[at].loc.line)
		ops[at].loc = ir_instruction_loc(program, end);
	if (!bounded) {
		ops[at].legal &= (ir_layer_set) ~(1 << IR_LAYER_KERNEL);
		ops[at].missing[IR_LAYER_KERNEL] = (struct ir_why){IR_REASON_UNBOUNDED_LOOP, NULL};
	}
	program->ops = ops;
	program->op_count++;
	program->blocks[header].op_count++;
	for (size_t b = 0; b < program->block_count; b++)
		program->blocks[b].first_op += b > (size_t)header;
	for (size_t o = 0; o < program->op_count; o++)
		program->ops[o].lookup +=
		    program->ops[o].lookup != IR_NONE && program->ops[o].lookup >= (int)at;
	return &program->ops[at];
}

/* Is one of its exits the end of bpf_loop's rounds? */
static bool is_rolled(const struct loop_walk *walk)
{
	unsigned kind = LLVMGetMDKindIDInContext(walk->program->llvm->context, ROLLED_LOOP,
						 strlen(ROLLED_LOOP));

	for (size_t b = 0; b < walk->program->block_count; b++) {
		const struct ir_block *block = &walk->program->blocks[b];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(block->value);

		if (!walk->body[b] || !LLVMGetMetadata(end, kind))
			continue;
		for (size_t o = 0; o < block->out_count; o++)
			if (!walk->body[walk->program->edges[block->out[o]].to])
				return true;
	}
	return false;
}

void ir_find_loops(struct ir_program *program)
{
	const int *idom = ir_compute_dominators(program);

	for (size_t h = 0; h < program->block_count; h++) {
		struct loop_walk walk = {.program = program, .idom = idom, .header = (int)h};
		uint64_t trips = 0;
		int latch = IR_NONE;

		walk.body = arena_array(program->arena, program->block_count, sizeof(bool));
		for (size_t i = 0; i < program->blocks[h].in_count; i++) {
			const struct ir_edge *edge = &program->edges[program->blocks[h].in[i]];
			int from = edge->from;

			if (from == IR_NONE || from < (int)h || edge->tail)
				continue;
			latch = from; /* a retreating edge: blocks are in reverse postorder */
			if (ir_dominates(idom, (int)h, from))
				collect_body(&walk, from);
			else
				trips = TRIPS_MAX; /* irreducible: no header to reason from */
		}
		if (latch == IR_NONE)
			continue;
		for (size_t i = 0; i < program->blocks[h].in_count && trips < TRIPS_MAX; i++) {
			const struct ir_edge *edge = &program->edges[program->blocks[h].in[i]];
			int from = edge->from;
			uint64_t now = from >= (int)h && !edge->tail ? loop_trips(&walk, from) : 0;

			trips = now > trips ? now : trips;
		}
		for (size_t b = 0; b < program->block_count; b++)
			program->blocks[b].loop_depth += walk.body[b];
		bool counts = ir_loop_counts(program, h, walk.body);
		struct ir_op *op = insert_loop_op(program, (int)h, trips, latch);

		op->loop_rolled = is_rolled(&walk);
		op->loop_counts = counts;
	}
}
