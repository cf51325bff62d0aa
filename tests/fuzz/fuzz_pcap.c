/*
 * Fuzz target of the reader of captures, for replay and check. What is read has to survive being
 * written and read again: the same packets.
 */
#include <string.h>

#include "runtime/packet_list.h"
#include "runtime/pcap_file.h"
#include "tests/fuzz/fuzz_file.h"

static void check_again(const struct packet_list *list, struct diag *diag)
{
	static char path[32];
	static int fd;
	struct packet_list again = {0};

	if (!*path)
		fuzz_file_new(&fd, path);
	require(ftruncate(fd, 0) == 0, "cannot empty the file");
	require(!pcap_file_write(path, list, diag), "a list that was read cannot be written");
	require(!pcap_file_read(path, &again, diag), "a list that was written cannot be read");
	require(again.count == list->count, "packets got lost");
	for (size_t i = 0; i < list->count; i++)
		require(again.packets[i].size == list->packets[i].size &&
			    !memcmp(again.packets[i].bytes, list->packets[i].bytes,
				    list->packets[i].size),
			"a packet changed");
	packet_list_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag diag = fuzz_diag();
	struct packet_list list = {0};
	int err = pcap_file_read(fuzz_file(data, size), &list, &diag);

	require(!err == !diag.errors, "refused without a message, or read with one");
	if (!err)
		check_again(&list, &diag);
	packet_list_free(&list);
	return 0;
}
