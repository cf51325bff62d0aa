#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "runtime/order.h"

#define TICKET(port, seq) ((uint64_t)(port) << 48 | (seq))

struct fixture {
	struct cleave_order *order;
	struct order_epochs epochs;
	struct order_port port[2];
	struct order_port
	    *port_of[CLEAVE_PORTS_MAX]; /* port 1 is ours, port 2 is another worker's */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->order = calloc(1, sizeof *f->order);
	f->port[0].port = 1;
	f->port_of[1] = &f->port[0];
	f->port[1].port = 2;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->order);
	free(f);
	return 0;
}

static bool ready(struct fixture *f, uint64_t after)
{
	union {
		struct cleave_ticket ticket;
		uint64_t words[3];
	} t = {.words = {TICKET(1, 99), 0, after}};

	return order_is_ready(f->order, f->port_of, &t.ticket, 2);
}

static void test_begin_forgets_old_tickets(void **state)
{
	struct fixture *f = *state;

	f->order->next[1] = 7;
	order_begin(f->order, &f->epochs, 1);
	assert_int_equal(f->order->done[1], 7);
	assert_int_equal(f->order->epoch, 1);
	assert_true(ready(f, TICKET(1, 7)));
	assert_false(ready(f, TICKET(1, 8)));
}

static void test_waits_for_other_worker_until_it_publishes(void **state)
{
	struct fixture *f = *state;

	assert_true(ready(f, 0));
	order_note_run(&f->port[1], TICKET(2, 3));
	assert_false(ready(f, TICKET(2, 3)));
	order_publish(f->order, &f->port[1]);
	assert_true(ready(f, TICKET(2, 3)));
	assert_false(ready(f, TICKET(2, 4)));
}

static void test_own_port_needs_no_publishing(void **state)
{
	struct fixture *f = *state;

	assert_false(ready(f, TICKET(1, 1)));
	order_note_run(&f->port[0], TICKET(1, 1));
	assert_true(ready(f, TICKET(1, 1)));
	assert_int_equal(f->order->done[1], 0);
}

static void test_lost_packets_do_not_block_later_ones(void **state)
{
	struct fixture *f = *state;

	order_note_run(&f->port[0], TICKET(1, 1));
	assert_int_equal(order_note_next(&f->port[0], TICKET(1, 2)), 0);
	assert_int_equal(order_note_next(&f->port[0], TICKET(1, 5)), 3);
	assert_true(ready(f, TICKET(1, 4)));
	assert_false(ready(f, TICKET(1, 5)));
	/* The ticket of another port says nothing about this one. */
	assert_int_equal(order_note_next(&f->port[0], TICKET(2, 50)), 0);
}

static void test_silence_completes_lost_tickets(void **state)
{
	struct fixture *f = *state;
	uint64_t t = 1000;

	f->order->next[1] = 4;
	assert_int_equal(order_note_silence(f->order, &f->port[0], t), 0);
	assert_int_equal(order_note_silence(f->order, &f->port[0], t + ORDER_SILENCE_NS - 1), 0);
	/* A new ticket begins the wait anew. */
	f->order->next[1] = 5;
	assert_int_equal(order_note_silence(f->order, &f->port[0], t + ORDER_SILENCE_NS), 0);
	assert_int_equal(order_note_silence(f->order, &f->port[0], t + 2 * ORDER_SILENCE_NS), 5);
	order_publish(f->order, &f->port[0]);
	assert_int_equal(f->order->done[1], 5);
}

static void test_done_never_goes_back(void **state)
{
	struct fixture *f = *state;

	order_note_run(&f->port[0], TICKET(1, 9));
	order_publish(f->order, &f->port[0]);
	order_note_run(&f->port[0], TICKET(1, 3));
	order_publish(f->order, &f->port[0]);
	assert_int_equal(f->order->done[1], 9);
}

static void test_epoch_waits_for_every_worker(void **state)
{
	struct fixture *f = *state;
	uint64_t t = ORDER_EPOCH_NS;

	order_begin(f->order, &f->epochs, 2);
	order_reach(f->order, &f->epochs, 0, 1, t);
	assert_int_equal(f->order->epoch, 1);
	order_reach(f->order, &f->epochs, 1, 1, t);
	assert_int_equal(f->order->epoch, 2);
	/* Not sooner than ORDER_EPOCH_NS after the last one. */
	order_reach(f->order, &f->epochs, 0, 2, t + 1);
	order_reach(f->order, &f->epochs, 1, 2, t + 1);
	assert_int_equal(f->order->epoch, 2);
	order_reach(f->order, &f->epochs, 0, 2, t + ORDER_EPOCH_NS);
	assert_int_equal(f->order->epoch, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_begin_forgets_old_tickets),
	    T(test_waits_for_other_worker_until_it_publishes),
	    T(test_own_port_needs_no_publishing),
	    T(test_lost_packets_do_not_block_later_ones),
	    T(test_silence_completes_lost_tickets),
	    T(test_done_never_goes_back),
	    T(test_epoch_waits_for_every_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
