#!/bin/sh
# Two queues, two workers: both serve, and a worker without a queue on the target still sends there.
. "$(dirname "$0")/live.sh"
if [ "$(nproc)" -lt 2 ]; then
	echo "skipped: needs two CPUs"
	exit 77
fi
make_links 2
start_agent -i nf0 -i nf1 --count
grep -q "2 queues), nf1" "$WORK/agent.log" || fail "not two queues"
grep -q "2 workers" "$WORK/agent.log" || fail "not two workers"
nf1=$(cat /sys/class/net/nf1/ifindex)
ip link add one type veth peer name far	# a single queue: the second worker has none there
ip link set one up
ip link set far up
one=$(cat /sys/class/net/one/ifindex)
for cpu in 0 1; do
	expect "received=20000 lost=0 reordered=0" taskset -c $cpu "$HAND/pktgen" --send gen0 --receive gen0 --dport 9003 --count 20000 --rate 40000
	expect "received=20000 lost=0 reordered=0" taskset -c $cpu "$HAND/pktgen" --send gen0 --receive gen1 --dport 9004 --word "$nf1" --count 20000 --rate 40000
	expect "received=2000 lost=0 reordered=0" taskset -c $cpu "$HAND/pktgen" --send gen0 --receive far --dport 9004 --word "$one" --count 2000 --rate 20000
	expect "received=20000 lost=0 reordered=0" taskset -c $cpu "$HAND/pktgen" --send gen0 --receive gen0 --dport 9100 --count 2500 --flows 8 --rate 40000
	expect "received=2000 lost=0 reordered=0" taskset -c $cpu "$HAND/pktgen" --send gen0 --udp nf0 --dport 9002 --count 2000 --dmac 02:00:00:00:00:02
done
# Both queues at once, the same flow on both: nothing is lost and no worker waits for ever. That waiting
# itself is right, tests/unit/test_runtime_order.c shows.
taskset -c 0 "$HAND/pktgen" --send gen0 --dport 9100 --count 20000 --rate 20000 >"$WORK/a" &
taskset -c 1 "$HAND/pktgen" --send gen0 --dport 9100 --count 20000 --rate 20000 >"$WORK/b"
wait $!
stop_agent
never "never received\|too slow\|not done in time"
