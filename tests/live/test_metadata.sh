#!/bin/sh
# Metadata that the user part leaves for tc arrives with the packet; without it, tc has nothing to see.
. "$(dirname "$0")/live.sh"
make_links
start_agent -i nf0 --count
mac=02:00:00:00:00:02
tc qdisc add dev nf0 clsact
tc filter add dev nf0 ingress bpf da obj "$HAND/note_only.bpf.o" sec classifier

expect "received=200 lost=0" pktgen --send gen0 --udp nf0 --dport 9010 --dmac $mac --count 200
expect "received=0 lost=200" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac --count 200
stop_agent
never "target interface\|metadata"

# The same where the kernel part has made it before the packet is handed over.
"$CLEAVE" build "$(dirname "$0")/noted_in_kernel.bpf.c" -o "$WORK/noted.cleave" >"$WORK/out" 2>&1 ||
	fail "no bundle: $(cat "$WORK/out")"
expect "own metadata, at most" "$CLEAVE" explain "$WORK/noted.cleave"
LIVE_BUNDLE=$WORK/noted.cleave
start_agent -i nf0 --count
expect "received=200 lost=0" pktgen --send gen0 --udp nf0 --dport 9012 --dmac $mac --count 200
expect "received=0 lost=200" pktgen --send gen0 --udp nf0 --dport 9010 --dmac $mac --count 200
expect "received=200 lost=0" pktgen --send gen0 --udp nf0 --dport 9011 --dmac $mac --count 200
stop_agent
never "target interface\|metadata"
