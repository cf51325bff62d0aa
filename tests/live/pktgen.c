/*
 * A paced sender of numbered UDP packets and a checker that counts what comes back.
 *
 *     pktgen --send IF [--receive IF | --udp IF] --dport P [--count N] [--rate PPS] [--flows F]
 *            [--size BYTES] [--dmac MAC] [--word W] [--shift BYTES] [--wait MS] [--bad-checksum]
 *
 * --receive takes frames off an interface, --udp takes datagrams from the local stack of one.
 * Prints sent=N received=N lost=N reordered=N duplicated=N other=N and exits with 0 when it could
 * run. Every packet carries, in its payload: a word (--word, else the sequence), the sequence in
 * its flow, the flow, a magic number. --shift: bytes that the NF put in front of the IP header.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/udp.h>

enum { BATCH = 16, FRAME_MAX = 16384, HEADERS = 42, PAYLOAD = 16, FLOWS_MAX = 1024 };

#define MAGIC 0x636c6576u

struct settings {
	const char *send, *receive, *udp;
	uint32_t count, rate, flows, size, word, shift, wait_ms, dport;
	bool bad_checksum, has_word;
	uint8_t dmac[6];
};

struct tally {
	uint64_t received, reordered, duplicated, other;
	int64_t last[FLOWS_MAX]; /* highest sequence seen, by flow */
	uint8_t *seen;
};

static struct settings set = {.count = 1000,
			      .rate = 10000,
			      .flows = 1,
			      .size = 60,
			      .wait_ms = 500,
			      .dmac = {2, 0, 0, 0, 0, 2}};
static struct tally tally;
static volatile bool stop;

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static int open_packet(const char *ifname, int protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons((uint16_t)protocol),
				 .sll_ifindex = (int)if_nametoindex(ifname)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons((uint16_t)protocol)), one = 1, big = 64 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		die(ifname);
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	return fd;
}

static int open_udp(const char *ifname)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)set.dport)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), big = 64 << 20;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, strlen(ifname)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		die(ifname);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	return fd;
}

static void note(const uint8_t *payload, size_t length)
{
	uint32_t word[4];
	size_t bit;

	if (length < PAYLOAD) {
		tally.other++;
		return;
	}
	memcpy(word, payload, sizeof word);
	if (word[3] != MAGIC || word[2] >= set.flows || word[1] >= set.count) {
		tally.other++;
		return;
	}
	tally.received++;
	bit = (size_t)word[1] * set.flows + word[2];
	if (tally.seen[bit / 8] & 1 << bit % 8)
		tally.duplicated++;
	else if (word[1] < tally.last[word[2]])
		tally.reordered++;
	tally.seen[bit / 8] |= (uint8_t)(1 << bit % 8);
	if (word[1] > tally.last[word[2]])
		tally.last[word[2]] = word[1];
}

static void *receive(void *context)
{
	int fd = *(int *)context;
	size_t skip = set.udp ? 0 : HEADERS + set.shift;
	static uint8_t frame[32][FRAME_MAX];
	struct iovec vec[32];
	struct mmsghdr message[32] = {0};

	for (int i = 0; i < 32; i++) {
		vec[i] = (struct iovec){frame[i], FRAME_MAX};
		message[i].msg_hdr.msg_iov = &vec[i];
		message[i].msg_hdr.msg_iovlen = 1;
	}
	while (!stop) {
		struct timeval wait = {0, 50000};
		int n;

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
		n = recvmmsg(fd, message, 32, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			if (message[i].msg_len >= skip)
				note(frame[i] + skip, message[i].msg_len - skip);
			else
				tally.other++;
	}
	return NULL;
}

static uint32_t add_words(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (size % 2)
		sum += (uint32_t)p[size - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void build(uint8_t *frame, uint32_t sequence, uint32_t flow)
{
	static const uint8_t smac[6] = {2, 0, 0, 0, 0, 1};
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
	struct udphdr udp = {.source = htons((uint16_t)(1000 + flow)),
			     .dest = htons((uint16_t)set.dport)};
	uint32_t word[4] = {set.has_word ? set.word : sequence, sequence, flow, MAGIC};
	uint16_t type = htons(ETH_P_IP);
	size_t length = set.size - HEADERS + 8;
	uint32_t sum;

	memset(frame, 0, set.size);
	memcpy(frame, set.dmac, 6);
	memcpy(frame + 6, smac, 6);
	memcpy(frame + 12, &type, 2);
	ip.tot_len = htons((uint16_t)(set.size - ETH_HLEN));
	ip.saddr = inet_addr("10.99.0.1");
	ip.daddr = inet_addr("10.99.0.2");
	ip.check = fold(add_words(0, &ip, sizeof ip));
	udp.len = htons((uint16_t)length);
	memcpy(frame + 14, &ip, sizeof ip);
	memcpy(frame + 34, &udp, sizeof udp);
	memcpy(frame + HEADERS, word, set.size - HEADERS < PAYLOAD ? set.size - HEADERS : PAYLOAD);
	sum = add_words(IPPROTO_UDP + (uint32_t)length, &ip.saddr, 8);
	udp.check = fold(add_words(sum, frame + 34, length));
	if (set.bad_checksum)
		udp.check ^= 0x5555;
	memcpy(frame + 40, &udp.check, 2);
}

static void wait_until(struct timespec *at, uint64_t ns)
{
	at->tv_nsec += (long)ns;
	while (at->tv_nsec >= 1000000000) {
		at->tv_nsec -= 1000000000;
		at->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL);
}

/* Batches at absolute times, so that a late one does not slow the rest. */
static uint64_t send_all(int fd)
{
	static uint8_t frame[BATCH][FRAME_MAX];
	struct mmsghdr message[BATCH] = {0};
	struct iovec vec[BATCH];
	uint64_t total = (uint64_t)set.count * set.flows, sent = 0;
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	while (sent < total) {
		uint32_t n = total - sent < BATCH ? (uint32_t)(total - sent) : BATCH, done = 0;

		for (uint32_t i = 0; i < n; i++) {
			build(frame[i], (uint32_t)((sent + i) / set.flows),
			      (uint32_t)((sent + i) % set.flows));
			vec[i] = (struct iovec){frame[i], set.size};
			message[i].msg_hdr.msg_iov = &vec[i];
			message[i].msg_hdr.msg_iovlen = 1;
		}
		while (done < n) {
			int k = sendmmsg(fd, message + done, n - done, 0);

			if (k < 0 && errno != ENOBUFS && errno != EAGAIN)
				die("send");
			done += k > 0 ? (uint32_t)k : 0;
		}
		sent += n;
		wait_until(&at, (uint64_t)n * 1000000000 / set.rate);
	}
	return sent;
}

static void read_mac(const char *text)
{
	unsigned b[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		exit(2);
	for (int i = 0; i < 6; i++)
		set.dmac[i] = (uint8_t)b[i];
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {{"send", 1, 0, 's'},         {"receive", 1, 0, 'r'},
						{"udp", 1, 0, 'u'},          {"dport", 1, 0, 'd'},
						{"count", 1, 0, 'c'},        {"rate", 1, 0, 'p'},
						{"flows", 1, 0, 'f'},        {"size", 1, 0, 'z'},
						{"dmac", 1, 0, 'm'},         {"word", 1, 0, 'w'},
						{"shift", 1, 0, 'x'},        {"wait", 1, 0, 't'},
						{"bad-checksum", 0, 0, 'b'}, {0}};
	int id;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint32_t number = optarg ? (uint32_t)strtoul(optarg, NULL, 0) : 0;

		switch (id) {
		case 's':
			set.send = optarg;
			break;
		case 'r':
			set.receive = optarg;
			break;
		case 'u':
			set.udp = optarg;
			break;
		case 'd':
			set.dport = number;
			break;
		case 'c':
			set.count = number;
			break;
		case 'p':
			set.rate = number;
			break;
		case 'f':
			set.flows = number;
			break;
		case 'z':
			set.size = number;
			break;
		case 'm':
			read_mac(optarg);
			break;
		case 'w':
			set.word = number;
			set.has_word = true;
			break;
		case 'x':
			set.shift = number;
			break;
		case 't':
			set.wait_ms = number;
			break;
		case 'b':
			set.bad_checksum = true;
			break;
		default:
			exit(2);
		}
	}
	if (!set.send || !set.rate || !set.flows || set.flows > FLOWS_MAX || set.size < HEADERS ||
	    set.size > FRAME_MAX)
		exit(2);
}

int main(int argc, char **argv)
{
	struct timespec rest;
	pthread_t thread;
	int send_fd, receive_fd = -1;
	uint64_t sent;

	read_options(argc, argv);
	memset(tally.last, 0xff, sizeof tally.last);
	tally.seen = calloc((size_t)set.count * set.flows / 8 + 1, 1);
	send_fd = open_packet(set.send, 0);
	if (set.receive)
		receive_fd = open_packet(set.receive, ETH_P_ALL);
	else if (set.udp)
		receive_fd = open_udp(set.udp);
	if (receive_fd >= 0)
		pthread_create(&thread, NULL, receive, &receive_fd);
	sent = send_all(send_fd);
	rest = (struct timespec){set.wait_ms / 1000, set.wait_ms % 1000 * 1000000};
	nanosleep(&rest, NULL);
	stop = true;
	if (receive_fd >= 0)
		pthread_join(thread, NULL);
	printf("sent=%lu received=%lu lost=%ld reordered=%lu duplicated=%lu other=%lu\n",
	       (unsigned long)sent, (unsigned long)tally.received,
	       (long)(sent - (tally.received - tally.duplicated)), (unsigned long)tally.reordered,
	       (unsigned long)tally.duplicated, (unsigned long)tally.other);
	free(tally.seen);
	return 0;
}
