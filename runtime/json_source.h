/*
 * JSON files that people write, read so that a mistake in them can be named by its line: jansson
 * keeps no lines, so a place is found again by the path of names and indices that leads to it.
 *
 *     struct json_source src;
 *     if (!json_source_read(&src, "init.json", diag)) {
 *         json_source_enter(&src, "flows", 0);
 *         json_source_error(&src, diag, "there is no map \"%s\"", "flows");   init.json:3: error:
 * ... json_source_leave(&src);
 *     }
 *     json_source_free(&src);
 */
#ifndef CLEAVE_RUNTIME_JSON_SOURCE_H
#define CLEAVE_RUNTIME_JSON_SOURCE_H

#include <jansson.h>
#include <stddef.h>

struct diag;
struct arena;

enum { JSON_SOURCE_DEPTH_MAX = 64 };

struct json_step {
	const char *name; /* member of an object, or NULL */
	size_t index;     /* element of an array, when name is NULL */
};

struct json_source {
	struct arena *arena;
	const char *path;
	const char *text;
	json_t *root; /* an object */
	struct json_step steps[JSON_SOURCE_DEPTH_MAX];
	unsigned depth; /* of where we are; steps beyond the maximum are counted, not kept */
};

/* Reads an object. Returns 0 or a negative errno, reported to diag; json_source_free is due in both
 * cases. */
int json_source_read(struct json_source *src, const char *path, struct diag *diag);
void json_source_free(struct json_source *src);

/* Steps into a member (name) or element (name NULL) of where we are; names must outlive the step.
 */
void json_source_enter(struct json_source *src, const char *name, size_t index);
void json_source_leave(struct json_source *src);
/* The line of where we are, from 1. */
unsigned json_source_line(const struct json_source *src);
/* Reports an error here; returns -EINVAL. */
int json_source_error(const struct json_source *src, struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
