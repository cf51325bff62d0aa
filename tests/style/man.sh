#!/bin/sh
# The manual pages and the programs agree: man.sh ROOT BUILD. Every option that --help lists is in the page, and the
# page has no other.
build=$2
. "$(dirname "$0")/files.sh"

options() { # options TEXT: the long options in it
	printf '%s\n' "$1" | grep -Eo -- '--[a-z][a-z-]+' | sort -u
}
compare() { # compare PAGE HELP
	page=$1
	written=$(sed -n 's/^\(\*-.*\)/\1/p' "$page" | tr -d "*")
	told=$(options "$2")
	for option in $told; do
		grep -q -- "$option" "$page" || fail "$page: $option is missing"
	done
	for option in $(options "$written"); do
		printf '%s\n' "$told" | grep -Fxq -- "$option" || [ "$option" = --help ] ||
			fail "$page: the program has no $option"
	done
}
commands() { # commands PROGRAM: the names in its usage
	"$1" --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p'
}
all_help() { # all_help PROGRAM PAGE: what --help says of each command, which the page has to name
	for command in $(commands "$1"); do
		grep -Eq "^\*$(basename "$1") $command\*|^\*$command( |\*)" "$2" ||
			echo "$2: command $command is missing" >&2
		help=$("$1" "$command" --help)
		case $help in
		"usage: $(basename "$1") "*) echo "$help" ;; # else it is the other program's, and in its page
		esac
	done
}
for pair in cleave:driver:1 cleaved:runtime:8; do
	name=${pair%%:*} folder=${pair#*:}
	page=man/$name.${folder#*:}.scd
	program=$build/${folder%:*}/$name
	missing=$(all_help "$program" "$page" 2>&1 >/dev/null | grep 'is missing$')
	[ -z "$missing" ] || fail "$missing"
	compare "$page" "$(all_help "$program" "$page" 2>/dev/null)"
done
finish
