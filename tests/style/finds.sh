#!/bin/sh
# The style tests find what they are for: each is run on a small tree with one fault.
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' INT TERM
failures=0

fresh() { # a tree without a fault
	rm -rf "$tree"
	mkdir -p "$tree/low" "$tree/high" "$tree/docs" "$tree/build" "$tree/tests/style"
	cp "$here/../../.clang-format" "$tree/.clang-format"
	printf 'low:\nhigh: low\n' >"$tree/layers.txt"
	printf 'int low(void);\n' >"$tree/low/low.h"
	printf '#include "low/low.h"\n\nint low(void)\n{\n\treturn 1;\n}\n' >"$tree/low/low.c"
	printf '[{"file": "../low/low.c"}]\n' >"$tree/build/compile_commands.json"
}
expect() { # expect WANTED TEST: 0: no finding, 1: a finding
	"$here/$2.sh" "$tree" "$tree/build" >"$tree.out" 2>&1
	status=$?
	if [ "$status" != "$1" ]; then
		echo "$2: exit status $status instead of $1${3:+ ($3)}"
		cat "$tree.out"
		failures=$((failures + 1))
	fi
	rm -f "$tree.out"
}
lines() { # lines N TEXT
	awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) print text }'
}
long_function() {
	printf 'int low(void)\n{\n'
	lines "$1" '	;'
	printf '}\n'
}

fresh
for test in layers third_party headers function_length file_length dead_files format text; do
	expect 0 $test "a tree without a fault"
done
printf '#include "high/high.h"\n' >>"$tree/low/low.c"
expect 1 layers
fresh
printf '#include "low.h"\n' >>"$tree/low/low.c"
expect 1 layers "no module"
fresh
printf '#include <bpf/bpf.h>\n' >>"$tree/low/low.c"
expect 1 third_party
printf 'low/low.c libbpf it is an exception\n' >"$tree/tests/style/third_party.txt"
expect 0 third_party "listed"
fresh
printf 'low/low.c libbpf it is an exception\n' >"$tree/tests/style/third_party.txt"
expect 1 third_party "listed and not needed"
fresh
printf 'void more(struct unknown x, size_t y);\n' >>"$tree/low/low.h"
expect 1 headers
fresh
long_function 70 >"$tree/low/low.c"
expect 0 function_length "70 lines"
long_function 71 >"$tree/low/low.c"
expect 1 function_length "71 lines"
printf 'low/low.c low 71 # a flat switch\n' >"$tree/tests/style/long_functions.txt"
expect 0 function_length "listed"
long_function 75 >"$tree/low/low.c"
expect 1 function_length "longer than listed"
long_function 12 >"$tree/low/low.c"
expect 1 function_length "listed and short"
fresh
lines 601 '/**/' >"$tree/low/low.c"
expect 1 file_length
fresh
printf 'int dead;\n' >"$tree/low/dead.c"
expect 1 dead_files "not built"
fresh
printf 'int dead;\n' >"$tree/low/dead.h"
expect 1 dead_files "not included"
fresh
printf 'See docs/%s.md.\n' nowhere >"$tree/docs/page.md"
expect 1 dead_files "not there"
fresh
printf 'int  two_blanks;\n' >>"$tree/low/low.c"
expect 1 format
for fault in 'blank at the end ' 'blank before \ttab' '/ho''me/someone/x' 'TO''DO: this' 'a carriage return\r'; do
	fresh
	printf '%b\n' "$fault" >"$tree/docs/page.md"
	expect 1 text "$fault"
done
fresh
printf 'no newline' >"$tree/docs/page.md"
expect 1 text "no newline at the end"
[ "$failures" = 0 ]
