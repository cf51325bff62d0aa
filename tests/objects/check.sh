#!/bin/sh
# check.sh CLEAVE FILE.bpf.c SPLIT PACKETS : the object's split and the object itself in the real kernel, on the same packets.
set -u
cleave=$1 file=$2 split=$3 packets=$4
[ "$(id -u)" -eq 0 ] || {
	echo "skipped: comparing with the kernel needs root"
	exit 77
}
# shellcheck source=tests/objects/compile.sh
. "$(dirname "$0")/compile.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
compile "$file" "$work/nf.bpf.o" || exit 1
folder=$(dirname "$file")
# shellcheck disable=SC2046 # several words
set -- --split "$split" --packets "$packets" $(sed -n 's,^// OPTION ,,p' "$file")
# shellcheck disable=SC2046
[ "$split" != every ] || set -- "$@" $(sed -n 's,^// EVERY \(--[^:]*\).*,\1,p' "$file")
[ -e "$folder/traffic/gen.json" ] && set -- "$@" --gen "$folder/traffic/gen.json"
[ -e "$folder/traffic/maps.json" ] && set -- "$@" --map-init "$folder/traffic/maps.json"
"$cleave" check "$work/nf.bpf.o" "$@" --save-mismatch "$work/mismatch.pcap" >"$work/out" 2>&1
code=$?
cat "$work/out"
# Compared with itself would say nothing of the object.
! grep -q 'The kernel cannot run this program' "$work/out" || exit 1
exit $code
