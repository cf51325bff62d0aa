#!/bin/sh
# embed_bitcode.sh CLANG NAME INPUT.c OUTPUT.c DEPFILE ROOT FLAGS... : compiles INPUT to LLVM bitcode and
# writes it as `const unsigned char NAME_bitcode[]` with its size.
set -eu
clang=$1 name=$2 input=$3 output=$4 depfile=$5 root=$6
shift 6
multiarch=$("$clang" -print-target-triple | sed 's/-pc-linux/-linux/')
"$clang" "$@" -Wall -Wextra -Werror -I"$root" -I"/usr/include/$multiarch" -emit-llvm -c "$input" -o "$output.bc" \
	-MD -MF "$depfile" -MT "$output" -fdebug-prefix-map="$root"=.
{
	printf 'extern const unsigned char %s_bitcode[];\nextern const unsigned long %s_bitcode_size;\n' "$name" "$name"
	printf 'const unsigned char %s_bitcode[] = {\n' "$name"
	od -An -v -tx1 "$output.bc" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	printf '};\nconst unsigned long %s_bitcode_size = sizeof %s_bitcode;\n' "$name" "$name"
} > "$output"
rm -f "$output.bc"
