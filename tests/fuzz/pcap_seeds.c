/* Writes the seed corpus of fuzz_pcap into a folder: captures of each form that is read. */
#include <stdio.h>
#include <string.h>

#include "runtime/packet_gen.h"
#include "runtime/packet_list.h"
#include "runtime/packet_pools.h"
#include "runtime/pcap_file.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

/* Section, interface (Ethernet), one packet of 14 bytes. */
static const unsigned char next_generation[] = {
    0x0a, 0x0d, 0x0d, 0x0a, 28,   0,    0,    0,    0x4d, 0x3c, 0x2b, 0x1a, 1,  0, 0, 0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28,   0,    0,    0,    1,  0, 0, 0,
    20,   0,    0,    0,    1,    0,    0,    0,    0,    0,    4,    0,    20, 0, 0, 0,
    6,    0,    0,    0,    48,   0,    0,    0,    0,    0,    0,    0,    1,  0, 0, 0,
    2,    0,    0,    0,    14,   0,    0,    0,    14,   0,    0,    0,    1,  2, 3, 4,
    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   0,    0,    48, 0, 0, 0};

/* The other byte order, microseconds, a packet cut to 2 of its 60 bytes. */
static const unsigned char swapped[] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0,  0, 0,
					0,    0,    0,    4,    0, 0, 0, 0, 0, 1, 0, 0,  0, 1,
					0,    0,    0,    2,    0, 0, 0, 2, 0, 0, 0, 60, 7, 8};

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct diag diag = {.out = stderr, .prog = "pcap_seeds"};
	struct packet_list list = {0};
	struct packet_pools pools;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: pcap_seeds FOLDER\n");
		return 2;
	}
	packet_pools_default(&pools, arena);
	packet_gen_fill(&list, &pools, 1, 3);
	err = pcap_file_write(arena_printf(arena, "%s/pcap", argv[1]), &list, &diag);
	if (!err)
		err = file_write_atomic(arena_printf(arena, "%s/pcapng", argv[1]), next_generation,
					sizeof next_generation);
	if (!err)
		err = file_write_atomic(arena_printf(arena, "%s/swapped", argv[1]), swapped,
					sizeof swapped);
	packet_list_free(&list);
	arena_free(&arena);
	return err ? 1 : 0;
}
