/* BTF types as LLVM's debug info, which the BPF backend makes BTF of again. */
#include "frontend/llvm_lift.h"

#include <linux/btf.h>
#include <string.h>

#include "support/arena.h"

enum { DW_TAG_STRUCTURE = 0x13, DW_TAG_UNION = 0x17 };
enum {
	DW_ENCODING_BOOL = 2,
	DW_ENCODING_FLOAT = 4,
	DW_ENCODING_SIGNED = 5,
	DW_ENCODING_CHAR = 6,
	DW_ENCODING_UNSIGNED = 7
};
enum { DW_CONST = 0x26, DW_VOLATILE = 0x35 };

static LLVMMetadataRef make_int(struct lift *l, const struct btf_type *t)
{
	const char *name = bpf_types_name(&l->object->types, t);
	uint32_t data;
	unsigned encoding;

	memcpy(&data, t + 1, sizeof data);
	encoding = BTF_INT_ENCODING(data) & BTF_INT_BOOL     ? DW_ENCODING_BOOL
		   : BTF_INT_ENCODING(data) & BTF_INT_CHAR   ? DW_ENCODING_CHAR
		   : BTF_INT_ENCODING(data) & BTF_INT_SIGNED ? DW_ENCODING_SIGNED
							     : DW_ENCODING_UNSIGNED;
	return LLVMDIBuilderCreateBasicType(l->debug, name, strlen(name), 8ull * (t->size & 0xff),
					    encoding, LLVMDIFlagZero);
}

static LLVMMetadataRef make_array(struct lift *l, const struct btf_type *t)
{
	const struct btf_array *array = bpf_type_array(t);
	LLVMMetadataRef element = lift_type(l, array->type);
	LLVMMetadataRef range = LLVMDIBuilderGetOrCreateSubrange(l->debug, 0, array->nelems);
	uint64_t size = bpf_types_size(&l->object->types, array->type) * array->nelems;

	return element ? LLVMDIBuilderCreateArrayType(l->debug, 8 * size, 0, element, &range, 1)
		       : NULL;
}

static LLVMMetadataRef make_member(struct lift *l, const struct btf_type *t,
				   const struct btf_member *m)
{
	const char *name = bpf_types_string(&l->object->types, m->name_off);
	bool flagged = BTF_INFO_KFLAG(t->info);
	uint64_t at = flagged ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
	unsigned bits = flagged ? BTF_MEMBER_BITFIELD_SIZE(m->offset) : 0;
	LLVMMetadataRef type = lift_type(l, m->type);

	if (!type)
		return NULL;
	if (bits)
		return LLVMDIBuilderCreateBitFieldMemberType(l->debug, l->unit, name, strlen(name),
							     l->file, 0, bits, at, at / 32 * 32,
							     LLVMDIFlagZero, type);
	return LLVMDIBuilderCreateMemberType(l->debug, l->unit, name, strlen(name), l->file, 0,
					     8 * bpf_types_size(&l->object->types, m->type), 0, at,
					     LLVMDIFlagZero, type);
}

/* It stands for itself while its members are made: they may point back to it. */
static LLVMMetadataRef make_composite(struct lift *l, uint32_t id, const struct btf_type *t)
{
	const char *name = bpf_types_name(&l->object->types, t);
	bool is_union = BTF_INFO_KIND(t->info) == BTF_KIND_UNION;
	uint32_t count = BTF_INFO_VLEN(t->info), made = 0;
	LLVMMetadataRef *members = arena_array(l->arena, count + 1, sizeof(LLVMMetadataRef)), type;
	LLVMMetadataRef stand_in = LLVMDIBuilderCreateReplaceableCompositeType(
	    l->debug, is_union ? DW_TAG_UNION : DW_TAG_STRUCTURE, name, strlen(name), l->unit,
	    l->file, 0, 0, 0, 0, LLVMDIFlagFwdDecl, "", 0);

	l->types[id] = stand_in;
	for (uint32_t i = 0; i < count; i++) {
		members[made] = make_member(l, t, &bpf_type_members(t)[i]);
		made += members[made] != NULL;
	}
	if (is_union)
		type = LLVMDIBuilderCreateUnionType(l->debug, l->unit, name, strlen(name), l->file,
						    0, 8ull * t->size, 0, LLVMDIFlagZero, members,
						    made, 0, "", 0);
	else
		type = LLVMDIBuilderCreateStructType(l->debug, l->unit, name, strlen(name), l->file,
						     0, 8ull * t->size, 0, LLVMDIFlagZero, NULL,
						     members, made, 0, NULL, "", 0);
	LLVMMetadataReplaceAllUsesWith(stand_in, type);
	return type;
}

static LLVMMetadataRef make_enum(struct lift *l, const struct btf_type *t)
{
	const struct bpf_types *types = &l->object->types;
	const struct btf_enum *e = (const void *)(t + 1);
	const char *name = bpf_types_name(types, t);
	uint32_t count = BTF_INFO_KIND(t->info) == BTF_KIND_ENUM ? BTF_INFO_VLEN(t->info) : 0;
	LLVMMetadataRef *values = arena_array(l->arena, count + 1, sizeof(LLVMMetadataRef));
	LLVMMetadataRef base =
	    LLVMDIBuilderCreateBasicType(l->debug, "unsigned int", 12, 8ull * (t->size & 0xff),
					 DW_ENCODING_UNSIGNED, LLVMDIFlagZero);

	for (uint32_t i = 0; i < count; i++) {
		const char *text = bpf_types_string(types, e[i].name_off);

		values[i] =
		    LLVMDIBuilderCreateEnumerator(l->debug, text, strlen(text), e[i].val, false);
	}
	return LLVMDIBuilderCreateEnumerationType(l->debug, l->unit, name, strlen(name), l->file, 0,
						  8ull * (t->size & 0xff), 0, values, count, base);
}

static LLVMMetadataRef make_typedef(struct lift *l, const struct btf_type *t)
{
	const char *name = bpf_types_name(&l->object->types, t);

	return LLVMDIBuilderCreateTypedef(l->debug, lift_type(l, t->type), name, strlen(name),
					  l->file, 0, l->unit, 0);
}

static LLVMMetadataRef make_forward(struct lift *l, const struct btf_type *t)
{
	const char *name = bpf_types_name(&l->object->types, t);

	return LLVMDIBuilderCreateForwardDecl(
	    l->debug, BTF_INFO_KFLAG(t->info) ? DW_TAG_UNION : DW_TAG_STRUCTURE, name, strlen(name),
	    l->unit, l->file, 0, 0, 0, 0, "", 0);
}

static LLVMMetadataRef make_prototype(struct lift *l, const struct btf_type *t)
{
	const struct btf_param *p = (const void *)(t + 1);
	uint32_t count = BTF_INFO_VLEN(t->info);
	LLVMMetadataRef *types = arena_array(l->arena, count + 1, sizeof *types);

	types[0] = t->type ? lift_type(l, t->type) : NULL;
	for (uint32_t i = 0; i < count; i++)
		types[i + 1] = p[i].type ? lift_type(l, p[i].type) : NULL;
	return LLVMDIBuilderCreateSubroutineType(l->debug, l->file, types, count + 1,
						 LLVMDIFlagZero);
}

static LLVMMetadataRef make_pointer(struct lift *l, const struct btf_type *t)
{
	const struct btf_type *to = bpf_types_get(&l->object->types, t->type);
	LLVMMetadataRef pointee;

	if (to && BTF_INFO_KIND(to->info) == BTF_KIND_FUNC_PROTO)
		pointee = make_prototype(l, to);
	else
		pointee = lift_type(l, t->type);
	return LLVMDIBuilderCreatePointerType(l->debug, pointee, 64, 0, 0, "", 0);
}

static LLVMMetadataRef make_type(struct lift *l, uint32_t id, const struct btf_type *t)
{
	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
		return make_int(l, t);
	case BTF_KIND_FLOAT:
		return LLVMDIBuilderCreateBasicType(l->debug, "double", 6, 8ull * (t->size & 0xff),
						    DW_ENCODING_FLOAT, LLVMDIFlagZero);
	case BTF_KIND_PTR:
		return make_pointer(l, t);
	case BTF_KIND_ARRAY:
		return make_array(l, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return make_composite(l, id, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return make_enum(l, t);
	case BTF_KIND_FWD:
		return make_forward(l, t);
	case BTF_KIND_TYPEDEF:
		return make_typedef(l, t);
	case BTF_KIND_CONST:
		return LLVMDIBuilderCreateQualifiedType(l->debug, DW_CONST, lift_type(l, t->type));
	case BTF_KIND_VOLATILE:
		return LLVMDIBuilderCreateQualifiedType(l->debug, DW_VOLATILE,
							lift_type(l, t->type));
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return lift_type(l, t->type);
	default:
		return NULL;
	}
}

/* A circle that no struct breaks is damage: it ends with no type. */
LLVMMetadataRef lift_type(struct lift *l, uint32_t id)
{
	const struct btf_type *t = bpf_types_get(&l->object->types, id);
	enum { DEPTH_MAX = 128 };

	if (!t)
		return NULL;
	if (!l->types)
		l->types = arena_array(l->arena, l->object->types.count + 1, sizeof *l->types);
	if (l->types[id])
		return l->types[id];
	if (l->type_depth == DEPTH_MAX)
		return NULL;
	l->type_depth++;
	l->types[id] = make_type(l, id, t);
	l->type_depth--;
	return l->types[id];
}

LLVMMetadataRef lift_bytes_type(struct lift *l, uint32_t size)
{
	LLVMMetadataRef byte = LLVMDIBuilderCreateBasicType(l->debug, "unsigned char", 13, 8,
							    DW_ENCODING_UNSIGNED, LLVMDIFlagZero);
	LLVMMetadataRef range = LLVMDIBuilderGetOrCreateSubrange(l->debug, 0, size);

	return LLVMDIBuilderCreateArrayType(l->debug, 8ull * size, 0, byte, &range, 1);
}

/* struct { int (*type)[1]; int (*key_size)[4]; ... }: a map's definition, from its numbers. */
LLVMMetadataRef lift_map_type(struct lift *l, const uint32_t *numbers)
{
	static const char *const names[] = {"type", "key_size", "value_size", "max_entries",
					    "map_flags"};
	LLVMMetadataRef members[5];
	LLVMMetadataRef word = LLVMDIBuilderCreateBasicType(l->debug, "int", 3, 32,
							    DW_ENCODING_SIGNED, LLVMDIFlagZero);

	for (unsigned i = 0; i < 5; i++) {
		LLVMMetadataRef range = LLVMDIBuilderGetOrCreateSubrange(l->debug, 0, numbers[i]);
		LLVMMetadataRef array =
		    LLVMDIBuilderCreateArrayType(l->debug, 32ull * numbers[i], 0, word, &range, 1);
		LLVMMetadataRef pointer =
		    LLVMDIBuilderCreatePointerType(l->debug, array, 64, 0, 0, "", 0);

		members[i] = LLVMDIBuilderCreateMemberType(l->debug, l->unit, names[i],
							   strlen(names[i]), l->file, 0, 64, 0,
							   64ull * i, LLVMDIFlagZero, pointer);
	}
	return LLVMDIBuilderCreateStructType(l->debug, l->unit, "", 0, l->file, 0, 64 * 5, 0,
					     LLVMDIFlagZero, NULL, members, 5, 0, NULL, "", 0);
}
