#!/bin/sh
# docs/support.md is what scripts/support makes of the tables now: support.sh ROOT BUILD. Each row has a test.
. "$(dirname "$0")/files.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

scripts/support . >"$work/page" 2>"$work/missing" || fail "$(cat "$work/missing")"
diff docs/support.md "$work/page" >"$work/diff" ||
	fail "docs/support.md is out of date; scripts/support > page, then move it there:
$(head -20 "$work/diff")"
finish
