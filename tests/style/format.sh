#!/bin/sh
# All C is as clang-format-19 writes it.
. "$(dirname "$0")/files.sh"
# shellcheck disable=SC2046
clang-format-19 --dry-run -Werror $(files '*.c' '*.h') || fail "run clang-format-19 -i on these files"
finish
