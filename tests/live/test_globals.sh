#!/bin/sh
# Global variables that only user touches, in sections of their own: tables are there, and what packets leave in the
# others outlives the agent.
. "$(dirname "$0")/live.sh"
nf=$(cd "$(dirname "$0")/../nf" && pwd)
make_links
"$CLEAVE" build "$nf/globals_in_sections.bpf.c" --split user -o "$WORK/globals.cleave" || fail "no bundle"
LIVE_BUNDLE=$WORK/globals.cleave

# The sum of the counters in .bss.state
counted() {
	bpftool -j map dump pinned "$(ls /sys/fs/bpf/cleave/*-nf0/map_bss-state_*)" |
		jq '[.. | .classes? // empty | add] | add'
}

start_agent -i nf0
expect "received=1000 lost=0" pktgen --send gen0 --receive gen0 --dport 9000
[ "$(counted)" = 1000 ] || fail "counted $(counted) of 1000"
kill -KILL $AGENT
wait $AGENT || true
AGENT=
start_agent -i nf0
grep -q "taken over" "$WORK/agent.log" || fail "nothing was taken over"
expect "received=1000 lost=0" pktgen --send gen0 --receive gen0 --dport 9000
[ "$(counted)" = 2000 ] || fail "counted $(counted) of 2000"
stop_agent
never lost
