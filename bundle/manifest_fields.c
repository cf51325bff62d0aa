#include "bundle/manifest.h"
#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "support/limits.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define TEXT(type, key, how) {#key, FIELD_TEXT, RULE_##how, offsetof(struct type, key)}
#define TEXTS(type, key, counter, how, most)                                                       \
	{                                                                                          \
	    #key,                                                                                  \
	    FIELD_TEXTS,                                                                           \
	    RULE_##how,                                                                            \
	    offsetof(struct type, key),                                                            \
	    offsetof(struct type, counter),                                                        \
	    0,                                                                                     \
	    most}
#define NUMBER(type, key, least, most)                                                             \
	{#key, FIELD_U32, 0, offsetof(struct type, key), 0, least, most}
#define OTHER(type, key, kind) {#key, FIELD_##kind, RULE_PROSE, offsetof(struct type, key)}
#define ROWS(type, key, counter, most, rows)                                                       \
	{#key, FIELD_ROWS, 0,    offsetof(struct type, key), offsetof(struct type, counter),       \
	 0,    most,       &rows}

static const struct field inner_fields[] = {
    NUMBER(bundle_inner, type, 1, 255),
    NUMBER(bundle_inner, key_size, 0, MAP_KEY_BYTES_MAX),
    NUMBER(bundle_inner, value_size, 0, MAP_VALUE_BYTES_MAX),
    NUMBER(bundle_inner, max_entries, 0, UINT32_MAX),
    NUMBER(bundle_inner, flags, 0, UINT32_MAX),
};
static const struct row_type inner_rows = {inner_fields, COUNT(inner_fields),
					   sizeof(struct bundle_inner)};

static const struct field held_fields[] = {
    NUMBER(bundle_held, key, 0, UINT32_MAX),
    NUMBER(bundle_held, map, 0, BUNDLE_MAPS_MAX - 1),
};
static const struct row_type held_rows = {held_fields, COUNT(held_fields),
					  sizeof(struct bundle_held)};

static const struct field call_fields[] = {
    NUMBER(bundle_call, index, 0, UINT32_MAX),
    NUMBER(bundle_call, program, 0, BUNDLE_TEXTS_MAX - 1),
};
static const struct row_type call_rows = {call_fields, COUNT(call_fields),
					  sizeof(struct bundle_call)};

static const struct field map_fields[] = {
    TEXT(bundle_map, name, NAME),
    NUMBER(bundle_map, type, 1, 255),
    NUMBER(bundle_map, key_size, 0, MAP_KEY_BYTES_MAX),
    NUMBER(bundle_map, value_size, 0, MAP_VALUE_BYTES_MAX),
    NUMBER(bundle_map, max_entries, 0, UINT32_MAX),
    NUMBER(bundle_map, flags, 0, UINT32_MAX),
    OTHER(bundle_map, home, HOME),
    TEXT(bundle_map, why, PROSE),
    NUMBER(bundle_map, slots, 0, UINT32_MAX),
    NUMBER(bundle_map, extra, 0, UINT32_MAX),
    ROWS(bundle_map, inner, inner_count, 1, inner_rows),
    ROWS(bundle_map, held, held_count, BUNDLE_HELD_MAX, held_rows),
    ROWS(bundle_map, calls, call_count, BUNDLE_HELD_MAX, call_rows),
    OTHER(bundle_map, layout, LAYOUT),
};
static const struct row_type map_rows = {map_fields, COUNT(map_fields), sizeof(struct bundle_map)};

static const struct field global_fields[] = {
    TEXT(bundle_global, name, SYMBOL),
    TEXT(bundle_global, section, SYMBOL),
    NUMBER(bundle_global, size, 0, MAP_VALUE_BYTES_MAX),
    OTHER(bundle_global, constant, BOOL),
};
static const struct row_type global_rows = {global_fields, COUNT(global_fields),
					    sizeof(struct bundle_global)};

static const struct field live_fields[] = {
    TEXT(bundle_live, name, LINE),
    TEXT(bundle_live, kind, WORD),
    NUMBER(bundle_live, offset, 0, HANDOFF_BYTES_MAX),
    NUMBER(bundle_live, size, 0, HANDOFF_BYTES_MAX),
};
static const struct row_type live_rows = {live_fields, COUNT(live_fields),
					  sizeof(struct bundle_live)};

static const struct field cut_fields[] = {
    NUMBER(bundle_cut, entry, 0, CLEAVE_ENTRIES_MAX - 1),
    NUMBER(bundle_cut, length, sizeof(struct cleave_handoff), HANDOFF_BYTES_MAX),
    TEXT(bundle_cut, file, LINE),
    NUMBER(bundle_cut, line, 0, UINT32_MAX),
    TEXT(bundle_cut, why, PROSE),
    OTHER(bundle_cut, held_only, BOOL),
    ROWS(bundle_cut, live, live_count, HANDOFF_BYTES_MAX, live_rows),
};
static const struct row_type cut_rows = {cut_fields, COUNT(cut_fields), sizeof(struct bundle_cut)};

static const struct field root_fields[] = {
    TEXT(bundle, cleave_version, WORD),
    TEXT(bundle, program, NAME),
    TEXT(bundle, section, WORD),
    TEXTS(bundle, programs, program_count, NAME, BUNDLE_TEXTS_MAX),
    TEXT(bundle, source, FILE),
    TEXT(bundle, clang, LINE),
    TEXTS(bundle, clang_flags, clang_flag_count, PROSE, BUNDLE_TEXTS_MAX),
    TEXT(bundle, machine, FILE),
    TEXT(bundle, cpu, LINE),
    TEXT(bundle, split, LINE),
    OTHER(bundle, strict, BOOL),
    NUMBER(bundle, ordered_maps, 0, CLEAVE_ORDER_MAPS),
    OTHER(bundle, replay_inputs, BOOL),
    OTHER(bundle, kernel_can_run_source, BOOL),
    OTHER(bundle, kernel_refusal, TEXT_OR_NULL),
    OTHER(bundle, min_kernel, KERNEL),
    TEXTS(bundle, kernel_features, kernel_feature_count, WORD, BUNDLE_TEXTS_MAX),
    ROWS(bundle, maps, map_count, BUNDLE_MAPS_MAX, map_rows),
    ROWS(bundle, globals, global_count, BUNDLE_GLOBALS_MAX, global_rows),
    ROWS(bundle, cuts, cut_count, CLEAVE_ENTRIES_MAX, cut_rows),
};
const struct row_type manifest_root = {root_fields, COUNT(root_fields), sizeof(struct bundle)};

/* Terminal control must not come out of a file: neither C0 nor, in UTF-8, C1 characters. */
static bool has_control(const char *text, const char *allowed)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if ((*c < 0x20 && !strchr(allowed, *c)) || *c == 0x7f)
			return true;
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			return true;
	}
	return false;
}

static bool is_symbol(const char *text, const char *extra)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	for (; *text; text++)
		if (!strchr(letters, *text) && !strchr(extra, *text))
			return false;
	return true;
}

const char *manifest_check_text(const char *text, enum text_rule rule)
{
	if (strlen(text) > BUNDLE_TEXT_BYTES_MAX)
		return "is too long";
	if (has_control(text, rule == RULE_PROSE ? "\n\t" : ""))
		return "has control characters";
	if (rule >= RULE_WORD && !*text)
		return "is empty";
	if (rule == RULE_FILE && strchr(text, '/'))
		return "is not the name of a file without its folder";
	if (rule == RULE_SYMBOL && !is_symbol(text, "0123456789.$"))
		return "is not the name of a symbol";
	if (rule == RULE_NAME && (!is_symbol(text, "0123456789") || strchr("0123456789", *text)))
		return "is not a C identifier";
	return NULL;
}
