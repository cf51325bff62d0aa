/* The user part of a bundle, loaded into this process from memory: no file is written anywhere. */
#ifndef CLEAVE_RUNTIME_USER_PART_H
#define CLEAVE_RUNTIME_USER_PART_H

#include <stdint.h>

#include "bundle/bundle.h"
#include "bundle/user_abi.h"

struct diag;
struct user_part;

typedef uint32_t user_main_function(struct cleave_packet *packet);

/*
 * Loads a member (user.so, or replay.so with symbol CLEAVE_KERNEL_MAIN for the other function).
 * Returns 0, or -EBADMSG reported: no such member, made for another machine or another interface.
 */
int user_part_open(struct user_part **part, const struct bundle *bundle, const char *member,
		   struct diag *diag);
void user_part_close(struct user_part **part);
/* The function, or NULL. */
user_main_function *user_part_find(const struct user_part *part, const char *symbol);

#endif
