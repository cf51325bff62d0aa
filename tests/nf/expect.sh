#!/bin/sh
# expect.sh CLEAVE FILE.bpf.c [--bless] : holds a source's `// EXPECT` lines against what the compiler does with it.
#
#   // EXPECT layers: kernel user      layers that some block runs in
#   // EXPECT cuts: 1                  cuts of the plan, without those for held packets
#   // EXPECT home NAME: shared array  where a map lives; of a pair the same in both plans
#   // EXPECT split-kernel: TEXT       `--split kernel` is refused with exit code 1 and this text
#   // EXPECT split-user: TEXT        the same of `--split user`
#   // OPTION --program NAME           options of every command
#   // EXPECT error: FILE:LINE: TEXT   the build is refused with exit code 1, this place and this text
#
# --bless rewrites the layers, cuts and home lines that are there.
set -u
cleave=$1 file=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
options=$(sed -n 's,^// OPTION ,,p' "$file")

fail() {
	echo "$file: $1"
	failed=1
}

expected() { # the texts behind `// EXPECT KEY`
	sed -n "s|^// EXPECT $1||p" "$file"
}

refusal() { # TEXT ARGUMENT... : exit code 1 and each word group of TEXT, in a message
	text=$1
	shift
	# shellcheck disable=SC2086 # words
	"$cleave" build "$file" $options -o "$work/out.cleave" "$@" >"$work/out" 2>&1
	code=$?
	[ $code -eq 1 ] || fail "exit code $code instead of 1"
	[ -e "$work/out.cleave" ] && fail "a bundle was left behind"
	grep -qF -- "$text" "$work/out" || fail "no message with '$text', but: $(head -3 "$work/out")"
}

error=$(expected 'error: ')
if [ -n "$error" ]; then
	place=$(echo "$error" | sed -n 's/^\([^ ]*\.c:[0-9]*\): .*/\1/p')
	text=$(echo "$error" | sed 's/^[^ ]*: //')
	refusal "$text"
	[ -z "$place" ] || grep -qF "$place" "$work/out" || fail "not at $place: $(head -1 "$work/out")"
	exit $failed
fi

# shellcheck disable=SC2086 # words
"$cleave" explain "$file" $options >"$work/plan" 2>"$work/err" || {
	fail "no plan: $(head -3 "$work/err")"
	exit 1
}
layers=$(awk '/^  b[0-9]+ / { if ($2 ~ /kernel/) k = 1; if ($2 ~ /user/) u = 1 }
	END { print (k ? "kernel" : "") (k && u ? " " : "") (u ? "user" : "") }' "$work/plan")
cuts=$(awk '/^cuts/ { on = 1 } /^maps/ { on = 0 } on && /^  entry/ { n++ } on && /held packets only/ { n-- } END { print n + 0 }' "$work/plan")
home() {
	awk -v map="$1" '/^maps/ { on = 1; next } /^[^ ]/ { on = 0 }
		on && $1 == map { sub(/^ *[^ ]+ +/, ""); sub(/ \(.*/, ""); if (!seen[$0]++) print }' "$work/plan"
}

if [ "${3-}" = --bless ]; then
	sed "s|^// EXPECT layers: .*|// EXPECT layers: $layers|; s|^// EXPECT cuts: .*|// EXPECT cuts: $cuts|" "$file" >"$work/new"
	for map in $(sed -n 's|^// EXPECT home \([^:]*\):.*|\1|p' "$file"); do
		sed -i "s|^// EXPECT home $map: .*|// EXPECT home $map: $(home "$map")|" "$work/new"
	done
	cmp -s "$work/new" "$file" || cat "$work/new" >"$file"
	exit 0
fi

[ "$(expected 'layers: ')" = "$layers" ] || fail "layers: $layers, expected $(expected 'layers: ')"
want=$(expected 'cuts: ')
[ -z "$want" ] || [ "$want" = "$cuts" ] || fail "cuts: $cuts, expected $want"
for map in $(sed -n 's|^// EXPECT home \([^:]*\):.*|\1|p' "$file"); do
	want=$(expected "home $map: ")
	[ "$want" = "$(home "$map")" ] || fail "home $map: $(home "$map"), expected $want"
done
want=$(expected 'split-kernel: ')
[ -z "$want" ] || refusal "$want" --split kernel
want=$(expected 'split-user: ')
[ -z "$want" ] || refusal "$want" --split user
exit $failed
