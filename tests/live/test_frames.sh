#!/bin/sh
# Frames of every size: the smallest, the largest, jumbo, and generic XDP.
. "$(dirname "$0")/live.sh"
make_links
mac=02:00:00:00:00:02
start_agent -i nf0 --count
# Too short for the NF's parser: the kernel part passes them.
for size in 42 43 45; do
	expect "sent=10" pktgen --send gen0 --dport 9003 --count 10 --size $size
done
for size in 58 59 60 61 64 127 1513 1514; do
	expect "received=100 lost=0" pktgen --send gen0 --receive gen0 --dport 9003 --count 100 --size $size
	expect "received=100 lost=0" pktgen --send gen0 --udp nf0 --dport 9002 --count 100 --size $size --dmac $mac
done
stop_agent

# Generic XDP: every verdict, and what is passed from user is not run again.
start_agent -i nf0 --mode generic --count
grep -q "generic XDP" "$WORK/agent.log" || fail "not generic"
expect "received=1000 lost=0" pktgen --send gen0 --receive gen0 --dport 9003
expect "received=1000 lost=0" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac
stop_agent
expect "cut 1           2000 handed over         2000 run" cat "$WORK/agent.log"

# Larger than native XDP takes without fragments: generic mode by itself, huge chunks or a warning.
ip link set dev gen0 xdp off
ip link set dev nf0 mtu 9000
ip link set dev gen0 mtu 9000
start_agent -i nf0 --count
for size in 60 1514 3500; do
	expect "received=100 lost=0" pktgen --send gen0 --receive gen0 --dport 9003 --count 100 --size $size
done
if grep -q "no huge pages" "$WORK/agent.log"; then
	expect "received=0" pktgen --send gen0 --receive gen0 --dport 9003 --count 100 --size 9000
	stop_agent
	expect "lost before user: larger than a chunk" cat "$WORK/agent.log"
else
	expect "received=100 lost=0" pktgen --send gen0 --receive gen0 --dport 9003 --count 100 --size 9000
	stop_agent
fi
