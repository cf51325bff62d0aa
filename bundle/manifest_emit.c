#include "bundle/bundle.h"
#include "bundle/digest.h"
#include "bundle/manifest.h"
#include "support/arena.h"
#include "support/exit_codes.h"

#include <jansson.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson says "no memory" with NULL and -1. As in an arena, there is nothing better to do then. */
static void require(bool done)
{
	if (done)
		return;
	fputs("cleave: out of memory\n", stderr);
	exit(EXIT_CLEAVE_BUG);
}

static void set(json_t *object, const char *key, json_t *value)
{
	require(value && !json_object_set_new(object, key, value));
}

/* JSON is UTF-8. Text that is not, such as a file name in an old encoding, loses its foreign
 * letters. */
static json_t *emit_text(const char *text)
{
	json_t *value = json_string(text ? text : "");

	if (value)
		return value;
	char *ascii = strdup(text);
	require(ascii);
	for (char *c = ascii; *c; c++)
		if (*c & 0x80)
			*c = '?';
	value = json_string(ascii);
	free(ascii);
	return value;
}

static json_t *emit_texts(const char *const *texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		require(array && !json_array_append_new(array, emit_text(texts[i])));
	return array;
}

static json_t *emit_row(const void *row, const struct row_type *type);

static json_t *emit_rows(const char *rows, size_t count, const struct row_type *type)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		require(array &&
			!json_array_append_new(array, emit_row(rows + i * type->size, type)));
	return array;
}

static json_t *emit_kernel(uint32_t version)
{
	return json_sprintf("%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
}

static json_t *emit_field(const char *row, const struct field *field)
{
	const void *at = row + field->offset;
	size_t count = 0;

	if (field->kind == FIELD_TEXTS || field->kind == FIELD_ROWS)
		count = *(const size_t *)(const void *)(row + field->count_offset);
	switch (field->kind) {
	case FIELD_TEXT:
		return emit_text(*(const char *const *)at);
	case FIELD_TEXT_OR_NULL:
		return *(const char *const *)at ? emit_text(*(const char *const *)at) : json_null();
	case FIELD_TEXTS:
		return emit_texts(*(const char *const *const *)at, count);
	case FIELD_U32:
		return json_integer(*(const uint32_t *)at);
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_HOME:
		return json_string(map_home_text(*(const enum map_home *)at));
	case FIELD_KERNEL:
		return emit_kernel(*(const uint32_t *)at);
	case FIELD_LAYOUT:
		return json_sprintf("%016" PRIx64, *(const uint64_t *)at);
	case FIELD_ROWS:
		return emit_rows(*(const char *const *)at, count, field->row);
	}
	return NULL;
}

static json_t *emit_row(const void *row, const struct row_type *type)
{
	json_t *object = json_object();

	for (size_t i = 0; i < type->field_count; i++)
		set(object, type->fields[i].key, emit_field(row, &type->fields[i]));
	return object;
}

static json_t *emit_members(struct bundle *bundle)
{
	json_t *array = json_array();

	for (size_t i = 0; i < bundle->member_count; i++) {
		struct bundle_member *member = &bundle->members[i];
		json_t *object = json_object();

		bundle_digest_compute(member->bytes, member->size, member->digest);
		if (!strcmp(member->name, BUNDLE_MEMBER_MANIFEST)) {
			json_decref(object);
			continue;
		}
		set(object, "name", json_string(member->name));
		set(object, "size", json_integer((json_int_t)member->size));
		set(object, "sha256", json_string(member->digest));
		require(array && !json_array_append_new(array, object));
	}
	return array;
}

const char *bundle_manifest(struct bundle *bundle)
{
	json_t *root = json_object(), *fields;
	const char *manifest;
	char *text;

	for (size_t i = 0; i < bundle->map_count; i++)
		bundle->maps[i].layout = bundle_map_layout(&bundle->maps[i]);
	set(root, "format", json_integer(BUNDLE_FORMAT_VERSION));
	fields = emit_row(bundle, &manifest_root);
	require(!json_object_update(root, fields));
	json_decref(fields);
	set(root, "members", emit_members(bundle));
	text = json_dumps(root, JSON_INDENT(2));
	require(text);
	json_decref(root);
	manifest = arena_printf(bundle->arena, "%s\n", text);
	free(text);
	return manifest;
}
