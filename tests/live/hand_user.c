/* The user part of the live tests, written by hand after bundle/user_abi.h. */
#include <signal.h>
#include <string.h>
#include <linux/bpf.h>

#include "bundle/user_abi.h"
#include "tests/live/hand_abi.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT uint32_t cleave_user_abi = CLEAVE_USER_ABI;
EXPORT uint32_t cleave_user_main(struct cleave_packet *p);

static void swap(uint8_t *packet)
{
	uint8_t mac[6], addr[4];

	memcpy(mac, packet, 6);
	memcpy(packet, packet + 6, 6);
	memcpy(packet + 6, mac, 6);
	memcpy(addr, packet + 26, 4);
	memcpy(packet + 26, packet + 30, 4);
	memcpy(packet + 30, addr, 4);
}

/* 20 bytes between the Ethernet header and what follows, over the place of the handoff. */
static uint32_t push(struct cleave_packet *p)
{
	uint8_t ethernet[14];

	if (p->data - 20 < p->head)
		return XDP_ABORTED;
	memcpy(ethernet, p->data, 14);
	p->data -= 20;
	memcpy(p->data, ethernet, 14);
	memset(p->data + 14, 0xaa, 20);
	return XDP_TX;
}

static uint32_t redirect(struct cleave_packet *p, uint32_t kind)
{
	p->redirect_kind = kind;
	p->redirect_map = 0;
	p->redirect_target = 1;
	if (kind == CLEAVE_REDIRECT_IFINDEX)
		memcpy(&p->redirect_target, p->data + 42, 4);
	return XDP_REDIRECT;
}

uint32_t cleave_user_main(struct cleave_packet *p)
{
	const uint32_t note = HAND_NOTE;
	struct hand_live live;

	memcpy(&live, p->handoff + HAND_LIVE, sizeof live);
	switch (live.action) {
	case HAND_DROP:
		return XDP_DROP;
	case HAND_PASS:
		return XDP_PASS;
	case HAND_TX:
		swap(p->data);
		return XDP_TX;
	case HAND_REDIRECT:
		return redirect(p, CLEAVE_REDIRECT_IFINDEX);
	case HAND_REDIRECT_MAP:
		return redirect(p, CLEAVE_REDIRECT_MAP);
	case HAND_UNKNOWN:
		return 77;
	case HAND_CRASH:
		raise(SIGSEGV);
		return XDP_DROP;
	case HAND_PUSH:
		return push(p);
	case HAND_SHORT:
		p->data_end = p->data + 10;
		return XDP_TX;
	case HAND_META:
		p->data_meta = p->data - sizeof note;
		memcpy(p->data_meta, &note, sizeof note);
		return XDP_PASS;
	}
	return XDP_ABORTED;
}
