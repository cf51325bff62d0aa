/*
 * bpf_snprintf and its kin. As in the kernel in two steps: the arguments are packed into a buffer
 * of limited size, strings and addresses of the network spelled out, and then printed from there.
 * What overflows shows only that way.
 */
#include "runtime/format.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PACKED_MAX = 512, WIDTH_MAX = 1 << 22 };

struct packed {
	char bytes[PACKED_MAX];
	size_t used;
};

/* One conversion: "%-08llx", "%pI4", "%s" ... */
struct conversion {
	bool left, plus, space, zero;
	int width;   /* -1: none */
	char kind;   /* d i u x X c s p */
	char of;     /* p: the letter behind it that counts, or 0 */
	char family; /* pI, pi: 4 or 6 */
	int bytes;   /* of a number */
	size_t length;
};

/* The kernel's tables of characters are Latin-1 (lib/ctype.c). */
static bool is_blank(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

static bool is_letter_or_digit(unsigned char c)
{
	if (c >= 0xc0)
		return c != 0xd7 && c != 0xf7;
	return (c >= '0' && c <= '9') || (c < 0x80 && (c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_punctuation(unsigned char c)
{
	if (c >= 0x7f)
		return c > 0xa0 && !is_letter_or_digit(c);
	return c > ' ' && !is_letter_or_digit(c);
}

static bool ends_conversion(unsigned char c)
{
	return !c || is_blank(c) || is_punctuation(c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *parse_flags(struct conversion *c, const char *at)
{
	for (;; at++) {
		if (*at == '-')
			c->left = true;
		else if (*at == '+')
			c->plus = true;
		else if (*at == ' ')
			c->space = true;
		else if (*at == '0')
			c->zero = true;
		else
			break;
	}
	c->width = is_digit(*at) ? 0 : -1;
	for (; is_digit(*at); at++)
		if (c->width < WIDTH_MAX)
			c->width = c->width * 10 + (*at - '0');
	return at;
}

/* Behind "%p". */
static int parse_pointer(struct conversion *c, const char **at)
{
	const char *p = *at;

	c->bytes = 8;
	if (ends_conversion((unsigned char)*p))
		return 0;
	c->of = *p;
	if ((p[0] == 'k' || p[0] == 'u') && p[1] == 's') {
		*at += 2;
		return ends_conversion((unsigned char)p[2]) ? 0 : -EINVAL;
	}
	*at += 1;
	if (strchr("KxsSB", *p))
		return 0;
	if ((p[0] != 'i' && p[0] != 'I') || (p[1] != '4' && p[1] != '6'))
		return -EINVAL;
	c->family = p[1];
	*at += 1;
	return 0;
}

/* The conversion at "%..."; 0 or -EINVAL. */
static int parse_conversion(struct conversion *c, const char *format)
{
	const char *at = format + 1;
	int err = 0;

	*c = (struct conversion){0};
	at = parse_flags(c, at);
	c->kind = *at;
	c->bytes = 4;
	if (*at == 'p') {
		at++;
		err = parse_pointer(c, &at);
	} else if (*at == 's') {
		at++;
		err = ends_conversion((unsigned char)*at) ? 0 : -EINVAL;
	} else if (*at == 'c') {
		at++;
	} else {
		for (int l = 0; l < 2 && *at == 'l'; l++, at++)
			c->bytes = 8;
		c->kind = *at;
		if (!*at || !strchr("diuxX", *at))
			return -EINVAL;
		at++;
	}
	c->length = (size_t)(at - format);
	return err;
}

static int pack_bytes(struct packed *p, const void *bytes, size_t size)
{
	if (PACKED_MAX - p->used < size)
		return -ENOSPC;
	memcpy(p->bytes + p->used, bytes, size);
	p->used += size;
	return 0;
}

static int pack_number(struct packed *p, uint64_t value, int bytes)
{
	p->used = (p->used + 3) & ~(size_t)3;
	return p->used > PACKED_MAX ? -ENOSPC : pack_bytes(p, &value, (size_t)bytes);
}

/* As much of it as there is room for. The kernel reads an address that is not there as "". */
static int pack_string(struct packed *p, const char *text)
{
	size_t room = PACKED_MAX - p->used, length;

	if (!room)
		return -ENOSPC;
	length = text ? strnlen(text, room - 1) : 0;
	if (length)
		memcpy(p->bytes + p->used, text, length);
	p->bytes[p->used + length] = 0;
	p->used += length + 1;
	return 0;
}

static void spell_ip4(const uint8_t *a, bool zeros, char *text, size_t size)
{
	snprintf(text, size, zeros ? "%03u.%03u.%03u.%03u" : "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

static void spell_ip6(const uint8_t *a, bool colons, char *text)
{
	for (int i = 0; i < 16; i++)
		text += sprintf(text, "%s%02x", colons && i && i % 2 == 0 ? ":" : "", a[i]);
}

static int pack_address(struct packed *p, const struct conversion *c, const void *address)
{
	uint8_t bytes[16] = {0};
	char text[64];
	size_t size = c->family == '4' ? 4 : 16;

	if (PACKED_MAX - p->used < size)
		return -ENOSPC;
	if (address)
		memcpy(bytes, address, size);
	if (c->family == '4')
		spell_ip4(bytes, c->of == 'i', text, sizeof text);
	else
		spell_ip6(bytes, c->of == 'I', text);
	return pack_string(p, text);
}

static int pack(struct packed *p, const struct conversion *c, uint64_t value)
{
	char letter = (char)value;

	if (c->kind == 'c')
		return p->used == PACKED_MAX ? -ENOSPC : pack_bytes(p, &letter, 1);
	if (c->kind == 'p' && c->of == 'u') /* of a process, which no packet is part of */
		return pack_string(p, NULL);
	if (c->kind == 's' || (c->kind == 'p' && c->of == 'k'))
		return pack_string(p, (const char *)(uintptr_t)value);
	if (c->family)
		return pack_address(p, c, (const void *)(uintptr_t)value);
	return pack_number(p, value, c->bytes);
}

/* Of ASCII; other bytes may be text in UTF-8. */
static bool is_control(unsigned char c)
{
	return c == 0x7f || (c < ' ' && !is_blank(c));
}

/* Checks the format and packs the arguments. */
static int prepare(struct packed *p, const char *format, size_t size, const uint64_t *arguments,
		   uint32_t count)
{
	const char *end = memchr(format, 0, size);
	struct conversion c;
	uint32_t used = 0;
	int err = 0;

	if (!end)
		return -EINVAL;
	for (const char *at = format; at < end && !err; at++) {
		if (is_control((unsigned char)*at))
			return -EINVAL;
		if (*at != '%')
			continue;
		if (at[1] == '%') {
			at++;
			continue;
		}
		if (used == count || parse_conversion(&c, at))
			return -EINVAL;
		err = pack(p, &c, arguments[used++]);
		at += c.length - 1;
	}
	return err;
}

struct printer {
	char *out;
	size_t size, length; /* of the whole text, written or not */
	const struct packed *packed;
	size_t at;
};

static void put(struct printer *o, char c)
{
	if (o->length < o->size)
		o->out[o->length] = c;
	o->length++;
}

static void put_many(struct printer *o, char c, int count)
{
	while (count-- > 0)
		put(o, c);
}

static uint64_t unpack(struct printer *o, size_t bytes)
{
	uint64_t value = 0;

	if (bytes > 1)
		o->at = (o->at + 3) & ~(size_t)3;
	if (o->at + bytes <= PACKED_MAX)
		memcpy(&value, o->packed->bytes + o->at, bytes);
	o->at += bytes;
	return value;
}

static const char *unpack_string(struct printer *o)
{
	const char *text = o->at < PACKED_MAX ? o->packed->bytes + o->at : "";

	o->at += strnlen(text, o->at < PACKED_MAX ? PACKED_MAX - o->at : 0) + 1;
	return text;
}

static void print_number(struct printer *o, const struct conversion *c, uint64_t value)
{
	bool is_signed = c->kind == 'd' || c->kind == 'i';
	char digits[24], sign = 0;
	int length, padding;

	if (is_signed && c->bytes == 4)
		value = (uint64_t)(int64_t)(int32_t)value;
	if (is_signed)
		sign = (int64_t)value < 0 ? '-' : c->plus ? '+' : c->space ? ' ' : 0;
	if (sign == '-')
		value = -value;
	length = snprintf(digits, sizeof digits,
			  c->kind == 'X'                     ? "%llX"
			  : c->kind == 'x' || c->kind == 'p' ? "%llx"
							     : "%llu",
			  (unsigned long long)value);
	padding = c->width - length - (sign != 0);
	if (!c->left && !c->zero)
		put_many(o, ' ', padding);
	if (sign)
		put(o, sign);
	if (!c->left && c->zero)
		put_many(o, '0', padding);
	for (int i = 0; i < length; i++)
		put(o, digits[i]);
	if (c->left)
		put_many(o, ' ', padding);
}

static void print_string(struct printer *o, const struct conversion *c, const char *text)
{
	int padding = c->width - (int)strlen(text);

	if (!c->left)
		put_many(o, ' ', padding);
	while (*text)
		put(o, *text++);
	if (c->left)
		put_many(o, ' ', padding);
}

/* What was spelled out goes as it is, if there is room; if there is none, it is not even
 * skipped. */
static void print_spelled(struct printer *o)
{
	if (o->length >= o->size)
		return;
	for (const char *text = unpack_string(o); *text; text++)
		put(o, *text);
}

static void print_pointer(struct printer *o, struct conversion *c)
{
	if (c->family || c->of == 'k' || c->of == 'u') {
		print_spelled(o);
		return;
	}
	if (c->width < 0) {
		c->width = 16;
		c->zero = true;
	}
	print_number(o, c, unpack(o, 8));
}

static void print_conversion(struct printer *o, struct conversion *c)
{
	char letter[2] = {0};

	if (c->kind == 'p') {
		print_pointer(o, c);
	} else if (c->kind == 's') {
		print_string(o, c, unpack_string(o));
	} else if (c->kind == 'c') {
		letter[0] = (char)unpack(o, 1);
		if (!c->left)
			put_many(o, ' ', c->width - 1);
		put(o, letter[0]);
		if (c->left)
			put_many(o, ' ', c->width - 1);
	} else {
		print_number(o, c, unpack(o, (size_t)c->bytes));
	}
}

int format_print(char *out, size_t size, const char *format, size_t format_size,
		 const uint64_t *arguments, uint32_t count)
{
	struct packed packed = {.used = 0};
	struct printer o = {.out = out, .size = size, .packed = &packed};
	struct conversion c;
	int err = prepare(&packed, format, format_size, arguments, count);

	if (err)
		return err;
	for (const char *at = format; *at; at++) {
		if (*at != '%') {
			put(&o, *at);
		} else if (at[1] == '%') {
			put(&o, '%');
			at++;
		} else if (!parse_conversion(&c, at)) {
			print_conversion(&o, &c);
			at += c.length - 1;
			while (c.kind == 'p' && is_letter_or_digit((unsigned char)at[1]))
				at++;
		}
	}
	if (size)
		out[o.length < size ? o.length : size - 1] = 0;
	return (int)o.length;
}
