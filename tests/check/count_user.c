/*
 * The user part of tests/check/count.bpf.c, and for replay its kernel part too, written by hand
 * after bundle/user_abi.h. WRONG=1 forgets the TTL, WRONG=2 the count of answers, WRONG=3 scans
 * four bytes, WRONG=4 faults on a hit. WRONG=5 and 6 are the
 * kernel part's. WRONG=7 drops what is shorter than an Ethernet header.
 */
#include <string.h>
#include <linux/bpf.h>

#include "bundle/kernel_abi.h"
#include "bundle/user_abi.h"
#include "tests/check/count.h"

#ifndef WRONG
#define WRONG 0
#endif
#define EXPORT __attribute__((visibility("default")))

EXPORT uint32_t cleave_user_abi = CLEAVE_USER_ABI;
EXPORT uint32_t cleave_user_main(struct cleave_packet *p);
EXPORT uint32_t cleave_kernel_main(struct cleave_packet *p);

enum { SOURCES, ANSWERS };

static uint32_t scan(struct cleave_packet *p, struct live live)
{
	uint64_t *count = (uint64_t *)p->env->map_memory[ANSWERS];
	uint32_t scans;

	memcpy(&scans, p->env->globals[0], sizeof scans);
	scans++;
	memcpy(p->env->globals[0], &scans, sizeof scans);
	for (int i = 0; i < (WRONG == 3 ? 4 : 16); i++) {
		uint8_t *at = p->data + live.payload + i;

		if (at + 1 > p->data_end)
			break;
		if (*at != 'G')
			continue;
		if (WRONG == 4)
			*(volatile uint8_t *)8 = 0;
		*count += WRONG != 2;
		p->data[22] -= WRONG != 1;
		return XDP_TX;
	}
	return XDP_PASS;
}

static void note_source(struct cleave_packet *p)
{
	const struct cleave_calls *calls = p->env->calls;
	struct source fresh = {1, calls->ktime_ns(p->env, 1)}, *source;
	uint32_t key;

	memcpy(&key, p->data + 26, sizeof key);
	source = calls->map_lookup(p->env, p->env->maps[SOURCES], &key);
	if (!source) {
		calls->map_update(p->env, p->env->maps[SOURCES], &key, &fresh, 0);
		return;
	}
	source->packets++;
	source->last_ns = fresh.last_ns;
}

uint32_t cleave_kernel_main(struct cleave_packet *p)
{
	struct cleave_handoff header = {CLEAVE_REPLAY_GENERATION, 1, 0, COUNT_HANDOFF};
	struct live live;

	if (WRONG == 7 && p->data_end - p->data < 14)
		return XDP_DROP;
	if (p->data_end - p->data < 38 || p->data[12] != 8 || p->data[13] ||
	    (p->data[14] & 15) != 5)
		return XDP_PASS;
	if (p->data[22] <= 1)
		return XDP_DROP;
	note_source(p);
	if (p->data[36] || p->data[37] != 80)
		return XDP_PASS;
	live.payload = 34 + (p->data[23] == 17 ? 8 : 20);
	p->entry = 1;
	memcpy(p->data - COUNT_HANDOFF, &live, sizeof live);
	memcpy(p->data - sizeof header, &header, sizeof header);
	return CLEAVE_HANDED_OVER;
}

uint32_t cleave_user_main(struct cleave_packet *p)
{
	const uint8_t *handoff = p->handoff;
	struct live live;

	if (!p->entry) { /* everything happens here */
		uint32_t action = cleave_kernel_main(p);

		if (action != CLEAVE_HANDED_OVER)
			return action;
		handoff = p->data - COUNT_HANDOFF;
	}
	memcpy(&live, handoff, sizeof live);
	return scan(p, live);
}
