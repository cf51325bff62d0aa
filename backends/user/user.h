/* The user backend: native shared objects for the host's CPU. */
#ifndef CLEAVE_BACKENDS_USER_USER_H
#define CLEAVE_BACKENDS_USER_USER_H

#include "backends/backend.h"

extern const struct backend backend_user;   /* the part behind the cuts */
extern const struct backend backend_replay; /* both parts, for one process */

#endif
