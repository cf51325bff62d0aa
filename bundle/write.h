/* A bundle's bytes without a file: what bundle_write writes. */
#ifndef CLEAVE_BUNDLE_WRITE_H
#define CLEAVE_BUNDLE_WRITE_H

#include <stddef.h>

struct bundle;

/* Adds the manifest, builds the archive in the bundle's arena and seals it. Returns 0 or a negative
 * errno. */
int bundle_emit(struct bundle *bundle, char **bytes, size_t *size);

#endif
