#!/bin/sh
# What is given as a source and is none, or is a bad one.
. "$(dirname "$0")/cli.sh"

refuses 1 "none.bpf.c: error: no such file" "$CLEAVE" build none.bpf.c
refuses 1 "no/where/nf.bpf.c: error: no such file" "$CLEAVE" inspect no/where/nf.bpf.c
refuses 1 "-: error: the source is read from a file, not from standard input" "$CLEAVE" build -
refuses 1 "/dev/null: error: the source is read from a file" "$CLEAVE" build /dev/null
mkfifo pipe
refuses 1 "pipe: error: the source is read from a file" timeout 10 "$CLEAVE" build pipe
mkdir folder.bpf.c
refuses 1 "folder.bpf.c: error: this is a directory" "$CLEAVE" build folder.bpf.c
: >empty.bpf.c
refuses 1 'empty.bpf.c: error: there is no XDP or TC program in it (SEC("xdp"), SEC("tc"))' "$CLEAVE" build empty.bpf.c
head -c 5000 "$CLEAVE" | tail -c 4000 >garbage.bpf.c
refuses 1 "garbage.bpf.c: error: clang-19 does not accept it" "$CLEAVE" build garbage.bpf.c
printf '\177ELF' >object.bpf.o
refuses 1 "object.bpf.o: error: the object is cut short" "$CLEAVE" build object.bpf.o
awk 'BEGIN { printf "int x = y"; for (i = 0; i < 20000; i++) printf " + 1"; print ";" }' >long.bpf.c
refuses 1 "long.bpf.c:1:9: error: use of undeclared identifier" "$CLEAVE" build long.bpf.c
awk 'BEGIN { printf "int x = 1"; for (i = 0; i < 20000; i++) printf " + 1"; print ";" }' >long.h
minimal includes_long.bpf.c '#include "long.h"'
works "$CLEAVE" build includes_long.bpf.c
rm includes_long.cleave

# A line that lies in the source, under whatever name the source was given.
printf 'int nf(void)\n{\n\treturn none;\n}\n' >wrong.bpf.c
refuses 1 "wrong.bpf.c:3:9: error: use of undeclared identifier 'none'" "$CLEAVE" build wrong.bpf.c
refuses 1 "$WORK/here/wrong.bpf.c:3:9: error" "$CLEAVE" build "$WORK/here/wrong.bpf.c"
refuses 1 "../here//./wrong.bpf.c:3:9: error" "$CLEAVE" build ../here//./wrong.bpf.c
mkdir include
mv wrong.bpf.c include/wrong.h
minimal nf.bpf.c '#include <wrong.h>'
refuses 1 "include/wrong.h:3:9: error: use of undeclared" "$CLEAVE" build nf.bpf.c -- -Iinclude
refuses 1 "In file included from nf.bpf.c:3:" "$CLEAVE" build nf.bpf.c -- -I include
refuses 1 "'wrong.h' file not found" "$CLEAVE" build nf.bpf.c

# tests/bad holds what the kernel could be asked for and Cleave does not do: here no more than that nothing is left.
for source in "$SOURCES"/tests/bad/*.bpf.c; do
	# shellcheck disable=SC2046 # words
	refuses 1 "error:" "$CLEAVE" build $(sed -n 's,^// OPTION ,,p' "$source") "$source"
done
for command in "inspect" "explain" "check"; do
	refuses 1 "nf.bpf.c:3:10: fatal error: 'wrong.h' file not found" "$CLEAVE" "$command" nf.bpf.c
done

# One where the other belongs.
minimal good.bpf.c
works "$CLEAVE" build good.bpf.c
refuses 1 "good.cleave: error: this is a bundle; the C source or an object is needed" "$CLEAVE" build good.cleave -o other.cleave
refuses 1 "good.cleave: error: this is a bundle" "$CLEAVE" inspect good.cleave
for command in "bundle show" "bundle verify" "bundle unpack" "run -i lo" "replay --pcap x.pcap"; do
	# shellcheck disable=SC2086
	refuses 1 "good.bpf.c: error: this is not a bundle (it does not begin with a digest)" "$CLEAVE" $command good.bpf.c
done
refuses 1 "none.json: error" "$CLEAVE" build good.bpf.c --target none.json
echo '{' >bad.json
refuses 1 "bad.json" "$CLEAVE" build good.bpf.c --target bad.json
refuses 1 "there is no XDP or TC program other in it; there is nf" "$CLEAVE" build good.bpf.c --program other

# clang itself cannot make an object of this: to the assembler both are one symbol.
sed 's/_license/license/' good.bpf.c >symbol.bpf.c
refuses 1 "symbol 'license' is already defined (a variable cannot have the name of its section)" \
	"$CLEAVE" build symbol.bpf.c

# Splits that are impossible, with the place and the nearest that is not.
live=$NF/packet_pointer_live.bpf.c
refuses 1 "packet_pointer_live.bpf.c:60: error: no code of the program begins in line 60 or after it" \
	"$CLEAVE" build "$live" --split at:60
refuses 1 "$live: error: there is no edge 99999" "$CLEAVE" build "$live" --split edge:99999
refuses 1 "nf.h:34:2: error: this loop has no bound" "$CLEAVE" build "$live" --split kernel
for split in at:0 at:-1 at: at:x at:1x at:99999999999999999999 edge: edge:-1 edge:1x middle ""; do
	refuses 2 "it is auto, kernel, user, at:LINE, edge:N or every" "$CLEAVE" build "$live" --split "$split"
done
finish
