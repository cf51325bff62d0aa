#!/bin/sh
# What an agent refuses, with which exit code, and that nothing is left behind.
. "$(dirname "$0")/live.sh"
make_links
bundle=$HAND/hand.cleave
clean() {
	[ ! -d /run/cleave ] || [ "$(ls /run/cleave)" = "$1" ] || fail "left: $(ls /run/cleave)"
	! ip link | grep -q clv || [ -n "$1" ] || fail "links left"
}

expect_code 2 "usage" "$CLEAVED" run
expect_code 2 "name an interface" "$CLEAVED" run "$bundle"
expect_code 2 "takes drop|pass" "$CLEAVED" run "$bundle" -i nf0 --when-user-gone maybe
expect_code 2 "number of seconds" "$CLEAVED" run "$bundle" -i nf0 --duration x
expect_code 1 "$WORK/none" "$CLEAVED" run "$WORK/none" -i nf0
head -c 5000 "$bundle" >"$WORK/short"
expect_code 1 "error" "$CLEAVED" run "$WORK/short" -i nf0
expect_code 1 "is native code for" "$CLEAVED" run "$HAND/foreign.cleave" -i nf0
expect_code 3 "there is no interface \`nope\`" "$CLEAVED" run "$bundle" -i nope
expect_code 3 "named twice" "$CLEAVED" run "$bundle" -i nf0 -i nf0
expect_code 3 "no zero copy" "$CLEAVED" run "$bundle" -i nf0 --zero-copy
# Where the sources lie, an unprivileged user may not even look.
cp "$CLEAVED" "$bundle" $WORK
expect_code 3 "run as root" setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all \
	$WORK/cleaved run "$WORK/${bundle##*/}" -i nf0
clean ""

# A second agent, and a program that is there already.
start_agent -i nf0
expect_code 3 "another agent (process $AGENT) runs on nf0" "$CLEAVED" run "$bundle" -i nf0
stop_agent
ip link set dev nf0 xdp obj "$HAND/peer_pass.bpf.o" sec xdp
expect_code 3 "runs an XDP program already (\`peer_pass\`" "$CLEAVED" run "$bundle" -i nf0
clean ""
ip link show nf0 | grep -q xdp || fail "the other program was detached"
start_agent -i nf0 --force
expect "received=1000 lost=0" pktgen --send gen0 --receive gen0 --dport 9003
stop_agent

# An older kernel than the bundle needs.
"$CLEAVE" build "$(dirname "$0")/../nf/clocks_and_places.bpf.c" --split kernel -o $WORK/clocks.cleave || fail "no bundle"
expect_code 3 "the bundle needs Linux 6.1 (xdp, bpf_link, bpf_ktime_get_tai_ns) and this is 2.6" \
	setarch --uname-2.6 "$CLEAVED" run $WORK/clocks.cleave -i nf0

# Whoever reads the counters goes: the agent stays, and still takes everything with it at its end.
mkfifo $WORK/counters
"$CLEAVED" run "$bundle" -i nf0 --stats-interval 0.1 >$WORK/counters 2>$WORK/agent.log &
AGENT=$!
head -n 1 $WORK/counters >/dev/null
sleep 1
kill -0 $AGENT 2>/dev/null || fail "the agent went with its reader"
expect "received=1000 lost=0" pktgen --send gen0 --receive gen0 --dport 9003
kill -TERM $AGENT
wait $AGENT && fail "lost output is no error"
AGENT=
clean ""
