#!/bin/sh
# The examples, compiled and live: numbered packets below saturation through each, none lost, none out of order
# within its flow, also where packets of a flow go through both layers.
# LIVE_PACKETS: how many through each (1000000 for the full run).
. "$(dirname "$0")/live.sh"
examples=$(dirname "$0")/../../examples
packets=${LIVE_PACKETS:-60000}
rate=40000
make_links
nf0=$(cat /sys/class/net/nf0/ifindex)
nf1=$(cat /sys/class/net/nf1/ifindex)

# run_example NAME: its bundle with the maps in $WORK/maps.json
run_example() {
	"$CLEAVE" build "$examples/$1/$1.bpf.c" -o "$WORK/$1.cleave" || fail "$1 does not build"
	LIVE_BUNDLE=$WORK/$1.cleave start_agent -i nf0 -i nf1 --map-init "$WORK/maps.json" --count
}
full() { # COUNT
	echo "received=$1 lost=0 reordered=0 duplicated=0"
}

jq --argjson i "$nf0" --argjson o "$nf1" '.ports = [{key: $i, value: {inside: 1, peer_ifindex: $o}},
	{key: $o, value: {inside: 0, peer_ifindex: $i}}]' "$examples/firewall-dpi/traffic/maps.json" >"$WORK/maps.json"
run_example firewall-dpi
# Port 9000 is not inspected: decided in the kernel. Port 53 is: the search is in user.
expect "$(full $((packets / 16 * 8)))" pktgen --send gen0 --receive gen1 --dport 9000 --count $((packets / 16)) --rate $rate --flows 8
expect "$(full $((packets / 16 * 8)))" pktgen --send gen0 --receive gen1 --dport 53 --count $((packets / 16)) --rate $rate --flows 8
stop_agent
grep -q '^user .*[1-9]' "$WORK/agent.log" || fail "nothing went to user"

jq --argjson i "$nf0" --argjson o "$nf1" '.port_numbers = [{key: $i, value: 0}, {key: $o, value: 1}]
	| .tx_ports = [{key: 0, value: $i}, {key: 1, value: $o}]
	| .ports[0].value.mac = "02:00:00:00:00:02"
	| .routes4 += [{key: {prefix: "10.99.0.0/24"}, value: 2}]
	| .neighbours += [{key: {address: "::ffff:10.99.0.2", port: 1}, value: {mac: "02:00:00:00:01:01"}}]' \
	"$examples/router/traffic/maps.json" >"$WORK/maps.json"
run_example router
expect "$(full "$packets")" pktgen --send gen0 --receive gen1 --dport 9000 --count $((packets / 8)) --rate $rate --flows 8
stop_agent

jq '(.profiles[].value) |= (.committed_rate = 4000000000 | .committed_burst = 100000000 | .peak_rate = 4000000000
	| .peak_burst = 100000000 | .aggregate_rate = 4000000000 | .aggregate_burst = 100000000)' \
	"$examples/policer/traffic/maps.json" >"$WORK/maps.json"
run_example policer
expect "$(full "$packets")" pktgen --send gen0 --udp nf0 --dport 9002 --count "$packets" --rate $rate --dmac 02:00:00:00:00:02
stop_agent
