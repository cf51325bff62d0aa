#!/bin/sh
# Fuzzes the bundle's reader: tests/fuzz/run.sh SECONDS [CORPUS]
# Builds with clang-19 (packages clang-19, libclang-rt-19-dev), ASan and UBSan, runs one process.
# CORPUS is kept and grown; without it the corpus is temporary. Exit 0: no finding; 1: a finding, whose
# input is kept and named; 2: usage; 77: the compiler or its fuzzing library is missing.
set -eu
[ $# -ge 1 ] || { echo "usage: tests/fuzz/run.sh SECONDS [CORPUS]" >&2; exit 2; }
seconds=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/cleave-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
corpus=${2:-$work/corpus}
mkdir -p "$corpus" "$work/findings"

flags="-std=gnu17 -D_GNU_SOURCE -g -O1 -Wall -fno-strict-aliasing -I$root -I$root/include"
libs="libarchive jansson libcrypto libxxhash"
cd "$root"
build() { # build PROGRAM FUZZER_FLAG SOURCE
	# shellcheck disable=SC2046,SC2086
	clang-19 $flags -fsanitize="$2" -fno-sanitize-recover=all $(pkg-config --cflags $libs) \
		"$3" bundle/*.c support/arena.c support/diag.c support/file.c $(pkg-config --libs $libs) -o "$work/$1"
}
if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
	clang-19 -fsanitize=fuzzer -x c - -o "$work/probe" 2>/dev/null; then
	echo "skipped: clang-19 cannot build fuzz targets here (install clang-19 and libclang-rt-19-dev)"
	exit 77
fi
build fuzz_bundle fuzzer,address,undefined tests/fuzz/fuzz_bundle.c
build bundle_seeds address,undefined tests/fuzz/bundle_seeds.c
"$work/bundle_seeds" "$corpus"
status=0
"$work/fuzz_bundle" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -timeout=10 -use_value_profile=1 \
	-print_final_stats=1 -verbosity="${FUZZ_VERBOSITY:-1}" -artifact_prefix="$work/findings/" "$corpus" || status=$?
if [ "$status" -ne 0 ]; then
	kept=$(mktemp -d "${TMPDIR:-/tmp}/cleave-fuzz-findings.XXXXXX")
	cp -r "$work/findings/." "$kept"
	echo "fuzz_bundle: finding, input kept in $kept" >&2
	exit 1
fi
echo "fuzz_bundle: no finding in $seconds seconds"
