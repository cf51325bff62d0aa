#!/bin/sh
# The same source gives the same bundle, byte for byte: from another folder, under another name for its path, started
# elsewhere, by another user, at another time, with other variables. And nothing in it tells where it was made.
. "$(dirname "$0")/cli.sh"

# A source with a header beside it and one in the folder above; another with one more in a folder that is named with -I.
lay_out() {
	mkdir -p "$1/src" "$1/include"
	cp "$NF"/*.h "$1/src"
	for named in '"nf.h"' '<named.h>'; do
		sed "s|#include \"nf.h\"|#include \"nf.h\"\n#include \"../above.h\"\n#include $named|; s/hash = hash_bytes(/hash = above(/" \
			"$NF/packet_pointer_live.bpf.c" >"$1/src/nf$(echo $named | tr -d '".<>').bpf.c"
	done
	mv "$1/src/nfnfh.bpf.c" "$1/src/nf.bpf.c"
	cat >"$1/above.h" <<-'EOF'
		static __always_inline __u32 above(const __u8 *p, const void *end, __u32 hash)
		{
			if (p + 1 <= (const __u8 *)end && *p == __FILE__[0])
				hash++;
			return hash_bytes(p, end, hash);
		}
	EOF
	echo "#define FIRST 1" >"$1/include/first.h"
	cat >"$1/include/named.h" <<-'EOF'
		static __always_inline __u32 named(__u32 hash)
		{
			return hash ^ 0x5bd1e995;
		}
		#define hash_bytes(p, end, hash) named(hash_bytes(p, end, hash))
	EOF
}
build() { # build NAME ARGUMENT...: into the work folder
	to=$1
	shift
	works "$CLEAVE" build --replay -o "$WORK/here/$to.cleave" "$@"
}
same() {
	cmp "$1.cleave" "$2.cleave" || {
		fail "$1 and $2 are not the same"
		for bundle in "$1" "$2"; do
			"$CLEAVE" bundle show "$bundle.cleave" >"$bundle.text"
		done
		diff "$1.text" "$2.text"
	}
}
ways() { # ways NAME: all ways to name one source, from its tree
	tree=$PWD
	build "$1-1" src/nf.bpf.c -- -DX=1 -O2
	cd src && build "$1-2" nf.bpf.c -- -DX=1 -O2
	build "$1-3" ./nf.bpf.c -- -DX=1 -O2
	build "$1-4" ../src//nf.bpf.c -- -DX=1 -O2
	cd .. && build "$1-5" "$tree/src/nf.bpf.c" -- -DX=1 -O2
	cd / && build "$1-6" "${tree#/}/src/nf.bpf.c" -- -DX=1 -O2
	build "$1-7" "$tree/src/nf.bpf.c" -- -DX=1 -O2
	cd "$tree" || exit 1
}
odd="b/an=odd folder"
for tree in a "c/longer than/the first" "$odd"; do
	lay_out "$WORK/$tree"
done
cd "$WORK/a" || exit 1
build include-1 src/nfnamedh.bpf.c -- -Iinclude
# As a Makefile has it for clang alone.
build first src/nf.bpf.c -- -Iinclude -include first.h -target bpf -S -emit-llvm -o first.ll -MD -MF first.d -g0
[ -e first.ll ] || [ -e first.d ] && fail "clang wrote a file of its own"
ways short
cd "$WORK/c/longer than/the first" || exit 1
build include-2 src/nfnamedh.bpf.c -- -Iinclude
ways long
cd "$WORK/here" || exit 1
same include-1 include-2
for n in 1 2 3 4 5 6 7; do
	same short-1 "short-$n"
	same short-1 "long-$n"
done

# Another time, other variables, another user.
cd "$WORK/a" || exit 1
touch -d 2001-02-03 src/*
sleep 1
SOURCE_DATE_EPOCH=1 TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOME=/nonexistent USER=other TMPDIR=/nonexistent PWD=/nonexistent \
	build again src/nf.bpf.c -- -DX=1 -O2
if [ -n "${CLI_INSIDE-}" ]; then
	mkdir "$WORK/programs" "$WORK/theirs"
	cp "$CLEAVE" "$CLEAVED" "$WORK/programs"
	chown nobody "$WORK/theirs"
	cd "$WORK/theirs" || exit 1
	works setpriv --reuid nobody --regid nogroup --clear-groups --bounding-set=-all \
		../programs/cleave build --replay ../a/src/nf.bpf.c -- -DX=1 -O2
	cp nf.cleave "$WORK/here/nobody.cleave"
fi
cd "$WORK/here" || exit 1
same short-1 again
[ ! -e nobody.cleave ] || same short-1 nobody

# Nothing of the folder is in it, and the places still lead to lines that can be read.
for bundle in short-5 include-1; do
	works "$CLEAVE" bundle unpack $bundle.cleave $bundle
	for member in "$bundle"/*; do
		! grep -aq "${WORK##*/}" "$member" || fail "$member of $bundle tells where it was made"
	done
done
says 0 "nf.h:3" "$CLEAVE" bundle show short-5.cleave
for member in kernel.bpf.o source.bpf.o; do
	grep -aq 'udp->check = hash' short-5/$member ||
		fail "$member has no lines of its source in BTF"
done
cd "$WORK/a" || exit 1
refuses 1 "src/nf.h:34:2: error: this loop has no bound" "$CLEAVE" build src/nf.bpf.c --split kernel
grep -q '^    34 | .*while ((const void \*)(p + 1) <= data_end)' "$WORK/said" || fail "the line is not shown: $(cat "$WORK/said")"
cd / || exit 1
refuses 1 "$WORK/a/src/nf.h:34:2: error: this loop has no bound" "$CLEAVE" build "$WORK/a/src/nf.bpf.c" --split kernel

# An equals sign in a folder's name cannot be said to clang: the bundle is right, if not the same.
cd "$WORK/$odd" || exit 1
works "$CLEAVE" build src/nfnamedh.bpf.c -- -Iinclude
refuses 1 "src/nf.h:34:2: error: this loop has no bound" "$CLEAVE" build src/nf.bpf.c --split kernel -- -Iinclude
finish
