#!/bin/sh
# check.sh CLEAVE FILE.bpf.c SPLIT PACKETS : source and split on the same packets, in the real kernel; 0 mismatches.
#
#   // EXPECT remedies: 1   with `every`: kernel parts that the verifier refused at first, else none
#   // EXPECT without: 0   with `every`: cuts for which there is no kernel part
#   // EXPECT split-user: TEXT   user cannot run all of it: no check of that split, but this message
#   // EXPECT check: TEXT   what check says of every variant
#   // CHECK --delay 0: why   options of check for this file
#   // OPTION --program NAME   options of every command for this file
#   // EVERY --cuts 10: why   the same with `every` only; CLEAVE_CUTS=all in the environment tries all cuts
#   // GEN {...}              traffic, as --gen takes it; may go on in further such lines
#   // MAPS {...}             what maps start with, as --map-init takes it
#
# An example's own traffic and maps (traffic/gen.json, traffic/maps.json beside it) are used where there are any, and
# NAME.maps.json beside NAME.bpf.c.
set -u
cleave=$1 file=$2 split=$3 packets=$4
[ "$(id -u)" -eq 0 ] || {
	echo "skipped: comparing with the kernel needs root"
	exit 77
}
[ "$split" != user ] || ! grep -q '^// EXPECT split-user: ' "$file" || exec "$(dirname "$0")/expect.sh" "$cleave" "$file"
folder=$(dirname "$file")
set -- --split "$split" --packets "$packets"
[ -e "$folder/traffic/gen.json" ] && set -- "$@" --gen "$folder/traffic/gen.json"
[ -e "$folder/traffic/maps.json" ] && set -- "$@" --map-init "$folder/traffic/maps.json"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
sed -n 's,^// GEN ,,p' "$file" >"$work/gen.json"
sed -n 's,^// MAPS ,,p' "$file" >"$work/maps.json"
[ -s "$work/gen.json" ] && set -- "$@" --gen "$work/gen.json"
[ -s "$work/maps.json" ] && set -- "$@" --map-init "$work/maps.json"
[ -e "${file%.bpf.c}.maps.json" ] && set -- "$@" --map-init "${file%.bpf.c}.maps.json"
# shellcheck disable=SC2046 # words
set -- "$@" $(sed -n 's,^// CHECK \(--[^:]*\).*,\1,p; s,^// OPTION ,,p' "$file")
if [ "$split" = every ]; then
	every=$(sed -n 's,^// EVERY \(--[^:]*\).*,\1,p' "$file")
	[ "${CLEAVE_CUTS-}" != all ] || every=$(echo " $every" | sed 's/ --cuts [0-9]*//')
	# shellcheck disable=SC2086
	set -- "$@" $every
fi
"$cleave" check "$file" "$@" --save-mismatch "$work/mismatch.pcap" >"$work/out" 2>"$work/err"
code=$?
cat "$work/out"
cat "$work/err" >&2
says=$(sed -n 's|^// EXPECT check: ||p' "$file")
[ -z "$says" ] || grep -qF -- "$says" "$work/out" || {
	echo "$file: check does not say '$says'"
	exit 1
}
# How many kernel parts the verifier refused at first: none, but where the source says so.
[ "$split" = every ] && [ $code -eq 0 ] || exit $code
expected=$(sed -n 's|^// EXPECT remedies: ||p' "$file")
remedies=$(sed -n 's/^cleave: .* legal cuts, .* \([0-9]*\) remedies$/\1/p' "$work/err")
[ "$remedies" = "${expected:-0}" ] || {
	echo "$file: ${remedies:-no count of} remedies, expected ${expected:-0}"
	exit 1
}
expected=$(sed -n 's|^// EXPECT without: ||p' "$file")
without=$(sed -n 's/^cleave: .* legal cuts, .* \([0-9]*\) without, .*$/\1/p' "$work/err")
[ "$without" = "${expected:-$without}" ] || {
	echo "$file: $without cuts have no variant, expected $expected"
	exit 1
}
