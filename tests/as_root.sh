# Sourced by tests that compare with the kernel: they need root, and work in a folder of their own that goes with them.
[ "$(id -u)" -eq 0 ] || {
	echo "skipped: comparing with the kernel needs root"
	exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
