#include "runtime/order.h"

#include <string.h>

static uint64_t load(const void *counter)
{
	return __atomic_load_n((const uint64_t *)counter, __ATOMIC_ACQUIRE);
}

static void store(void *counter, uint64_t value)
{
	__atomic_store_n((uint64_t *)counter, value, __ATOMIC_RELEASE);
}

void order_begin(struct cleave_order *order, struct order_epochs *epochs, uint32_t workers)
{
	memset(epochs, 0, sizeof *epochs);
	epochs->workers = workers;
	if (!order)
		return;
	for (uint32_t p = 0; p < CLEAVE_PORTS_MAX; p++)
		store(&order->done[p], load(&order->next[p]));
	if (!load(&order->epoch))
		store(&order->epoch, 1);
}

static bool is_done(const struct cleave_order *order, struct order_port *const *port_of,
		    uint64_t ticket)
{
	uint32_t port = CLEAVE_TICKET_PORT(ticket);
	uint64_t seq = CLEAVE_TICKET_SEQ(ticket);

	if (!ticket || port >= CLEAVE_PORTS_MAX)
		return true;
	if (port_of[port] && port_of[port]->run >= seq)
		return true;
	return load(&order->done[port]) >= seq;
}

bool order_is_ready(const struct cleave_order *order, struct order_port *const *port_of,
		    const void *ticket, uint32_t after_count)
{
	const uint8_t *list = (const uint8_t *)ticket + sizeof(struct cleave_ticket);

	for (uint32_t i = 0; i < after_count; i++) {
		uint64_t after;

		memcpy(&after, list + i * sizeof after, sizeof after);
		if (!is_done(order, port_of, after))
			return false;
	}
	return true;
}

uint64_t order_note_next(struct order_port *port, uint64_t ticket)
{
	uint64_t seq = CLEAVE_TICKET_SEQ(ticket), lost;

	if (CLEAVE_TICKET_PORT(ticket) != port->port || seq <= port->run + 1)
		return 0;
	lost = seq - 1 - port->run;
	port->run = seq - 1;
	return lost;
}

void order_note_run(struct order_port *port, uint64_t ticket)
{
	uint64_t seq = CLEAVE_TICKET_SEQ(ticket);

	if (CLEAVE_TICKET_PORT(ticket) == port->port && seq > port->run)
		port->run = seq;
}

void order_publish(struct cleave_order *order, struct order_port *port)
{
	if (port->run <= port->published)
		return;
	port->published = port->run;
	store(&order->done[port->port], port->run);
}

uint64_t order_note_silence(const struct cleave_order *order, struct order_port *port,
			    uint64_t now_ns)
{
	uint64_t lost, next = load(&order->next[port->port]);

	if (next != port->seen_next || !port->silent_since_ns) {
		port->seen_next = next;
		port->silent_since_ns = now_ns;
		return 0;
	}
	if (next <= port->run || now_ns - port->silent_since_ns < ORDER_SILENCE_NS)
		return 0;
	lost = next - port->run;
	port->run = next;
	return lost;
}

static bool all_reached(const struct order_epochs *epochs, uint64_t epoch)
{
	for (uint32_t w = 0; w < epochs->workers; w++)
		if (load(&epochs->reached[w]) < epoch)
			return false;
	return true;
}

void order_reach(struct cleave_order *order, struct order_epochs *epochs, uint32_t worker,
		 uint64_t epoch, uint64_t now_ns)
{
	uint32_t idle = 0;

	store(&epochs->reached[worker], epoch);
	if (now_ns - load(&epochs->began_ns) < ORDER_EPOCH_NS)
		return;
	if (!__atomic_compare_exchange_n(&epochs->advancing, &idle, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return;
	if (load(&order->epoch) == epoch && all_reached(epochs, epoch)) {
		store(&epochs->began_ns, now_ns);
		store(&order->epoch, epoch + 1);
	}
	__atomic_store_n(&epochs->advancing, 0, __ATOMIC_RELEASE);
}
