#ifndef CLEAVE_BACKENDS_USER_LLVM_DIVISION_H
#define CLEAVE_BACKENDS_USER_LLVM_DIVISION_H

#include "backends/llvm_clone.h"

/* Divisions of the module that the host would trap at get the results that BPF's have. */
void llvm_divide_as_bpf(struct llvm_clone *clone);

#endif
