/* Asking the kernel's verifier about an object, without keeping anything. */
#ifndef CLEAVE_RUNTIME_HOST_VERIFY_H
#define CLEAVE_RUNTIME_HOST_VERIFY_H

#include <stddef.h>

struct verify_refusal {
	char file[256]; /* of the source line that the verifier was at; "" when it said none */
	unsigned line;
	char message[256]; /* its last word */
};

/*
 * Returns 1 when the kernel takes every program of the object, 0 when it refuses one (*refusal says
 * where), or a negative errno: -EPERM without the privilege to load programs.
 */
int host_verify_object(const void *bytes, size_t size, struct verify_refusal *refusal);

#endif
