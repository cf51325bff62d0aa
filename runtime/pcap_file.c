/* Captures, through libpcap. */
#include "runtime/pcap_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/packet_list.h"
#include "support/diag.h"
#include "support/file.h"

enum { SNAP_BYTES = 262144 };

struct pcap_file {
	char *path; /* as it was given */
	pcap_t *handle;
	struct file_output output;
	pcap_dumper_t *dumper; /* the same file; never closed by libpcap */
};

static int read_packets(pcap_t *handle, const char *path, struct packet_list *list,
			struct diag *diag)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got;

	if (pcap_datalink(handle) != DLT_EN10MB) {
		diag_error(diag, (struct src_loc){path}, "not a capture of Ethernet frames");
		return -EINVAL;
	}
	while ((got = pcap_next_ex(handle, &header, &bytes)) == 1)
		packet_list_add(list, bytes, header->caplen, 0,
				(uint64_t)header->ts.tv_sec * 1000000000 +
				    (uint64_t)header->ts.tv_usec);
	if (got != PCAP_ERROR_BREAK) {
		diag_error(diag, (struct src_loc){path}, "%s", pcap_geterr(handle));
		return -EINVAL;
	}
	return 0;
}

int pcap_file_read(const char *path, struct packet_list *list, struct diag *diag)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *handle =
	    pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	int err;

	if (!handle) {
		/* libpcap names some files itself, and some not. */
		diag_error(diag, (struct src_loc){path}, "cannot read the capture: %s",
			   strncmp(why, path, strlen(path)) ? why : why + strlen(path) + 2);
		return -EINVAL;
	}
	err = read_packets(handle, path, list, diag);
	pcap_close(handle);
	return err;
}

static void free_file(struct pcap_file *f)
{
	if (f->handle)
		pcap_close(f->handle);
	free(f->path);
	free(f);
}

int pcap_file_create(const char *path, struct pcap_file **file, struct diag *diag)
{
	struct pcap_file *f = calloc(1, sizeof *f);
	int err;

	if (!f)
		return -ENOMEM;
	f->path = strdup(path);
	f->handle = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAP_BYTES,
							 PCAP_TSTAMP_PRECISION_NANO);
	err = f->path && f->handle ? file_output_open(&f->output, path) : -ENOMEM;
	if (!err) {
		f->dumper = pcap_dump_fopen(f->handle, f->output.stream);
		if (!f->dumper) {
			file_output_close(&f->output, false);
			err = -EIO;
		}
	}
	if (err) {
		diag_error(diag, (struct src_loc){path}, "cannot write the capture: %s",
			   strerror(-err));
		free_file(f);
		return err;
	}
	*file = f;
	return 0;
}

void pcap_file_add(struct pcap_file *file, const void *bytes, uint32_t size, uint64_t time_ns)
{
	struct pcap_pkthdr header = {.caplen = size, .len = size};

	header.ts.tv_sec = (time_t)(time_ns / 1000000000);
	header.ts.tv_usec = (suseconds_t)(time_ns % 1000000000);
	pcap_dump((u_char *)file->dumper, &header, bytes);
}

static int report(const struct pcap_file *f, int err, struct diag *diag)
{
	if (err)
		diag_error(diag, (struct src_loc){f->path}, "cannot write the capture: %s",
			   strerror(-err));
	return err;
}

int pcap_file_flush(struct pcap_file *file, struct diag *diag)
{
	return report(file, file_output_flush(&file->output), diag);
}

int pcap_file_close(struct pcap_file **file, bool keep, struct diag *diag)
{
	struct pcap_file *f = *file;
	int err;

	if (!f)
		return 0;
	err = report(f, file_output_close(&f->output, keep), diag);
	free_file(f);
	*file = NULL;
	return err;
}

int pcap_file_write(const char *path, const struct packet_list *list, struct diag *diag)
{
	struct pcap_file *file = NULL;
	int err = pcap_file_create(path, &file, diag);

	if (err)
		return err;
	for (size_t i = 0; i < list->count; i++)
		pcap_file_add(file, list->packets[i].bytes, list->packets[i].size,
			      list->packets[i].time_ns);
	return pcap_file_close(&file, true, diag);
}
