/*
 * Diagnostics that point at the user's source, like clang's.
 *
 *     nf.bpf.c:41:9: error: this loop has no bound that the kernel's verifier can see
 *        41 |         while (p < end)
 *           |         ^
 *
 * A failed operation reports here once and returns a negative errno; callers pass it up unchanged.
 * `diag` counts what was reported so that a driver can choose the exit code.
 */
#ifndef CLEAVE_SUPPORT_DIAG_H
#define CLEAVE_SUPPORT_DIAG_H

#include <stdio.h>

/* A place in the user's source. file may be NULL (no place known); line and column count from 1. */
struct src_loc {
	const char *file;
	unsigned line, column;
};

struct diag {
	FILE *out;        /* where messages go; not owned */
	const char *prog; /* prefix of messages without a place, e.g. "cleave" */
	unsigned errors, warnings;
};

void diag_error(struct diag *diag, struct src_loc loc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diag_warning(struct diag *diag, struct src_loc loc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diag_note(struct diag *diag, struct src_loc loc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* No place in a source. */
#define NO_LOC ((struct src_loc){0})

#endif
