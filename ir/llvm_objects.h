/* Memory that belongs to one packet's run: stack objects and elements of packet-local maps. */
#ifndef CLEAVE_IR_LLVM_OBJECTS_H
#define CLEAVE_IR_LLVM_OBJECTS_H

#include "ir/llvm_ir.h"

/*
 * Adds the live bytes of every object to the edges' `live` (IR_LIVE_STACK, IR_LIVE_MAP_BYTES), and
 * refuses edges at which a live byte holds part of a pointer.
 */
void llvm_add_live_bytes(struct ir_program *program);

/* Per block: can it be reached from that one, which counts itself? In the arena. */
bool *llvm_reach_from(struct ir_program *program, int start);
/* Edges behind which user would have to know what only the kernel keeps with a TC packet. */
void llvm_refuse_hidden_state(struct ir_program *program);

#endif
