/*
 * What Cleave knows about each BPF helper: one row of ir/helpers.def. A call of helper bpf_NAME is
 * the intrinsic cleave.help.NAME, or cleave.map.lookup, .update and .delete for the three map
 * helpers. When a program calls one helper with different types, the later ones carry a suffix
 * (cleave.help.trace_printk.2); the accessors see through it.
 *
 * A row has the helper's signature, as the kernel's bpf_func_proto does, so that what a call reads
 * and writes follows from it (llvm_helper_access in ir/llvm_ir.h).
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

enum ir_helper_returns {
	IR_RETURNS_NOTHING,
	IR_RETURNS_NUMBER,
	IR_RETURNS_VALUE,
	IR_RETURNS_SOCKET,
	IR_RETURNS_RECORD,
	IR_RETURNS_KERNEL,
};

enum ir_argument {
#define ARGUMENT(id, access, bytes) IR_ARGUMENT_##id,
#include "ir/helper_arguments.def"
#undef ARGUMENT
};

enum { IR_HELPER_ARGUMENTS_MAX = 5 }; /* registers r1 to r5 of the BPF calling convention */

struct ir_helper {
	int number;
	const char *name; /* without bpf_ */
	enum ir_helper_class class;
	enum ir_op_kind op;
	ir_layer_set layers;
	bool supported;
	uint16_t since; /* first kernel: major << 8 | minor */
	enum ir_helper_returns returns;
	enum ir_argument arguments[IR_HELPER_ARGUMENTS_MAX];
};

/* Rows of the table, or NULL. name is without "bpf_"; intrinsic is a function name "cleave....". */
const struct ir_helper *ir_helper_by_number(long number);
const struct ir_helper *ir_helper_by_name(const char *name);
const struct ir_helper *ir_helper_by_intrinsic(const char *intrinsic);
/* The rows in the table's order; NULL behind the last. */
const struct ir_helper *ir_helper_row(size_t index);

/* "cleave.help.NAME" or "cleave.map.lookup" ..., in the arena. */
const char *ir_helper_intrinsic(struct arena *arena, const struct ir_helper *helper);

/* Does some kernel let a program of that kind call it? */
bool ir_helper_allows(const struct ir_helper *helper, enum ir_program_kind kind);
/* The UAPI's name, without bpf_, of a helper that no program of that kind may call; else NULL. */
const char *ir_foreign_helper_name(enum ir_program_kind kind, long number);

/* Memory that a helper looks at through an argument. */
enum {
	IR_EXTENT_NEXT = -1,  /* the next argument says how many bytes */
	IR_EXTENT_KEY = -2,   /* a key of the call's map */
	IR_EXTENT_VALUE = -3, /* a value of the call's map */
	IR_EXTENT_ANY = -4,
};
struct ir_argument_memory {
	bool reads, writes;
	int bytes; /* or IR_EXTENT_... */
};
struct ir_argument_memory ir_argument_memory(enum ir_argument argument);

#endif
