/* The words of files about packets. */
#include "runtime/packet_words.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool packet_word_range(const char *text, bool v6, struct packet_range *range)
{
	unsigned bits = v6 ? 128 : 32;
	char address[64], *end;
	size_t length = strcspn(text, "/");

	if (length >= sizeof address)
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	range->prefix = bits;
	if (text[length]) {
		range->prefix = (unsigned)strtoul(text + length + 1, &end, 10);
		if (*end || end == text + length + 1 || range->prefix > bits)
			return false;
	}
	return inet_pton(v6 ? AF_INET6 : AF_INET, address, range->bytes) == 1;
}

static const char *parse_number(const char *text, uint32_t *number)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	value = strtoull(text, &end, 0);
	*number = (uint32_t)value;
	return errno || value > UINT32_MAX ? NULL : end;
}

bool packet_word_numbers(const char *text, struct packet_numbers *numbers)
{
	const char *rest = parse_number(text, &numbers->first);

	if (!rest)
		return false;
	numbers->last = numbers->first;
	if (*rest == '-')
		rest = parse_number(rest + 1, &numbers->last);
	return rest && !*rest && numbers->first <= numbers->last;
}

bool packet_word_mac(const char *text, uint8_t mac[6])
{
	char rest;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", mac, mac + 1, mac + 2, mac + 3,
		      mac + 4, mac + 5, &rest) == 6;
}
