#!/bin/sh
# AF_XDP end to end: afxdp.sh BUILD BUNDLE ROUNDS SECONDS
# The agent with a bundle that sends every packet back, and dpdk-testpmd (net_af_xdp, io forwarding) doing the
# same, in turns on the same veth under the same flood. Prints JSON; {"skipped": REASON} when it cannot.
set -eu
skip() {
	jq -n --arg reason "$1" '{skipped: $reason}'
	exit 0
}
if [ -z "${AFXDP_INSIDE:-}" ]; then
	unshare -mn true 2>/dev/null || skip "cannot make namespaces"
	AFXDP_INSIDE=1 exec unshare -mn sh "$0" "$@"
fi
build=$1 bundle=$2 rounds=$3 seconds=$4
mount --make-rprivate /
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmpfs /run
work=/run/afxdp
mkdir $work
forwarder=
stop() {
	[ -n "$forwarder" ] || return 0
	kill -INT "$forwarder" 2>/dev/null || true
	wait "$forwarder" 2>/dev/null || true
	forwarder=
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

ip link set lo up
ip link add nf0 address 02:00:00:00:00:02 type veth peer name gen0 address 02:00:00:00:00:01
for i in nf0 gen0; do
	echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6
	ip link set $i up
done

# One forwarder on each side of the comparison; it gets a CPU, the flood the other.
start_cleaved() {
	taskset -c 1 "$build/runtime/cleaved" run "$bundle" -i nf0 >$work/log 2>&1 &
	forwarder=$!
}
start_testpmd() {
	# testpmd ends when its input does
	stdbuf -oL taskset -c 0,1 dpdk-testpmd -l 0,1 --main-lcore 0 --no-huge -m 256 --no-pci --no-telemetry \
		--vdev net_af_xdp0,iface=nf0 -- --forward-mode=io --auto-start --nb-cores=1 \
		--total-num-mbufs=16384 >$work/log 2>&1 <$work/input &
	forwarder=$!
}
# A socket that was just closed may keep its queue for a while: try again.
start() { # start WHO
	for _ in 1 2 3 4; do
		start_"$1"
		for _ in $(seq 150); do
			grep -q 'runs on nf0\|Press enter to exit' $work/log && sleep 0.3 && return 0
			kill -0 "$forwarder" 2>/dev/null || break
			sleep 0.1
		done
		stop
		sleep 1
	done
	return 1
}
flood() {
	taskset -c 0 "$build/eval/flood" "$build/eval/flood.bpf.o" gen0 "$seconds"
}

command -v dpdk-testpmd >/dev/null || skip "dpdk-testpmd is not installed (package dpdk-dev)"
[ "$(nproc)" -ge 2 ] || skip "needs two processors"
mkfifo $work/input
exec 9<>$work/input
for round in $(seq "$rounds"); do
	for who in cleaved testpmd; do
		start $who || skip "$who does not start: $(grep . $work/log | tail -4 | tr '\n' ' ')"
		flood >$work/result || skip "the flood does not run"
		jq -c --arg who $who --arg round "$round" '{who: $who, round: ($round | tonumber)} + .' $work/result
		stop
		sleep 0.5
	done
done | jq -s .
