#!/bin/sh
# What a program's own loader sets of its maps is said by options; without them there is a warning or an error.
set -u
cleave=$CLEAVE source=$SOURCES/tests/cli/loader.bpf.c
. "$(dirname "$0")/../as_root.sh"
cd "$work" || exit 1
failed=0
echo '{"saddr4": ["10.0.0.0/28"], "flows": 12}' >gen.json
inner=tables=hash:4:8:16

expect() { # CODE TEXT COMMAND...
	code=$1 text=$2
	shift 2
	"$@" >out 2>&1
	got=$?
	[ $got = "$code" ] && grep -Fq -e "$text" out && return
	echo "$*: exit $got, wanted $code and: $text"
	cat out
	failed=1
}

clang-19 -target bpf -g -O2 "-D__$(uname -m)__" "-I/usr/include/$(uname -m)-linux-gnu" -c "$source" -o loader.bpf.o || exit 1
for file in "$source" loader.bpf.o; do
	expect 1 "error: map tables does not say what the maps in it look like" "$cleave" build "$file" -o nf.cleave
	expect 0 "map seen has no max_entries, which its loader must have set: 1024 are taken" \
		"$cleave" build "$file" --map-inner $inner -o nf.cleave
	# Of 12 sources 3 find room; the kernel's own run of the program agrees with each split.
	for split in auto every user; do
		expect 0 " 0 mismatches" "$cleave" check "$file" --split $split --packets 200 --gen gen.json --map-fill 8 \
			--map-inner $inner --map-entries seen=3,counts=20
		grep -q "max_entries\| [1-9][0-9]* mismatches" out && cat out && failed=1
	done
done
expect 1 "cleave: error: --map-inner tables: expected TYPE:KEY:VALUE:ENTRIES" "$cleave" build "$source" -o nf.cleave --map-inner tables=hush:4:8:16
expect 1 "expected TYPE:KEY:VALUE:ENTRIES" "$cleave" build "$source" -o nf.cleave --map-inner tables=hash:4:8:0
expect 1 "expected TYPE:KEY:VALUE:ENTRIES" "$cleave" build "$source" -o nf.cleave --map-inner tables=hash:4:8:16:0:1
expect 1 "--map-entries seen: expected a number from 1, not 0" "$cleave" build "$source" -o nf.cleave --map-inner $inner --map-entries seen=0
expect 1 "--map-entries seen: expected a number from 1, not 4294967296" "$cleave" build "$source" -o nf.cleave --map-inner $inner --map-entries seen=4294967296
expect 0 "names sean, a map that the program does not use" "$cleave" build "$source" -o nf.cleave --map-inner $inner --map-entries sean=4
expect 1 "--map-inner seen: it is no map of maps, but hash" "$cleave" build "$source" -o nf.cleave --map-inner $inner,seen=hash:4:4:4
expect 1 "map 'counts': failed to create" "$cleave" build "$source" -o nf.cleave --split kernel \
	--map-inner $inner --map-entries counts=4294967295
exit $failed
