#!/bin/sh
# What the host does not allow: privilege, a full disk, folders that cannot be written. Exit code 3, and nothing is left.
. "$(dirname "$0")/cli.sh"
needs_root
minimal nf.bpf.c
live=$NF/packet_pointer_live.bpf.c
printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\0\0\004\0\001\0\0\0' >in.pcap
for i in 1 2 3 4 5 6 7 8; do # 8 packets of 1000 bytes
	printf '\001\0\0\0\0\0\0\0\350\003\0\0\350\003\0\0' >>in.pcap
	head -c 1000 /dev/zero >>in.pcap
done
works "$CLEAVE" build --replay nf.bpf.c
cp "$live" "$NF/nf.h" "$NF/numbers.h" .

# An unprivileged user, where the sources and the build may lie in folders that are closed to him.
mkdir nobody programs
cp "$CLEAVE" "$CLEAVED" programs
cp nf.bpf.c packet_pointer_live.bpf.c nf.h numbers.h nf.cleave in.pcap nobody
chmod -R a+rX programs
chown -R nobody nobody
nobody() {
	(cd nobody && exec setpriv --reuid nobody --regid nogroup --clear-groups --bounding-set=-all "$@")
}
for command in "build packet_pointer_live.bpf.c" "inspect packet_pointer_live.bpf.c" "explain nf.bpf.c" "bundle verify nf.cleave" \
	"bundle show nf.cleave" "replay nf.cleave --pcap in.pcap -w out.pcap"; do
	# shellcheck disable=SC2086
	works nobody ../programs/cleave $command
done
works "$CLEAVE" bundle verify nobody/packet_pointer_live.cleave
works "$CLEAVE" replay nf.cleave --pcap in.pcap -w out.pcap
cmp nobody/out.pcap out.pcap || fail "the replay of an unprivileged user"
refuses 3 "run as root" nobody ../programs/cleave run nf.cleave -i lo
refuses 3 "run as root" nobody ../programs/cleave run packet_pointer_live.cleave -i lo
refuses 3 "root" nobody ../programs/cleave check packet_pointer_live.bpf.c
refuses 3 "root" nobody ../programs/cleave check nf.cleave
works nobody ../programs/cleave bundle unpack nf.cleave unpacked
refuses 3 "run as root" nobody ../programs/cleaved verify unpacked/kernel.bpf.o
chmod 700 nobody/nf.bpf.c
chown root nobody/nf.bpf.c
refuses 3 "nf.bpf.c: error: Permission denied" nobody ../programs/cleave build nf.bpf.c
chmod 755 nobody/nf.bpf.c
mkdir nobody/closed
chmod 555 nobody/closed
for output in closed/nf.cleave /etc/nf.cleave; do
	refuses 3 "$output: error: cannot write the bundle: Permission denied" nobody ../programs/cleave build nf.bpf.c -o $output
done
refuses 3 "closed/out.pcap: error: cannot write the capture: Permission denied" \
	nobody ../programs/cleave replay nf.cleave --pcap in.pcap -w closed/out.pcap
refuses 3 "closed/nf: error: cannot make the folder: Permission denied" \
	nobody ../programs/cleave bundle unpack nf.cleave closed/nf
refuses 3 "closed/" nobody ../programs/cleave bundle unpack nf.cleave closed

# Not there at all: that is the command line's fault.
refuses 1 "none/nf.cleave: error: cannot write the bundle: No such file or directory" "$CLEAVE" build nf.bpf.c -o none/nf.cleave
refuses 1 "here: error: cannot write the bundle: Is a directory" "$CLEAVE" build nf.bpf.c -o ../here
refuses 1 "none/nf: error: cannot make the folder" "$CLEAVE" bundle unpack nf.cleave none/nf
refuses 3 "there is no interface" "$CLEAVE" run nf.cleave -i nope

# A disk of one page: full before anything is written, or after the first member.
mkdir disk
mount -t tmpfs -o size=4096 tmpfs disk
refuses 3 "disk/nf.cleave: error: cannot write the bundle: No space left on device" "$CLEAVE" build nf.bpf.c -o disk/nf.cleave
refuses 3 "disk/out.pcap: error: cannot write the capture: No space left on device" \
	"$CLEAVE" replay nf.cleave --pcap in.pcap -w disk/out.pcap --verdicts v.txt
refuses 3 "No space left on device" "$CLEAVE" bundle unpack nf.cleave disk/new
refuses 3 "No space left on device" "$CLEAVE" bundle unpack nf.cleave disk
# An older bundle survives the one that does not fit.
echo older >disk/nf.cleave
refuses 3 "No space left on device" "$CLEAVE" build nf.bpf.c -o disk/nf.cleave
umount disk
mount -t tmpfs -o size=200k tmpfs disk
refuses 3 "No space left on device" "$CLEAVE" build packet_pointer_live.bpf.c -o disk/nf.cleave --split every
mount -o remount,ro disk
refuses 3 "disk/nf.cleave: error: cannot write the bundle: Read-only file system" "$CLEAVE" build nf.bpf.c -o disk/nf.cleave
umount disk

# No place for temporary files, and none is needed; a folder to work in that is gone.
TMPDIR=$WORK/none works "$CLEAVE" build packet_pointer_live.bpf.c
TMPDIR=$WORK/none works "$CLEAVE" check packet_pointer_live.bpf.c --packets 100
mkdir gone
(
	cd gone && rmdir ../gone
	says 1 "cannot find the folder of this process: No such file" "$CLEAVE" build "$WORK/here/nf.bpf.c"
	exit $failed
) || fail "a folder that is gone: $(cat "$WORK/said")"

# Ended in the middle: whatever was being made is gone.
before=$(everything)
for delay in 0.02 0.05 0.1 0.2; do
	for signal in INT TERM KILL; do
		timeout -s $signal $delay "$CLEAVE" build "$SOURCES/examples/firewall-dpi/firewall-dpi.bpf.c" -o out.cleave >/dev/null 2>&1
		timeout -s $signal $delay "$CLEAVE" check packet_pointer_live.bpf.c --split every >/dev/null 2>&1
	done
done
[ "$(everything)" = "$before" ] || fail "something was left by a build that was ended"
finish
