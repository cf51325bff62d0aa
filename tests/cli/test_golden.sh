#!/bin/sh
# What inspect, explain and bundle show print, against stored text (tests/cli/golden/NAME.COMMAND). JSON and DOT say the
# same as the text. `SOURCES=. CLEAVE=build/driver/cleave tests/cli/test_golden.sh --bless` stores what is printed now;
# the diff is for reading.
CLEAVE=$(realpath "$CLEAVE") SOURCES=$(realpath "$SOURCES")
export CLEAVE SOURCES
. "$(dirname "$0")/cli.sh"
golden=$SOURCES/tests/cli/golden bless=${1-}

# What differs from build to build or from machine to machine.
steady() {
	sed 's/, made by cleave .*/, made by cleave/; s/^compiled by .*/compiled by/; s/^user part .*for .*/user part/
		s/ *[0-9]* bytes  sha256 [0-9a-f]*$//'
}
stored() { # stored NAME COMMAND FILE
	"$CLEAVE" $2 "$3" >"$WORK/text" 2>"$WORK/said" || fail "$2 of $1: $(head -3 "$WORK/said")"
	[ ! -s "$WORK/said" ] || fail "$2 of $1 has something to say: $(head -3 "$WORK/said")"
	steady <"$WORK/text" >"$WORK/steady"
	file=$golden/$1.$(echo "$2" | tr ' ' -)
	if [ "$bless" = --bless ]; then
		cp "$WORK/steady" "$file"
	elif ! diff "$file" "$WORK/steady" >"$WORK/said"; then
		fail "$2 of $1 prints other text (< stored, > now):"
		head -40 "$WORK/said"
	fi
}
number() { # number PATTERN FILE: how many lines match
	grep -cE -- "$1" "$2"
}
equal() { # equal WHAT A B
	[ "$2" = "$3" ] || fail "$name: $1: $2 in the text, $3 in the JSON"
}
json() { # json FILTER: of the JSON that was printed last
	jq -r "$1" json || fail "$name: no JSON, or not with $1"
}

for source in "$golden"/*.bpf.c "$NF/packet_pointer_live.bpf.c" "$NF/two_maps_both_sides.bpf.c" "$NF/lpm_after_loop.bpf.c"; do
	name=$(basename "$source" .bpf.c)
	stored "$name" inspect "$source"
	stored "$name" explain "$source"
	works "$CLEAVE" build --no-verify "$source"
	stored "$name" "bundle show" "$name.cleave"
done
[ "$bless" = --bless ] && finish

for source in "$golden"/*.bpf.c "$NF"/percpu_scratch.bpf.c "$NF"/update_flags.bpf.c "$NF"/globals_both_sides.bpf.c \
	"$NF"/many_verdicts.bpf.c "$SOURCES"/examples/*/*.bpf.c; do
	name=$(basename "$source" .bpf.c)
	"$CLEAVE" inspect "$source" >text
	"$CLEAVE" inspect --json "$source" >json
	equal blocks "$(number '^b[0-9]+ ' text)" "$(json '.blocks | length')"
	equal ops "$(number '^     *([0-9]+|-)  ' text)" "$(json '.ops | length')"
	equal edges "$(number '^    -> ' text)" "$(json '.edges | map(select(.from != null)) | length')"
	equal "legal cuts" "$(number '^    -> .*  cut [0-9]+ byte' text)" \
		"$(json '.edges | map(select(.from != null and .cut)) | length')"
	equal maps "$(sed -n 's/^map \([^:]*\):.*/\1/p' text)" "$(json '.maps[].name')"
	equal globals "$(sed -n 's/^global \([^:]*\):.*/\1/p' text)" "$(json '.globals[].name')"
	equal "blocks that may run in the kernel" "$(number '^b[0-9]+ .*\[.*kernel.*\]$' text)" \
		"$(json '. as $p | [.blocks[] | select([$p.ops[.first_op:.first_op + .op_count][] | .legal | index("kernel")] | all)] | length')"

	"$CLEAVE" explain "$source" >text
	"$CLEAVE" explain --json "$source" >json
	equal cuts "$(number '^  entry [0-9]+' text)" "$(json '.cuts | length')"
	equal homes "$(sed -n '/^maps/,/^[a-z]/s/^  \([^ ]\{1,\}\)  *\([a-z, -]*[a-z]\) (.*/\1 \2/p' text)" \
		"$(json '.maps[] | "\(.map) \(.home)"')"
	"$CLEAVE" inspect --dot "$source" >dot
	equal "cuts in the picture" "$(number '^  entry [0-9]+' text)" "$(grep -c 'label=" cut ' dot)"
	if command -v dot >/dev/null; then
		"$CLEAVE" inspect --svg "$source" >svg 2>said || fail "$name: no picture: $(cat said)"
		[ ! -s said ] || fail "$name: graphviz says $(head -3 said)"
		grep -q '</svg>' svg || fail "$name: the picture is not whole"
		width=$(sed -n 's/^<svg width="\([0-9]*\)pt".*/\1/p' svg)
		[ "$width" -lt 4000 ] || fail "$name: the picture is $width points wide"
	fi

	works "$CLEAVE" build --no-verify "$source" -o nf.cleave
	"$CLEAVE" bundle show nf.cleave >text
	"$CLEAVE" bundle show --json nf.cleave >json
	equal "bundle's maps" "$(sed -n 's/^    home \([^(]*\) (.*/\1/p' text)" "$(json '.maps[].home')"
	equal "bundle's cuts" "$(sed -n 's/^  entry \([0-9]*\), before \([^ ]*\): \([0-9]*\) bytes.*/\1 \2 \3/p' text)" \
		"$(json '.cuts[] | "\(.entry) \(.file):\(.line) \(.length)"')"
	equal "bundle's members" "$(sed -n 's/^  \([a-z.]*\)  *[0-9]* bytes  sha256 .*/\1/p' text)" \
		"$(echo manifest.json; json '.members[].name')"
	"$CLEAVE" explain nf.cleave >plan
	"$CLEAVE" explain "$source" | cmp -s - plan || fail "$name: the bundle's plan is not that of its source"
done
finish
