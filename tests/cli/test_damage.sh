#!/bin/sh
# Bundles that were cut short, changed or built elsewhere: refused by every command that reads one, before anything is done.
. "$(dirname "$0")/cli.sh"

printf 'none' >in.pcap # never opened: the bundle is read first
works "$CLEAVE" build --replay "$NF/packet_pointer_live.bpf.c" -o good.cleave
size=$(stat -c %s good.cleave)
works "$CLEAVE" bundle verify good.cleave

refuse_everywhere() {
	text="bad.cleave: error: this is not a bundle"
	! cmp -s -n 7 good.cleave bad.cleave || text="bad.cleave: error: damaged bundle: its digest does not fit"
	refuses 1 "$text" "$CLEAVE" bundle show bad.cleave
	refuses 1 "$text" "$CLEAVE" bundle show --json bad.cleave
	refuses 1 "$text" "$CLEAVE" bundle verify bad.cleave
	refuses 1 "$text" "$CLEAVE" bundle unpack bad.cleave out
	refuses 1 "$text" "$CLEAVE" explain bad.cleave
	refuses 1 "$text" "$CLEAVE" replay bad.cleave --pcap in.pcap -w out.pcap --verdicts out.txt
	refuses 1 "$text" "$CLEAVE" check bad.cleave
	refuses 1 "$text" "$CLEAVE" run bad.cleave -i lo
}

for length in 0 1 6 511 512 576 1024 $((size / 2)) $((size - 512)) $((size - 1)); do
	head -c "$length" good.cleave >bad.cleave
	refuse_everywhere
done
printf x | cat good.cleave - >bad.cleave
refuse_everywhere

# One bit each: the first name, the seal, its end, the manifest, parts here and there, padding, the last byte.
manifest=$(grep -abom1 '"format"' good.cleave | cut -d: -f1)
for at in 0 3 100 512 575 576 "$manifest" $((manifest + 700)) $((size / 4)) $((size / 3)) $((size / 2)) $((size * 3 / 4)) $((size - 1)); do
	byte=$(od -An -tu1 -j "$at" -N 1 good.cleave)
	cp good.cleave bad.cleave
	printf "\\$(printf %o $((byte ^ 1)))" | dd of=bad.cleave bs=1 seek="$at" conv=notrunc 2>/dev/null
	cmp -s good.cleave bad.cleave && fail "no bit was changed at $at"
	refuse_everywhere
done
rm bad.cleave

# Another machine's code.
works "$ALIEN" good.cleave alien.cleave
says 0 "user part      for aarch64" "$CLEAVE" bundle show alien.cleave
works "$CLEAVE" bundle verify alien.cleave
printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\0\0\004\0\001\0\0\0' >in.pcap
refuses 1 "is native code for aarch64, this host is $(uname -m)" "$CLEAVE" replay alien.cleave --pcap in.pcap -w out.pcap
[ -z "${CLI_INSIDE-}" ] || {
	refuses 1 "is native code for aarch64, this host is $(uname -m)" "$CLEAVE" run alien.cleave -i lo
	works "$CLEAVE" build --check-build --split user "$NF/packet_pointer_live.bpf.c" -o whole.cleave
	refuses 1 "is native code for aarch64, this host is $(uname -m)" "$CLEAVE" check alien.cleave whole.cleave
}
finish
