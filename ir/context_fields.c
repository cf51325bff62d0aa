#include "ir/context_fields.h"

#include <linux/bpf.h>
#include <string.h>

#define LAYERS_KERNEL (1 << IR_LAYER_KERNEL)
#define LAYERS_BOTH   (1 << IR_LAYER_KERNEL | 1 << IR_LAYER_USER)

typedef struct xdp_md context_XDP;
typedef struct __sk_buff context_TC;

#define INTRINSIC_POINTER(program, name) "cleave.pkt." #name
#define INTRINSIC_READ(program, name)    PREFIX_##program #name
#define INTRINSIC_WRITE(program, name)   PREFIX_##program #name
#define PREFIX_XDP                       "cleave.ctx."
#define PREFIX_TC                        "cleave.skb."
#define SETTER_POINTER(name)             NULL
#define SETTER_READ(name)                NULL
#define SETTER_WRITE(name)               "cleave.skb.set." #name

static const struct ir_context_field fields[] = {
#define FIELD(program, name, member, kind, layers)                                                 \
	{IR_PROGRAM_##program,                                                                     \
	 #name,                                                                                    \
	 offsetof(context_##program, member),                                                      \
	 sizeof(((context_##program *)0)->member),                                                 \
	 IR_CONTEXT_##kind,                                                                        \
	 LAYERS_##layers,                                                                          \
	 INTRINSIC_##kind(program, name),                                                          \
	 SETTER_##kind(name)},
#include "ir/context_fields.def"
#undef FIELD
};

#define FIELD_COUNT (sizeof fields / sizeof *fields)

const struct ir_context_field *ir_context_field_at(enum ir_program_kind program, int64_t offset,
						   unsigned size)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (fields[i].program == program && offset >= fields[i].offset &&
		    offset + size <= fields[i].offset + fields[i].bytes)
			return &fields[i];
	return NULL;
}

const struct ir_context_field *ir_context_field_of(enum ir_program_kind program,
						   const char *intrinsic, bool *writes)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct ir_context_field *f = &fields[i];

		*writes = f->write && strcmp(f->write, intrinsic) == 0;
		if (f->program == program && (*writes || strcmp(f->read, intrinsic) == 0))
			return f;
	}
	return NULL;
}
