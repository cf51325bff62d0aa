#!/bin/sh
# A TC program on interfaces: every verdict of its user part at the ingress, fields and tags at the egress, TCP with
# offloads through it both ways, a dead agent.
. "$(dirname "$0")/live.sh"
make_links
here=$(dirname "$0")
LIVE_BUNDLE="$WORK/live.cleave"
"$CLEAVE" build "$here/tc_live.bpf.c" -o "$LIVE_BUNDLE"
nf1=$(cat /sys/class/net/nf1/ifindex)
mac=02:00:00:00:00:02
none="received=0 lost=1000"
all="received=1000 lost=0 reordered=0 duplicated=0"

start_agent -i nf0 --count
expect "runs on nf0 (tcx ingress, copy mode, 1 queue)" cat "$WORK/agent.log"
expect "$all" pktgen --send gen0 --udp nf0 --dport 8001 --dmac $mac
expect "$none" pktgen --send gen0 --udp nf0 --dport 8000 --dmac $mac
expect "$none" pktgen --send gen0 --udp nf0 --dport 9000 --dmac $mac # SHOT
expect "$all" pktgen --send gen0 --udp nf0 --dport 9001 --dmac $mac  # OK
expect "$all" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac  # UNSPEC
expect "$none" pktgen --send gen0 --udp nf0 --dport 9001 --dmac 02:00:00:00:00:77
expect "$none" pktgen --send gen0 --udp nf0 --dport 9001 --dmac $mac --bad-checksum
expect "$all" pktgen --send gen0 --receive gen1 --dport 9003 --word "$nf1" # redirect out
# The mark that user set is there when the stack looks for a route.
ip rule add pref 100 lookup local
ip rule del pref 0
ip rule add pref 50 fwmark 0x77 prohibit
expect "$none" pktgen --send gen0 --udp nf0 --dport 9001 --dmac $mac
expect "$all" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac
ip rule del pref 50
sleep 1.5 # the status is written every second
expect '"to_user": 8000' "$CLEAVED" status nf0+ingress --json
bpftool map dump pinned /sys/fs/bpf/cleave/*-nf0+ingress/map_seen_* >"$WORK/seen"
stop_agent
expect "TC_ACT_OK 4000, TC_ACT_SHOT 1000, TC_ACT_REDIRECT 1000, TC_ACT_UNSPEC 2000" \
	grep ^user "$WORK/agent.log"
never "never received\|too slow"

# What leaves by the egress program, counted where it arrives; user's tag is beside its bytes.
arrives() { # DEVICE WANTED PORT WORD: of 200 datagrams from the stack to the far end of nf0
	before=$(cat /sys/class/net/"$1"/statistics/rx_packets)
	python3 "$here/sockets.py" datagrams 10.99.0.77 "$3" 200 "$4"
	sleep 0.3
	got=$(($(cat /sys/class/net/"$1"/statistics/rx_packets) - before))
	[ $got = "$2" ] || fail "$got packets to port $3 arrived at $1, wanted $2"
}
ip neigh add 10.99.0.77 lladdr 02:00:00:00:00:01 dev nf0
start_agent -i nf0 --hook egress
expect "tcx egress" cat "$WORK/agent.log"
arrives gen0 200 8001 0
arrives gen0 0 8000 0
arrives gen0 0 9000 0
arrives gen0 200 9001 0
arrives gen1 200 9003 "$nf1"
arrives gen0 0 9003 "$nf1"
stop_agent
expect "TC_ACT_OK 200, TC_ACT_SHOT 200, TC_ACT_REDIRECT 400" grep ^user "$WORK/agent.log"

# Dead: the program stays, what needs user follows the policy, the next agent takes over.
start_agent -i nf0
kill -KILL $AGENT
wait $AGENT || true
AGENT=
expect "$all" pktgen --send gen0 --udp nf0 --dport 8001 --dmac $mac
expect "$none" pktgen --send gen0 --udp nf0 --dport 8000 --dmac $mac
expect "$none" pktgen --send gen0 --udp nf0 --dport 9001 --dmac $mac
start_agent -i nf0 --when-user-gone pass
grep -q "taken over" "$WORK/agent.log" || fail "nothing was taken over"
expect "$all" pktgen --send gen0 --udp nf0 --dport 9001 --dmac $mac
kill -KILL $AGENT
wait $AGENT || true
AGENT=
expect "$all" pktgen --send gen0 --udp nf0 --dport 9000 --dmac $mac
start_agent -i nf0
expect "$none" pktgen --send gen0 --udp nf0 --dport 9000 --dmac $mac
stop_agent

# What the dead one had switched off is on again when the next one ends.
ethtool -K nf0 gro on >/dev/null
for hook in ingress egress; do
	for turn in killed killed stopped; do
		start_agent -i nf0 --hook $hook
		[ $turn = stopped ] && break
		kill -KILL $AGENT
		wait $AGENT || true
		AGENT=
	done
	stop_agent
done
expect "generic-receive-offload: on" ethtool -k nf0
expect "generic-segmentation-offload: on" ethtool -k nf0
expect "gso_max_segs 65535" ip -d link show nf0

# TCP with offloads on: all of it through user, at the ingress and then at the egress.
cleanup() {
	for process in $AGENT $peer $listener; do
		kill -KILL "$process" 2>/dev/null || true
	done
}
listener=
unshare -n sleep 120 >/dev/null 2>&1 &
peer=$!
sleep 0.3
ip link set gen0 netns $peer
ip netns attach peer $peer
ip -n peer addr add 10.99.0.1/24 dev gen0
ip -n peer link set gen0 up
ip neigh del 10.99.0.77 dev nf0
"$CLEAVE" build "$here/tc_live.bpf.c" --split user -o "$LIVE_BUNDLE"
for hook in ingress egress; do
	start_agent -i nf0 --hook $hook
	ip netns exec peer ethtool -K gen0 tso off gso off >/dev/null
	python3 "$here/sockets.py" listen 10.99.0.2 7000 >"$WORK/got" &
	listener=$!
	sleep 0.5
	ip netns exec peer python3 "$here/sockets.py" send 10.99.0.2 7000 3000000 >"$WORK/sent"
	wait $listener
	cmp "$WORK/sent" "$WORK/got" || fail "TCP through the $hook: $(cat "$WORK/sent" "$WORK/got")"
	ip netns exec peer python3 "$here/sockets.py" listen 10.99.0.1 7001 >"$WORK/got" &
	listener=$!
	sleep 0.5
	python3 "$here/sockets.py" send 10.99.0.1 7001 3000000 >"$WORK/sent"
	wait $listener
	cmp "$WORK/sent" "$WORK/got" || fail "TCP through the $hook: $(cat "$WORK/sent" "$WORK/got")"
	stop_agent
done
expect "generic-segmentation-offload: on" ethtool -k nf0
expect "gso_max_segs 65535" ip -d link show nf0
