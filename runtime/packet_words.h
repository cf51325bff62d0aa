/*
 * The words of files about packets: addresses with a prefix, ranges of numbers, hardware
 * addresses. Each returns whether the whole text is one.
 */
#ifndef CLEAVE_RUNTIME_PACKET_WORDS_H
#define CLEAVE_RUNTIME_PACKET_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of an address; bits after the prefix are drawn at random. */
struct packet_range {
	uint8_t bytes[16];
	unsigned prefix;
};

struct packet_numbers {
	uint32_t first, last;
};

/* "10.0.0.0/24", "2001:db8::1" */
bool packet_word_range(const char *text, bool v6, struct packet_range *range);
/* "53", "0x8100", "1024-2047" */
bool packet_word_numbers(const char *text, struct packet_numbers *numbers);
/* "02:00:00:00:00:01" */
bool packet_word_mac(const char *text, uint8_t mac[6]);

#endif
