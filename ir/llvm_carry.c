/* How one value crosses a cut. */
#include "ir/ir.h"
#include "ir/llvm_graph.h"
#include "ir/llvm_ir.h"
#include "support/map_types.h"

#include <linux/bpf.h>
#include <string.h>

static struct llvm_carry refuse(struct llvm_region region, enum ir_reason reason)
{
	return (struct llvm_carry){
	    .kind = LLVM_CARRY_REFUSED, .reason = reason, .region = region, .map = IR_NONE};
}

static struct llvm_carry carry(struct llvm_region region, enum llvm_carry_kind kind)
{
	return (struct llvm_carry){.kind = kind, .region = region, .map = IR_NONE};
}

static struct llvm_carry travel(struct llvm_region region, enum ir_live_kind live, uint32_t size)
{
	return (struct llvm_carry){.kind = LLVM_CARRY_VALUE,
				   .live = live,
				   .size = size,
				   .map = live == IR_LIVE_MAP_VALUE ? region.index : IR_NONE,
				   .region = region};
}

static bool is_address_arithmetic(LLVMValueRef value)
{
	if (!LLVMIsAInstruction(value))
		return false;
	switch (LLVMGetInstructionOpcode(value)) {
	case LLVMGetElementPtr:
	case LLVMBitCast:
	case LLVMIntToPtr:
	case LLVMPtrToInt:
	case LLVMFreeze:
	case LLVMTrunc:
	case LLVMZExt:
	case LLVMAnd:
	case LLVMAdd:
	case LLVMSub:
		return true;
	default:
		return false;
	}
}

enum { ORIGINS_MAX = 64 };

struct origins {
	const struct ir_program *program;
	bool keyed; /* the value may travel as its key, which lies in a place of its look-up */
	LLVMValueRef seen[ORIGINS_MAX];
	size_t count;
};

static bool is_in_loop(const struct ir_program *program, LLVMValueRef instruction)
{
	int block = ir_block_of(program, LLVMGetInstructionParent(instruction));

	return block == IR_NONE || program->blocks[block].loop_depth;
}

/*
 * Is the pointer what the last run of a look-up gave, as far as phis and selects tell? Through
 * memory, or from one round of a loop to the next, it may be what an earlier run gave, whose key
 * nobody knows any more.
 */
static bool is_from_lookups(struct origins *o, LLVMValueRef value)
{
	if (!LLVMIsAInstruction(value))
		return true;
	for (size_t i = 0; i < o->count; i++)
		if (o->seen[i] == value)
			return true;
	if (o->count == ORIGINS_MAX || LLVMIsALoadInst(value) ||
	    (o->keyed && LLVMIsAPHINode(value) && is_in_loop(o->program, value)))
		return false;
	o->seen[o->count++] = value;
	if (LLVMIsAPHINode(value)) {
		for (unsigned n = 0; n < LLVMCountIncoming(value); n++)
			if (!is_from_lookups(o, LLVMGetIncomingValue(value, n)))
				return false;
		return true;
	}
	if (LLVMIsASelectInst(value))
		return is_from_lookups(o, LLVMGetOperand(value, 1)) &&
		       is_from_lookups(o, LLVMGetOperand(value, 2));
	return LLVMIsACallInst(value) || is_from_lookups(o, LLVMGetOperand(value, 0));
}

static bool travels_by_key(const struct ir_map *map)
{
	enum map_both both = map_type_find(map->type)->both;

	return map->is_held || map->flags & BPF_F_WRONLY_PROG ||
	       (both != MAP_BOTH_ARRAY && both != MAP_BOTH_SHARED);
}

static struct llvm_carry carry_map_value(const struct ir_program *program, LLVMValueRef value,
					 struct llvm_region region)
{
	struct origins origins = {.program = program};

	if (is_address_arithmetic(value))
		return carry(region, LLVM_CARRY_CHAIN);
	if (region.index != IR_NONE)
		origins.keyed = travels_by_key(&program->maps[region.index]);
	if (region.index == IR_NONE || !region.constant || region.offset != 0 ||
	    !is_from_lookups(&origins, value))
		return refuse(region, IR_REASON_LIVE_POINTER);
	return travel(region, IR_LIVE_MAP_VALUE, 4);
}

/*
 * Half a pointer is half of another one behind the cut, and nothing that the verifier lets pass: it
 * is computed again from the pointer.
 */
static bool is_half_pointer(LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);

	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind &&
	       (LLVMGetIntTypeWidth(type) < 64 || LLVMIsAZExtInst(value) ||
		(LLVMIsAInstruction(value) && LLVMGetInstructionOpcode(value) == LLVMAnd));
}

static struct llvm_carry carry_pointer(const struct ir_program *program, LLVMValueRef value,
				       struct llvm_region region)
{
	if (region.memory == LLVM_MEMORY_KERNEL)
		return refuse(region, llvm_is_reference(region.root) ? IR_REASON_LIVE_REFERENCE
								     : IR_REASON_LIVE_KERNEL);
	if (is_half_pointer(value))
		return is_address_arithmetic(value) ? carry(region, LLVM_CARRY_CHAIN)
						    : refuse(region, IR_REASON_LIVE_POINTER);
	if (region.nullable && region.memory != LLVM_MEMORY_MAP) {
		if (is_address_arithmetic(value))
			return carry(region, LLVM_CARRY_CHAIN);
		return region.memory == LLVM_MEMORY_PACKET ||
			       region.memory == LLVM_MEMORY_PACKET_META
			   ? travel(region, IR_LIVE_PACKET, 4)
			   : refuse(region, IR_REASON_LIVE_MIXED);
	}
	switch (region.memory) {
	case LLVM_MEMORY_PACKET:
	case LLVM_MEMORY_PACKET_META:
		return region.constant && region.root ? carry(region, LLVM_CARRY_FREE)
						      : travel(region, IR_LIVE_PACKET, 4);
	case LLVM_MEMORY_MAP:
		return carry_map_value(program, value, region);
	case LLVM_MEMORY_PACKET_END:
	case LLVM_MEMORY_NULL:
	case LLVM_MEMORY_MAP_SELF:
		return region.constant ? carry(region, LLVM_CARRY_FREE)
				       : refuse(region, IR_REASON_LIVE_POINTER);
	case LLVM_MEMORY_CONTEXT:
	case LLVM_MEMORY_STACK:
	case LLVM_MEMORY_GLOBAL:
		if (region.constant && region.root)
			return carry(region, LLVM_CARRY_FREE);
		return is_address_arithmetic(value) ? carry(region, LLVM_CARRY_CHAIN)
						    : refuse(region, IR_REASON_LIVE_POINTER);
	case LLVM_MEMORY_MIXED:
		return refuse(region, IR_REASON_LIVE_MIXED);
	case LLVM_MEMORY_INNER:
		return is_address_arithmetic(value) ? carry(region, LLVM_CARRY_CHAIN)
						    : refuse(region, IR_REASON_LIVE_INNER);
	case LLVM_MEMORY_KERNEL:
	case LLVM_MEMORY_UNKNOWN:
		break;
	}
	return refuse(region, IR_REASON_LIVE_POINTER);
}

static bool is_context_read(LLVMValueRef value)
{
	const char *name = llvm_intrinsic_name(value);

	return name && strncmp(name, "cleave.ctx.", 11) == 0;
}

struct llvm_carry llvm_carry_of(const struct ir_program *program, LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);
	struct llvm_region region = llvm_pointer_region(program, value);

	if (LLVMIsAConstant(value) || LLVMIsAArgument(value) || is_context_read(value))
		return carry(region, LLVM_CARRY_FREE);
	if (LLVMGetTypeKind(type) == LLVMPointerTypeKind || region.memory != LLVM_MEMORY_UNKNOWN)
		return carry_pointer(program, value, region);
	if (LLVMGetTypeKind(type) != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(type) > 128)
		return refuse(region, IR_REASON_LIVE_POINTER);
	/* The narrow value is cheaper to carry than the wide one. */
	if (LLVMIsAZExtInst(value) || LLVMIsASExtInst(value))
		return carry(region, LLVM_CARRY_CHAIN);
	uint32_t bytes = (LLVMGetIntTypeWidth(type) + 7) / 8;

	while (bytes & (bytes - 1))
		bytes++;
	return travel(region, IR_LIVE_SCALAR, bytes);
}

LLVMValueRef llvm_edge_source(const struct ir_program *program, const struct ir_edge *edge,
			      LLVMValueRef restored)
{
	if (!LLVMIsAPHINode(restored) || edge->from == IR_NONE ||
	    LLVMGetInstructionParent(restored) != program->blocks[edge->to].value)
		return restored;
	for (unsigned n = 0; n < LLVMCountIncoming(restored); n++)
		if (LLVMGetIncomingBlock(restored, n) == program->blocks[edge->from].value)
			return LLVMGetIncomingValue(restored, n);
	return restored;
}
