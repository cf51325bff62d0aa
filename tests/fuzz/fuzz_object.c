/*
 * Fuzz target of compiled objects: the ELF reader, the decoder, the abstract interpretation and the
 * lifter. What is taken has to be a module that LLVM finds whole (a debug build checks that).
 */
#include "frontend/lift.h"
#include "frontend/object_modern.h"
#include "support/arena.h"
#include "tests/fuzz/fuzz_file.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag diag = fuzz_diag();
	struct arena *arena = arena_new();
	/* A copy of exactly this size: a read behind its end is seen. */
	uint8_t *bytes = malloc(size ? size : 1);
	struct lift_input input = {.bytes = bytes, .size = size, .path = "fuzz.bpf.o"};
	const char *bitcode, *chosen;
	size_t bitcode_size;
	int err;

	require(bytes != NULL, "no memory");
	memcpy(bytes, data, size);
	err = frontend_lift(arena, &input, &bitcode, &bitcode_size, &chosen, &diag);
	require(!err == !diag.errors, "refused without a message, or taken with one");
	if (!err) {
		const char *modern = (const char *)bytes;

		object_modernise(arena, &modern, &size);
	}
	free(bytes);
	arena_free(&arena);
	return 0;
}
