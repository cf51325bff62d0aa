#include "runtime/verdict_tc.h"

#include <linux/if_ether.h>
#include <string.h>

#include "runtime/verdict_text.h"

static uint64_t address_of(struct worker *worker, const uint8_t *byte)
{
	return (uint64_t)(byte - io_area_bytes(worker->area));
}

static void drop(struct worker *worker, const struct cleave_packet *packet)
{
	io_recycle(worker->area, address_of(worker, packet->data));
}

static void lose(struct worker *worker, const struct cleave_packet *packet, enum loss why)
{
	count(&worker->counters.loss[why]);
	drop(worker, packet);
}

static void send_back(struct worker *worker, struct worker_port *port,
		      const struct cleave_packet *packet, uint32_t verdict)
{
	struct cleave_back back = {.generation = worker->setup->generation,
				   .magic = CLEAVE_BACK_MAGIC,
				   .verdict = verdict,
				   .skb = *packet->skb};
	uint8_t *start = packet->data - sizeof back;
	struct io_frame frame;

	if (packet->data - packet->head < (ptrdiff_t)sizeof back) {
		lose(worker, packet, LOSS_NO_FRONT);
		return;
	}
	if (verdict_redirects(true, verdict)) {
		back.redirect_kind = packet->redirect_kind;
		back.redirect_target = packet->redirect_target;
		back.redirect_flags = packet->redirect_flags;
	}
	memcpy(start, &back, sizeof back);
	frame = (struct io_frame){address_of(worker, start), (uint32_t)(packet->end - start)};
	if (!io_send(port->sock, frame))
		lose(worker, packet, LOSS_RING_FULL);
}

void verdict_apply_tc(struct worker *worker, struct worker_port *port,
		      const struct cleave_packet *packet, uint32_t verdict)
{
	unsigned cell = verdict_cell_of(true, verdict);

	count(&worker->counters.verdict[cell]);
	if (!verdict_goes_on(true, verdict))
		drop(worker, packet);
	else if (packet->end - packet->data < ETH_HLEN)
		lose(worker, packet, LOSS_SHORT);
	else
		send_back(worker, port, packet, verdict);
}
