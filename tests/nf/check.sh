#!/bin/sh
# check.sh CLEAVE FILE.bpf.c SPLIT PACKETS : source and split on the same packets, in the real kernel; 0 mismatches.
# An example's own traffic and maps (traffic/gen.json, traffic/maps.json beside it) are used where there are any.
set -u
cleave=$1 file=$2 split=$3 packets=$4
[ "$(id -u)" -eq 0 ] || {
	echo "skipped: comparing with the kernel needs root"
	exit 77
}
folder=$(dirname "$file")
set -- --split "$split" --packets "$packets"
[ -e "$folder/traffic/gen.json" ] && set -- "$@" --gen "$folder/traffic/gen.json"
[ -e "$folder/traffic/maps.json" ] && set -- "$@" --map-init "$folder/traffic/maps.json"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$cleave" check "$file" "$@" --save-mismatch "$work/mismatch.pcap"
