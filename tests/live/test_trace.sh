#!/bin/sh
# What the user part prints stands in the kernel's trace.
. "$(dirname "$0")/live.sh"
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || {
	echo "skipped: no tracefs"
	exit 77
}
"$CLEAVE" build "$(dirname "$0")/../nf/text_helpers.bpf.c" --split user -o "$WORK/text.cleave" >"$WORK/build.log" 2>&1 ||
	fail "no bundle: $(cat "$WORK/build.log")"
make_links
printed() {
	LC_ALL=C grep -ac 'tracing_mark_write: .*: -*[0-9]* -*[0-9]*$' /sys/kernel/tracing/trace || true
}
before=$(printed)
LIVE_BUNDLE=$WORK/text.cleave
start_agent -i nf0
pktgen --send gen0 --receive gen0 --dport 9000 --count 20 >/dev/null || true
for i in $(seq 50); do
	[ "$(printed)" -ge $((before + 20)) ] && break
	sleep 0.1
done
[ "$(printed)" -ge $((before + 20)) ] || fail "$(($(printed) - before)) lines of 20 in the trace"
stop_agent
