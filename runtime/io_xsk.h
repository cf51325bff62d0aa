/*
 * AF_XDP sockets, in our own words: an area of packet memory that one worker owns, and sockets on
 * it.
 *
 *     struct io_area *area;                          one per worker
 *     io_area_new(&area, frames, chunk_bytes);
 *     io_open(area, &options, &sock);                one per (interface, queue)
 *     n = io_receive(sock, frames, 64);
 *     ... io_send(other_sock, frame) or io_recycle(area, frame.addr) for each ...
 *     io_kick(other_sock); io_refill(sock);
 *
 * Invariants. Every chunk of the area is in exactly one place: the spare stack, a fill ring, in the
 * hands of the worker, or in a TX ring until its completion. A chunk may travel between all sockets
 * of its area. Each socket registers the area as a UMEM of its own (the same memory several times),
 * so that a zero-copy device, a copy-mode device and a veth can exchange chunks without copying;
 * with XDP_SHARED_UMEM all of them would be bound to the first one's mode.
 *
 * Nothing here locks: an area and its sockets belong to one thread.
 */
#ifndef CLEAVE_RUNTIME_IO_XSK_H
#define CLEAVE_RUNTIME_IO_XSK_H

#include <stdbool.h>
#include <stdint.h>

struct io_area;
struct io_sock;

enum {
	IO_BURST = 64,
	IO_RING = 2048,              /* descriptors of an RX, TX or completion ring */
	IO_FILL_RING = 4096,         /* at least a hardware ring and the RX ring */
	IO_FRAMES_PER_PORT = 8192,   /* fill + RX + TX rings full at the same time */
	IO_FRAMES_PER_SENDER = 1024, /* a TX-only socket */
	IO_HEADROOM = 256,           /* what the kernel leaves in front of a received packet */
};

enum io_copy { IO_COPY_AUTO, IO_COPY_YES, IO_COPY_NO };

struct io_frame {
	uint64_t addr; /* of the first byte, from the start of the area */
	uint32_t length;
};

struct io_options {
	const char *ifname;
	uint32_t queue;
	bool receive; /* else TX only */
	enum io_copy copy;
	uint32_t mark; /* SO_MARK of what is transmitted in copy mode; 0: none */
};

/* Counters of the kernel's side of a socket. */
struct io_drops {
	uint64_t invalid;    /* larger than a chunk, or malformed */
	uint64_t ring_full;  /* the worker was too slow */
	uint64_t fill_empty; /* no chunk to receive into */
	uint64_t bad_transmits;
};

/* chunk_bytes: 4096, or a larger power of two (needs huge pages). Returns 0 or a negative errno. */
int io_area_new(struct io_area **area, uint32_t frames, uint32_t chunk_bytes);
void io_area_free(struct io_area **area); /* after its sockets */

uint8_t *io_area_bytes(struct io_area *area);
uint32_t io_area_chunk(const struct io_area *area);
/* A chunk off the spare stack (address of its first byte), or UINT64_MAX. */
uint64_t io_take(struct io_area *area);
/* Gives a chunk back; any address inside it. */
void io_recycle(struct io_area *area, uint64_t addr);

/*
 * Opens a socket and fills its fill ring. A queue that another socket held a moment ago is busy for
 * a while: tried again with back-off for up to two seconds. Returns 0 or a negative errno.
 */
int io_open(struct io_area *area, const struct io_options *options, struct io_sock **sock);
void io_close(struct io_sock **sock);
int io_fd(const struct io_sock *sock);
bool io_is_zero_copy(const struct io_sock *sock);

/* Up to max received packets; they are the caller's from now on. */
uint32_t io_receive(struct io_sock *sock, struct io_frame *frames, uint32_t max);
/* Number of packets the kernel has put into the RX ring so far (wraps). */
uint32_t io_produced(const struct io_sock *sock);
/* Queues a packet. False: the ring is full even after a kick; the frame is still the caller's. */
bool io_send(struct io_sock *sock, struct io_frame frame);
/*
 * Makes the kernel transmit what is queued, and takes completed chunks back. True when the kernel
 * has consumed every descriptor: what was sent is visible to others.
 */
bool io_kick(struct io_sock *sock);
/* Chunks sent and not completed yet. */
uint32_t io_in_flight(const struct io_sock *sock);
/* Puts spare chunks into the fill ring and wakes the driver if it asks for that. */
void io_refill(struct io_sock *sock);
int io_read_drops(const struct io_sock *sock, struct io_drops *drops);

/* Puts the socket into an XSKMAP. */
int io_enter_map(const struct io_sock *sock, int map_fd, uint32_t key);

#endif
