#!/bin/sh
# Text: C within 100 columns, no blanks at line ends, no blank before a tab, no carriage returns, a newline at the end; no path of the
# machine it was written on, no note of work left undone.
. "$(dirname "$0")/files.sh"
tab=$(printf '\t') return=$(printf '\r')

find_text() { # find_text WHAT REGEX FILES...
	what=$1 regex=$2
	shift 2
	found=$(grep -EIn -- "$regex" "$@" /dev/null | head -n 20)
	[ -z "$found" ] || fail "$what:
$found"
}

# shellcheck disable=SC2046
set -- $(files '*.c' '*.h' '*.def' '*.sh' '*.awk' '*.jq' '*.build' '*.txt' '*.md' '*.scd' '*.json' '*.py' Makefile 'scripts/*' \
	'eval/*' '.ci/*' | sort -u)
find_text "blanks at the end of a line" "[ $tab]\$" "$@"
find_text "a blank before a tab" " $tab" "$@"
find_text "a carriage return" "$return" "$@"
find_text "a path of one machine" '(^|[^A-Za-z0-9_.}])/(work|home|root|mnt|srv)/' "$@"
find_text "work left undone" '(^|[^A-Za-z_])(TOD[O]|FIXM[E]|XX[X]|HAC[K])([^A-Za-z_]|$)' "$@"
for file in $(files '*.c' '*.h'); do
	long=$(expand -t 8 "$file" | awk 'length > 100 { printf "%s ", NR }')
	[ -z "$long" ] || fail "$file: more than 100 columns in line $long"
done
for file in "$@"; do
	[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || fail "$file: no newline at the end"
done
finish
