/* A difference in words: packets by field names, map elements by bytes and member. */
#ifndef CLEAVE_RUNTIME_CHECK_DESCRIBE_H
#define CLEAVE_RUNTIME_CHECK_DESCRIBE_H

#include <stdio.h>

#include "runtime/check_compare.h"

void check_describe(FILE *out, const struct check_side *oracle, const struct check_side *tested,
		    const struct check_outcome *expected, const struct check_outcome *got,
		    const struct check_diff *diff);
/* The fields in which two packets differ, a line each. */
void check_describe_packets(FILE *out, const uint8_t *a, uint32_t a_size, const uint8_t *b,
			    uint32_t b_size);
/* "eth ipv4 udp" */
void check_describe_headers(FILE *out, const uint8_t *bytes, uint32_t size);

#endif
