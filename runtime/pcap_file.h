/*
 * Captures: pcap files of Ethernet frames, in nanoseconds.
 *
 *     struct packet_list list = {0};
 *     int err = pcap_file_read("in.pcap", &list, diag);
 *
 * A capture does not say where a packet arrived: the packets read have ifindex 0, for the caller to
 * set.
 */
#ifndef CLEAVE_RUNTIME_PCAP_FILE_H
#define CLEAVE_RUNTIME_PCAP_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct diag;
struct packet_list;
struct pcap_file;

/* Appends the packets of a capture. Returns 0 or a negative errno, reported to diag. */
int pcap_file_read(const char *path, struct packet_list *list, struct diag *diag);

/* Opens a capture for writing. Returns 0 or a negative errno, reported to diag. */
int pcap_file_create(const char *path, struct pcap_file **file, struct diag *diag);
void pcap_file_add(struct pcap_file *file, const void *bytes, uint32_t size, uint64_t time_ns);
/* To disk, but not yet at its path. Returns 0 or a negative errno, reported. */
int pcap_file_flush(struct pcap_file *file, struct diag *diag);
/*
 * Closes *file (may be NULL). With keep it is now at its path, whole; without, and on failure,
 * there is nothing. Returns 0, or a negative errno when some of it could not be written, reported.
 */
int pcap_file_close(struct pcap_file **file, bool keep, struct diag *diag);

/* Writes a whole list. Returns 0 or a negative errno, reported to diag. */
int pcap_file_write(const char *path, const struct packet_list *list, struct diag *diag);

#endif
