#!/bin/sh
# installed.sh CLEAVE : the XDP objects of the package libxdp1, written by others: each split held against the kernel's run.
set -u
cleave=$1
. "$(dirname "$0")/../as_root.sh"
count=0 failed=0
for file in /usr/lib/*/bpf/xdpfilt_*.o /usr/lib/*/bpf/xsk_def_xdp_prog*.o /usr/lib/*/bpf/xdpdump_xdp.o; do
	[ -e "$file" ] || continue
	count=$((count + 1))
	"$cleave" check "$file" --packets 200 --save-mismatch "$work/mismatch.pcap" >"$work/out" 2>&1 &&
		! grep -q 'The kernel cannot run this program' "$work/out" && continue
	echo "$file:"
	tail -5 "$work/out"
	failed=1
done
[ $count -gt 0 ] || {
	echo "skipped: no objects of libxdp1 or xdp-tools here"
	exit 77
}
echo "$count objects"
exit $failed
