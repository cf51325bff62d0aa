#!/bin/sh
# Every #include "module/..." goes down the order of layers.txt; llvm_*.c are no exception.
. "$(dirname "$0")/files.sh"

modules=$(awk -F: '!/^#/ && NF > 1 { print $1 }' layers.txt)
for module in $modules; do
	uses=" $module $(awk -F: -v m="$module" '$1 == m { print $2 }' layers.txt) "
	for other in $uses; do
		[ -d "$other" ] || fail "layers.txt: $module uses $other, which is not a folder"
	done
	for file in $(files '*.c' '*.h' '*.def' | grep "^$module/"); do
		for other in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^/"]*\)\/.*/\1/p' "$file" | sort -u); do
			case $uses in
			*" $other "*) ;;
			*) fail "$file: $module may not include from $other (layers.txt)" ;;
			esac
		done
		for own in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^/"]*\)".*/\1/p' "$file"); do
			fail "$file: include \"$own\" with its module, \"$module/$own\""
		done
	done
done
finish
