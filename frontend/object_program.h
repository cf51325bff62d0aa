/* Which program of an object is meant, and which functions of it are programs. */
#ifndef CLEAVE_FRONTEND_OBJECT_PROGRAM_H
#define CLEAVE_FRONTEND_OBJECT_PROGRAM_H

#include "frontend/bpf_object.h"

struct lift_input;

/*
 * Without a name: the only one, or the only one that no other is known to call. Sections that hold
 * programs by another name are named as one of their kind. Returns 0 or -EINVAL (reported).
 */
int object_program_choose(struct bpf_object *object, const struct lift_input *input,
			  struct bpf_function **chosen, struct diag *diag);
bool object_program_is(const struct bpf_object *object, const struct bpf_function *function);
/* Does "MAP[INDEX]=PROGRAM,..." (or NULL) name it? */
bool object_program_in(const char *tail_calls, const char *program);

#endif
