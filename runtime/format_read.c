/* bpf_strtol and bpf_strtoul. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/format.h"

enum { BASE_MASK = 0x1f, DIGITS_MAX = 63 };

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return 16;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (unsigned char)c == 0xa0;
}

/* "0x" only before a digit; a base that is given allows it too. */
static size_t find_base(const char *text, unsigned *base)
{
	bool hex = text[0] == '0' && (text[1] | 0x20) == 'x' && digit_of(text[2]) < 16;

	if (*base == 0)
		*base = hex ? 16 : text[0] == '0' ? 8 : 10;
	return *base == 16 && text[0] == '0' && (text[1] | 0x20) == 'x' ? 2 : 0;
}

/* Digits of the base; -ERANGE when the number has more than 64 bits. */
static int read_digits(const char *text, unsigned base, uint64_t *number)
{
	bool overflow = false;
	int count = 0;

	*number = 0;
	for (; digit_of(text[count]) < (int)base; count++) {
		overflow |= __builtin_mul_overflow(*number, (uint64_t)base, number);
		overflow |=
		    __builtin_add_overflow(*number, (uint64_t)digit_of(text[count]), number);
	}
	return overflow ? -ERANGE : count;
}

static int read_number(const char *text, size_t size, uint64_t flags, uint64_t *number,
		       bool *negative)
{
	char digits[DIGITS_MAX + 1];
	unsigned base = flags & BASE_MASK;
	size_t at = 0, prefix;
	int count;

	if (!size || (base != 0 && base != 8 && base != 10 && base != 16) || flags & ~BASE_MASK)
		return -EINVAL;
	while (at < size && is_blank(text[at]))
		at++;
	*negative = at < size && text[at] == '-';
	at += *negative;
	if (at == size)
		return -EINVAL;
	size = size - at < DIGITS_MAX ? size - at : DIGITS_MAX;
	memcpy(digits, text + at, size);
	digits[size] = 0;
	prefix = find_base(digits, &base);
	count = read_digits(digits + prefix, base, number);
	if (count <= 0)
		return count ? count : -EINVAL;
	return (int)(at + prefix) + count;
}

int format_read_signed(const char *text, size_t size, uint64_t flags, int64_t *number)
{
	uint64_t value;
	bool negative;
	int length = read_number(text, size, flags, &value, &negative);

	*number = 0;
	if (length < 0)
		return length;
	if (negative ? (int64_t)-value > 0 : (int64_t)value < 0)
		return -ERANGE;
	*number = (int64_t)(negative ? -value : value);
	return length;
}

int format_read_unsigned(const char *text, size_t size, uint64_t flags, uint64_t *number)
{
	uint64_t value;
	bool negative;
	int length = read_number(text, size, flags, &value, &negative);

	*number = 0;
	if (length >= 0 && negative)
		return -EINVAL;
	if (length >= 0)
		*number = value;
	return length;
}
