/*
 * The fields of a program's context: ir/context_fields.def. Reading one is a call of its intrinsic,
 * cleave.pkt.NAME, cleave.ctx.NAME or cleave.skb.NAME; writing one a call of cleave.skb.set.NAME.
 */
#ifndef CLEAVE_IR_CONTEXT_FIELDS_H
#define CLEAVE_IR_CONTEXT_FIELDS_H

#include "ir/ir.h"

enum ir_context_kind { IR_CONTEXT_POINTER, IR_CONTEXT_READ, IR_CONTEXT_WRITE };

struct ir_context_field {
	enum ir_program_kind program;
	const char *name;
	unsigned offset, bytes; /* in the context's struct */
	enum ir_context_kind kind;
	ir_layer_set layers;
	const char *read, *write; /* intrinsics; write: NULL unless kind is WRITE */
};

/* The field of which bytes [offset, offset + size) are a part, or NULL. */
const struct ir_context_field *ir_context_field_at(enum ir_program_kind program, int64_t offset,
						   unsigned size);
/* The field that an intrinsic reads or writes (*writes), or NULL. */
const struct ir_context_field *ir_context_field_of(enum ir_program_kind program,
						   const char *intrinsic, bool *writes);

#endif
