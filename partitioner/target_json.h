/* The fields of a target file (docs/partitioning.md). */
#ifndef CLEAVE_PARTITIONER_TARGET_JSON_H
#define CLEAVE_PARTITIONER_TARGET_JSON_H

#include <jansson.h>

#include "partitioner/plan.h"

/* Overrides what the file names. Returns NULL, or what is wrong with it (in the arena). */
const char *target_apply_json(struct arena *arena, const json_t *root, struct target *target);

#endif
