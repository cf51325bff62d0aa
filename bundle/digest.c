#include "bundle/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHA256_BYTES = DIGEST_DIGITS / 2 };

struct piece {
	const void *bytes;
	size_t size;
};

/* libcrypto fails here only when it has no memory or no SHA-256 at all: no caller can go on. */
static void require(bool done)
{
	if (done)
		return;
	fputs("cleave: libcrypto cannot compute SHA-256 here\n", stderr);
	abort();
}

static void digest_pieces(const struct piece *pieces, size_t count, char digest[DIGEST_DIGITS + 1])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t raw[SHA256_BYTES];
	unsigned length = 0;

	require(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < count; i++)
		require(EVP_DigestUpdate(ctx, pieces[i].bytes, pieces[i].size) == 1);
	require(EVP_DigestFinal_ex(ctx, raw, &length) == 1 && length == sizeof raw);
	EVP_MD_CTX_free(ctx);
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(digest + 2 * i, 3, "%02x", raw[i]);
}

void bundle_digest_compute(const void *bytes, size_t size, char digest[DIGEST_DIGITS + 1])
{
	digest_pieces(&(struct piece){bytes, size}, 1, digest);
}

static void compute_seal(const char *bytes, size_t size, char digest[DIGEST_DIGITS + 1])
{
	const size_t after = SEAL_OFFSET + DIGEST_DIGITS;
	char zeros[DIGEST_DIGITS];

	memset(zeros, '0', sizeof zeros);
	digest_pieces((struct piece[]){{bytes, SEAL_OFFSET},
				       {zeros, sizeof zeros},
				       {bytes + after, size - after}},
		      3, digest);
}

void bundle_seal_write(char *bytes, size_t size)
{
	char digest[DIGEST_DIGITS + 1];

	assert(size >= SEAL_OFFSET + SEAL_BYTES);
	compute_seal(bytes, size, digest);
	memcpy(bytes + SEAL_OFFSET, digest, DIGEST_DIGITS);
}

bool bundle_seal_check(const char *bytes, size_t size)
{
	char digest[DIGEST_DIGITS + 1];

	if (size < SEAL_OFFSET + SEAL_BYTES)
		return false;
	compute_seal(bytes, size, digest);
	return !memcmp(bytes + SEAL_OFFSET, digest, DIGEST_DIGITS);
}
