#!/bin/sh
# The command line itself: what is not understood, what is odd but right, standard files of every kind.
. "$(dirname "$0")/cli.sh"
minimal nf.bpf.c
works "$CLEAVE" build nf.bpf.c --replay

refuses 2 "usage: cleave COMMAND" "$CLEAVE"
refuses 2 "there is no command buidl" "$CLEAVE" buidl
refuses 2 "usage: cleaved COMMAND" "$CLEAVED"
refuses 2 'there is no command `buidl`' "$CLEAVED" buidl
for help in --help -h help; do
	refuses 0 "usage: cleave COMMAND" "$CLEAVE" $help
	refuses 0 "usage: cleaved COMMAND" "$CLEAVED" $help
done
refuses 0 "cleave 0." "$CLEAVE" --version
refuses 0 "cleaved 0." "$CLEAVED" --version
for command in build inspect explain check bundle; do
	refuses 0 "usage: cleave $command " "$CLEAVE" $command --help
	refuses 0 "usage: cleave $command " "$CLEAVE" $command nf.bpf.c -h
	refuses 0 "usage: cleave $command " "$CLEAVE" help $command
	refuses 2 "there is no option --frob here" "$CLEAVE" $command --frob nf.bpf.c
	refuses 2 "there is no option -q here" "$CLEAVE" $command nf.bpf.c -q
done
for command in run replay; do
	refuses 0 "usage: cleaved $command " "$CLEAVE" $command --help
	refuses 0 "usage: cleaved $command " "$CLEAVE" help $command
	refuses 2 "unrecognized option '--frob'" "$CLEAVE" $command --frob
done
for command in run replay check verify status probe; do
	refuses 0 "usage: cleaved $command " "$CLEAVED" $command --help
	refuses 0 "usage: cleaved $command " "$CLEAVED" $command -h
	refuses 2 "usage: cleaved $command " "$CLEAVED" $command --frob
done

# Too little, too much.
for command in build inspect explain; do
	refuses 2 "no source given" "$CLEAVE" $command
	refuses 2 "one argument too many: b.bpf.c" "$CLEAVE" $command nf.bpf.c b.bpf.c
done
refuses 2 "no source or bundle given" "$CLEAVE" check
refuses 2 "one source at a time" "$CLEAVE" check nf.bpf.c nf.cleave
refuses 2 "show, verify or unpack" "$CLEAVE" bundle
refuses 2 "show, verify or unpack" "$CLEAVE" bundle nf.cleave
refuses 2 "show, verify or unpack" "$CLEAVE" bundle frob nf.cleave
refuses 2 "show, verify or unpack" "$CLEAVE" bundle show
refuses 2 "one argument too many: b" "$CLEAVE" bundle unpack nf.cleave a b
refuses 2 "one argument too many: a" "$CLEAVE" bundle verify nf.cleave a
refuses 2 "-o needs a value: FILE" "$CLEAVE" build nf.bpf.c -o
refuses 2 "--split needs a value: HOW" "$CLEAVE" build nf.bpf.c --split
refuses 2 "--time takes no value" "$CLEAVE" build nf.bpf.c --time=1
refuses 2 "--order sideways: it is strict or relaxed" "$CLEAVE" build nf.bpf.c --order sideways
refuses 2 "there is no stage none; the stages are:" "$CLEAVE" build nf.bpf.c --dump-after none
refuses 2 "--split every is many plans" "$CLEAVE" explain nf.bpf.c --split every
refuses 2 "--split every is many plans" "$CLEAVE" inspect nf.bpf.c --split every
refuses 2 "--cuts goes with --split every" "$CLEAVE" build nf.bpf.c --cuts 3
refuses 2 "expected a number from 1" "$CLEAVE" build nf.bpf.c --split every --cuts 0
refuses 2 "--split: only for a source" "$CLEAVE" explain nf.cleave --split user
refuses 2 "clang's flags: only for a source" "$CLEAVE" check nf.cleave -- -DX
refuses 2 "exactly one bundle" "$CLEAVE" run -i lo
refuses 2 "name an interface with -i" "$CLEAVE" run nf.cleave
refuses 2 "usage: cleaved replay" "$CLEAVE" replay nf.cleave
refuses 2 "not a number from 0 to" "$CLEAVED" check nf.cleave --packets many

# What is read is never written.
cp nf.bpf.c same.cleave
refuses 2 "the bundle would overwrite same.cleave" "$CLEAVE" build same.cleave
refuses 2 "the bundle would overwrite nf.bpf.c" "$CLEAVE" build nf.bpf.c -o ../here/nf.bpf.c
ln -s nf.bpf.c link.cleave
refuses 2 "the bundle would overwrite nf.bpf.c" "$CLEAVE" build nf.bpf.c -o link.cleave
ln nf.bpf.c hard.cleave
refuses 2 "the bundle would overwrite nf.bpf.c" "$CLEAVE" build nf.bpf.c -o hard.cleave
rm same.cleave link.cleave hard.cleave

# Names of every kind.
mkdir "a b" out
cp nf.bpf.c "a b/it's \"n f\".bpf.c"
works "$CLEAVE" build "a b/it's \"n f\".bpf.c"
says 0 "from it's \"n f\".bpf.c" "$CLEAVE" bundle show "it's \"n f\".cleave"
cp nf.bpf.c ./--split.bpf.c
works "$CLEAVE" build ./--split.bpf.c -o ./--split.cleave
works "$CLEAVE" bundle verify ./--split.cleave
cp nf.bpf.c plain
works "$CLEAVE" build plain
[ -f plain.cleave ] || fail "no plain.cleave from a source without a suffix"
works "$CLEAVE" build "$WORK/here/nf.bpf.c" --output=out/nf.cleave
cmp nf.cleave out/nf.cleave >/dev/null && fail "--replay made no difference"
works "$CLEAVE" build --replay nf.bpf.c -o out/nf.cleave
cmp nf.cleave out/nf.cleave || fail "the order of arguments matters"
cp nf.cleave bundle-without-suffix
works "$CLEAVE" explain bundle-without-suffix
ln -s out/nf.cleave link.cleave
works "$CLEAVE" build nf.bpf.c -o link.cleave
[ -L link.cleave ] || fail "the symbolic link was replaced"
cmp link.cleave nf.cleave >/dev/null && fail "what is behind the symbolic link was not"
(umask 077 && "$CLEAVE" build nf.bpf.c -o private.cleave)
[ "$(stat -c %a private.cleave)" = 600 ] || fail "permissions $(stat -c %a private.cleave) under umask 077"

# clang's flags, many of them.
mkdir include other
echo '#define ONE 1' >include/one.h
echo '#define TWO 2' >other/two.h
cat >flags.bpf.c <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <one.h>
#include <two.h>
#if ONE + TWO + THREE + FOUR != 10 || defined GONE || ADDED != 5
#error flags
#endif
SEC("xdp") int nf(struct xdp_md *ctx)
{
	return XDP_PASS;
}
EOF
echo '#define ADDED 5' >added.h
mkdir elsewhere
flags="-Iinclude -I other -DTHREE=3 -D FOUR=4 -DGONE -UGONE -include added.h -Wall"
# shellcheck disable=SC2086
works "$CLEAVE" build flags.bpf.c -- $flags
# shellcheck disable=SC2086
works "$CLEAVE" build "$WORK/here/flags.bpf.c" -- $flags
# shellcheck disable=SC2086
(cd elsewhere && works "$CLEAVE" build ../flags.bpf.c -- -I../include -I../other -DTHREE=3 -D FOUR=4 -include ../added.h)
echo "-DTHREE=3" >arguments
# A flag that Cleave does not know: clang finds its file all the same.
works "$CLEAVE" inspect flags.bpf.c -- -Iinclude -Iother @arguments -DFOUR=4 -includeadded.h

# Standard files: closed, full, a pipe.
capture() { # a capture with one packet of 60 zero bytes
	printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\0\0\004\0\001\0\0\0'
	printf '\001\0\0\0\0\0\0\0\074\0\0\0\074\0\0\0'
	head -c 60 /dev/zero
}
capture >in.pcap
works "$CLEAVE" build nf.bpf.c -o closed.cleave <&- >&- 2>&-
"$CLEAVE" build --replay nf.bpf.c -o closed.cleave <&- >&- 2>&- || fail "a build with all standard files closed"
cmp nf.cleave closed.cleave || fail "another bundle with all standard files closed"
"$CLEAVE" build --replay --time nf.bpf.c -o closed.cleave >&- 2>"$WORK/said" && fail "no failure with standard output closed"
grep -q "cannot write to standard output" "$WORK/said" || fail "closed standard output: $(cat "$WORK/said")"
cmp nf.cleave closed.cleave || fail "the times went into the bundle"
"$CLEAVE" replay nf.cleave --pcap in.pcap -w out.pcap >&- 2>"$WORK/said"
[ $? = 3 ] || fail "a replay with standard output closed"
works "$CLEAVE" replay nf.cleave --pcap in.pcap -w whole.pcap
cmp out.pcap whole.pcap || fail "the counts went into the capture"
"$CLEAVE" replay nf.cleave --pcap in.pcap -w - 2>/dev/null | cmp - whole.pcap || fail "-w - is not the capture alone"
capture | "$CLEAVE" replay nf.cleave --pcap - -w - 2>/dev/null | cmp - whole.pcap || fail "a capture from a pipe"
for command in inspect explain "bundle show" "bundle verify"; do
	file=nf.bpf.c
	[ "${command#bundle}" = "$command" ] || file=nf.cleave
	# shellcheck disable=SC2086
	"$CLEAVE" $command $file >/dev/full 2>"$WORK/said"
	[ $? = 3 ] || fail "$command on a full disk: exit code is not 3"
	grep -q "cannot write to standard output: No space left" "$WORK/said" || fail "$command: $(cat "$WORK/said")"
done
"$CLEAVE" build --replay nf.bpf.c -o - | cmp - nf.cleave || fail "-o - is not the bundle alone"
"$CLEAVE" build --replay nf.bpf.c -o /dev/stdout | cmp - nf.cleave || fail "-o /dev/stdout is not the bundle alone"
[ -L /dev/stdout ] || fail "/dev/stdout was replaced"
[ -c /dev/null ] || fail "/dev/null was replaced"
works "$CLEAVE" build nf.bpf.c -o /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
refuses 2 "several bundles, which need names" "$CLEAVE" build nf.bpf.c -o - --split every
finish
