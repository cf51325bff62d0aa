#!/bin/sh
# Fuzzes what reads input that nobody has checked: tests/fuzz/run.sh SECONDS [TARGET [CORPUS]]
# TARGET is one of bundle, gen, handoff, map_init, object, pcap; without it each gets its SECONDS in turn. Builds with
# clang-19 (packages clang-19, libclang-rt-19-dev), ASan and UBSan, runs one process. CORPUS is kept and grown;
# without it the corpus is temporary. Exit 0: no finding; 1: a finding, whose input is kept and named; 2: usage;
# 77: the compiler or its fuzzing library is missing.
set -eu
all="bundle gen handoff map_init object pcap"
case " $all " in
*" ${2:-bundle} "*) ;;
*) set -- ;;
esac
[ $# -ge 1 ] || { echo "usage: tests/fuzz/run.sh SECONDS [TARGET [CORPUS]] (targets: $all)" >&2; exit 2; }
seconds=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/cleave-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

flags="-std=gnu17 -D_GNU_SOURCE -g -O1 -Wall -Wno-address-of-packed-member -fno-strict-aliasing -I$root -I$root/include"
libs="libarchive jansson libcrypto libxxhash libbpf libpcap zlib"
cd "$root"
# What the readers of the runtime are made of.
maps="runtime/map.c runtime/map_*.c runtime/env*.c runtime/events.c runtime/format*.c runtime/host_bpf.c runtime/host_btf.c
	runtime/host_node.c runtime/host_route.c runtime/key_draw.c runtime/packet_*.c runtime/json_source.c support/packet_fields.c"
packets="runtime/packet_*.c runtime/pcap_file.c runtime/json_source.c support/packet_fields.c"
handoff="runtime/frame_handoff.c runtime/order.c"
lifter="frontend/bpf_*.c frontend/elf_*.c frontend/object_*.c frontend/llvm_lift*.c frontend/program_section.c frontend/kconfig.c ir/ir.c ir/helpers.c ir/kfuncs.c ir/context_fields.c"
build() { # build PROGRAM FUZZER_FLAG SOURCE...
	program=$1 fuzzer=$2
	shift 2
	# shellcheck disable=SC2046,SC2086
	clang-19 $flags -fsanitize="$fuzzer" -fno-sanitize-recover=all $(pkg-config --cflags $libs) "$@" \
		bundle/*.c support/arena.c support/diag.c support/file.c support/map_types.c $(pkg-config --libs $libs) -lm -o "$work/$program"
}
if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
	clang-19 -fsanitize=fuzzer -x c - -o "$work/probe" 2>/dev/null; then
	echo "skipped: clang-19 cannot build fuzz targets here (install clang-19 and libclang-rt-19-dev)"
	exit 77
fi

prepare() { # prepare TARGET: the program, and a corpus that begins with good inputs
	case $1 in
	bundle)
		sources=tests/fuzz/fuzz_bundle.c
		build bundle_seeds address,undefined tests/fuzz/bundle_seeds.c
		"$work/bundle_seeds" "$corpus"
		;;
	gen)
		sources="tests/fuzz/fuzz_gen.c $packets"
		for file in examples/*/traffic/gen.json; do
			cp "$file" "$corpus/$(basename "$(dirname "$(dirname "$file")")").json"
		done
		;;
	handoff)
		sources="tests/fuzz/fuzz_handoff.c $handoff"
		{ printf '\200' && head -c 36 /dev/zero && printf '\0\0\50\0'; } >"$corpus/entry-0"
		{ printf '\200' && head -c 212 /dev/zero && printf '\377\0\330\0'; } >"$corpus/entry-255"
		;;
	map_init)
		sources="tests/fuzz/fuzz_map_init.c $maps"
		clang-19 -target bpf -g -O2 "-I/usr/include/$(uname -m)-linux-gnu" -c tests/fuzz/map_init.bpf.c -o "$work/map_init.o"
		export FUZZ_OBJECT="$work/map_init.o"
		cp tests/fuzz/map_init.json "$corpus"
		;;
	object)
		sources="tests/fuzz/fuzz_object.c $lifter -I/usr/lib/llvm-19/include -L/usr/lib/llvm-19/lib
			-Wl,-rpath,/usr/lib/llvm-19/lib -lLLVM-19"
		# Without debug info they are small; of one there are line tables too.
		shapes="-target bpf -O2 -I/usr/include/$(uname -m)-linux-gnu -c tests/fuzz/object_shapes.bpf.c"
		# shellcheck disable=SC2086
		clang-19 $shapes -mcpu=v4 -o "$corpus/shapes.o"
		# shellcheck disable=SC2086
		clang-19 $shapes -mcpu=v3 -g -o "$work/shapes.o"
		llvm-objcopy-19 --strip-debug "$work/shapes.o" "$corpus/shapes-lines.o"
		;;
	pcap)
		sources="tests/fuzz/fuzz_pcap.c $packets"
		# shellcheck disable=SC2086
		build pcap_seeds address,undefined tests/fuzz/pcap_seeds.c $packets
		"$work/pcap_seeds" "$corpus"
		;;
	esac
	# shellcheck disable=SC2086
	build "fuzz_$1" fuzzer,address,undefined $sources
}

fuzz() { # fuzz TARGET
	corpus=${kept_corpus:-$work/corpus_$1} status=0
	mkdir -p "$corpus" "$work/findings"
	prepare "$1"
	"$work/fuzz_$1" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -timeout=10 -use_value_profile=1 \
		-print_final_stats=1 -verbosity="${FUZZ_VERBOSITY:-1}" -artifact_prefix="$work/findings/" "$corpus" || status=$?
	if [ "$status" -ne 0 ]; then
		kept=$(mktemp -d "${TMPDIR:-/tmp}/cleave-fuzz-findings.XXXXXX")
		cp -r "$work/findings/." "$kept"
		echo "fuzz_$1: finding, input kept in $kept" >&2
		exit 1
	fi
	echo "fuzz_$1: no finding in $seconds seconds"
}

kept_corpus=${3-}
for target in ${2:-$all}; do
	fuzz "$target"
done
