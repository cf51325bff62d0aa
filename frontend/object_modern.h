/*
 * An object with maps of the old kind (section `maps`, struct bpf_map_def) as one that today's
 * libbpf loads: their definitions move to `.maps`, with BTF. Instructions, symbols' names and
 * numbers, data and relocations stay as they are, so that the kernel runs the unmodified program.
 */
#ifndef CLEAVE_FRONTEND_OBJECT_MODERN_H
#define CLEAVE_FRONTEND_OBJECT_MODERN_H

#include <stddef.h>

struct arena;

/* Replaces *bytes (in the arena) where there is need. The object has been read without fault. */
void object_modernise(struct arena *arena, const char **bytes, size_t *size);

#endif
