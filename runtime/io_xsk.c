#include "runtime/io_xsk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_xdp.h>
#include <bpf/bpf.h>
#include <xdp/xsk.h>

enum { PAGE_BYTES = 4096, HUGE_PAGE_BYTES = 2 << 20, KICKS_MAX = 4096 };

struct io_area {
	uint8_t *bytes;
	size_t size;
	uint32_t chunk, frames;
	uint64_t *spare;
	uint32_t spare_count;
};

struct io_sock {
	struct io_area *area;
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons comp, rx;
	uint32_t in_flight;
	bool receive, zero_copy;
};

int io_area_new(struct io_area **area, uint32_t frames, uint32_t chunk_bytes)
{
	struct io_area *a = calloc(1, sizeof *a);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;

	if (!a)
		return -ENOMEM;
	a->chunk = chunk_bytes;
	a->frames = frames;
	a->size = (size_t)frames * chunk_bytes;
	if (chunk_bytes > PAGE_BYTES) {
		flags |= MAP_HUGETLB;
		a->size = (a->size + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
	}
	a->bytes = mmap(NULL, a->size, PROT_READ | PROT_WRITE, flags, -1, 0);
	a->spare = calloc(frames, sizeof *a->spare);
	if (a->bytes == MAP_FAILED || !a->spare) {
		if (a->bytes == MAP_FAILED)
			a->bytes = NULL;
		io_area_free(&a);
		return -ENOMEM;
	}
	for (uint32_t i = frames; i-- > 0;)
		a->spare[a->spare_count++] = (uint64_t)i * chunk_bytes;
	*area = a;
	return 0;
}

void io_area_free(struct io_area **area)
{
	struct io_area *a = *area;

	if (!a)
		return;
	if (a->bytes)
		munmap(a->bytes, a->size);
	free(a->spare);
	free(a);
	*area = NULL;
}

uint8_t *io_area_bytes(struct io_area *area)
{
	return area->bytes;
}

uint32_t io_area_chunk(const struct io_area *area)
{
	return area->chunk;
}

uint64_t io_take(struct io_area *area)
{
	return area->spare_count ? area->spare[--area->spare_count] : UINT64_MAX;
}

void io_recycle(struct io_area *area, uint64_t addr)
{
	assert(area->spare_count < area->frames);
	area->spare[area->spare_count++] = addr & ~(uint64_t)(area->chunk - 1);
}

static void reclaim(struct io_sock *sock)
{
	uint32_t index = 0, n = xsk_ring_cons__peek(&sock->comp, IO_RING, &index);

	for (uint32_t i = 0; i < n; i++)
		io_recycle(sock->area, *xsk_ring_cons__comp_addr(&sock->comp, index + i));
	xsk_ring_cons__release(&sock->comp, n);
	sock->in_flight -= n;
}

void io_refill(struct io_sock *sock)
{
	struct io_area *area = sock->area;
	uint32_t index = 0, n = xsk_prod_nb_free(&sock->fill, IO_BURST);

	if (!sock->receive)
		return;
	if (n > area->spare_count)
		n = area->spare_count;
	if (n && xsk_ring_prod__reserve(&sock->fill, n, &index) == n) {
		for (uint32_t i = 0; i < n; i++) {
			uint64_t chunk = io_take(area);

			*xsk_ring_prod__fill_addr(&sock->fill, index + i) = chunk;
		}
		xsk_ring_prod__submit(&sock->fill, n);
	}
	if (xsk_ring_prod__needs_wakeup(&sock->fill))
		recvfrom(io_fd(sock), NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

static int create_once(struct io_sock *sock, const struct io_options *options)
{
	struct io_area *area = sock->area;
	struct xsk_umem_config umem = {
	    .fill_size = options->receive ? IO_FILL_RING : 64,
	    .comp_size = IO_RING,
	    .frame_size = area->chunk,
	};
	struct xsk_socket_config config = {
	    .rx_size = IO_RING,
	    .tx_size = IO_RING,
	    .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
	    .bind_flags = XDP_USE_NEED_WAKEUP,
	};
	int err;

	if (options->copy != IO_COPY_AUTO)
		config.bind_flags |= options->copy == IO_COPY_YES ? XDP_COPY : XDP_ZEROCOPY;
	err =
	    xsk_umem__create(&sock->umem, area->bytes, area->size, &sock->fill, &sock->comp, &umem);
	if (err)
		return err;
	err = xsk_socket__create(&sock->xsk, options->ifname, options->queue, sock->umem,
				 options->receive ? &sock->rx : NULL, &sock->tx, &config);
	if (err) {
		sock->xsk = NULL;
		xsk_umem__delete(sock->umem);
		sock->umem = NULL;
	}
	return err;
}

static int create_with_back_off(struct io_sock *sock, const struct io_options *options)
{
	long wait_ms = options->receive ? 10 : 1000;
	int err;

	for (;; wait_ms *= 2) {
		struct timespec pause = {wait_ms / 1000, wait_ms % 1000 * 1000000};

		err = create_once(sock, options);
		if (err != -EBUSY || wait_ms >= 1000)
			return err;
		nanosleep(&pause, NULL);
	}
}

static void read_mode(struct io_sock *sock)
{
	struct xdp_options options = {0};
	socklen_t length = sizeof options;

	if (getsockopt(io_fd(sock), SOL_XDP, XDP_OPTIONS, &options, &length) == 0)
		sock->zero_copy = options.flags & XDP_OPTIONS_ZEROCOPY;
}

int io_open(struct io_area *area, const struct io_options *options, struct io_sock **out)
{
	struct io_sock *sock = calloc(1, sizeof *sock);
	int err;

	if (!sock)
		return -ENOMEM;
	sock->area = area;
	sock->receive = options->receive;
	err = create_with_back_off(sock, options);
	if (err) {
		free(sock);
		return err;
	}
	read_mode(sock);
	if (options->mark)
		setsockopt(io_fd(sock), SOL_SOCKET, SO_MARK, &options->mark, sizeof options->mark);
	for (uint32_t filled = 0; sock->receive && filled < IO_FILL_RING; filled += IO_BURST)
		io_refill(sock);
	*out = sock;
	return 0;
}

void io_close(struct io_sock **out)
{
	struct io_sock *sock = *out;

	if (!sock)
		return;
	xsk_socket__delete(sock->xsk);
	xsk_umem__delete(sock->umem);
	free(sock);
	*out = NULL;
}

int io_fd(const struct io_sock *sock)
{
	return xsk_socket__fd(sock->xsk);
}

bool io_is_zero_copy(const struct io_sock *sock)
{
	return sock->zero_copy;
}

uint32_t io_receive(struct io_sock *sock, struct io_frame *frames, uint32_t max)
{
	uint32_t index = 0, n = xsk_ring_cons__peek(&sock->rx, max, &index);

	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&sock->rx, index + i);

		frames[i] = (struct io_frame){desc->addr, desc->len};
	}
	if (n)
		xsk_ring_cons__release(&sock->rx, n);
	return n;
}

uint32_t io_produced(const struct io_sock *sock)
{
	return __atomic_load_n(sock->rx.producer, __ATOMIC_ACQUIRE);
}

/* One wake-up transmits a few dozen packets in copy mode; EAGAIN and friends mean "again". */
static bool wake_transmit(struct io_sock *sock)
{
	if (!xsk_ring_prod__needs_wakeup(&sock->tx))
		return true;
	if (sendto(io_fd(sock), NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
		return true;
	return errno == EAGAIN || errno == EBUSY || errno == ENOBUFS || errno == EINTR;
}

static bool is_consumed(const struct io_sock *sock)
{
	return __atomic_load_n(sock->tx.consumer, __ATOMIC_ACQUIRE) == sock->tx.cached_prod;
}

bool io_kick(struct io_sock *sock)
{
	bool consumed = is_consumed(sock);

	for (uint32_t i = 0; !consumed && i < KICKS_MAX; i++) {
		/* The device is down or gone: no one else can see what was sent any later. */
		if (!wake_transmit(sock)) {
			reclaim(sock);
			return true;
		}
		reclaim(sock); /* copy mode stops when the completion ring is full */
		consumed = is_consumed(sock);
	}
	reclaim(sock);
	return consumed;
}

bool io_send(struct io_sock *sock, struct io_frame frame)
{
	uint32_t index;
	struct xdp_desc *desc;

	if (xsk_ring_prod__reserve(&sock->tx, 1, &index) != 1) {
		io_kick(sock);
		if (xsk_ring_prod__reserve(&sock->tx, 1, &index) != 1)
			return false;
	}
	desc = xsk_ring_prod__tx_desc(&sock->tx, index);
	desc->addr = frame.addr;
	desc->len = frame.length;
	desc->options = 0;
	xsk_ring_prod__submit(&sock->tx, 1);
	sock->in_flight++;
	return true;
}

uint32_t io_in_flight(const struct io_sock *sock)
{
	return sock->in_flight;
}

int io_read_drops(const struct io_sock *sock, struct io_drops *drops)
{
	struct xdp_statistics s = {0};
	socklen_t length = sizeof s;

	if (getsockopt(io_fd(sock), SOL_XDP, XDP_STATISTICS, &s, &length) < 0)
		return -errno;
	*drops = (struct io_drops){s.rx_dropped + s.rx_invalid_descs, s.rx_ring_full,
				   s.rx_fill_ring_empty_descs, s.tx_invalid_descs};
	return 0;
}

int io_enter_map(const struct io_sock *sock, int map_fd, uint32_t key)
{
	int fd = io_fd(sock);

	return bpf_map_update_elem(map_fd, &key, &fd, BPF_ANY) < 0 ? -errno : 0;
}
