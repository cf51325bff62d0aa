/*
 * What a TC program finds in struct __sk_buff when a packet of a check or replay begins: it follows
 * from the packet, so a capture says it all. Fields that a test run can set have values that differ
 * from packet to packet; the rest are what a test run gives.
 */
#ifndef CLEAVE_RUNTIME_TEST_SKB_H
#define CLEAVE_RUNTIME_TEST_SKB_H

#include "bundle/kernel_abi.h"

struct test_packet;

void test_skb_begin(const struct test_packet *packet, struct cleave_skb *skb);

#endif
