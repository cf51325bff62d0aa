/* Start contents as a file for --map-init: numbers as numbers, all else as its bytes. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "runtime/host_btf.h"
#include "runtime/map_fill.h"
#include "runtime/map_init.h"
#include "support/diag.h"
#include "support/map_types.h"

static json_t *bytes_json(const uint8_t *bytes, uint32_t size)
{
	char *text = malloc(2 * (size_t)size + 3);
	json_t *made;

	if (!text)
		return NULL;
	strcpy(text, "0x");
	for (uint32_t i = 0; i < size; i++)
		sprintf(text + 2 + 2 * i, "%02x", bytes[i]);
	made = json_string(text);
	free(text);
	return made;
}

static json_t *number_json(const uint8_t *bytes, uint32_t size, bool big_endian, bool is_signed)
{
	uint64_t number = 0;

	for (uint32_t i = 0; i < size; i++)
		number |= (uint64_t)bytes[big_endian ? size - 1 - i : i] << 8 * i;
	if (is_signed && size < 8 && number >> (8 * size - 1))
		number |= ~0ULL << 8 * size;
	if (!is_signed && number >> 63) { /* JSON's integers are signed */
		char text[24];

		snprintf(text, sizeof text, "0x%" PRIx64, number);
		return json_string(text);
	}
	return json_integer((json_int_t)number);
}

static json_t *value_json(const struct host_btf *btf, uint32_t type, const uint8_t *bytes,
			  uint32_t size)
{
	struct btf_type_view view = {0};

	if (type)
		host_btf_type(btf, type, &view);
	if (view.shape == BTF_SHAPE_UNKNOWN && (size == 1 || size == 2 || size == 4 || size == 8))
		view.shape = BTF_SHAPE_NUMBER;
	return view.shape == BTF_SHAPE_NUMBER && size <= 8
		   ? number_json(bytes, size, view.big_endian, view.is_signed)
		   : bytes_json(bytes, size);
}

/* key_type, value_type and sizes are those of the map that the entry is in. */
static json_t *entry_json(const struct host_btf *btf, const struct bundle_map *map,
			  const struct map_init_entry *entry, uint32_t key_type,
			  uint32_t value_type)
{
	json_t *made = json_object();
	const struct bundle_inner *in = map->inner_count ? map->inner : NULL;
	struct bundle_map inner = {0};
	uint32_t inner_key = 0, inner_value = 0;

	if (map_type_has_keys(map->type))
		json_object_set_new(made, "key",
				    value_json(btf, key_type, entry->key, map->key_size));
	if (!in) {
		json_object_set_new(made, "value",
				    value_json(btf, value_type, entry->value, map->value_size));
		return made;
	}
	inner = (struct bundle_map){
	    .type = in->type, .key_size = in->key_size, .value_size = in->value_size};
	host_btf_inner(btf, map->name, &inner_key, &inner_value);
	json_object_set_new(made, "value", json_array());
	for (size_t i = 0; i < entry->inner_count; i++)
		json_array_append_new(
		    json_object_get(made, "value"),
		    entry_json(btf, &inner, &entry->inner[i], inner_key, inner_value));
	return made;
}

static json_t *map_json(const struct host_btf *btf, const struct map_init *init,
			const struct bundle *bundle, uint32_t map)
{
	uint32_t key_type = 0, value_type = 0;
	json_t *list = json_array();

	host_btf_map(btf, bundle->maps[map].name, &key_type, &value_type);
	for (size_t i = 0; i < init->entry_count; i++)
		if (init->entries[i].map == map)
			json_array_append_new(list,
					      entry_json(btf, &bundle->maps[map], &init->entries[i],
							 key_type, value_type));
	return list;
}

static json_t *init_json(const struct host_btf *btf, const struct map_init *init,
			 const struct bundle *bundle)
{
	json_t *root = json_object(), *globals = json_object();

	for (uint32_t m = 0; m < bundle->map_count; m++) {
		json_t *list = map_json(btf, init, bundle, m);

		if (json_array_size(list))
			json_object_set_new(root, bundle->maps[m].name, list);
		else
			json_decref(list);
	}
	for (size_t g = 0; g < init->global_count; g++) {
		const char *name = bundle->globals[init->globals[g].global].name;

		json_object_set_new(globals, name,
				    value_json(btf, host_btf_global(btf, name),
					       init->globals[g].bytes, init->globals[g].size));
	}
	if (json_object_size(globals))
		json_object_set_new(root, "globals", globals);
	else
		json_decref(globals);
	return root;
}

int map_fill_save(const char *path, const struct map_init *init, const struct bundle *bundle,
		  struct diag *diag)
{
	const struct bundle_member *object = bundle_find(bundle, BUNDLE_MEMBER_SOURCE);
	struct host_btf *btf = NULL;
	int err = object ? host_btf_open(object->bytes, object->size, &btf, diag) : -EINVAL;
	json_t *root;

	if (err)
		return err;
	root = init_json(btf, init, bundle);
	if (json_dump_file(root, path, JSON_INDENT(1))) {
		diag_error(diag, NO_LOC, "cannot write %s", path);
		err = -EIO;
	}
	json_decref(root);
	host_btf_close(&btf);
	return err;
}
