#!/bin/sh
# shape.sh CLEAVE FILE.bpf.c : source and object of one program have plans of the same shape.
#
# Compared are the number of cuts that every packet may take, the layers, and the home of each map. Blocks and ops are
# not: clang's code generator merges and copies blocks, and reads packed fields byte by byte.
#
#   // OBJECT differs: why    the object's plan is another one, for this reason
set -u
cleave=$1 file=$2
# shellcheck source=tests/objects/compile.sh
. "$(dirname "$0")/compile.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if ! compile "$file" "$work/nf.bpf.o" 2>"$work/err"; then
	echo "skipped: clang makes no object of it: $(grep -m1 error "$work/err")"
	exit 77
fi

shape() {
	"$cleave" explain --json "$1" >"$work/plan.json" || exit 1
	jq -r '"cuts: \([.cuts[] | select(.held_only | not) | [.from, .to]] | unique | length)",
		"layers: \([.blocks[].layers[]] | unique | join(" "))",
		(.maps | sort_by(.map)[] | "home \(.map): \(.home)")' "$work/plan.json"
}

shape "$file" >"$work/source" || exit 1
shape "$work/nf.bpf.o" >"$work/object" || exit 1
if grep -q '^// OBJECT differs: ' "$file"; then
	! cmp -s "$work/source" "$work/object" && exit 0
	echo "$file: the plans do not differ any more"
	exit 1
fi
diff "$work/source" "$work/object"
