#!/bin/sh
# Every verdict of the user part does what it says, and is counted.
. "$(dirname "$0")/live.sh"
make_links
start_agent -i nf0 -i nf1 --count
nf1=$(cat /sys/class/net/nf1/ifindex)
none="received=0 lost=1000"
all="received=1000 lost=0 reordered=0 duplicated=0"

expect "$none" pktgen --send gen0 --receive gen0 --dport 9000	# ABORTED
expect "$none" pktgen --send gen0 --receive gen0 --dport 9001	# DROP
expect "$all" pktgen --send gen0 --receive gen0 --dport 9003	# TX
expect "$all" pktgen --send gen0 --receive gen0 --dport 9008 --shift 20	# adjust_head, TX
expect "$none" pktgen --send gen0 --receive gen0 --dport 9009	# too short to send
expect "$none" pktgen --send gen0 --receive gen0 --dport 9006	# no XDP action
expect "$all" pktgen --send gen0 --receive gen1 --dport 9004 --word "$nf1"	# REDIRECT
expect "$none" pktgen --send gen0 --receive gen1 --dport 9004 --word 9999	# to nowhere
expect "$none" pktgen --send gen0 --receive gen1 --dport 9005	# empty devmap
bpftool map update pinned /sys/fs/bpf/cleave/*-nf0/map_hand_devices_* \
	key 1 0 0 0 value "$nf1" 0 0 0
sleep 0.1
expect "$all" pktgen --send gen0 --receive gen1 --dport 9005	# devmap

# An interface without an agent.
ip link add out type veth peer name far
ip link set out up
ip link set far up
expect "$all" pktgen --send gen0 --receive far --dport 9004 --word "$(cat /sys/class/net/out/ifindex)"

# PASS from user: seen by a socket bound to the interface, once, checksums verified by the stack.
mac=02:00:00:00:00:02
expect "$all" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac
expect "$none" pktgen --send gen0 --udp nf0 --dport 9002 --dmac $mac --bad-checksum
expect "$none" pktgen --send gen0 --udp nf0 --dport 9002 --dmac 02:00:00:00:00:77
expect "$none" pktgen --send gen0 --udp nf1 --dport 9002 --dmac $mac
# The same from the kernel part, and what never reaches user.
expect "$all" pktgen --send gen0 --udp nf0 --dport 7000 --dmac $mac
expect "$all" pktgen --send gen0 --receive gen0 --dport 8001
expect "$none" pktgen --send gen0 --receive gen0 --dport 8000

expect '"to_user": 15000' "$CLEAVED" status nf0 --json
stop_agent
expect "user           15000         5000         3000         4000         1000         2000" \
	grep ^user "$WORK/agent.log"
expect "kernel          3000            0         1000         1000         1000            0" \
	grep ^kernel "$WORK/agent.log"
expect "1000  the program returned XDP_ABORTED" cat "$WORK/agent.log"
expect "1000  the program returned no XDP action" cat "$WORK/agent.log"
expect "2000  redirect to an interface or map entry that does not exist" cat "$WORK/agent.log"
expect "1000  shorter than an Ethernet header" cat "$WORK/agent.log"
never "never received\|too slow"
