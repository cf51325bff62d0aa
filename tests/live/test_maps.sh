#!/bin/sh
# Queues, maps of maps and events that user works on are the kernel's: an operator finds them there.
. "$(dirname "$0")/live.sh"
make_links
"$CLEAVE" build "$(dirname "$0")/maps_in_user.bpf.c" -o "$WORK/maps.cleave" >"$WORK/out" 2>&1 ||
	fail "no bundle: $(cat "$WORK/out")"
LIVE_BUNDLE=$WORK/maps.cleave
start_agent -i nf0
all="received=1000 lost=0 reordered=0 duplicated=0"
pins=$(echo /sys/fs/bpf/cleave/*-nf0)

expect "$all" pktgen --send gen0 --receive gen0 --dport 9000
expect "$all" pktgen --send gen0 --receive gen0 --dport 9002
expect '"value": 1000' sh -c "bpftool -j map dump pinned $pins/map_table_* | jq -c '.[].formatted' | sed 's/:/: /g'"
count=0
while bpftool map dequeue pinned "$pins"/map_waiting_* 2>/dev/null | grep -q value; do
	count=$((count + 1))
	[ $count -le 100 ] || break
done
[ $count -gt 100 ] || fail "$count elements came out of the queue"
# 2000 records of 4 bytes, each with a header of 8 and padded to 8.
expect "lost=1000" pktgen --send gen0 --receive gen0 --dport 9001
expect "32000" bpftool map dump pinned "$pins"/map_written_*
stop_agent
