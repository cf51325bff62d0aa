#!/bin/sh
# Every .c is built or used: dead_files.sh ROOT BUILD. Every header is included. Every path that the docs, or a
# comment in the code that points into docs/, names is there.
build=$2
. "$(dirname "$0")/files.sh"

built=$(jq -r '.[].file' "$build/compile_commands.json")
naming=$(files '*.build' '*.sh' 'Makefile' 'scripts/*' 'eval/*' 'tests/*/*.h')
for file in $(files '*.c'); do
	case $file in
	examples/*.bpf.c | tests/nf/*.bpf.c | tests/bad/*.bpf.c | tests/cli/golden/*.bpf.c) continue ;; # found by wildcard
	esac
	printf '%s\n' "$built" | grep -Eq "(^|/)$file\$" && continue
	name=$(basename "$file")
	grep -Fqs "'${name%%.*}'" "$(dirname "$file")/meson.build" && continue # a list of names there
	# shellcheck disable=SC2086
	grep -Eq "(^|[^A-Za-z0-9_.-])$name([^A-Za-z0-9_.]|\$)" $naming ||
		fail "$file is not built"
done
# shellcheck disable=SC2046
included=$(grep -Ehos '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^">]*' $(files '*.c' '*.h') |
	sed 's/.*[<"\/]//' | sort -u)
for header in $(files '*.h' '*.def'); do
	printf '%s\n' "$included" | grep -Fxq "$(basename "$header")" || fail "$header is included by nobody"
done

top='backends|bundle|docs|driver|eval|examples|frontend|include|ir|man|partitioner|runtime|scripts|support|tests|verifier_model|\.ci'
named() { # named FILE PREFIXES: paths below these folders; a word in capitals stands for any name
	grep -Eo "(^|[^A-Za-z0-9_./-])($2)/[A-Za-z0-9_.*/-]+" "$1" | sed -E "s/^[^A-Za-z.]//; s/[.:,]+\$//
		s/(NAME|MODULE|FILE|NF|OP|BACKEND)/*/g" | sort -u
}
exists() {
	for path in $1; do
		[ -e "$path" ] && return 0
	done
	return 1
}
list=$(mktemp)
trap 'rm -f "$list"' EXIT
for doc in $(files '*.md' '*.scd'); do
	named "$doc" "$top" | while read -r path; do
		exists "$path" || echo "$doc names $path, which is not there"
	done
done >"$list"
for file in $(files '*.c' '*.h' '*.def' '*.sh' '*.build' '*.txt'); do
	named "$file" docs | while read -r path; do
		exists "$path" || echo "$file names $path, which is not there"
	done
done >>"$list"
while read -r line; do
	fail "$line"
done <"$list"
finish
