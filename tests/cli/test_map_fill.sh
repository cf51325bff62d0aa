#!/bin/sh
# maps that begin filled at random are hit and missed; the same seed gives the same; a mismatch
# keeps what they began with.
set -u
cleave=$CLEAVE source=$SOURCES/tests/cli/fill.bpf.c
. "$(dirname "$0")/../as_root.sh"
cd "$work" || exit 1
echo '{"flows": 8, "weights": {"udp": 100, "tcp": 0, "icmp": 0, "arp": 0, "nd": 0, "other": 0, "ipv6": 10, "vlan": 5, "truncated": 0, "malformed": 0}}' >gen.json
echo '{"marks": [{"key": 63, "value": 1}]}' >maps.json
failed=0

check() { # WHICH OPTION... : what check says, as JSON, in out.WHICH and err.WHICH
	which=$1
	shift
	"$cleave" check "$source" --packets 300 --gen gen.json --json "$@" -- "-DWHICH=$which" >"out.$which" 2>"err.$which"
}

count() { # FILE VERDICT : packets of it in the first variant
	jq ".[0].verdicts[\"$2\"] // 0" "$1"
}

for which in 0 1 2 3; do
	check $which --map-fill 32 || {
		cat "err.$which"
		failed=1
	}
	if [ "$(count out.$which XDP_TX)" -lt 20 ] || [ "$(count out.$which XDP_DROP)" -lt 10 ]; then
		echo "map $which: $(count out.$which XDP_TX) hits, $(count out.$which XDP_DROP) misses"
		failed=1
	fi
	cp out.$which first
	check $which --map-fill 32
	cmp -s out.$which first || {
		echo "map $which: not the same again"
		failed=1
	}
done
check 0
[ "$(count out.0 XDP_TX)" -eq 0 ] || {
	echo "hits without --map-fill"
	failed=1
}
check 3 --map-fill 32 --map-init maps.json
grep -q '^Filled at random (--map-fill 32 --seed 1): no map$' err.3 || {
	echo "a map that --map-init names is filled: $(cat err.3)"
	failed=1
}
"$cleave" check "$source" --map-fill x -- -DWHICH=0 >out 2>&1
[ $? -eq 2 ] || {
	echo "--map-fill x: exit code is not 2"
	failed=1
}
exit $failed
