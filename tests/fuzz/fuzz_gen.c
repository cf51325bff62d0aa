/* Fuzz target of the reader of generator files (`--gen`). What is accepted has to give packets. */
#include "runtime/packet_gen.h"
#include "runtime/packet_list.h"
#include "runtime/packet_pools.h"
#include "support/arena.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { COUNT = 16 };
	struct arena *arena = arena_new();
	struct diag diag = fuzz_diag();
	struct packet_list list = {0};
	struct packet_pools pools;
	int err;

	packet_pools_default(&pools, arena);
	err = packet_pools_read(&pools, arena, fuzz_file(data, size), &diag);
	require(!err == !diag.errors, "refused without a message, or accepted with one");
	if (!err) {
		packet_gen_fill(&list, &pools, size, COUNT);
		require(list.count == COUNT, "not as many packets as were asked for");
	}
	packet_list_free(&list);
	arena_free(&arena);
	return 0;
}
