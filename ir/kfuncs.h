/*
 * The kernel's own functions that a program calls by name: ir/kfuncs.def. Calls of them stay calls
 * of the declared function, in section ".ksyms", which the loader of the kernel part resolves.
 */
#ifndef CLEAVE_IR_KFUNCS_H
#define CLEAVE_IR_KFUNCS_H

#include <stddef.h>
#include <stdint.h>

struct ir_kfunc {
	const char *name;
	uint16_t since;      /* first kernel: major << 8 | minor */
	const char *refusal; /* why it is not supported; NULL: it is */
};

struct ir_op;

/* The row, or NULL. */
const struct ir_kfunc *ir_kfunc_by_name(const char *name);
/* The first kernel whose XDP programs can call what the op calls: major << 8 | minor; 0: any. */
uint32_t ir_op_since(const struct ir_op *op);

#endif
