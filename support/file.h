/* Whole files, and writing so that a reader sees the old file or the new one, never half of one. */
#ifndef CLEAVE_SUPPORT_FILE_H
#define CLEAVE_SUPPORT_FILE_H

#include <stddef.h>

struct arena;

/*
 * The bytes of a file with a NUL after them, in the arena; *size (may be NULL) is the length
 * without it. Returns 0 or a negative errno (-EFBIG above FILE_BYTES_MAX of support/limits.h).
 */
int file_read(struct arena *arena, const char *path, char **bytes, size_t *size);

/*
 * Writes to a temporary file in the same folder, flushes it to disk and renames it over path.
 * On failure (a full disk, a lost folder) nothing is left behind. Returns 0 or a negative errno.
 */
int file_write_atomic(const char *path, const void *bytes, size_t size);

#endif
