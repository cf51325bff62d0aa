/*
 * manifest.json: what the bundle says about itself, as JSON.
 *
 * One table (manifest_fields.c) has a row for each key: its name, its place in struct bundle and
 * the values it may have. Writer and reader both walk it, so neither can know a key that the other
 * does not. Rules that tie several values together are in manifest_check.c.
 */
#ifndef CLEAVE_BUNDLE_MANIFEST_H
#define CLEAVE_BUNDLE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bundle;
struct diag;

enum field_kind {
	FIELD_TEXT,         /* const char * */
	FIELD_TEXT_OR_NULL, /* const char *, NULL is null */
	FIELD_TEXTS,        /* const char **, and a count */
	FIELD_U32,          /* uint32_t, from min to max */
	FIELD_BOOL,         /* bool */
	FIELD_HOME,         /* enum map_home, as its text */
	FIELD_KERNEL,       /* uint32_t KERNEL_VERSION(a, b, c), as "a.b.c" */
	FIELD_LAYOUT,       /* uint64_t, 16 hexadecimal digits */
	FIELD_ROWS,         /* array of structs, and a count */
};

enum text_rule {
	RULE_PROSE,  /* UTF-8, line breaks and tabs allowed, no other control characters */
	RULE_LINE,   /* one line of UTF-8 without control characters */
	RULE_WORD,   /* the same, not empty */
	RULE_FILE,   /* a word without '/' */
	RULE_SYMBOL, /* name of an ELF symbol: letters, digits, _ . $ */
	RULE_NAME,   /* a C identifier */
};

struct field {
	const char *key;
	enum field_kind kind;
	enum text_rule rule;
	size_t offset, count_offset; /* in the struct */
	uint32_t min, max;           /* of numbers; max of counts */
	const struct row_type *row;
};

struct row_type {
	const struct field *fields;
	size_t field_count;
	size_t size; /* of the struct */
};

/* The fields of struct bundle itself; all others hang on it. */
extern const struct row_type manifest_root;

/* Why the text breaks the rule, or NULL. */
const char *manifest_check_text(const char *text, enum text_rule rule);

/* Rules across fields. Why the bundle breaks one (in its arena), or NULL. */
const char *manifest_check(const struct bundle *bundle);
/* Rules for the set and the order of members, the same way. */
const char *manifest_check_members(const struct bundle *bundle);
/* The place of a member in the file, from 0, or -1 for a name that we do not know. */
int manifest_find_member(const char *name);

/*
 * Fills the bundle, whose members are already there, from the manifest's text and checks it.
 * Returns 0, -EBADMSG or -EPROTONOSUPPORT, reported to diag.
 */
int manifest_parse(const char *name, const char *text, size_t size, struct bundle *bundle,
		   struct diag *diag);

#endif
