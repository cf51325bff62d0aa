/*
 * A paced sender of numbered UDP packets and a checker that counts what comes back.
 *
 *     pktgen --send IF [--receive IF | --udp IF] --dport P[,P]... [--count N] [--rate PPS]
 *            [--flows F] [--from A[,A]...] [--to A[,A]...] [--ttl N[,N]...] [--size BYTES]
 *            [--dmac MAC] [--word W] [--shift BYTES] [--wait MS] [--bad-checksum] [--write FILE]
 *
 * --receive takes frames off an interface, --udp takes datagrams from the local stack of one.
 * Prints sent=N received=N lost=N reordered=N duplicated=N other=N and exits with 0 when it could
 * run. Every packet carries, in its payload: a word (--word, else the sequence), the sequence in
 * its flow, the flow, a magic number. Flow number f goes from the address, to the address, to the
 * port and with the TTL that stand at place f of their lists, in turn; IPv6 addresses make IPv6
 * packets. What comes back may lie in outer IP headers. --shift: bytes that the NF put in front of
 * the IP header.
 * --write: the same packets into a capture, at the times of an unloaded sender from 1000 s on.
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
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <pcap/pcap.h>

enum {
	BATCH = 16,
	FRAME_MAX = 16384,
	HEADERS = 42,  /* with IPv4 */
	HEADERS6 = 62, /* with IPv6 */
	PAYLOAD = 16,
	FLOWS_MAX = 1024,
	LIST_MAX = 64,
};

#define MAGIC 0x636c6576u

struct address {
	bool v6;
	uint8_t bytes[16];
};

struct addresses {
	struct address list[LIST_MAX];
	uint32_t count;
};

struct settings {
	const char *send, *receive, *udp, *write;
	uint32_t count, rate, flows, size, word, shift, wait_ms;
	uint32_t dport[LIST_MAX], dport_count, ttl[LIST_MAX], ttl_count;
	struct addresses from, to;
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
			      .ttl = {64},
			      .ttl_count = 1,
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
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)set.dport[0])};
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

/* Where the UDP payload begins, behind any number of IP headers; 0 when there is none. */
static size_t find_payload(const uint8_t *frame, size_t length)
{
	size_t at = ETH_HLEN + set.shift;

	while (at + 40 <= length) {
		unsigned version = frame[at] >> 4;
		uint8_t next = version == 4 ? frame[at + 9] : frame[at + 6];

		at += version == 4 ? (frame[at] & 15) * 4u : 40;
		if (next == IPPROTO_UDP && at + 8 <= length)
			return at + 8;
		if ((version != 4 && version != 6) ||
		    (next != IPPROTO_IPIP && next != IPPROTO_IPV6))
			return 0;
	}
	return at > ETH_HLEN + set.shift || length < HEADERS ? 0 : HEADERS;
}

static void note_frame(const uint8_t *frame, size_t length)
{
	size_t at = set.udp ? 0 : find_payload(frame, length);

	if (!set.udp && !at)
		tally.other++;
	else
		note(frame + at, length - at);
}

static void *receive(void *context)
{
	int fd = *(int *)context;
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
			note_frame(frame[i], message[i].msg_len);
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

static size_t build_ip4(uint8_t *ip4, const struct address *from, const struct address *to,
			size_t length, uint32_t ttl)
{
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = (uint8_t)ttl, .protocol = IPPROTO_UDP};

	ip.tot_len = htons((uint16_t)(sizeof ip + length));
	memcpy(&ip.saddr, from->bytes, 4);
	memcpy(&ip.daddr, to->bytes, 4);
	ip.check = fold(add_words(0, &ip, sizeof ip));
	memcpy(ip4, &ip, sizeof ip);
	return sizeof ip;
}

static size_t build_ip6(uint8_t *ip6, const struct address *from, const struct address *to,
			size_t length, uint32_t ttl)
{
	struct ipv6hdr ip = {.version = 6, .hop_limit = (uint8_t)ttl, .nexthdr = IPPROTO_UDP};

	ip.payload_len = htons((uint16_t)length);
	memcpy(&ip.saddr, from->bytes, 16);
	memcpy(&ip.daddr, to->bytes, 16);
	memcpy(ip6, &ip, sizeof ip);
	return sizeof ip;
}

/* Returns the frame's size: packets of IPv6 are longer by what their header is longer. */
static size_t build(uint8_t *frame, uint32_t sequence, uint32_t flow)
{
	static const uint8_t smac[6] = {2, 0, 0, 0, 0, 1};
	const struct address *from = &set.from.list[flow % set.from.count];
	const struct address *to = &set.to.list[flow % set.to.count];
	struct udphdr udp = {.source = htons((uint16_t)(1000 + flow)),
			     .dest = htons((uint16_t)set.dport[flow % set.dport_count])};
	uint32_t ttl = set.ttl[flow % set.ttl_count];
	uint32_t word[4] = {set.has_word ? set.word : sequence, sequence, flow, MAGIC};
	uint16_t type = htons(to->v6 ? ETH_P_IPV6 : ETH_P_IP);
	size_t length = set.size - HEADERS + 8, at = ETH_HLEN, address = to->v6 ? 16 : 4;
	uint32_t sum;

	memset(frame, 0, set.size + HEADERS6 - HEADERS);
	memcpy(frame, set.dmac, 6);
	memcpy(frame + 6, smac, 6);
	memcpy(frame + 12, &type, 2);
	at += to->v6 ? build_ip6(frame + at, from, to, length, ttl)
		     : build_ip4(frame + at, from, to, length, ttl);
	udp.len = htons((uint16_t)length);
	memcpy(frame + at, &udp, sizeof udp);
	memcpy(frame + at + 8, word, length - 8 < PAYLOAD ? length - 8 : PAYLOAD);
	sum = add_words(IPPROTO_UDP + (uint32_t)length, from->bytes, address);
	sum = add_words(sum, to->bytes, address);
	udp.check = fold(add_words(sum, frame + at, length));
	if (set.bad_checksum)
		udp.check ^= 0x5555;
	memcpy(frame + at + 6, &udp.check, 2);
	return at + length;
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
			size_t size = build(frame[i], (uint32_t)((sent + i) / set.flows),
					    (uint32_t)((sent + i) % set.flows));
			vec[i] = (struct iovec){frame[i], size};
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

static void write_all(const char *path)
{
	static uint8_t frame[FRAME_MAX + HEADERS6];
	pcap_t *pcap =
	    pcap_open_dead_with_tstamp_precision(DLT_EN10MB, FRAME_MAX, PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *file = pcap_dump_open(pcap, path);
	uint64_t total = (uint64_t)set.count * set.flows;

	if (!file)
		die(path);
	for (uint64_t n = 0; n < total; n++) {
		size_t size = build(frame, (uint32_t)(n / set.flows), (uint32_t)(n % set.flows));
		uint64_t ns = (uint64_t)((double)n * 1e9 / set.rate);
		struct pcap_pkthdr head = {.caplen = (uint32_t)size, .len = (uint32_t)size};

		head.ts.tv_sec = (time_t)(1000 + ns / 1000000000);
		head.ts.tv_usec = (suseconds_t)(ns % 1000000000); /* nanoseconds, as opened */
		pcap_dump((u_char *)file, &head, frame);
	}
	if (pcap_dump_flush(file))
		die(path);
	pcap_dump_close(file);
	pcap_close(pcap);
}

static void read_mac(const char *text)
{
	unsigned b[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		exit(2);
	for (int i = 0; i < 6; i++)
		set.dmac[i] = (uint8_t)b[i];
}

static void read_addresses(struct addresses *to, char *text)
{
	to->count = 0;
	for (char *one; (one = strsep(&text, ",")) && to->count < LIST_MAX;) {
		struct address *address = &to->list[to->count++];

		address->v6 = strchr(one, ':');
		if (inet_pton(address->v6 ? AF_INET6 : AF_INET, one, address->bytes) != 1)
			exit(2);
	}
}

static void read_numbers(uint32_t *list, uint32_t *count, char *text)
{
	for (*count = 0; text && *count < LIST_MAX;)
		list[(*count)++] = (uint32_t)strtoul(strsep(&text, ","), NULL, 0);
}

/* Options whose argument is a number: their place in this list is their code. */
static const struct {
	const char *name;
	uint32_t *value;
} numbers[] = {{"count", &set.count}, {"rate", &set.rate}, {"flows", &set.flows},
	       {"size", &set.size},   {"word", &set.word}, {"shift", &set.shift},
	       {"wait", &set.wait_ms}};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

static void set_text(int option, char *text)
{
	switch (option) {
	case 's':
		set.send = text;
		break;
	case 'r':
		set.receive = text;
		break;
	case 'u':
		set.udp = text;
		break;
	case 'd':
		read_numbers(set.dport, &set.dport_count, text);
		break;
	case 'm':
		read_mac(text);
		break;
	case 'l':
		read_numbers(set.ttl, &set.ttl_count, text);
		break;
	case 'F':
		read_addresses(&set.from, text);
		break;
	case 'T':
		read_addresses(&set.to, text);
		break;
	case 'W':
		set.write = text;
		break;
	case 'b':
		set.bad_checksum = true;
		break;
	default:
		exit(2);
	}
}

static void read_options(int argc, char **argv)
{
	static const struct option texts[] = {{"send", 1, 0, 's'}, {"receive", 1, 0, 'r'},
					      {"udp", 1, 0, 'u'},  {"dport", 1, 0, 'd'},
					      {"dmac", 1, 0, 'm'}, {"from", 1, 0, 'F'},
					      {"to", 1, 0, 'T'},   {"write", 1, 0, 'W'},
					      {"ttl", 1, 0, 'l'},  {"bad-checksum", 0, 0, 'b'}};
	enum { TEXTS = sizeof texts / sizeof *texts };
	struct option options[TEXTS + NUMBERS + 1] = {0};
	int id;

	memcpy(options, texts, sizeof texts);
	for (int i = 0; i < NUMBERS; i++)
		options[TEXTS + i] = (struct option){numbers[i].name, 1, 0, i};
	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id >= NUMBERS) {
			set_text(id, optarg);
			continue;
		}
		*numbers[id].value = (uint32_t)strtoul(optarg, NULL, 0);
		set.has_word |= numbers[id].value == &set.word;
	}
	if (!set.send || !set.rate || !set.flows || set.flows > FLOWS_MAX || set.size < HEADERS ||
	    set.size > FRAME_MAX - HEADERS6 || !set.dport_count)
		exit(2);
	for (uint32_t flow = 0; flow < set.flows; flow++)
		if (set.from.list[flow % set.from.count].v6 != set.to.list[flow % set.to.count].v6)
			exit(2);
}

/*
 * LIVE_SLOWER=N: a build with sanitizers is saturated N times earlier. So is a machine with other
 * work to do: processes that wait for each of its processors count as well.
 */
static void slow_down(void)
{
	const char *slower = getenv("LIVE_SLOWER");
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t times = slower && atoi(slower) > 1 ? (uint32_t)atoi(slower) : 1;
	double load;

	if (getloadavg(&load, 1) == 1 && processors > 0 && load > (double)processors)
		times *= (uint32_t)(load / (double)processors);
	if (set.rate > times)
		set.rate /= times;
}

int main(int argc, char **argv)
{
	char from[] = "10.99.0.1", to[] = "10.99.0.2";
	struct timespec rest;
	pthread_t thread;
	int send_fd, receive_fd = -1;
	uint64_t sent;

	read_addresses(&set.from, from);
	read_addresses(&set.to, to);
	read_options(argc, argv);
	slow_down();
	if (set.write)
		write_all(set.write);
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
