#!/bin/sh
# Compiles the examples as they are, and those with an unbounded loop with a bound on its turns too, and runs
# them in the kernel: test_examples.sh PROGRAM SOURCE-ROOT
set -eu
program=$1 root=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

compile() {
	out=$1 name=$2
	shift 2
	clang-19 -target bpf -mcpu=v3 -g -O2 -Wall -Wextra -Werror -I"/usr/include/$(uname -m)-linux-gnu" "$@" \
		-c "$root/examples/$name/$name.bpf.c" -o "$folder/$out.o"
}

for name in firewall-dpi l4lb router policer; do
	compile "$name" "$name"
done
compile router-bounded router '-Dwhile(c)=for (int turn = 0; turn < 640 && (c); turn++)'
compile firewall-dpi-bounded firewall-dpi '-Dwhile(c)=for (int turn = 0; turn < 16 && (c); turn++)'
"$program" "$folder"
