#!/bin/sh
# A large library is known to few files: llvm-c/ to llvm_*, z3.h to *_z3.c, libbpf, libxdp and DPDK to
# runtime/layer_*, io_*, host_* and frontend/btf_*. BPF programs include bpf/ freely. Exceptions, each with
# its reason, are in third_party.txt; one that is not needed any more fails.
. "$(dirname "$0")/files.sh"
exceptions=tests/style/third_party.txt

includes() { # includes REGEX FILE
	grep -Eq "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$1" "$2"
}

listed() { # listed FILE LIBRARY
	grep -Eq "^$1 $2( |\$)" "$exceptions"
}

check() { # check FILE LIBRARY REGEX ALLOWED-GLOBS...
	file=$1 library=$2 regex=$3
	shift 3
	includes "$regex" "$file" || return 0
	for glob in "$@"; do
		# shellcheck disable=SC2254
		case $file in
		$glob) return 0 ;;
		esac
	done
	listed "$file" "$library" || fail "$file: may not include $library"
}

for file in $(files '*.c' '*.h'); do
	check "$file" llvm 'llvm-c/' '*/llvm_*.c' '*/llvm_*.h'
	check "$file" z3 'z3[_.a-z]*h' '*_z3.c'
	check "$file" libbpf 'bpf/' '*.bpf.c' 'runtime/layer_*' 'runtime/io_*' 'runtime/host_*' 'frontend/btf_*'
	check "$file" libxdp 'xdp/' 'runtime/layer_*' 'runtime/io_*' 'runtime/host_*'
	check "$file" dpdk 'rte_' 'runtime/layer_*' 'runtime/io_*' 'runtime/host_*'
done
[ -f "$exceptions" ] || finish
while read -r file library reason; do
	case $file in '' | '#'*) continue ;; esac
	[ -n "$reason" ] || fail "$exceptions: $file has no reason"
	case $library in
	llvm) regex='llvm-c/' ;;
	z3) regex='z3[_.a-z]*h' ;;
	libbpf) regex='bpf/' ;;
	libxdp) regex='xdp/' ;;
	*) regex='rte_' ;;
	esac
	if [ ! -f "$file" ] || ! includes "$regex" "$file"; then
		fail "$exceptions: $file does not include $library: take it off the list"
	fi
done <"$exceptions"
finish
