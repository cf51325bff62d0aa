/*
 * The near side of the cuts: where a packet leaves for user, its live values are stored into a
 * handoff.
 *
 * Works on SSA values where they are: a cut edge is pointed at a new block that may use whatever
 * dominates the edge, so the rest of the kernel part keeps the shape that clang gave it.
 */
#ifndef CLEAVE_BACKENDS_LLVM_LEAVE_H
#define CLEAVE_BACKENDS_LLVM_LEAVE_H

#include "backends/llvm_clone.h"

/*
 * Points every cut edge of the plan at its handoff, then deletes what the start no longer reaches.
 * Returns 0 or a negative errno, reported (-E2BIG: a handoff is larger than the target's metadata).
 */
int llvm_leave_at_cuts(struct llvm_clone *clone, struct diag *diag);

/*
 * Strict order. llvm_order_cell: the order cell (i32) of the key that an op is about to use.
 * llvm_order_cells_of_cut: for each ordered map the cell to claim at the cut, NULL where the user
 * part behind it does not touch the map; positions as in plan order of ordered maps.
 */
LLVMValueRef llvm_order_cell(struct llvm_clone *clone, const struct ir_op *op);
/* May the stack object (original) be a key that is looked at where packets leave? */
bool llvm_order_is_key(const struct llvm_clone *clone, LLVMValueRef object);
/* The cell of the map as a whole. */
LLVMValueRef llvm_order_cell_of_map(struct llvm_clone *clone, int map);
/* Before the cuts are made: keys that not every path to a cut fills in are zeroed at the start. */
void llvm_order_clear_keys(struct llvm_clone *clone);
void llvm_order_cells_of_cut(struct llvm_clone *clone, const struct plan_cut *cut,
			     LLVMValueRef *cells);

#endif
