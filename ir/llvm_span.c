/* Between which bytes of a stack object a pointer lies. */
#include "ir/ir.h"
#include "ir/llvm_range.h"

enum { SPAN_DEPTH_MAX = 24, INDEX_BYTES_MAX = 1 << 20 };

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static bool add_index(LLVMValueRef gep, LLVMValueRef index, uint64_t bytes, struct llvm_distance *d)
{
	unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(index));
	struct llvm_range range;

	if (LLVMIsAConstantInt(index)) {
		int64_t n = LLVMConstIntGetSExtValue(index);

		if (n > INDEX_BYTES_MAX || n < -INDEX_BYTES_MAX || bytes > INDEX_BYTES_MAX)
			return false;
		d->least += n * (int64_t)bytes;
		d->most += n * (int64_t)bytes;
		return true;
	}
	/* Narrow indices are signed: one with its top bit set would go back. */
	if (!llvm_value_range(index, LLVMGetInstructionParent(gep), &range) ||
	    range.most > INDEX_BYTES_MAX || bytes > INDEX_BYTES_MAX || range.most >> (bits - 1))
		return false;
	d->least += (int64_t)(range.least * bytes);
	d->most += (int64_t)(range.most * bytes);
	d->step = greatest_divisor(d->step, bytes);
	return true;
}

bool llvm_gep_distance(LLVMTargetDataRef layout, LLVMValueRef gep, struct llvm_distance *distance)
{
	LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);
	struct llvm_distance d = {0};

	for (int i = 1; i < LLVMGetNumOperands(gep); i++) {
		LLVMValueRef index = LLVMGetOperand(gep, (unsigned)i);

		if (LLVMGetTypeKind(LLVMTypeOf(index)) != LLVMIntegerTypeKind)
			return false;
		if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
			unsigned field = (unsigned)LLVMConstIntGetZExtValue(index);
			int64_t offset = (int64_t)LLVMOffsetOfElement(layout, type, field);

			d.least += offset;
			d.most += offset;
			type = LLVMStructGetTypeAtIndex(type, field);
			continue;
		}
		if (i > 1)
			type = LLVMGetElementType(type);
		if (!add_index(gep, index, LLVMABISizeOfType(layout, type), &d))
			return false;
	}
	*distance = d;
	return true;
}

/* What divides all that a GEP can add, whatever its indices are. */
static uint64_t gep_stride(LLVMTargetDataRef layout, LLVMValueRef gep)
{
	LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);
	uint64_t stride = 0;

	for (int i = 1; i < LLVMGetNumOperands(gep); i++) {
		LLVMValueRef index = LLVMGetOperand(gep, (unsigned)i);

		if (LLVMGetTypeKind(LLVMTypeOf(index)) != LLVMIntegerTypeKind)
			return 1;
		if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
			unsigned field = (unsigned)LLVMConstIntGetZExtValue(index);

			stride = greatest_divisor(stride, LLVMOffsetOfElement(layout, type, field));
			type = LLVMStructGetTypeAtIndex(type, field);
			continue;
		}
		if (i > 1)
			type = LLVMGetElementType(type);
		if (!LLVMIsNull(index))
			stride = greatest_divisor(stride, LLVMABISizeOfType(layout, type));
	}
	return stride;
}

static uint64_t apart(int64_t a, int64_t b)
{
	return (uint64_t)(a > b ? a - b : b - a);
}

/* Of a choice between places. */
static void join(struct llvm_span *into, struct llvm_span one)
{
	struct llvm_distance *a = &into->at, *b = &one.at;

	into->whole |= one.whole;
	a->step = greatest_divisor(greatest_divisor(a->step, b->step), apart(a->least, b->least));
	a->least = b->least < a->least ? b->least : a->least;
	a->most = b->most > a->most ? b->most : a->most;
}

static bool walk(const struct ir_program *program, LLVMValueRef pointer, struct llvm_span *span,
		 unsigned depth);

static bool walk_gep(const struct ir_program *program, LLVMValueRef gep, struct llvm_span *span,
		     unsigned depth)
{
	LLVMTargetDataRef layout = LLVMGetModuleDataLayout(program->llvm->module);
	struct llvm_distance d;

	if (!walk(program, LLVMGetOperand(gep, 0), span, depth + 1))
		return false;
	if (!llvm_gep_distance(layout, gep, &d)) {
		span->whole = true;
		span->at.step = greatest_divisor(span->at.step, gep_stride(layout, gep));
		return true;
	}
	span->at.least += d.least;
	span->at.most += d.most;
	span->at.step = greatest_divisor(span->at.step, d.step);
	return true;
}

static bool walk_select(const struct ir_program *program, LLVMValueRef select,
			struct llvm_span *span, unsigned depth)
{
	struct llvm_span other;

	if (!walk(program, LLVMGetOperand(select, 1), span, depth + 1) ||
	    !walk(program, LLVMGetOperand(select, 2), &other, depth + 1) ||
	    other.root != span->root)
		return false;
	join(span, other);
	return true;
}

static bool walk(const struct ir_program *program, LLVMValueRef pointer, struct llvm_span *span,
		 unsigned depth)
{
	struct llvm_region region;

	if (LLVMIsAAllocaInst(pointer)) {
		*span = (struct llvm_span){.root = pointer};
		return true;
	}
	if (LLVMIsAGetElementPtrInst(pointer) && depth < SPAN_DEPTH_MAX)
		return walk_gep(program, pointer, span, depth);
	if (LLVMIsASelectInst(pointer) && depth < SPAN_DEPTH_MAX)
		return walk_select(program, pointer, span, depth);
	region = llvm_pointer_region(program, pointer);
	if (region.memory != LLVM_MEMORY_STACK || !region.root)
		return false;
	*span = (struct llvm_span){.root = region.root, .whole = !region.constant};
	if (region.constant)
		span->at.least = span->at.most = region.offset;
	else
		span->at.step = 1;
	return true;
}

bool llvm_stack_span(const struct ir_program *program, LLVMValueRef pointer, struct llvm_span *span)
{
	return walk(program, pointer, span, 0);
}
