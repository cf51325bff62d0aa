#!/bin/sh
# Tail calls through arrays that the agent fills: each program of the chain in its layer, and what an operator changes
# in the array while it runs, in both layers.
. "$(dirname "$0")/live.sh"
nf=$(cd "$(dirname "$0")/../nf" && pwd)
make_links

reached() { # KEY: packets that came to this program of the chain
	bpftool -j map lookup pinned "$(ls /sys/fs/bpf/cleave/*-nf0/map_reached_*)" key "$1" 0 0 0 | jq '.formatted.value'
}

send() {
	pktgen --send gen0 --dport 9000 --count 100 --flows 8 --rate 20000 >"$WORK/sent"
	grep -q "^sent=800 " "$WORK/sent" || fail "$(cat "$WORK/sent")"
}

run_chain() { # SPLIT
	"$CLEAVE" build "$nf/tail_chain.bpf.c" --split "$1" -o "$WORK/chain.cleave" || fail "no bundle"
	LIVE_BUNDLE=$WORK/chain.cleave start_agent -i nf0 -i nf1
	send
	for key in 0 1 2; do
		[ "$(reached $key)" = 800 ] || fail "$1: program $key saw $(reached $key) of 800 packets"
	done
	bpftool map delete pinned "$(ls /sys/fs/bpf/cleave/*-nf0/map_next_*)" key 2 0 0 0
	sleep 1.5 # user looks once a second
	send
	[ "$(reached 1)" = 1600 ] || fail "$1: before the missing program: $(reached 1) of 1600 packets"
	[ "$(reached 2)" = 800 ] || fail "$1: $(reached 2) packets reached a program that was taken away"
	stop_agent
	never 'lost\|ran although'
}

run_chain auto
run_chain "at:$(grep -n 'ip4 = data + f->offset' "$nf/tail_chain.bpf.c" | cut -d: -f1)"
