#!/bin/sh
# A million packets below saturation: none lost, none out of order, also where layers alternate.
# LIVE_PACKETS: how many in all.
. "$(dirname "$0")/live.sh"
make_links
start_agent -i nf0 -i nf1 --count
n=$((${LIVE_PACKETS:-1000000} / 5))
rate=60000
full="received=$n lost=0 reordered=0 duplicated=0"
nf1=$(cat /sys/class/net/nf1/ifindex)
expect "$full" pktgen --send gen0 --receive gen0 --dport 9003 --count $n --rate $rate
expect "$full" pktgen --send gen0 --receive gen1 --dport 9004 --word "$nf1" --count $n --rate $rate
expect "$full" pktgen --send gen0 --udp nf0 --dport 9002 --count $n --rate $rate --dmac 02:00:00:00:00:02
expect "$full" pktgen --send gen0 --receive gen0 --dport 9100 --count $((n / 10)) --flows 10 --rate $rate
# One flow back to back: a packet the kernel decides follows one that is in user within microseconds.
expect "$full" pktgen --send gen0 --receive gen0 --dport 9100 --count $n --rate $rate
stop_agent
grep -q "only to keep the order of their key" "$WORK/agent.log" || fail "no packet was ever held"
never "never received\|too slow\|not done in time"
