#!/bin/sh
# A function has at most 70 lines from brace to brace. Those that are longer stand in long_functions.txt with
# their length and reason; the list may only shrink: a shorter function, or one that is gone, has to be taken
# off or given its new length.
. "$(dirname "$0")/files.sh"
list=tests/style/long_functions.txt

# shellcheck disable=SC2046
measured=$(awk -v most=70 '
	FNR == 1 { inside = 0; name = "" }
	inside && /^}/ {
		inside = 0
		if (FNR - start - 1 > most)
			print FILENAME, name, FNR - start - 1
		next
	}
	/^{/ && !inside { inside = 1; start = FNR; next }
	!inside && /^[A-Za-z_].*\(/ {
		text = $0
		gsub(/__attribute__ *\(\([^)]*\)*\)*/, "", text)
		if (match(text, /[A-Za-z_][A-Za-z_0-9]* *\(/))
			name = substr(text, RSTART, RLENGTH - 1)
	}' $(files '*.c' '*.h'))
listed=$(sed 's/#.*//' "$list" 2>/dev/null | awk 'NF { print $1, $2, $3 }')

known() { # known TEXT LINE: is LINE one of TEXT's?
	printf '%s\n' "$1" | grep -Fxq "$2"
}
while read -r line; do
	[ -z "$line" ] || known "$listed" "$line" || fail "too long, or longer than listed: $line"
done <<END
$measured
END
while read -r line; do
	[ -z "$line" ] || known "$measured" "$line" || fail "$list: shrink it, this is not so any more: $line"
done <<END
$listed
END
finish
