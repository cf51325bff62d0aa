# Sourced by the live tests: a network and mount namespace of their own, two veth pairs, small checks.
# Nothing outlives the test: the namespaces go with its last process.
#
#     nf0 <-> gen0    nf1 <-> gen1     the agent runs on nf*, traffic comes from gen*
#
# Environment: CLEAVED, HAND (folder of the hand-made parts and tools).
if [ "$(id -u)" != 0 ]; then
	echo "skipped: needs root"
	exit 77
fi
if [ -z "$LIVE_INSIDE" ]; then
	if ! unshare -mn true 2>/dev/null; then
		echo "skipped: cannot make namespaces"
		exit 77
	fi
	LIVE_INSIDE=1 exec unshare -mn sh "$0" "$@"
fi
set -e
mount --make-rprivate /
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmpfs /run
WORK=/run/live # private to the test, so that nobody else can clean it away
mkdir $WORK
AGENT=
cleanup() {
	[ -z "$AGENT" ] || kill -KILL "$AGENT" 2>/dev/null || true
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

make_links() {
	ip link set lo up
	for n in 0 1; do
		ip link add nf$n address 02:00:00:00:0$n:02 ${1:+numrxqueues $1 numtxqueues $1} type veth \
			peer name gen$n address 02:00:00:00:0$n:01 ${1:+numrxqueues $1 numtxqueues $1}
		echo 1 >/proc/sys/net/ipv6/conf/nf$n/disable_ipv6
		echo 1 >/proc/sys/net/ipv6/conf/gen$n/disable_ipv6
		ip link set nf$n up
		ip link set gen$n up
		ethtool -K gen$n gro on >/dev/null 2>&1
		ip link set dev gen$n xdp obj "$HAND/peer_pass.bpf.o" sec xdp
	done
	ip addr add 10.99.0.2/24 dev nf0
}

fail() {
	echo "FAILED: $*"
	[ ! -f "$WORK/agent.log" ] || cat "$WORK/agent.log"
	exit 1
}

# start_agent OPTIONS: in the background, returns when packets flow
start_agent() {
	: >"$WORK/agent.log" # or the last agent's log would say that this one runs
	"$CLEAVED" run "${LIVE_BUNDLE:-$HAND/hand.cleave}" "$@" >"$WORK/agent.log" 2>&1 &
	AGENT=$!
	for i in $(seq 100); do
		grep -q ' runs on ' "$WORK/agent.log" && return 0
		kill -0 $AGENT 2>/dev/null || fail "the agent did not start"
		sleep 0.1
	done
	fail "the agent is not ready after 10 s"
}

# stop_agent: cleanly; its log holds the final counters
stop_agent() {
	kill -TERM $AGENT
	wait $AGENT || fail "the agent ended with $?"
	AGENT=
	[ -z "$(ls /run/cleave)" ] || fail "left in /run/cleave: $(ls /run/cleave)"
	[ ! -e /sys/fs/bpf/cleave ] || fail "pins left"
	! ip link | grep -q clv || fail "links left: $(ip -br link)"
	! ip link show nf0 | grep -q xdp || fail "nf0 still runs XDP"
}

# expect TEXT COMMAND...: the command's output contains the text
expect() {
	wanted=$1
	shift
	got=$("$@" 2>&1) || true
	case $got in
	*"$wanted"*) ;;
	*) fail "wanted \"$wanted\" from $*: $got" ;;
	esac
}

# never TEXT: the agent's log, which must be there, does not contain the pattern
never() {
	grep -q 'layer *packets' "$WORK/agent.log" || fail "no final counters in the agent's log"
	! grep -q "$1" "$WORK/agent.log" || fail "the log says: $(grep "$1" "$WORK/agent.log")"
}

# expect_code CODE TEXT COMMAND...
expect_code() {
	code=$1
	wanted=$2
	shift 2
	set +e
	got=$("$@" 2>&1)
	status=$?
	set -e
	[ $status = "$code" ] || fail "$*: exit code $status, wanted $code: $got"
	case $got in
	*"$wanted"*) ;;
	*) fail "wanted \"$wanted\" from $*: $got" ;;
	esac
}

pktgen() {
	"$HAND/pktgen" "$@"
}

