/*
 * What a C source asks about the kernel (CO-RE). Its bitcode names a question only by a global
 * variable, "llvm.TYPE:KIND:VALUE$PATH" or "llvm.btf_type_id.N$KIND"; the object that clang made of
 * the same source beside it has the question and the types in full, and answers are found with it.
 */
#ifndef CLEAVE_FRONTEND_SOURCE_CORE_H
#define CLEAVE_FRONTEND_SOURCE_CORE_H

#include "frontend/bpf_core.h"

struct frontend_source;
struct source_core;

/* NULL after a report; without an object, or without questions in it, all are unknown. */
struct source_core *source_core_open(struct arena *arena, const struct frontend_source *source,
				     struct diag *diag);

struct source_question {
	const char *type; /* its name, `length` bytes */
	size_t length;
	uint32_t kind;
	const char *access;
};

/* False: the object has no such question. *text: for messages. */
bool source_core_ask(struct source_core *core, const struct source_question *question,
		     struct bpf_core_answer *answer, const char **text);

#endif
