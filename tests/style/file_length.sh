#!/bin/sh
# A source file has at most 600 lines.
. "$(dirname "$0")/files.sh"
for file in $(files '*.c' '*.h' '*.def' '*.sh' '*.py' '*.build'); do
	lines=$(wc -l <"$file")
	[ "$lines" -le 600 ] || fail "$file has $lines lines"
done
finish
