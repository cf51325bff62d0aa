# Sourced by the tests of the command line: bad input, odd usage, stored text. A work folder that goes with the test; as
# root a mount and network namespace too, with nothing in /run and no pins.
#
# Environment: CLEAVE, CLEAVED, SOURCES (root of the sources).
if [ "$(id -u)" = 0 ] && [ -z "${CLI_INSIDE-}" ] && unshare -mn true 2>/dev/null; then
	CLI_INSIDE=1 exec unshare -mn sh "$0" "$@"
fi
if [ -n "${CLI_INSIDE-}" ]; then
	mount --make-rprivate /
	mount -t tmpfs tmpfs /run
	mount -t bpf bpf /sys/fs/bpf
fi
set -u
NF=$SOURCES/tests/nf
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM HUP PIPE
chmod 755 "$WORK"
mkdir "$WORK/tmp" "$WORK/here"
export TMPDIR="$WORK/tmp"
cd "$WORK/here" || exit 1
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

finish() {
	[ -z "$(ls "$WORK/tmp")" ] || fail "left in TMPDIR: $(ls "$WORK/tmp")"
	exit $failed
}

needs_root() {
	[ -n "${CLI_INSIDE-}" ] && return
	echo "skipped: needs root, and mount and network namespaces"
	exit 77
}

# All that could be left behind: files with their contents, pins, locks, links.
everything() {
	find "$WORK" -type f ! -path "$WORK/said" -exec cksum {} + | sort
	find "$WORK" ! -type f | sort
	[ -z "${CLI_INSIDE-}" ] || {
		ls -R /run/cleave /sys/fs/bpf/cleave 2>/dev/null | grep -v '^/.*:$' | grep .
		ip -br link
	}
}

# says CODE TEXT COMMAND...: the exit code, and the text in what it prints
says() {
	wanted=$1 text=$2
	shift 2
	"$@" >"$WORK/said" 2>&1 </dev/null
	code=$?
	[ $code = "$wanted" ] || fail "exit code $code, not $wanted: $* : $(head -5 "$WORK/said")"
	grep -qF -- "$text" "$WORK/said" || fail "no '$text' from $* : $(head -5 "$WORK/said")"
	! grep -q 'runtime error\|AddressSanitizer\|LeakSanitizer' "$WORK/said" ||
		fail "the sanitizer says of $* : $(grep -m1 'rror' "$WORK/said")"
}

# refuses CODE TEXT COMMAND...: the same, and nothing has changed anywhere
refuses() {
	before=$(everything)
	says "$@"
	after=$(everything)
	[ "$before" = "$after" ] || {
		fail "something was left behind or changed by $*"
		printf '%s\n' "$before" >"$WORK/said"
		printf '%s\n' "$after" | diff "$WORK/said" -
	}
}

works() {
	"$@" >"$WORK/said" 2>&1 </dev/null || fail "exit code $? from $* : $(head -5 "$WORK/said")"
}

# minimal FILE [LINE...]: the smallest source there is
minimal() {
	file=$1
	shift
	printf '%s\n' '#include <linux/bpf.h>' '#include <bpf/bpf_helpers.h>' "$@" \
		'SEC("xdp") int nf(struct xdp_md *ctx)' '{' '	return XDP_PASS;' '}' \
		'char _license[] SEC("license") = "GPL";' >"$file"
}
