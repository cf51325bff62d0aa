/* Shifts in user parts: see llvm_shifts.c. */
#ifndef CLEAVE_BACKENDS_USER_LLVM_SHIFTS_H
#define CLEAVE_BACKENDS_USER_LLVM_SHIFTS_H

#include "backends/llvm_clone.h"

/* Every shift by a distance that is not constant takes its low bits; before any pass runs. */
void llvm_define_shifts(struct llvm_clone *clone);

#endif
