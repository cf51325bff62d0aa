#!/bin/sh
# shape.sh CLEAVE FILE.bpf.c : source and object of one program have plans of the same shape.
#
# Compared are the number of cuts that every packet may take, the layers, and the home of each map. Blocks and ops are
# not: clang's code generator merges and copies blocks, and reads packed fields byte by byte. ledger.txt lists what is
# known not to hold.
set -u
cleave=$1 file=$2 folder=$(dirname "$0")
# shellcheck source=tests/objects/compile.sh
. "$folder/compile.sh"
known=$(sed -n "s/^$(basename "$file" .bpf.c) //p" "$folder/ledger.txt")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if ! compile "$file" "$work/nf.bpf.o" 2>"$work/err"; then
	echo "skipped: clang makes no object of it: $(grep -m1 error "$work/err")"
	exit 77
fi

options=$(sed -n 's,^// OPTION ,,p' "$file")
shape() { # FILE OUTPUT
	# shellcheck disable=SC2086 # several words
	"$cleave" explain --json "$1" $options >"$work/plan.json" 2>"$work/err" || return 1
	jq -r '"cuts: \([.cuts[] | select(.held_only | not) | [.from, .to]] | unique | length)",
		"layers: \([.blocks[].layers[]] | unique | join(" "))",
		(.maps | sort_by(.map)[] | "home \(.map): \(.home)")' "$work/plan.json" >"$2"
}

shape "$file" "$work/source" || {
	echo "skipped: the source has no plan by itself: $(grep -m1 error "$work/err")"
	exit 77
}
if shape "$work/nf.bpf.o" "$work/object"; then
	cmp -s "$work/source" "$work/object" && now= || now=differs
else
	now=refused
fi
case "$known" in
"") [ -z "$now" ] && exit 0 ;;
"differs: "*) [ "$now" = differs ] && exit 0 ;;
"refused: "*) [ "$now" = refused ] && grep -qF -- "${known#refused: }" "$work/err" && exit 0 ;;
esac
echo "$file: ${now:-as the source}; the ledger says: ${known:-nothing}"
cat "$work/err"
[ "$now" = refused ] || diff "$work/source" "$work/object"
exit 1
