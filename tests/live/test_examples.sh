#!/bin/sh
# The examples, compiled and live: numbered packets below saturation through each. What comes out is what the oracle, the
# unmodified program, decides of the same packets one by one: the same count for each verdict, none lost, none out of
# order within its flow, also where packets of a flow go through both layers.
# LIVE_PACKETS: how many through each (1000000 for the full run). LIVE_EXAMPLES: which.
. "$(dirname "$0")/live.sh"
examples=$(cd "$(dirname "$0")/../../examples" && pwd)
packets=${LIVE_PACKETS:-24000}
rate=40000
make_links
nf0=$(cat /sys/class/net/nf0/ifindex)
nf1=$(cat /sys/class/net/nf1/ifindex)

# verdicts FILE: {"XDP_DROP": N, ...} of both layers together
agent_verdicts() {
	jq -S '.counters | (.kernel.verdicts | to_entries) + (.user.verdicts | to_entries)
		| map({key: ("XDP_" + (.key | ltrimstr("XDP_"))), value}) | group_by(.key)
		| map({key: .[0].key, value: map(.value) | add}) | from_entries' "$1"
}

# run_mix EXAMPLE VERDICT PKTGEN-OPTION...: with the maps in $WORK/maps.json. VERDICT is the one that comes back to pktgen;
# "-": nobody looks.
run_mix() {
	example=$1 delivered=$2
	shift 2
	"$CLEAVE" build "$examples/$example/$example.bpf.c" -o "$WORK/$example.cleave" || fail "$example does not build"
	LIVE_BUNDLE=$WORK/$example.cleave start_agent -i nf0 -i nf1 --map-init "$WORK/maps.json" --count
	seen=$(pktgen --send gen0 --rate $rate --write "$WORK/mix.pcap" "$@")
	sleep 1.2 # the status is written each second
	"$CLEAVED" status nf0 --json >"$WORK/status.json"
	stop_agent
	"$CLEAVE" check "$examples/$example/$example.bpf.c" --pcap "$WORK/mix.pcap" --ifindex "$nf0" --map-init "$WORK/maps.json" \
		--save-mismatch "$WORK/mismatch.pcap" --json >"$WORK/check.json" || fail "check: $(cat "$WORK/check.json")"
	jq -S '(if type == "array" then .[0] else . end).verdicts | del(.other)' "$WORK/check.json" >"$WORK/oracle.verdicts"
	agent_verdicts "$WORK/status.json" >"$WORK/agent.verdicts"
	echo "$example: $seen oracle: $(jq -c . "$WORK/oracle.verdicts")"
	cmp -s "$WORK/oracle.verdicts" "$WORK/agent.verdicts" ||
		fail "$example: the oracle decides $(jq -c . "$WORK/oracle.verdicts"), the agent $(jq -c . "$WORK/agent.verdicts")"
	[ "$delivered" = - ] && return
	case $seen in
	*" received=$(jq ".$delivered" "$WORK/oracle.verdicts") "*" reordered=0 duplicated=0 "*) ;;
	*) fail "$example: $seen, and the oracle decides $(jq -c . "$WORK/oracle.verdicts")" ;;
	esac
}
wanted() {
	case " ${LIVE_EXAMPLES:-firewall-dpi router l4lb policer} " in *" $1 "*) ;; *) return 1 ;; esac
}

if wanted firewall-dpi; then
	jq --argjson i "$nf0" --argjson o "$nf1" '.ports = [{key: $i, value: {inside: 1, peer_ifindex: $o}},
		{key: $o, value: {inside: 0, peer_ifindex: $i}}]' "$examples/firewall-dpi/traffic/maps.json" >"$WORK/maps.json"
	# Port 9000 is not inspected: decided in the kernel. Port 53 is: the search is in user. Two networks are blocked.
	run_mix firewall-dpi XDP_REDIRECT --receive gen1 --flows 12 --count $((packets / 12)) --dport 9000,53,9000,9000,53,53 \
		--from 10.99.0.1,10.99.0.1,203.0.113.5,2001:db8:1::7,2001:db8:1::7,2001:db8:bad::1 \
		--to 10.99.0.2,192.0.2.2,10.99.0.2,2001:db8:77::2,2001:db8:77::3,2001:db8:77::2
	jq -e '.counters.user.packets > 1000' "$WORK/status.json" >/dev/null || fail "nothing went to user"
fi

if wanted router; then
	jq --argjson i "$nf0" --argjson o "$nf1" '.port_numbers = [{key: $i, value: 0}, {key: $o, value: 1}]
		| .tx_ports = [{key: 0, value: $i}, {key: 1, value: $o}]
		| .ports[0].value.mac = "02:00:00:00:00:02"
		| .routes4 += [{key: {prefix: "10.99.0.0/24"}, value: 2}]
		| .neighbours += [{key: {address: "::ffff:10.99.0.2", port: 1}, value: {mac: "02:00:00:00:01:01"}}]' \
		"$examples/router/traffic/maps.json" >"$WORK/maps.json"
	# Forwarded, blackholed, without a route, for the router itself, without a neighbour.
	run_mix router XDP_REDIRECT --receive gen1 --flows 10 --count $((packets / 10)) --dport 9000 \
		--from 10.99.0.1,10.99.0.1,10.99.0.1,2001:db8:a::2,2001:db8:a::2 \
		--to 10.99.0.2,192.0.2.7,198.51.100.9,2001:db8:c::5,2001:db8:d::5,10.99.0.2,100.64.0.1,10.0.0.1,2001:db8:b::1,2001:db8:b::77
	# At the end of their time, no faster than the router answers: user does.
	run_mix router - --rate 60 --flows 4 --count 20 --dport 9000 --ttl 1,64,1 --from 10.0.0.2,10.0.0.2,2001:db8:a::2 \
		--to 10.99.0.2,10.99.0.2,2001:db8:c::5
	jq -e '.counters.user.packets > 10' "$WORK/status.json" >/dev/null || fail "user answered nothing"
fi

if wanted l4lb; then
	cp "$examples/l4lb/traffic/maps.json" "$WORK/maps.json"
	# Backends of both address families, so both outer headers; and no service at all.
	run_mix l4lb XDP_TX --receive gen0 --flows 96 --count $((packets / 96)) --dport 53,53,53,54 \
		--from 10.99.0.1,2001:db8:7::1,10.99.0.3,10.99.0.4 --to 198.51.100.53,2001:db8:10::53,198.51.100.53,198.51.100.53
fi

if wanted policer; then
	jq '(.profiles[].value) |= (.committed_rate = 4000000000 | .committed_burst = 100000000 | .peak_rate = 4000000000
		| .peak_burst = 100000000 | .aggregate_rate = 4000000000 | .aggregate_burst = 100000000)
		| (.profiles[1].value, .profiles[3].value) |= (.committed_rate = 1 | .committed_burst = 1 | .peak_rate = 1
		| .peak_burst = 1)' "$examples/policer/traffic/maps.json" >"$WORK/maps.json"
	# One source may send what it likes, one next to nothing.
	run_mix policer XDP_PASS --udp nf0 --flows 6 --count $((packets / 12)) --dport 9002 --dmac 02:00:00:00:00:02 \
		--from 10.99.0.1,10.9.0.1,10.99.0.3
	run_mix policer - --flows 6 --count $((packets / 12)) --dport 9002 --dmac 02:00:00:00:00:02 \
		--from 2001:db8:1::1,2001:db8:9::1,2001:db8:9::2,fd00::1 --to 2001:db8::2
fi
