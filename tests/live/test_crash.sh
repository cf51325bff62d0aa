#!/bin/sh
# A dead agent: the kernel part goes on, what needs user follows the policy, the next agent takes over.
. "$(dirname "$0")/live.sh"
make_links
all="received=1000 lost=0 reordered=0 duplicated=0"
none="received=0 lost=1000"
mac=02:00:00:00:00:02

start_agent -i nf0 --count
expect "$all" pktgen --send gen0 --receive gen0 --dport 9003
bpftool map update pinned /sys/fs/bpf/cleave/*-nf0/map_hand_devices_* key 1 0 0 0 value 1 0 0 0
kill -KILL $AGENT
wait $AGENT || true
AGENT=
expect_code 3 "no agent runs on nf0" "$CLEAVED" status nf0
expect "$all" pktgen --send gen0 --receive gen0 --dport 8001
expect "$all" pktgen --send gen0 --udp nf0 --dport 7000 --dmac $mac
expect "$none" pktgen --send gen0 --receive gen0 --dport 9003
expect "$none" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac

# Taken over without a gap: traffic of the kernel part flows all the time.
pktgen --send gen0 --receive gen0 --dport 8001 --count 60000 --rate 20000 >"$WORK/gap" &
traffic=$!
sleep 0.5
export ASAN_OPTIONS="${ASAN_OPTIONS-}:handle_segv=0" # a fault that is asked for below
start_agent -i nf0 --count --when-user-gone pass
grep -q "taken over" "$WORK/agent.log" || fail "nothing was taken over"
wait $traffic
expect "received=60000 lost=0" cat "$WORK/gap"
expect "key: 01 00 00 00  value: 01 00 00 00" bpftool map dump pinned /sys/fs/bpf/cleave/*-nf0/map_hand_devices_*
expect "$all" pktgen --send gen0 --receive gen0 --dport 9003
expect "$all" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac
expect "$all" pktgen --send gen0 --receive gen0 --dport 9100

# The user part crashes by itself; the policy is pass now.
pktgen --send gen0 --dport 9007 --count 1 >/dev/null
wait $AGENT && fail "the agent survived a fault of its user part"
AGENT=
expect "$all" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac
expect "$all" pktgen --send gen0 --receive gen0 --dport 8001

start_agent -i nf0
expect "$all" pktgen --send gen0 --receive gen0 --dport 9003
stop_agent
