/*
 * Verdicts in words, and as cells of an array that counts them: an XDP program's actions, a TC
 * program's TC_ACT values.
 */
#ifndef CLEAVE_RUNTIME_VERDICT_TEXT_H
#define CLEAVE_RUNTIME_VERDICT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { VERDICT_CELLS = 11 }; /* the last: whatever else a program returns */

/* How many cells programs of that kind use; the last of them is "other". */
unsigned verdict_cell_count(bool tc);
unsigned verdict_cell_of(bool tc, uint32_t verdict);
const char *verdict_cell_text(bool tc, unsigned cell); /* "XDP_PASS", "TC_ACT_OK", "other" */
const char *verdict_text(bool tc, uint32_t verdict);
bool verdict_redirects(bool tc, uint32_t verdict);
/* Does the packet go on from here? */
bool verdict_goes_on(bool tc, uint32_t verdict);

#endif
