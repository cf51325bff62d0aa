#ifndef CLEAVE_BACKENDS_USER_LLVM_LOWER_USER_H
#define CLEAVE_BACKENDS_USER_LLVM_LOWER_USER_H

#include "backends/llvm_clone.h"

/* Adds to maps whose effects are queued become calls; before anything is deleted. */
void llvm_queue_adds(struct llvm_clone *clone);
/* Intrinsics become calls of user_rt.c; globals come from the environment; BPF's barriers go. */
void llvm_lower_to_user(struct llvm_clone *clone);

#endif
