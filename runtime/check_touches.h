/* Map elements that packets looked up, changed or deleted: what is worth comparing after them. */
#ifndef CLEAVE_RUNTIME_CHECK_TOUCHES_H
#define CLEAVE_RUNTIME_CHECK_TOUCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "bundle/kernel_abi.h"

struct check_touch {
	uint32_t map, size; /* of the key */
	uint8_t
	    key[CLEAVE_BATCH_KEY_MAX]; /* longer keys are left to the comparison of whole maps */
};

enum { CHECK_TOUCHES_MAX = 1024 };

/* Each element once. */
struct check_touches {
	struct check_touch touch[CHECK_TOUCHES_MAX];
	unsigned count;
	bool overflow; /* some did not fit */
};

void check_touches_clear(struct check_touches *touches);
void check_touches_add(struct check_touches *touches, uint32_t map, const void *key, uint32_t size);
void check_touches_merge(struct check_touches *touches, const struct check_touches *more);

#endif
