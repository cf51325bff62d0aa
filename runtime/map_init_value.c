/* JSON values into the bytes of BTF types. */
#include "runtime/map_init_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/host_btf.h"
#include "runtime/json_source.h"

enum { NESTING_MAX = 32 }; /* structs without a name in structs */

static void store_number(uint8_t *bytes, uint32_t size, bool big_endian, uint64_t number)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[big_endian ? size - 1 - i : i] = i < 8 ? (uint8_t)(number >> (8 * i)) : 0;
}

static bool parse_number_text(const char *text, bool *negative, uint64_t *number)
{
	char *end;

	*negative = text[0] == '-';
	if (!isdigit((unsigned char)text[*negative]))
		return false;
	errno = 0;
	*number = *negative ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	return !errno && !*end;
}

static bool get_number(const struct map_init_reader *r, const json_t *value, uint32_t type,
		       bool *negative, uint64_t *number)
{
	int64_t enumerator;

	*negative = false;
	if (json_is_boolean(value)) {
		*number = json_is_true(value);
		return true;
	}
	if (json_is_integer(value)) {
		*number = (uint64_t)json_integer_value(value);
		*negative = json_integer_value(value) < 0;
		return true;
	}
	if (!json_is_string(value))
		return false;
	if (host_btf_enumerator(r->btf, type, json_string_value(value), &enumerator)) {
		*number = (uint64_t)enumerator;
		*negative = enumerator < 0;
		return true;
	}
	return parse_number_text(json_string_value(value), negative, number);
}

/* Does the number fit into so many bits? Negative numbers fit unsigned types too: ~0 is common. */
static bool number_fits(uint64_t number, bool negative, uint32_t bits, bool is_signed)
{
	int64_t value = (int64_t)number;

	if (bits >= 64)
		return !(is_signed && !negative && value < 0);
	if (negative)
		return value >= -((int64_t)1 << (bits - 1));
	return number < (uint64_t)1 << (is_signed ? bits - 1 : bits);
}

/* An address is stored as it is on the wire, whatever integer type holds it. */
static bool parse_address(const char *text, uint8_t *bytes, uint32_t size)
{
	uint8_t mac[6];
	char rest;

	if (size == 4)
		return inet_pton(AF_INET, text, bytes) == 1;
	if (size == 16)
		return inet_pton(AF_INET6, text, bytes) == 1;
	if (size != 6 || sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", mac, mac + 1,
				mac + 2, mac + 3, mac + 4, mac + 5, &rest) != 6)
		return false;
	memcpy(bytes, mac, 6);
	return true;
}

static bool parse_hex(const char *text, uint8_t *bytes, uint32_t size)
{
	if (strncmp(text, "0x", 2) || strlen(text + 2) != 2 * (size_t)size)
		return false;
	for (uint32_t i = 0; i < size; i++) {
		unsigned byte;

		if (!isxdigit((unsigned char)text[2 + 2 * i]) ||
		    sscanf(text + 2 + 2 * i, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8_t)byte;
	}
	return true;
}

static int store_scalar(const struct map_init_reader *r, const json_t *value, uint32_t type,
			const struct btf_type_view *view, uint8_t *bytes)
{
	bool negative;
	uint64_t number;

	if (json_is_string(value) && parse_address(json_string_value(value), bytes, view->size))
		return 0;
	if (!get_number(r, value, type, &negative, &number))
		return json_source_error(r->src, r->diag, "expected a number%s",
					 view->size == 4 ? " or an IPv4 address" : "");
	if (view->size < 8 && !number_fits(number, negative, view->size * 8, view->is_signed))
		return json_source_error(r->src, r->diag, "the number does not fit into %u byte%s",
					 view->size, view->size == 1 ? "" : "s");
	store_number(bytes, view->size, view->big_endian, number);
	return 0;
}

static int store_text(const struct map_init_reader *r, const char *text,
		      const struct btf_type_view *view, uint8_t *bytes)
{
	struct btf_type_view element = {0};

	if (parse_address(text, bytes, view->size) || parse_hex(text, bytes, view->size))
		return 0;
	if (view->shape == BTF_SHAPE_ARRAY)
		host_btf_type(r->btf, view->element, &element);
	if (element.shape == BTF_SHAPE_NUMBER && element.size == 1) {
		if (strlen(text) > view->size)
			return json_source_error(r->src, r->diag,
						 "the text is longer than %u bytes", view->size);
		memcpy(bytes, text, strlen(text));
		return 0;
	}
	return json_source_error(r->src, r->diag,
				 "expected \"0x\" and the %u bytes in hexadecimal%s", view->size,
				 view->size == 4    ? ", or an IPv4 address"
				 : view->size == 16 ? ", or an IPv6 address"
				 : view->size == 6  ? ", or a MAC address"
						    : "");
}

static int store_list(const struct map_init_reader *r, const json_t *value,
		      const struct btf_type_view *view, uint8_t *bytes)
{
	size_t count = json_array_size(value);
	uint32_t size = view->count ? view->size / view->count : 0;

	if (count > view->count)
		return json_source_error(r->src, r->diag, "the array has %u elements, not %zu",
					 view->count, count);
	for (size_t i = 0; i < count; i++) {
		int err;

		json_source_enter(r->src, NULL, i);
		err = map_init_value(r, json_array_get(value, i), view->element, bytes + i * size,
				     size);
		if (err)
			return err;
		json_source_leave(r->src);
	}
	return 0;
}

/* The member with this name, also inside anonymous structs; bit is then from the outermost start.
 */
static bool find_member(const struct host_btf *btf, uint32_t type, const char *name, unsigned depth,
			struct btf_member_view *found)
{
	struct btf_type_view view;

	host_btf_type(btf, type, &view);
	if (view.shape != BTF_SHAPE_STRUCT || depth == NESTING_MAX)
		return false;
	for (uint32_t i = 0; i < view.count; i++) {
		struct btf_member_view member;

		host_btf_member(btf, type, i, &member);
		if (!strcmp(member.name, name)) {
			*found = member;
			return true;
		}
		if (!*member.name && find_member(btf, member.type, name, depth + 1, found)) {
			found->bit += member.bit;
			return true;
		}
	}
	return false;
}

static int store_bits(const struct map_init_reader *r, const json_t *value,
		      const struct btf_member_view *member, uint8_t *bytes)
{
	bool negative;
	uint64_t number;

	if (!get_number(r, value, member->type, &negative, &number) ||
	    !number_fits(number, negative, member->bits, false))
		return json_source_error(r->src, r->diag, "expected a number of %u bits",
					 member->bits);
	for (uint32_t i = 0; i < member->bits; i++)
		if (number >> i & 1)
			bytes[(member->bit + i) / 8] |= (uint8_t)(1 << (member->bit + i) % 8);
	return 0;
}

static int store_member(const struct map_init_reader *r, uint32_t type, const char *name,
			const json_t *value, uint8_t *bytes, uint32_t size)
{
	struct btf_member_view member;
	struct btf_type_view view;

	if (!find_member(r->btf, type, name, 0, &member))
		return json_source_error(r->src, r->diag, "there is no member \"%s\"", name);
	host_btf_type(r->btf, member.type, &view);
	/* The type information is as trustworthy as the file it comes from. */
	if ((uint64_t)member.bit + (member.bits ? member.bits : 8ull * view.size) > 8ull * size)
		return json_source_error(r->src, r->diag, "\"%s\" lies outside of its struct",
					 name);
	if (member.bits)
		return store_bits(r, value, &member, bytes);
	return map_init_value(r, value, member.type, bytes + member.bit / 8, view.size);
}

static int store_members(const struct map_init_reader *r, const json_t *value, uint32_t type,
			 uint8_t *bytes, uint32_t size)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)value, name, member)
	{
		int err;

		json_source_enter(r->src, name, 0);
		err = store_member(r, type, name, member, bytes, size);
		if (err)
			return err;
		json_source_leave(r->src);
	}
	return 0;
}

int map_init_value(const struct map_init_reader *r, const json_t *value, uint32_t type,
		   uint8_t *bytes, uint32_t size)
{
	struct btf_type_view view;

	host_btf_type(r->btf, type, &view);
	if (view.shape != BTF_SHAPE_UNKNOWN && view.size != size)
		return json_source_error(
		    r->src, r->diag, "the type has %u bytes where the map has %u", view.size, size);
	view.size = size;
	if (view.shape == BTF_SHAPE_UNKNOWN && (size == 1 || size == 2 || size == 4 || size == 8))
		view.shape = BTF_SHAPE_NUMBER;
	if (view.shape == BTF_SHAPE_NUMBER)
		return store_scalar(r, value, type, &view, bytes);
	if (json_is_string(value))
		return store_text(r, json_string_value(value), &view, bytes);
	if (view.shape == BTF_SHAPE_ARRAY && json_is_array(value))
		return store_list(r, value, &view, bytes);
	if (view.shape == BTF_SHAPE_STRUCT && json_is_object(value))
		return store_members(r, value, type, bytes, size);
	return json_source_error(r->src, r->diag, "expected %s",
				 view.shape == BTF_SHAPE_ARRAY    ? "a list, or text"
				 : view.shape == BTF_SHAPE_STRUCT ? "an object: {\"member\": ...}"
								  : "text: \"0x...\"");
}

int map_init_prefix(const struct map_init_reader *r, const json_t *value, uint8_t *bytes,
		    uint32_t size)
{
	const char *text = json_string_value(json_object_get(value, "prefix"));
	const char *slash = text ? strchr(text, '/') : NULL;
	bool negative;
	uint64_t length;
	char address[64];

	if (!slash || (size_t)(slash - text) >= sizeof address || json_object_size(value) != 1)
		return json_source_error(r->src, r->diag,
					 "expected {\"prefix\": \"ADDRESS/LENGTH\"}");
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (!parse_address(address, bytes + 4, size - 4) ||
	    !parse_number_text(slash + 1, &negative, &length) || negative ||
	    length > (size - 4) * 8)
		return json_source_error(r->src, r->diag, "not an IPv%d prefix: \"%s\"",
					 size == 8 ? 4 : 6, text);
	store_number(bytes, 4, false, length);
	return 0;
}
