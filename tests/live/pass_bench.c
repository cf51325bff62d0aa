/*
 * pass_bench IF [PACKETS]: what one packet from user to the local stack of IF costs, by two ways,
 * in turn.
 *
 *     tap    write() to a tap
 *     veth   AF_XDP transmit into a private veth pair (runtime/io_pass.h)
 *
 * and from there to the ingress of IF, first by a tc program with bpf_redirect, then by tc's
 * mirred.
 *
 * Counts what a socket bound to IF receives, so a way that loses packets is seen.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "runtime/host_interface.h"
#include "runtime/io_pass.h"
#include "runtime/io_xsk.h"
#include "support/diag.h"

enum { PORT = 7000, SIZE = 64, BATCH = 64, ROUNDS = 5 };

static struct host_interface target;
static uint8_t frame[SIZE];
static uint32_t packets = 20000;
static int socket_fd;

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void build(void)
{
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
	struct udphdr udp = {.source = htons(1), .dest = htons(PORT), .len = htons(SIZE - 34)};
	struct ifreq request = {0};
	uint32_t sum = 0;

	strcpy(request.ifr_name, target.name);
	if (ioctl(socket_fd, SIOCGIFHWADDR, &request) < 0)
		die("address");
	memcpy(frame, request.ifr_hwaddr.sa_data, 6);
	frame[6] = 2;
	frame[12] = 8;
	ip.tot_len = htons(SIZE - 14);
	ip.saddr = inet_addr("10.99.0.1");
	ip.daddr = inet_addr("10.99.0.2");
	for (size_t i = 0; i < sizeof ip / 2; i++)
		sum += ((uint16_t *)&ip)[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip.check = (uint16_t)~((sum & 0xffff) + (sum >> 16));
	memcpy(frame + 14, &ip, sizeof ip);
	memcpy(frame + 34, &udp, sizeof udp); /* UDP checksum 0: none */
}

static uint32_t drain(void)
{
	char buffer[SIZE];
	uint32_t n = 0;

	while (recv(socket_fd, buffer, sizeof buffer, MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

static int open_tap(void)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int up, fd = open("/dev/net/tun", O_RDWR);

	strcpy(request.ifr_name, "bench");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		die("tap");
	up = socket(AF_INET, SOCK_DGRAM, 0);
	request.ifr_flags = IFF_UP | IFF_NOARP;
	if (ioctl(up, SIOCSIFFLAGS, &request) < 0)
		die("tap up");
	close(up);
	if (pass_redirect_ingress("bench", target.ifindex))
		die("tap redirect");
	return fd;
}

static double by_tap(int fd, uint32_t *got)
{
	double start = now_ns(), spent;

	for (uint32_t i = 0; i < packets; i++)
		if (write(fd, frame, SIZE) != SIZE)
			die("tap write");
	spent = now_ns() - start;
	usleep(20000);
	*got = drain();
	return spent / packets;
}

static double by_veth(struct io_area *area, struct io_sock *sock, uint32_t *got)
{
	double start = now_ns(), spent;

	for (uint32_t i = 0; i < packets; i++) {
		uint64_t chunk = io_take(area);

		if (chunk == UINT64_MAX) {
			io_kick(sock);
			chunk = io_take(area);
		}
		memcpy(io_area_bytes(area) + chunk + IO_HEADROOM, frame, SIZE);
		io_send(sock, (struct io_frame){chunk + IO_HEADROOM, SIZE});
		if (i % BATCH == BATCH - 1)
			io_kick(sock);
	}
	while (!io_kick(sock))
		;
	spent = now_ns() - start;
	usleep(20000);
	*got = drain();
	return spent / packets;
}

static void open_socket(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int big = 256 << 20;

	socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(socket_fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	if (setsockopt(socket_fd, SOL_SOCKET, SO_BINDTODEVICE, target.name, strlen(target.name)) <
		0 ||
	    bind(socket_fd, (struct sockaddr *)&at, sizeof at) < 0)
		die("socket");
}

int main(int argc, char **argv)
{
	struct diag diag = {.out = stderr, .prog = "pass_bench"};
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct io_options options = {.copy = IO_COPY_YES};
	struct pass_link *link;
	struct io_area *area;
	struct io_sock *sock;
	double ns[3][ROUNDS];
	uint32_t got[3];
	int tap;

	if (argc < 2 || host_interface_read(argv[1], &target) < 0)
		return 2;
	if (argc > 2)
		packets = (uint32_t)strtoul(argv[2], NULL, 0);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	open_socket();
	build();
	tap = open_tap();
	if (pass_open(&link, &target, 1, &diag) || io_area_new(&area, IO_FRAMES_PER_SENDER, 4096))
		return 3;
	options.ifname = pass_device(link);
	if (io_open(area, &options, &sock))
		return 3;
	for (int mirred = 0; mirred < 2; mirred++) {
		if (mirred &&
		    (pass_avoid_generic(link, &diag) || host_copy_address("bench", target.name) ||
		     host_mirror_ingress("bench", target.ifindex)))
			return 3;
		for (int r = 0; r < ROUNDS; r++) {
			ns[0][r] = by_tap(tap, &got[0]);
			ns[1 + mirred][r] = by_veth(area, sock, &got[1 + mirred]);
			printf("%-12s round %d: tap %.0f ns (%u of %u), veth %.0f ns (%u of %u), "
			       "ratio %.2f\n",
			       mirred ? "mirred" : "bpf_redirect", r, ns[0][r], got[0], packets,
			       ns[1 + mirred][r], got[1 + mirred], packets,
			       ns[0][r] / ns[1 + mirred][r]);
		}
	}
	io_close(&sock);
	io_area_free(&area);
	pass_close(&link);
	close(tap);
	return 0;
}
