/*
 * What Cleave knows about each BPF helper: one row of ir/helpers.def. A call of helper bpf_NAME is
 * the intrinsic cleave.help.NAME, or cleave.map.lookup, .update and .delete for the three map
 * helpers. When a program calls one helper with different types, the later ones carry a suffix
 * (cleave.help.trace_printk.2); the accessors see through it.
 */
#ifndef CLEAVE_IR_HELPERS_H
#define CLEAVE_IR_HELPERS_H

#include "ir/ir.h"

enum ir_helper_class {
	IR_HELPER_MAP,
	IR_HELPER_CLOCK,
	IR_HELPER_PACKET,
	IR_HELPER_REDIRECT,
	IR_HELPER_CHECKSUM,
	IR_HELPER_OUTPUT,
	IR_HELPER_FIB,
	IR_HELPER_SOCKET,
	IR_HELPER_SYNC,
	IR_HELPER_CONTROL,
	IR_HELPER_MEMORY,
	IR_HELPER_TASK,
};

struct ir_helper {
	int number;
	const char *name; /* without bpf_ */
	enum ir_helper_class class;
	enum ir_op_kind op;
	ir_layer_set layers;
	bool supported;
	uint16_t since; /* first kernel: major << 8 | minor */
};

/* Rows of the table, or NULL. name is without "bpf_"; intrinsic is a function name "cleave....". */
const struct ir_helper *ir_helper_by_number(long number);
const struct ir_helper *ir_helper_by_name(const char *name);
const struct ir_helper *ir_helper_by_intrinsic(const char *intrinsic);

/* "cleave.help.NAME" or "cleave.map.lookup" ..., in the arena. */
const char *ir_helper_intrinsic(struct arena *arena, const struct ir_helper *helper);

#endif
