/*
 * Map definitions as libbpf reads them: a struct global in .maps whose BTF members are pointers to
 * arrays whose lengths are the numbers (tools/lib/bpf/libbpf.c, parse_btf_map_def).
 */
#include "backends/xdp/llvm_xdp.h"
#include "bundle/kernel_abi.h"
#include "support/arena.h"

#include <linux/bpf.h>
#include <llvm-c/DebugInfo.h>
#include <string.h>

enum { MEMBERS_MAX = 8 };

struct definition {
	struct llvm_clone *clone;
	LLVMDIBuilderRef di;
	LLVMMetadataRef unit, file, integer;
	LLVMMetadataRef members[MEMBERS_MAX];
	unsigned count;
};

static LLVMMetadataRef first_operand(struct llvm_clone *c, const char *name)
{
	LLVMValueRef operands[8];

	if (LLVMGetNamedMetadataNumOperands(c->module, name) < 1 ||
	    LLVMGetNamedMetadataNumOperands(c->module, name) > 8)
		return NULL;
	LLVMGetNamedMetadataOperands(c->module, name, operands);
	return LLVMValueAsMetadata(operands[0]);
}

static void begin(struct definition *d, struct llvm_clone *c)
{
	*d =
	    (struct definition){.clone = c, .di = LLVMCreateDIBuilderDisallowUnresolved(c->module)};
	d->unit = first_operand(c, "llvm.dbg.cu");
	d->file = LLVMDIScopeGetFile(LLVMGetSubprogram(c->function));
	d->integer = LLVMDIBuilderCreateBasicType(d->di, "int", 3, 32, 5, LLVMDIFlagZero);
}

static void add_member(struct definition *d, const char *name, LLVMMetadataRef pointed)
{
	LLVMMetadataRef pointer =
	    LLVMDIBuilderCreatePointerType(d->di, pointed, 64, 64, 0, NULL, 0);

	d->members[d->count] =
	    LLVMDIBuilderCreateMemberType(d->di, d->unit, name, strlen(name), d->file, 0, 64, 64,
					  d->count * 64ull, LLVMDIFlagZero, pointer);
	d->count++;
}

static void add_number(struct definition *d, const char *name, uint32_t number)
{
	LLVMMetadataRef range = LLVMDIBuilderGetOrCreateSubrange(d->di, 0, number);

	add_member(d, name,
		   LLVMDIBuilderCreateArrayType(d->di, 32ull * number, 32, d->integer, &range, 1));
}

static LLVMValueRef operand(LLVMContextRef context, LLVMMetadataRef node, unsigned index)
{
	LLVMValueRef value = LLVMMetadataAsValue(context, node), operands[32];
	int count = LLVMGetMDNodeNumOperands(value);

	if (count <= (int)index || count > 32)
		return NULL;
	LLVMGetMDNodeOperands(value, operands);
	return operands[index];
}

/* The type that member `name` of the source's definition points to, so that key and value keep
 * their BTF. */
static LLVMMetadataRef source_type(struct llvm_clone *c, LLVMValueRef global, const char *name)
{
	enum { EXPRESSION_VARIABLE = 0, NODE_NAME = 2, NODE_TYPE = 3, TYPE_ELEMENTS = 4 };
	size_t entries, length;
	LLVMValueMetadataEntry *all = LLVMGlobalCopyAllMetadata(global, &entries);
	LLVMMetadataRef found = NULL;
	LLVMValueRef node = NULL, elements[64];

	for (size_t e = 0; e < entries && !node; e++)
		if (LLVMValueMetadataEntriesGetKind(all, (unsigned)e) ==
		    LLVMGetMDKindIDInContext(c->context, "dbg", 3))
			node = operand(c->context,
				       LLVMValueMetadataEntriesGetMetadata(all, (unsigned)e),
				       EXPRESSION_VARIABLE);
	LLVMDisposeValueMetadataEntries(all);
	for (unsigned step = 0; node && step < 2; step++)
		node = operand(c->context, LLVMValueAsMetadata(node),
			       step ? TYPE_ELEMENTS : NODE_TYPE);
	if (!node || LLVMGetMDNodeNumOperands(node) > 64)
		return NULL;
	int count = LLVMGetMDNodeNumOperands(node);
	LLVMGetMDNodeOperands(node, elements);
	for (int i = 0; i < count && !found; i++) {
		LLVMValueRef title =
		    operand(c->context, LLVMValueAsMetadata(elements[i]), NODE_NAME);
		const char *text =
		    title ? LLVMGetMDString(title, (unsigned *)&(unsigned){0}) : NULL;
		unsigned text_length = 0;

		if (title)
			text = LLVMGetMDString(title, &text_length);
		length = text_length;
		if (!text || length != strlen(name) || memcmp(text, name, length) != 0)
			continue;
		LLVMValueRef pointer =
		    operand(c->context, LLVMValueAsMetadata(elements[i]), NODE_TYPE);
		LLVMValueRef pointed =
		    pointer ? operand(c->context, LLVMValueAsMetadata(pointer), NODE_TYPE) : NULL;
		found = pointed ? LLVMValueAsMetadata(pointed) : NULL;
	}
	return found;
}

static void add_part(struct definition *d, LLVMValueRef source, const char *type_name,
		     const char *size_name, uint32_t size)
{
	LLVMMetadataRef type = source ? source_type(d->clone, source, type_name) : NULL;

	if (type)
		add_member(d, type_name, type);
	else
		add_number(d, size_name, size);
}

static LLVMMetadataRef struct_of(struct definition *d)
{
	return LLVMDIBuilderCreateStructType(d->di, d->unit, "", 0, d->file, 0, d->count * 64ull,
					     64, LLVMDIFlagZero, NULL, d->members, d->count, 0,
					     NULL, "", 0);
}

/* The last member of a map of maps: an array of pointers to such a definition. */
static void add_inner(struct definition *d, const struct ir_inner *inner)
{
	static const char name[] = "values";
	struct definition of = *d;
	LLVMMetadataRef none, array;

	of.count = 0;
	add_number(&of, "type", inner->type);
	add_number(&of, "max_entries", inner->max_entries);
	if (inner->flags)
		add_number(&of, "map_flags", inner->flags);
	add_number(&of, "key_size", inner->key_size);
	add_number(&of, "value_size", inner->value_size);
	none = LLVMDIBuilderGetOrCreateSubrange(d->di, 0, 0);
	array = LLVMDIBuilderCreateArrayType(
	    d->di, 0, 64, LLVMDIBuilderCreatePointerType(d->di, struct_of(&of), 64, 64, 0, NULL, 0),
	    &none, 1);
	d->members[d->count] =
	    LLVMDIBuilderCreateMemberType(d->di, d->unit, name, sizeof name - 1, d->file, 0, 0, 64,
					  d->count * 64ull, LLVMDIFlagZero, array);
	d->count++;
}

static LLVMValueRef finish(struct definition *d, const char *name)
{
	struct llvm_clone *c = d->clone;
	LLVMTypeRef body = LLVMArrayType2(c->i64, d->count);
	LLVMValueRef global = LLVMAddGlobal(c->module, body, "");
	LLVMMetadataRef type = struct_of(d);
	LLVMMetadataRef none = LLVMDIBuilderCreateExpression(d->di, NULL, 0);

	LLVMSetInitializer(global, LLVMConstNull(body));
	LLVMSetSection(global, ".maps");
	LLVMSetAlignment(global, 8);
	LLVMGlobalSetMetadata(
	    global, LLVMGetMDKindIDInContext(c->context, "dbg", 3),
	    LLVMDIBuilderCreateGlobalVariableExpression(d->di, d->unit, name, strlen(name), "", 0,
							d->file, 0, type, 0, none, NULL, 0));
	LLVMDIBuilderFinalize(d->di);
	LLVMDisposeDIBuilder(d->di);
	return global;
}

LLVMValueRef llvm_values_map(struct llvm_clone *c, int map)
{
	const struct ir_map *m = &c->program->maps[map];
	char *name = arena_printf(c->arena, CLEAVE_VALUES_PREFIX "%s", m->name);
	LLVMValueRef global = LLVMGetNamedGlobal(c->module, name);
	struct definition d;

	if (global)
		return global;
	begin(&d, c);
	add_number(&d, "type", BPF_MAP_TYPE_ARRAY);
	add_number(&d, "max_entries", llvm_values_slots(m));
	add_number(&d, "map_flags", BPF_F_MMAPABLE);
	add_number(&d, "key_size", 4);
	add_number(&d, "value_size", llvm_value_offset(m) + ((m->value_size + 7) & ~7u));
	global = finish(&d, name);
	LLVMSetValueName2(global, name, strlen(name));
	return global;
}

/* Position among the maps with this home. */
static int values_order(const struct llvm_clone *c, int map)
{
	int n = 0;

	for (int m = 0; m < map; m++)
		n += c->plan->maps[m].home == MAP_HOME_SHARED_VALUES;
	return n;
}

LLVMValueRef llvm_claim_function(struct llvm_clone *c, int map)
{
	LLVMTypeRef type = LLVMFunctionType(c->i32, NULL, 0, 0);
	char *name = arena_printf(c->arena, "cleave_claim_%d", values_order(c, map));
	LLVMValueRef f = LLVMGetNamedFunction(c->module, name);

	return f ? f : LLVMAddFunction(c->module, name, type);
}

static LLVMValueRef first_call(LLVMValueRef function)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function);
	LLVMValueRef i = block ? LLVMGetFirstInstruction(block) : NULL;

	while (i && !LLVMIsACallInst(i))
		i = LLVMGetNextInstruction(i);
	return i;
}

void llvm_fill_claims(struct llvm_clone *c)
{
	for (size_t m = 0; m < c->program->map_count; m++) {
		if (c->plan->maps[m].home != MAP_HOME_SHARED_VALUES)
			continue;
		LLVMValueRef f = llvm_claim_function(c, (int)m), call = first_call(f);
		if (!call)
			continue;
		LLVMValueRef arguments[] = {LLVMGetNamedGlobal(c->module, c->program->maps[m].name),
					    llvm_values_map(c, (int)m),
					    llvm_u32(c, llvm_values_slots(&c->program->maps[m]))};
		LLVMPositionBuilderBefore(c->builder, call);
		LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(call));
		LLVMReplaceAllUsesWith(
		    call, llvm_call(c, "cleave_rt_values_claim", c->i32, arguments, 3));
		LLVMInstructionEraseFromParent(call);
	}
}

/* The definition anew where the home (other flags, an index for a value) or the user changes it. */
static void redefine(struct llvm_clone *c, int map, LLVMValueRef old, enum map_home home)
{
	const struct ir_map *m = &c->program->maps[map];
	LLVMValueRef now;
	uint32_t flags = m->flags | (home == MAP_HOME_SHARED_ARRAY ? BPF_F_MMAPABLE : 0u);
	struct definition d;

	if (home == MAP_HOME_SHARED_VALUES)
		llvm_values_map(c, map);
	begin(&d, c);
	add_number(&d, "type", m->type);
	add_number(&d, "max_entries", m->max_entries);
	if (flags)
		add_number(&d, "map_flags", flags);
	if (m->extra)
		add_number(&d, "map_extra", m->extra);
	if (m->key_size)
		add_part(&d, old, "key", "key_size", m->key_size);
	if (home == MAP_HOME_SHARED_VALUES)
		add_member(&d, "value", d.integer);
	else
		add_part(&d, old, "value", "value_size", m->value_size);
	if (m->inner.type)
		add_inner(&d, &m->inner);
	now = finish(&d, m->name);
	LLVMReplaceAllUsesWith(old, now);
	LLVMDeleteGlobal(old);
	LLVMSetValueName2(now, m->name, strlen(m->name));
}

void llvm_define_maps(struct llvm_clone *c)
{
	for (size_t m = 0; m < c->program->map_count; m++) {
		enum map_home home = c->plan->maps[m].home;
		LLVMValueRef global = llvm_clone_value(c, c->program->maps[m].value);

		if (home == MAP_HOME_USER && !LLVMGetFirstUse(global))
			LLVMDeleteGlobal(global);
		else if (home == MAP_HOME_SHARED_ARRAY || home == MAP_HOME_SHARED_VALUES ||
			 c->program->maps[m].completed)
			redefine(c, (int)m, global, home);
	}
}

void llvm_complete_maps(struct llvm_clone *c)
{
	for (size_t m = 0; m < c->program->map_count; m++) {
		LLVMValueRef global = LLVMGetNamedGlobal(c->module, c->program->maps[m].name);

		if (global && c->program->maps[m].completed)
			redefine(c, (int)m, global, MAP_HOME_KERNEL);
	}
}
