/* Between the files that join programs which call each other by bpf_tail_call. */
#ifndef CLEAVE_FRONTEND_LLVM_TAIL_CALLS_H
#define CLEAVE_FRONTEND_LLVM_TAIL_CALLS_H

#include "frontend/llvm_stages.h"

#define TAIL_CALL "cleave.help.tail_call"
#define TAIL_HERE "cleave.tail.here" /* the depth, until then */

/* What arrays of programs are known to hold: from `.values` and from --tail-calls. */
struct tail_contents;
int tail_contents_read(struct ir_program *program, struct tail_contents **contents,
		       struct diag *diag);
/* May a call through this map (or, where it is no global, through any) reach the program? */
bool tail_contents_may_hold(const struct tail_contents *contents, LLVMValueRef map,
			    LLVMValueRef function);

#endif
