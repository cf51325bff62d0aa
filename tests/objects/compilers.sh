#!/bin/sh
# compilers.sh CLEAVE FOLDER : objects as other compilers and other settings make them, each held against the kernel's
# own run of the object, with the plan that is found and with everything in user. FOLDER: of the test NFs.
set -u
cleave=$(realpath "$1") folder=$(realpath "$2") here=$(realpath "$(dirname "$0")")
. "$(dirname "$0")/../as_root.sh"
cd "$work" || exit 1
failed=0 count=0

same() { # OBJECT SPLIT : no mismatch, and it was the kernel that ran the object
	"$cleave" check "$1" --split "$2" --packets 60 >out 2>&1 && ! grep -q 'The kernel cannot run this program' out
}

# COMPILER NF FLAG...
object() {
	compiler=$1 nf=$2
	shift 2
	command -v "$compiler" >/dev/null || {
		echo "not here: $compiler"
		return
	}
	case $compiler in
	clang*) set -- -target bpf "$@" ;;
	*) set -- -I/usr/include "$@" ;;
	esac
	"$compiler" -O2 "-D__$(uname -m)__" "-I/usr/include/$(uname -m)-linux-gnu" "$@" -c "$folder/$nf.bpf.c" \
		-o nf.bpf.o 2>err || {
		echo "$compiler $* does not compile $nf: $(grep -m1 error err)"
		failed=1
		return
	}
	count=$((count + 1))
	for split in auto user; do
		same nf.bpf.o $split && continue
		echo "$nf by $compiler $*, split $split:"
		head -6 out
		failed=1
	done
}

# Rust's compiler gives assembly; what a program without a library has to define differs from version to version.
rust() { # overflow-checks=on|off
	RUSTC_BOOTSTRAP=1 rustc --edition 2021 --target bpfel-unknown-none -C opt-level=2 -C panic=abort -C "$1" \
		-Z function-sections=no --crate-type lib --emit asm "$here/counts.rs" -o nf.s 2>err &&
		llvm-mc-19 -triple bpfel -filetype=obj nf.s -o nf.bpf.o 2>err || {
		echo "not here: a rustc that makes this program, and llvm-mc-19: $(head -1 err)"
		return
	}
	count=$((count + 1))
	for split in auto user; do
		"$cleave" check nf.bpf.o --split $split --packets 60 >out 2>&1 && grep -q ' 0 mismatches' out && continue
		echo "counts.rs, $1, split $split:"
		head -6 out
		failed=1
	done
}

rust overflow-checks=off
rust overflow-checks=on
object clang-19 calls_in_calls -g -mcpu=v1
object clang-19 bounded_by_either -g -mcpu=v2 -Os
object clang-19 vlan_loop_twice -g -mcpu=v3 -O1
object clang-19 stack_shapes -g -mcpu=v4
object clang-19 context_in_struct -g -mcpu=v4 -Os
object clang-19 nested_callbacks -g -mcpu=v1 -Os
object clang-19 pointer_written_over -mcpu=v2
object clang-13 calls_in_calls -g -mcpu=v2
object clang-14 vlan_loop_twice -g -mcpu=v3
object clang-15 bounded_by_either -g -mcpu=v3 -O1
object clang-16 stack_shapes -g -mcpu=v3 -Os
object bpf-gcc calls_in_calls -g -gbtf
object bpf-gcc vlan_loop_twice -g -gbtf
echo "$count objects"
exit $failed
