#include "bundle/bundle.h"
#include "bundle/manifest.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/limits.h"

#include <jansson.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *name; /* of the bundle, for messages */
	struct arena *arena;
	struct diag *diag;
	char path[128]; /* of the row being read: "cuts[2].live[0]." */
};

__attribute__((format(printf, 3, 4))) static int refuse(struct reader *reader, const char *key,
							const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	diag_error(reader->diag, (struct src_loc){.file = reader->name},
		   "damaged bundle: manifest.json: %s%s %s", reader->path, key, what);
	return -EBADMSG;
}

static int parse_text(struct reader *reader, const char *key, json_t *value, enum text_rule rule,
		      const char **text)
{
	const char *why;

	if (!json_is_string(value))
		return refuse(reader, key, "is not a text");
	why = manifest_check_text(json_string_value(value), rule);
	if (why)
		return refuse(reader, key, "%s", why);
	*text = arena_strdup(reader->arena, json_string_value(value));
	return 0;
}

static int parse_u32(struct reader *reader, const char *key, json_t *value, uint32_t min,
		     uint32_t max, uint32_t *number)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value))
		return refuse(reader, key, "is not a whole number");
	if (n < (json_int_t)min || n > (json_int_t)max)
		return refuse(reader, key, "is not from %u to %u", min, max);
	*number = (uint32_t)n;
	return 0;
}

static int parse_home(struct reader *reader, const char *key, json_t *value, enum map_home *home)
{
	if (!json_is_string(value))
		return refuse(reader, key, "is not a text");
	*home = map_home_find(json_string_value(value));
	return *home == MAP_HOME_COUNT ? refuse(reader, key, "is not a home we know") : 0;
}

/* Only the one spelling that we write is read: it is written again and compared. */
static int parse_kernel(struct reader *reader, const char *key, json_t *value, uint32_t *version)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";
	unsigned a = 0, b = 0, c = 0;
	char again[16];

	if (strlen(text) >= sizeof again || sscanf(text, "%3u.%3u.%3u", &a, &b, &c) != 3 ||
	    snprintf(again, sizeof again, "%u.%u.%u", a, b, c) < 0 || strcmp(again, text) ||
	    a > 255 || b > 255 || c > 255)
		return refuse(reader, key, "is not a kernel version a.b.c");
	*version = a << 16 | b << 8 | c;
	return 0;
}

static int parse_layout(struct reader *reader, const char *key, json_t *value, uint64_t *layout)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";

	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return refuse(reader, key, "is not 16 hexadecimal digits");
	*layout = strtoull(text, NULL, 16);
	return 0;
}

static int check_array(struct reader *reader, const char *key, json_t *value, uint32_t max)
{
	if (!json_is_array(value))
		return refuse(reader, key, "is not a list");
	if (json_array_size(value) > max)
		return refuse(reader, key, "has more than %u elements", max);
	return 0;
}

static int parse_texts(struct reader *reader, const struct field *field, json_t *value,
		       const char ***texts, size_t *count)
{
	int err = check_array(reader, field->key, value, field->max);

	if (err)
		return err;
	*count = json_array_size(value);
	*texts = arena_array(reader->arena, *count, sizeof **texts);
	for (size_t i = 0; !err && i < *count; i++)
		err = parse_text(reader, field->key, json_array_get(value, i), field->rule,
				 &(*texts)[i]);
	return err;
}

static int parse_row(struct reader *reader, json_t *object, const struct row_type *type, char *row);

static int parse_rows(struct reader *reader, const struct field *field, json_t *value, char **rows,
		      size_t *count)
{
	size_t before = strlen(reader->path);
	int err = check_array(reader, field->key, value, field->max);

	if (err)
		return err;
	*count = json_array_size(value);
	*rows = arena_array(reader->arena, *count, field->row->size);
	for (size_t i = 0; !err && i < *count; i++) {
		snprintf(reader->path + before, sizeof reader->path - before, "%s[%zu].",
			 field->key, i);
		err = parse_row(reader, json_array_get(value, i), field->row,
				*rows + i * field->row->size);
	}
	reader->path[before] = '\0';
	return err;
}

static int parse_field(struct reader *reader, const struct field *field, json_t *value, char *row)
{
	void *at = row + field->offset;
	size_t *count = (size_t *)(void *)(row + field->count_offset);

	switch (field->kind) {
	case FIELD_TEXT_OR_NULL:
		if (json_is_null(value))
			return 0;
		/* fallthrough */
	case FIELD_TEXT:
		return parse_text(reader, field->key, value, field->rule, at);
	case FIELD_TEXTS:
		return parse_texts(reader, field, value, at, count);
	case FIELD_U32:
		return parse_u32(reader, field->key, value, field->min, field->max, at);
	case FIELD_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value)
			   ? 0
			   : refuse(reader, field->key, "is neither true nor false");
	case FIELD_HOME:
		return parse_home(reader, field->key, value, at);
	case FIELD_KERNEL:
		return parse_kernel(reader, field->key, value, at);
	case FIELD_LAYOUT:
		return parse_layout(reader, field->key, value, at);
	case FIELD_ROWS:
		return parse_rows(reader, field, value, at, count);
	}
	return -EINVAL;
}

/* Every key of the type has to be there. Keys of the object that the type lacks are found by
 * counting. */
static int parse_row(struct reader *reader, json_t *object, const struct row_type *type, char *row)
{
	if (!json_is_object(object))
		return refuse(reader, "", "is not an object");
	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];
		json_t *value = json_object_get(object, field->key);
		int err = value ? parse_field(reader, field, value, row)
				: refuse(reader, field->key, "is missing");

		if (err)
			return err;
	}
	if (json_object_size(object) != type->field_count)
		return refuse(reader, "", "has keys that we do not know");
	return 0;
}

static int parse_member(struct reader *reader, json_t *value, const struct bundle_member *member)
{
	const char *name, *digest;
	json_error_t error;
	json_int_t size;

	if (json_unpack_ex(value, &error, JSON_STRICT, "{s:s, s:I, s:s}", "name", &name, "size",
			   &size, "sha256", &digest))
		return refuse(reader, "members", "has a malformed element");
	if (strcmp(name, member->name))
		return refuse(reader, "members", "has %.40s where the file has %s", name,
			      member->name);
	if (size < 0 || (size_t)size != member->size || strcmp(digest, member->digest))
		return refuse(reader, "members", "does not describe the %s in the file",
			      member->name);
	return 0;
}

/* The list holds every member behind the manifest, in the file's order. */
static int parse_members(struct reader *reader, json_t *list, const struct bundle *bundle)
{
	size_t described = 0;

	if (!json_is_array(list))
		return refuse(reader, "members", "is not a list");
	for (size_t i = 0; i < bundle->member_count; i++) {
		const struct bundle_member *member = &bundle->members[i];
		int err = 0;

		if (strcmp(member->name, BUNDLE_MEMBER_MANIFEST))
			err = parse_member(reader, json_array_get(list, described++), member);
		if (err)
			return err;
	}
	if (json_array_size(list) != described)
		return refuse(reader, "members", "has members that are not in the file");
	return 0;
}

/* Before anything else that a later format may have changed. */
static int parse_format(struct reader *reader, json_t *root)
{
	json_t *format = json_object_get(root, "format");

	if (!json_is_integer(format))
		return refuse(reader, "format", "is not a whole number");
	if (json_integer_value(format) == BUNDLE_FORMAT_VERSION)
		return 0;
	diag_error(reader->diag, (struct src_loc){.file = reader->name},
		   "this bundle has format version %lld, and only version %d is known here: build "
		   "it again, or use the release of Cleave that made it",
		   (long long)json_integer_value(format), BUNDLE_FORMAT_VERSION);
	return -EPROTONOSUPPORT;
}

static int parse_root(struct reader *reader, json_t *root, struct bundle *bundle)
{
	json_t *members = json_object_get(root, "members");
	const char *why;
	int err = parse_format(reader, root);

	if (!err)
		err = parse_members(reader, members, bundle);
	if (err)
		return err;
	json_object_del(root, "format");
	json_object_del(root, "members");
	err = parse_row(reader, root, &manifest_root, (char *)bundle);
	if (err)
		return err;
	why = manifest_check_members(bundle);
	if (!why)
		why = manifest_check(bundle);
	return why ? refuse(reader, "", "%s", why) : 0;
}

int manifest_parse(const char *name, const char *text, size_t size, struct bundle *bundle,
		   struct diag *diag)
{
	struct reader reader = {.name = name, .arena = bundle->arena, .diag = diag};
	json_error_t error;
	json_t *root;
	int err;

	if (size > BUNDLE_MANIFEST_BYTES_MAX)
		return refuse(&reader, "", "is too long");
	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return refuse(&reader, "", "line %d is not JSON", error.line);
	err = parse_root(&reader, root, bundle);
	json_decref(root);
	return err;
}
