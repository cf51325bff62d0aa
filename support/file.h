/* Whole files, and writing so that a reader sees the old file or the new one, never half of one. */
#ifndef CLEAVE_SUPPORT_FILE_H
#define CLEAVE_SUPPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;

/*
 * The bytes of a file with a NUL after them, in the arena; *size (may be NULL) is the length
 * without it. Returns 0 or a negative errno (-EFBIG above FILE_BYTES_MAX of support/limits.h).
 */
int file_read(struct arena *arena, const char *path, char **bytes, size_t *size);

/*
 * An output file. A regular file appears, or is replaced, when it is closed; until then what is
 * written is in a temporary file in the same folder. A device or a pipe is written directly.
 *
 *     struct file_output out;
 *     int err = file_output_open(&out, path);
 *     if (!err) {
 *             fputs("text", out.stream);
 *             err = file_output_close(&out, true);
 *     }
 */
struct file_output {
	FILE *stream;
	char *path, *temp; /* temp: NULL when written directly */
};

/* Returns 0 or a negative errno. */
int file_output_open(struct file_output *output, const char *path);
/* To disk, but not yet in its place. Returns 0 or a negative errno, also of earlier writes. */
int file_output_flush(struct file_output *output);
/*
 * Flushes to disk and puts the file in its place. Without keep, and on failure (a full disk), what
 * was written is removed and the old file is as it was. Returns 0 or a negative errno, also when
 * an earlier write to the stream failed.
 */
int file_output_close(struct file_output *output, bool keep);

/* The same for bytes that are there already. */
int file_write_atomic(const char *path, const void *bytes, size_t size);

/* Are they one file, by whatever names? False when one of them does not exist. */
bool file_is_same(const char *a, const char *b);

#endif
