#!/bin/sh
# Packets of 0 to 60 bytes and jumbo frames through every NF, both layers in this process: nothing crashes, each is
# decided, and the split decides as the whole program does. As root, what the kernel's test run takes is compared too.
. "$(dirname "$0")/cli.sh"

le32() {
	printf "\\$(printf %o $(($1 & 255)))\\$(printf %o $(($1 >> 8 & 255)))\\$(printf %o $(($1 >> 16 & 255)))\\0"
}
capture() { # capture LENGTH...: the first bytes of one frame, as packets of these lengths
	printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\0\0\004\0\001\0\0\0'
	for length; do
		le32 1 && le32 "$length" && le32 "$length" && le32 "$length"
		head -c "$length" frame
	done
}
# Ethernet, IPv4 10.0.0.1 to 10.0.0.2, UDP; then what it takes
{
	printf '\002\0\0\0\0\001\002\0\0\0\0\002\010\0'
	printf '\105\0\0\144\0\001\0\0\100\021\146\205\012\0\0\001\012\0\0\002\0\065\0\065\0\120\0\0'
	awk 'BEGIN { for (i = 0; i < 10000; i++) print i % 10 }' # 20000 bytes of text
} >frame
# shellcheck disable=SC2046
capture $(seq 0 60) >short.pcap
capture 1514 1515 2034 3000 3498 3499 3500 3520 3521 4000 4096 9000 9018 16000 20000 >jumbo.pcap
capture >none.pcap

for source in "$NF"/*.bpf.c "$SOURCES"/examples/*/*.bpf.c; do
	name=$(basename "$source" .bpf.c) init=
	! grep -q '^// EXPECT split-user: ' "$source" || continue # user cannot run all of it
	[ ! -e "$(dirname "$source")/traffic/maps.json" ] || init="--map-init $(dirname "$source")/traffic/maps.json"
	options=$(sed -n 's,^// OPTION ,,p' "$source")
	# shellcheck disable=SC2086 # words
	works "$CLEAVE" build --replay --no-verify $options "$source" -o split.cleave
	# shellcheck disable=SC2086
	works "$CLEAVE" build --replay --no-verify $options --split user "$source" -o user.cleave
	case $name in
	pair_*)
		refuses 1 "split.cleave: error: it holds two programs" "$CLEAVE" replay split.cleave --pcap short.pcap -w split.pcap
		continue
		;;
	esac
	for kind in short jumbo; do
		for way in split user; do
			# shellcheck disable=SC2086
			works "$CLEAVE" replay $way.cleave --pcap $kind.pcap -w $way.pcap --verdicts $way.txt $init
			awk '{ $2 = $3 = "-"; print }' $way.txt >$way.decided
		done
		cmp -s split.pcap user.pcap || fail "$name, $kind packets: the split sends other bytes on"
		diff split.decided user.decided || fail "$name, $kind packets: the split decides otherwise"
		lines=$(wc -l <split.txt)
		[ $kind = jumbo ] || [ "$lines" = 61 ] || fail "$name: $lines verdicts of 61 packets"
		[ $kind = short ] || [ "$lines" = 8 ] || fail "$name: $lines verdicts of the 8 that are short enough"
	done
	grep -q "7 packets left out: longer than the 3520 bytes of an XDP frame" "$WORK/said" ||
		fail "$name: nothing is said of the jumbo frames: $(cat "$WORK/said")"
done
works "$CLEAVE" replay split.cleave --pcap none.pcap -w out.pcap
cmp -s none.pcap out.pcap || [ "$(stat -c %s out.pcap)" = 24 ] || fail "a capture without packets"

# Captures that are none.
live=$NF/packet_pointer_live.bpf.c
refuses 1 "split.cleave: error: cannot read the capture: unknown file format" "$CLEAVE" replay split.cleave --pcap split.cleave -w o
refuses 1 "none: error: cannot read the capture: No such file" "$CLEAVE" replay split.cleave --pcap none -w o
head -c 1000 short.pcap >cut.pcap
refuses 1 "cut.pcap: error: truncated dump file" "$CLEAVE" replay split.cleave --pcap cut.pcap -w o --verdicts v
printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\0\0\004\0\145\0\0\0' >raw.pcap
refuses 1 "raw.pcap: error: not a capture of Ethernet frames" "$CLEAVE" replay split.cleave --pcap raw.pcap -w o
refuses 1 "short.pcap would be overwritten" "$CLEAVE" replay split.cleave --pcap short.pcap -w ../here/short.pcap
refuses 1 "split.cleave would be overwritten" "$CLEAVE" replay split.cleave --pcap short.pcap --verdicts split.cleave
says 0 "warning: it cannot be replayed: ringbuf_query in line" "$CLEAVE" build --replay --no-verify "$NF/events.bpf.c" -o events.cleave
works "$CLEAVE" build "$live" -o plain.cleave
refuses 1 '`cleave build --replay NF.bpf.c` builds one that is' "$CLEAVE" replay plain.cleave --pcap short.pcap -w o

[ -z "${CLI_INSIDE-}" ] || {
	for source in "$live" "$NF/vlan_stack.bpf.c" "$NF/many_verdicts.bpf.c" "$NF/grow_before_cut.bpf.c"; do
		says 0 "47 packets" "$CLEAVE" check "$source" --pcap short.pcap --native
		says 0 "14 packets were left out: the kernel's test run takes 14 to 3520 bytes." \
			"$CLEAVE" check "$source" --pcap short.pcap
		says 0 "8 packets" "$CLEAVE" check "$source" --pcap jumbo.pcap --native
		says 0 "7 packets were left out" "$CLEAVE" check "$source" --pcap jumbo.pcap
	done
	cp short.pcap mismatch.pcap
	refuses 1 "mismatch.pcap would be overwritten" "$CLEAVE" check "$live" --pcap mismatch.pcap
	refuses 1 "none.pcap: error: there is no packet in this capture" "$CLEAVE" check "$live" --pcap none.pcap
	refuses 1 "raw.pcap: error: not a capture of Ethernet frames" "$CLEAVE" check "$live" --pcap raw.pcap
	refuses 1 "none: error: cannot read the capture" "$CLEAVE" check "$live" --pcap none
}
finish
