#!/bin/sh
# Every header compiles by itself as C; those of include/cleave as C++ too. Headers of BPF programs
# (those that lie beside them) are compiled for BPF.
. "$(dirname "$0")/files.sh"

llvm=$(llvm-config-19 --includedir 2>/dev/null || /usr/lib/llvm-19/bin/llvm-config --includedir)
common="-fsyntax-only -D_GNU_SOURCE -I. -Iinclude -isystem $llvm -Wall -Wextra -Werror"
common="$common -Wno-unused-function -Wno-unused-parameter -Wno-missing-field-initializers"

for header in $(files '*.h'); do
	case $header in
	examples/* | tests/nf/* | tests/bad/*)
		compile="clang-19 -target bpf -x c -std=gnu17 -D__$(uname -m)__ $common -I/usr/include/$(uname -m)-linux-gnu" ;;
	*)
		compile="cc -x c -std=gnu17 $common" ;;
	esac
	# shellcheck disable=SC2086
	printf '#include "%s"\n' "$header" | $compile - || fail "$header does not compile by itself"
	case $header in
	include/cleave/*)
		# shellcheck disable=SC2086
		printf '#include "%s"\n' "$header" | c++ -x c++ -std=c++17 $common - ||
			fail "$header does not compile as C++" ;;
	esac
done
finish
