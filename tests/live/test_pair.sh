#!/bin/sh
# An XDP and a TC program of one bundle on one interface: what the one writes the other reads, in the kernel and in user;
# one agent runs, leaves and takes over both.
. "$(dirname "$0")/live.sh"
make_links
here=$(dirname "$0")
LIVE_BUNDLE="$WORK/live.cleave"
"$CLEAVE" build "$here/pair_live.bpf.c" -o "$LIVE_BUNDLE"
mac=02:00:00:00:00:02
none="received=0 lost=1000"
all="received=1000 lost=0 reordered=0 duplicated=0"
ip neigh add 10.99.0.1 lladdr 02:00:00:00:00:01 dev nf0

leaves() { # PORT BYTE: a datagram from this port to the sender's
	python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('10.99.0.2', int(sys.argv[1])))
s.sendto(bytes([int(sys.argv[2])]) * 16, ('10.99.0.1', 1000))" "$1" "$2"
	sleep 0.1 # through user
}
comes() { # WANTED PORT
	expect "$1" pktgen --send gen0 --udp nf0 --dport "$2" --dmac $mac
}

start_agent -i nf0 --count
for i in $(seq 50); do
	grep -q 'go_out runs on' "$WORK/agent.log" && break
	sleep 0.1
done
expect "come_in runs on nf0 (native XDP, copy mode" cat "$WORK/agent.log"
expect "go_out runs on nf0 (tcx egress, copy mode, 1 queue)" cat "$WORK/agent.log"
comes "$none" 8001
comes "$none" 9001
leaves 8001 1
leaves 9001 1
comes "$all" 8001
comes "$all" 9001
comes "$none" 8002
leaves 8001 0
comes "$none" 8001
leaves 8001 1
comes "$all" 8001
sleep 1.5 # the status is written every second
expect '"to_user": 4' "$CLEAVED" status nf0+egress --json
expect '"to_user": 1000' "$CLEAVED" status nf0 --json
expect '"value": 4' bpftool map lookup pinned /sys/fs/bpf/cleave/*-nf0/map_counts_* key 0 0 0 0
expect '"value": 1000' bpftool map lookup pinned /sys/fs/bpf/cleave/*-nf0+egress/map_counts_* key 1 0 0 0

# Dead: what the kernel decides goes on, and the next agent finds the connections.
kill -KILL $AGENT
wait $AGENT || true
AGENT=
comes "$all" 8001
comes "$none" 9001
start_agent -i nf0
grep -q "taken over" "$WORK/agent.log" || fail "nothing was taken over"
comes "$all" 8001
comes "$all" 9001
comes "$none" 8002
leaves 8002 1
comes "$all" 8002
leaves 9001 0
comes "$none" 9001
stop_agent
[ "$(grep -c '^user' "$WORK/agent.log")" = 2 ] || fail "no counters of both programs"
expect_code 2 "--hook" "$CLEAVED" run "$LIVE_BUNDLE" -i nf0 --hook nowhere
