/*
 * flood: as many small frames as this core can make, out of one end of a veth, and how many come
 * back to it. The frames are made by BPF_PROG_TEST_RUN with live frames (Linux 5.18): no packet
 * socket is in the way.
 *
 *     flood flood.bpf.o INTERFACE SECONDS [BYTES]
 *
 * Prints {"sent": N, "received": N, "seconds": S}; the first third of a second does not count.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 64, AT_ONCE = 64 * 2048, FRAME_MAX = 1514, CPUS_MAX = 1024, LIVE_FRAMES = 2 };

struct flood {
	struct bpf_object *object;
	struct bpf_link *link;
	int send_fd, received_fd;
	unsigned ifindex;
	uint32_t bytes;
	uint8_t frame[FRAME_MAX];
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* UDP from 10.9.0.1 to 10.9.0.2, port 9, without a checksum. */
static void make_frame(struct flood *f)
{
	static const uint8_t head[] = {2,    0, 0,  0, 0, 2, 2, 0, 0,  0,  0, 1, 8,  0,
				       0x45, 0, 0,  0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9,
				       0,    1, 10, 9, 0, 2, 0, 9, 0,  9,  0, 0, 0,  0};
	uint32_t ip = f->bytes - 14, sum = 0;

	memcpy(f->frame, head, sizeof head);
	f->frame[16] = (uint8_t)(ip >> 8);
	f->frame[17] = (uint8_t)ip;
	f->frame[38] = (uint8_t)((ip - 20) >> 8);
	f->frame[39] = (uint8_t)(ip - 20);
	for (int i = 14; i < 34; i += 2)
		sum += (uint32_t)f->frame[i] << 8 | f->frame[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	f->frame[24] = (uint8_t)(sum >> 8);
	f->frame[25] = (uint8_t)sum;
}

static int open_flood(struct flood *f, const char *object)
{
	struct bpf_program *receive;
	int err;

	f->object = bpf_object__open_file(object, NULL);
	if (!f->object)
		return -errno;
	err = bpf_object__load(f->object);
	if (err)
		return err;
	receive = bpf_object__find_program_by_name(f->object, "flood_receive");
	f->send_fd = bpf_program__fd(bpf_object__find_program_by_name(f->object, "flood_send"));
	f->received_fd = bpf_object__find_map_fd_by_name(f->object, "received");
	f->link = bpf_program__attach_xdp(receive, (int)f->ifindex);
	return f->link ? 0 : -errno;
}

static uint64_t read_received(const struct flood *f)
{
	uint64_t values[CPUS_MAX] = {0}, sum = 0;
	uint32_t zero = 0;
	int cpus = libbpf_num_possible_cpus();

	if (cpus > CPUS_MAX || bpf_map_lookup_elem(f->received_fd, &zero, values))
		return 0;
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}

static int send_some(struct flood *f)
{
	struct xdp_md in = {.data_end = f->bytes, .ingress_ifindex = f->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->frame, .data_size_in = f->bytes,
		    .ctx_in = &in, .ctx_size_in = sizeof in, .repeat = AT_ONCE,
		    .flags = LIVE_FRAMES, .batch_size = BATCH);

	return bpf_prog_test_run_opts(f->send_fd, &opts) ? -errno : 0;
}

static int run(struct flood *f, double seconds)
{
	double start = now_s() + 0.333, end = start + seconds, began = 0, now;
	uint64_t sent = 0, before = 0;
	int err = 0;

	for (now = now_s(); now < end && !err; now = now_s()) {
		if (now >= start && !began) {
			began = now;
			before = read_received(f);
		}
		err = send_some(f);
		sent += began ? AT_ONCE : 0;
	}
	if (!err)
		printf("{\"sent\": %llu, \"received\": %llu, \"seconds\": %.3f}\n",
		       (unsigned long long)sent, (unsigned long long)(read_received(f) - before),
		       now - began);
	return err;
}

int main(int argc, char **argv)
{
	struct flood f = {.bytes = 60};
	int err;

	if (argc < 4) {
		fprintf(stderr, "usage: flood FLOOD.BPF.O INTERFACE SECONDS [BYTES]\n");
		return 2;
	}
	f.ifindex = if_nametoindex(argv[2]);
	if (argc > 4)
		f.bytes = (uint32_t)atoi(argv[4]);
	if (!f.ifindex || f.bytes < 60 || f.bytes > FRAME_MAX) {
		fprintf(stderr, "flood: no interface %s, or not 60 to %d bytes\n", argv[2],
			FRAME_MAX);
		return 2;
	}
	make_frame(&f);
	err = open_flood(&f, argv[1]);
	if (!err)
		err = run(&f, atof(argv[3]));
	if (err)
		fprintf(stderr, "flood: %s: %s\n", argv[2], strerror(-err));
	bpf_link__destroy(f.link);
	bpf_object__close(f.object);
	return err ? 3 : 0;
}
