/* Ranges of numbers from the instructions that make them and the branches before their use. */
#include "ir/llvm_range.h"

#include "ir/ir.h"

#include <string.h>

enum { DEPTH_MAX = 12, GUARDS_MAX = 64, STEPS_MAX = 400 };

struct search {
	LLVMBasicBlockRef at;
	unsigned depth, steps;
};

static bool find(struct search *s, LLVMValueRef value, struct llvm_range *range);

/* All values of that many bits, when sums of a few of them cannot overflow. */
static bool all_of(unsigned bits, struct llvm_range *range)
{
	if (bits > 32)
		return false;
	*range = (struct llvm_range){0, (1ull << bits) - 1};
	return true;
}

static bool constant_of(LLVMValueRef value, uint64_t *n)
{
	if (!LLVMIsAConstantInt(value) || LLVMGetIntTypeWidth(LLVMTypeOf(value)) > 64)
		return false;
	*n = LLVMConstIntGetZExtValue(value);
	return true;
}

static uint64_t bits_up_to(uint64_t most)
{
	uint64_t all = 0;

	while (all < most)
		all = all << 1 | 1;
	return all;
}

/* `operand` is never 0 or too large here; what might wrap is not known. */
static bool by_constant(LLVMOpcode opcode, struct llvm_range a, uint64_t n, uint64_t top,
			struct llvm_range *range)
{
	switch (opcode) {
	case LLVMLShr:
		*range = (struct llvm_range){a.least >> n, a.most >> n};
		return n < 64;
	case LLVMShl:
		*range = (struct llvm_range){a.least << n, a.most << n};
		return n < 32 && a.most <= UINT32_MAX && range->most <= top;
	case LLVMUDiv:
		*range = (struct llvm_range){n ? a.least / n : 0, n ? a.most / n : 0};
		return n;
	case LLVMMul:
		*range = (struct llvm_range){a.least * n, a.most * n};
		return n <= UINT32_MAX && a.most <= UINT32_MAX && range->most <= top;
	default:
		return false;
	}
}

static bool of_both(LLVMOpcode opcode, struct llvm_range a, struct llvm_range b, uint64_t top,
		    struct llvm_range *range)
{
	uint64_t most = a.most > b.most ? a.most : b.most;

	switch (opcode) {
	case LLVMAdd:
		*range = (struct llvm_range){a.least + b.least, a.most + b.most};
		return a.most <= top - b.most;
	case LLVMSub:
		*range = (struct llvm_range){a.least - b.most, a.most - b.least};
		return a.least >= b.most;
	case LLVMOr:
	case LLVMXor:
		*range = (struct llvm_range){0, bits_up_to(most)};
		return true;
	default:
		return false;
	}
}

/* Both are bounds, as far as they are known. */
static bool least_of(bool left, struct llvm_range a, bool right, struct llvm_range b,
		     struct llvm_range *range)
{
	uint64_t most = !left ? b.most : !right || a.most < b.most ? a.most : b.most;

	*range = (struct llvm_range){0, most};
	return left || right;
}

/* A mask or a remainder bounds whatever it is taken of. */
static bool bounded_by_operand(struct search *s, LLVMValueRef value, LLVMOpcode opcode,
			       struct llvm_range *range)
{
	struct llvm_range a = {0}, b = {0};
	uint64_t n;

	if (opcode == LLVMURem) {
		if (!constant_of(LLVMGetOperand(value, 1), &n) || !n)
			return false;
		*range = (struct llvm_range){0, n - 1};
		return true;
	}
	bool left = find(s, LLVMGetOperand(value, 0), &a);
	bool right = find(s, LLVMGetOperand(value, 1), &b);

	return least_of(left, a, right, b, range);
}

static bool of_operation(struct search *s, LLVMValueRef value, LLVMOpcode opcode,
			 struct llvm_range *range)
{
	unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(value));
	uint64_t top = bits < 64 ? (1ull << bits) - 1 : UINT64_MAX, n;
	struct llvm_range a, b;

	if (opcode == LLVMAnd || opcode == LLVMURem)
		return bounded_by_operand(s, value, opcode, range);
	if (!find(s, LLVMGetOperand(value, 0), &a))
		return false;
	if (constant_of(LLVMGetOperand(value, 1), &n) && n < top &&
	    by_constant(opcode, a, n, top, range))
		return true;
	return find(s, LLVMGetOperand(value, 1), &b) && of_both(opcode, a, b, top, range);
}

static struct llvm_range join(struct llvm_range a, struct llvm_range b)
{
	return (struct llvm_range){a.least < b.least ? a.least : b.least,
				   a.most > b.most ? a.most : b.most};
}

static bool of_choice(struct search *s, LLVMValueRef value, struct llvm_range *range)
{
	bool phi = LLVMIsAPHINode(value), good = true;
	unsigned count = phi ? LLVMCountIncoming(value) : 2;
	LLVMBasicBlockRef at = s->at;

	for (unsigned i = 0; i < count && good; i++) {
		struct llvm_range one;
		LLVMValueRef in =
		    phi ? LLVMGetIncomingValue(value, i) : LLVMGetOperand(value, i + 1);

		s->at = phi ? LLVMGetIncomingBlock(value, i) : at;
		good = find(s, in, &one);
		if (good)
			*range = i ? join(*range, one) : one;
	}
	s->at = at;
	return good;
}

static bool of_cast(struct search *s, LLVMValueRef value, LLVMOpcode opcode,
		    struct llvm_range *range)
{
	LLVMValueRef inner = LLVMGetOperand(value, 0);
	unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(value));
	unsigned from = LLVMGetIntTypeWidth(LLVMTypeOf(inner));

	if (!find(s, inner, range))
		return opcode == LLVMZExt ? all_of(from, range)
					  : opcode == LLVMTrunc && all_of(bits, range);
	if (opcode == LLVMTrunc && bits < 64 && range->most >> bits)
		return all_of(bits, range);
	return opcode != LLVMSExt || !(range->most >> (from - 1));
}

static bool of_call(struct search *s, LLVMValueRef call, struct llvm_range *range)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	struct llvm_range a = {0}, b = {0};
	size_t length;

	if (!LLVMIsAFunction(callee) ||
	    strncmp(LLVMGetValueName2(callee, &length), "llvm.umin.", 10) != 0)
		return false;
	bool left = find(s, LLVMGetOperand(call, 0), &a);
	bool right = find(s, LLVMGetOperand(call, 1), &b);

	return least_of(left, a, right, b, range);
}

static bool of_instruction(struct search *s, LLVMValueRef value, struct llvm_range *range)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(value);

	switch (opcode) {
	case LLVMZExt:
	case LLVMSExt:
	case LLVMTrunc:
		return of_cast(s, value, opcode, range);
	case LLVMPHI:
	case LLVMSelect:
		return of_choice(s, value, range);
	case LLVMCall:
		return of_call(s, value, range);
	case LLVMAnd:
	case LLVMURem:
	case LLVMLShr:
	case LLVMShl:
	case LLVMUDiv:
	case LLVMMul:
	case LLVMAdd:
	case LLVMSub:
	case LLVMOr:
	case LLVMXor:
		return of_operation(s, value, opcode, range);
	default:
		return false;
	}
}

/* The block that alone leads to this one, or NULL. */
static LLVMBasicBlockRef only_predecessor(LLVMBasicBlockRef block)
{
	LLVMBasicBlockRef found = NULL;

	for (LLVMUseRef u = LLVMGetFirstUse(LLVMBasicBlockAsValue(block)); u;
	     u = LLVMGetNextUse(u)) {
		LLVMValueRef user = LLVMGetUser(u);

		if (!LLVMIsAInstruction(user) || !LLVMIsATerminatorInst(user))
			continue;
		if (found)
			return NULL;
		found = LLVMGetInstructionParent(user);
	}
	return found;
}

/* The same number, seen through what only widens it. */
static LLVMValueRef narrow(LLVMValueRef value)
{
	value = llvm_bare_value(value);
	while (LLVMIsAZExtInst(value))
		value = llvm_bare_value(LLVMGetOperand(value, 0));
	return value;
}

static bool compare_bounds(LLVMValueRef compare, bool is_true, LLVMValueRef value, uint64_t *most)
{
	LLVMIntPredicate predicate = LLVMGetICmpPredicate(compare);
	uint64_t n;

	if (narrow(LLVMGetOperand(compare, 0)) != value ||
	    !constant_of(LLVMGetOperand(compare, 1), &n))
		return false;
	switch (predicate) {
	case LLVMIntULT:
	case LLVMIntUGE:
		*most = n - 1;
		return n && is_true == (predicate == LLVMIntULT);
	case LLVMIntULE:
	case LLVMIntUGT:
		*most = n;
		return is_true == (predicate == LLVMIntULE);
	case LLVMIntEQ:
	case LLVMIntNE:
		*most = n;
		return is_true == (predicate == LLVMIntEQ);
	default:
		return false;
	}
}

/* The bound that the condition sets, when it came out that way. */
static bool condition_bounds(LLVMValueRef condition, bool is_true, LLVMValueRef value,
			     uint64_t *most, unsigned depth)
{
	condition = llvm_bare_value(condition);
	if (LLVMIsAICmpInst(condition))
		return compare_bounds(condition, is_true, value, most);
	bool both = LLVMIsAInstruction(condition) && is_true &&
		    LLVMGetInstructionOpcode(condition) == LLVMAnd;

	/* a && b as `select a, b, false` */
	if (LLVMIsASelectInst(condition) && is_true && LLVMIsNull(LLVMGetOperand(condition, 2)))
		both = true;
	return both && depth < 4 &&
	       (condition_bounds(LLVMGetOperand(condition, 0), true, value, most, depth + 1) ||
		condition_bounds(LLVMGetOperand(condition, 1), true, value, most, depth + 1));
}

static bool guarded(const struct search *s, LLVMValueRef value, uint64_t *most)
{
	LLVMBasicBlockRef block = s->at;
	bool any = false;

	value = narrow(value);
	for (unsigned i = 0; block && i < GUARDS_MAX; i++) {
		LLVMBasicBlockRef from = only_predecessor(block);
		LLVMValueRef end = from ? LLVMGetBasicBlockTerminator(from) : NULL;
		uint64_t one;

		if (end && LLVMIsABranchInst(end) && LLVMIsConditional(end) &&
		    LLVMGetSuccessor(end, 0) != LLVMGetSuccessor(end, 1) &&
		    condition_bounds(LLVMGetCondition(end), LLVMGetSuccessor(end, 0) == block,
				     value, &one, 0)) {
			*most = any && *most < one ? *most : one;
			any = true;
		}
		block = from;
	}
	return any;
}

static bool find(struct search *s, LLVMValueRef value, struct llvm_range *range)
{
	uint64_t n, most = 0;
	bool known = false;

	if (LLVMGetTypeKind(LLVMTypeOf(value)) != LLVMIntegerTypeKind || s->depth >= DEPTH_MAX ||
	    s->steps++ >= STEPS_MAX)
		return false;
	if (constant_of(value, &n)) {
		*range = (struct llvm_range){n, n};
		return true;
	}
	s->depth++;
	value = llvm_bare_value(value);
	if (LLVMIsAInstruction(value))
		known = of_instruction(s, value, range) ||
			all_of(LLVMGetIntTypeWidth(LLVMTypeOf(value)), range);
	s->depth--;
	if (!guarded(s, value, &most))
		return known;
	if (!known)
		*range = (struct llvm_range){0, most};
	range->most = most < range->most ? most : range->most;
	range->least = range->least < range->most ? range->least : range->most;
	return true;
}

bool llvm_value_range(LLVMValueRef value, LLVMBasicBlockRef at, struct llvm_range *range)
{
	struct search s = {.at = at};

	return find(&s, value, range);
}
