/*
 * The far side of the cuts: a switch on the entry number in front of the program, which puts the
 * live values of a handoff back where the code expects them and jumps to the cut's target.
 *
 * A value that is restored at some entry has two definitions then; it goes through a stack object
 * that LLVM's SROA turns into SSA form again.
 */
#ifndef CLEAVE_BACKENDS_LLVM_ENTER_H
#define CLEAVE_BACKENDS_LLVM_ENTER_H

#include "backends/llvm_clone.h"

/* The copy becomes the part behind the plan's cuts: `u32 function(struct cleave_packet *)`. */
int llvm_enter_behind_cuts(struct llvm_clone *clone, struct diag *diag);

#endif
