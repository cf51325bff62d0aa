/* JSON files with lines. The scanner below walks text that jansson has already accepted. */
#include "runtime/json_source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

int json_source_read(struct json_source *src, const char *path, struct diag *diag)
{
	json_error_t error;
	char *text;
	size_t size;
	int err;

	*src = (struct json_source){.arena = arena_new(), .path = path};
	err = file_read(src->arena, path, &text, &size);
	if (err) {
		diag_error(diag, NO_LOC, "cannot read %s: %s", path, strerror(-err));
		return err;
	}
	src->text = text;
	src->root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!src->root) {
		diag_error(diag,
			   (struct src_loc){path, (unsigned)error.line, (unsigned)error.column},
			   "%s", error.text);
		return -EINVAL;
	}
	if (!json_is_object(src->root)) {
		diag_error(diag, (struct src_loc){path, 1, 1}, "expected an object: { ... }");
		return -EINVAL;
	}
	return 0;
}

void json_source_free(struct json_source *src)
{
	json_decref(src->root);
	arena_free(&src->arena);
	*src = (struct json_source){0};
}

void json_source_enter(struct json_source *src, const char *name, size_t index)
{
	if (src->depth < JSON_SOURCE_DEPTH_MAX)
		src->steps[src->depth] = (struct json_step){name, index};
	src->depth++;
}

void json_source_leave(struct json_source *src)
{
	src->depth--;
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* Past one value of whatever kind, by counting brackets. */
static const char *skip_value(const char *p)
{
	int depth = 0;

	p = skip_space(p);
	do {
		if (*p == '"') {
			p = skip_string(p);
		} else {
			depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
			p++;
			if (!depth && p[-1] != '}' && p[-1] != ']')
				p += strcspn(p, ",]} \t\r\n");
		}
		if (depth)
			p = skip_space(p);
	} while (depth && *p);
	return p;
}

/* Names with escapes are compared as written: a miss only means the line of what contains them. */
static bool is_name(const char *p, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(p + 1, name, length) && p[1 + length] == '"';
}

/* From the start of a container to the member or element, or NULL. */
static const char *find_step(const char *p, const struct json_step *step)
{
	p = skip_space(p);
	if (*p != (step->name ? '{' : '['))
		return NULL;
	p = skip_space(p + 1);
	for (size_t i = 0; *p && *p != '}' && *p != ']'; i++) {
		const char *value = p;

		if (step->name) {
			value = skip_space(skip_string(p));
			value = skip_space(value + (*value == ':'));
			if (is_name(p, step->name))
				return value;
		} else if (i == step->index) {
			return value;
		}
		p = skip_space(skip_value(value));
		p = skip_space(p + (*p == ','));
	}
	return NULL;
}

unsigned json_source_line(const struct json_source *src)
{
	const char *at = skip_space(src->text), *next;
	unsigned line = 1;

	for (unsigned i = 0; i < src->depth && i < JSON_SOURCE_DEPTH_MAX; i++) {
		next = find_step(at, &src->steps[i]);
		if (!next)
			break;
		at = next;
	}
	for (const char *p = src->text; p < at; p++)
		line += *p == '\n';
	return line;
}

int json_source_error(const struct json_source *src, struct diag *diag, const char *format, ...)
{
	struct src_loc loc = {src->path, json_source_line(src), 0};
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	diag_error(diag, loc, "%s", text);
	return -EINVAL;
}
