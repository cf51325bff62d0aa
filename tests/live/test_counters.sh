#!/bin/sh
# Maps that both layers count in, as an operator reads them: a per-CPU array, and an array that both write at the same time.
# Nothing lost, nothing counted twice, in strict and in relaxed order.
. "$(dirname "$0")/live.sh"
nf=$(cd "$(dirname "$0")/../nf" && pwd)
packets=20000
make_links

# The sum over CPUs and the keys FROM to TO of the counter of packets.
counted() { # FROM TO
	bpftool -j map dump pinned "$(ls /sys/fs/bpf/cleave/*-nf0/map_counters_*)" |
		jq "[.[].formatted | select(.key >= $1 and .key <= $2) | (.values[]?.value.packets, .value.packets?) // empty] | add"
}

# run_counters NF ORDER HOME: the agent counts, PACKETS have been sent
run_counters() {
	"$CLEAVE" build "$nf/$1.bpf.c" --order $2 -o "$WORK/counters.cleave" || fail "no bundle"
	"$CLEAVE" explain "$WORK/counters.cleave" | grep -q "counters *$3" || fail "counters are not at home in $3"
	LIVE_BUNDLE=$WORK/counters.cleave start_agent -i nf0
	grep -q "$2 order" "$WORK/agent.log" || fail "the agent does not say $2"
	pktgen --send gen0 --dport 9000 --count $((packets / 16)) --flows 16 --rate 30000 >"$WORK/sent"
	grep -q "^sent=$packets " "$WORK/sent" || fail "$(cat "$WORK/sent")"
}

for order in strict relaxed; do
	run_counters percpu_counters $order 'kernel, batched'
	[ "$(counted 0 0)" = $packets ] || fail "$order: the kernel counted $(counted 0 0) of $packets"
	[ "$(counted 1 4)" = $packets ] || fail "$order: user counted $(counted 1 4) of $packets"
	stop_agent
	never 'lost\|ran although'

	run_counters array_counters $order 'shared array'
	[ "$(counted 0 0)" = $((2 * packets)) ] || fail "$order: both counted $(counted 0 0) of $((2 * packets))"
	[ "$(counted 1 4)" = $packets ] || fail "$order: user counted $(counted 1 4) of $packets"
	stop_agent
	never 'lost\|ran although'
done
