# Sourced by the style tests, which take the root of the sources as their argument: which files there are.
cd "$1" || exit 1
set -u
failures=0

# files PATTERN...: the project's files that match, without what git ignores
files() {
	if [ -e .git ] && command -v git >/dev/null; then
		git -c safe.directory='*' ls-files -co --exclude-standard -- "$@"
	else
		for pattern in "$@"; do
			find . -path ./.git -prune -o -path './build*' -prune -o -type f -name "$pattern" -print
		done | sed 's/^\.\///'
	fi | sort -u | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# fail TEXT...: one finding; more may follow
fail() {
	echo "$*"
	failures=$((failures + 1))
}

finish() {
	[ "$failures" = 0 ] || echo "$failures findings"
	[ "$failures" = 0 ]
	exit
}
