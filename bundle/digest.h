/*
 * SHA-256 digests: of single members, and the seal of a whole bundle.
 *
 * The seal is the content of the first member, SHA256: the digest of all bytes of the file with the
 * seal's own 64 digits read as '0'. So every bit of the file is covered, headers and padding
 * included.
 */
#ifndef CLEAVE_BUNDLE_DIGEST_H
#define CLEAVE_BUNDLE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum {
	DIGEST_DIGITS = 64,
	SEAL_OFFSET = 512, /* behind the first tar header */
	/* The seal and a newline. */
	SEAL_BYTES = DIGEST_DIGITS + 1,
};

/* Lower-case hexadecimal SHA-256 of bytes, NUL-terminated. */
void bundle_digest_compute(const void *bytes, size_t size, char digest[DIGEST_DIGITS + 1]);

/* Writes the seal into a bundle's bytes, which are at least SEAL_OFFSET + SEAL_BYTES long. */
void bundle_seal_write(char *bytes, size_t size);
/* Does the seal fit the bytes? False as well for files too short to have one. */
bool bundle_seal_check(const char *bytes, size_t size);

#endif
