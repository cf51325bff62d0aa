/* From an object file to a shared object, by lld as a subprocess. */
#ifndef CLEAVE_BACKENDS_USER_LINK_H
#define CLEAVE_BACKENDS_USER_LINK_H

#include "backends/backend.h"

/* Links output's object into a shared object, in place. -ENOPKG when there is no linker, reported.
 */
int link_shared_object(struct arena *arena, struct backend_output *output, struct diag *diag);

#endif
