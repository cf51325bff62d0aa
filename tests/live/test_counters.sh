#!/bin/sh
# A per-CPU map that both layers count in, as an operator reads it while traffic flows and after: nothing lost, nothing
# counted twice, in strict and in relaxed order.
. "$(dirname "$0")/live.sh"
nf=$(cd "$(dirname "$0")/../nf" && pwd)
packets=20000
make_links

# The sum over CPUs and the keys FROM to TO of the counter of packets.
counted() { # FROM TO
	bpftool -j map dump pinned "$(ls /sys/fs/bpf/cleave/*-nf0/map_counters_*)" |
		jq "[.[].formatted | select(.key >= $1 and .key <= $2) | .values[].value.packets] | add"
}

for order in strict relaxed; do
	"$CLEAVE" build "$nf/percpu_counters.bpf.c" --order $order -o "$WORK/counters.cleave" || fail "no bundle"
	"$CLEAVE" explain "$WORK/counters.cleave" | grep -q 'counters *kernel, batched' || fail "counters are not at home in the kernel"
	LIVE_BUNDLE=$WORK/counters.cleave start_agent -i nf0
	grep -q "$order order" "$WORK/agent.log" || fail "the agent does not say $order"
	pktgen --send gen0 --dport 9000 --count $((packets / 16)) --flows 16 --rate 30000 >"$WORK/sent"
	grep -q "^sent=$packets " "$WORK/sent" || fail "$(cat "$WORK/sent")"
	[ "$(counted 0 0)" = $packets ] || fail "$order: the kernel counted $(counted 0 0) of $packets"
	[ "$(counted 1 4)" = $packets ] || fail "$order: user counted $(counted 1 4) of $packets"
	stop_agent
	never 'lost\|ran although'
done
