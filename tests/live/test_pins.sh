#!/bin/sh
# Maps that the source pins by name: found where others look for them, taken up again, and refused when they are
# another map.
. "$(dirname "$0")/live.sh"
nf=$(cd "$(dirname "$0")/../nf" && pwd)
make_links
"$CLEAVE" build "$nf/pinned_maps.bpf.c" -o "$WORK/pins.cleave" || fail "no bundle"
LIVE_BUNDLE=$WORK/pins.cleave

# All packets that the map at the pin has counted
counted() {
	bpftool -j map dump pinned "$1" | jq '[.[].formatted.value] | add'
}

start_agent -i nf0
pktgen --send gen0 --receive gen0 --dport 9000 >/dev/null 2>&1 || true
first=$(counted /sys/fs/bpf/sources)
[ "${first:-0}" -gt 0 ] || fail "nothing was counted in /sys/fs/bpf/sources"
stop_agent
[ "$(counted /sys/fs/bpf/sources)" = "$first" ] || fail "the pinned map did not stay"

start_agent -i nf0
pktgen --send gen0 --receive gen0 --dport 9000 >/dev/null 2>&1 || true
second=$(counted /sys/fs/bpf/sources)
[ "$second" -gt "$first" ] || fail "counted $second after $first: another map"
stop_agent

mkdir /sys/fs/bpf/own
bpftool map create /sys/fs/bpf/own/sources type hash key 4 value 16 entries 256 name sources || fail "no map of another size"
if "$CLEAVED" run "$LIVE_BUNDLE" -i nf0 --pin-path /sys/fs/bpf/own --duration 1 >"$WORK/agent.log" 2>&1; then
	fail "a map of another size was taken"
else
	[ $? = 3 ] || fail "another exit code than 3"
fi
grep -q 'map sources: what is pinned at /sys/fs/bpf/own/sources has another type' "$WORK/agent.log" || fail "no message"
rm /sys/fs/bpf/own/sources
start_agent -i nf0 --pin-path /sys/fs/bpf/own
[ -e /sys/fs/bpf/own/sources ] || fail "not pinned in the folder that was named"
stop_agent
