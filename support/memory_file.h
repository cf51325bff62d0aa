/*
 * Files without a place on disk, for what child processes read and write: whatever happens to the
 * processes, nothing of them is left.
 *
 *     int fd = memory_file_new("part.o", bytes, size);
 *     char path[MEMORY_FILE_PATH_BYTES];
 *     memory_file_path(fd, path);        a child can open it by this name
 *     close(fd);
 */
#ifndef CLEAVE_SUPPORT_MEMORY_FILE_H
#define CLEAVE_SUPPORT_MEMORY_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { MEMORY_FILE_PATH_BYTES = 32, MEMORY_FILE_NAME_BYTES = 128 };

/* With these bytes in it. Children inherit it. Returns a descriptor or a negative errno. */
int memory_file_new(const char *name, const void *bytes, size_t size);
/* The name by which this process, and a child that inherited it, can open it. */
void memory_file_path(int fd, char path[MEMORY_FILE_PATH_BYTES]);
/* The name that memory_file_new was given, of a file with such a path. False: it is another. */
bool memory_file_name(const char *path, char name[MEMORY_FILE_NAME_BYTES]);
/* All of it, with a NUL behind it. Returns 0 or a negative errno. */
int memory_file_read(struct arena *arena, int fd, char **bytes, size_t *size);

#endif
