#!/bin/sh
# exercised.sh CLEAVE ROOT BUILD : each helper, kernel function and map type that docs/support.md lists is run by an NF
# here, in each layer that it is listed for.
#
# In the kernel: an op of such an NF may run there, and its checks compare the kernel part. In user: the op may run
# there, and nothing keeps the whole program out of user, which its check with `--split user` runs. What an NF has is
# kept in BUILD/exercised until the NF or the compiler changes.
set -u
cleave=$(realpath "$1") root=$2 build=$3
cd "$root" || exit 1
kept=$build/exercised
mkdir -p "$kept" || exit 1
failed=0

# note CLEAVE KEPT FILE: lines `helper NAME LAYER`, `function NAME LAYER`, `map TYPE LAYER`
note='
	kept=$2/$(basename "$3" .bpf.c)
	[ "$kept" -nt "$3" ] && [ "$kept" -nt "$1" ] && exit 0
	options=$(sed -n "s,^// OPTION ,,p" "$3")
	layers="kernel user"
	! grep -q "^// EXPECT split-user: " "$3" || layers=kernel
	"$1" inspect --json "$3" $options 2>/dev/null | jq -r --arg layers "$layers" "
		(if type == \"array\" then .[] else . end) | [.maps[].type] as \$types | [\$layers | split(\" \")[]] as \$on |
		.ops[] | .legal as \$legal | (\$legal - (\$legal - \$on))[] as \$layer |
		(select(.helper != null) | \"helper \(.name) \(\$layer)\"),
		(select(.helper == null and .name != null) | \"function \(.name) \(\$layer)\"),
		(select(.map != null) | \"map \(\$types[.map]) \(\$layer)\")" | sort -u >"$kept"
'
ls tests/nf/*.bpf.c examples/*/*.bpf.c | xargs -P 2 -I FILE sh -c "$note" note "$cleave" "$kept" FILE
[ -s "$kept/timers" ] || {
	echo "the compiler inspects nothing: $("$cleave" inspect --json tests/nf/timers.bpf.c 2>&1 | head -3)"
	exit 1
}
cat "$kept"/* | sort -u >"$build/exercised.txt"

# ran KIND NAME LAYER
ran() {
	grep -qxF "$1 $2 $3" "$build/exercised.txt" || {
		echo "no NF runs $1 $2 in $3"
		failed=1
	}
}

# columns FILE MACRO: the columns of each row, without the macro
columns() {
	sed -E 's,/\*.*\*/,,; s/VERSION\(([0-9]+), ([0-9]+)\)/\1.\2/g; s/"//g' "$1" |
		awk -v macro="$2" 'index($0, macro "(") == 1 { row = ""; on = 1 }
			on { row = row " " $0; if ($0 ~ /\)$/) { gsub(/^ *[A-Z_]*\(|\)$|[ \t]/, "", row); print row; on = 0 } }' |
		tr ',' ' '
}

columns ir/helpers.def HELPER >"$build/rows"
columns ir/helpers_tc.def HELPER >>"$build/rows"
while read -r _ name _ _ layers support _; do
	[ "$support" = TAKEN ] || continue
	# these become something else before there are ops
	case $name in loop | for_each_map_elem | tail_call) continue ;; esac
	ran helper "$name" kernel
	[ "$layers" != BOTH ] || ran helper "$name" user
done <"$build/rows"
columns ir/kfuncs.def KFUNC >"$build/rows"
while read -r name _ support; do
	[ "$support" != TAKEN ] || ran function "$name" kernel
done <"$build/rows"
columns support/map_types.def MAP_TYPE >"$build/rows"
while read -r _ _ text _ _ _ _ alone _; do
	grep -q " $text .* TAKEN$" "$build/rows" || continue
	[ "$text" = prog_array ] || ran map "$text" kernel
	[ "$alone" = PINNED ] || ran map "$text" user
done <"$build/rows"
exit $failed
