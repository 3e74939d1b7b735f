#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# C is as clang-format-14 writes it, and every text is clean at its edges.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

formatter=clang-format-14

unformatted() {
	tracked '*.c' '*.h' | while IFS= read -r file; do
		lines=$("$formatter" "$file" | diff "$file" - | grep -c '^[<>]')
		[ "$lines" -eq 0 ] || echo "$file: $lines lines differ (clang-format-14 -i $file)"
	done
}

texts() {
	tracked | grep -Ev '^LICENSES/' | while IFS= read -r file; do
		! grep -qI . "$file" || printf '%s\n' "$file"
	done
}

unclean() {
	tab=$(printf '\t')
	return_char=$(printf '\r')
	texts | while IFS= read -r file; do
		grep -n "[ $tab]\$" "$file" | sed "s|^\([0-9]*\):.*|$file:\1: white space at the end|"
		grep -n "$return_char" "$file" | sed "s|^\([0-9]*\):.*|$file:\1: carriage return|"
		[ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at the end"
	done
}

if command -v "$formatter" >/dev/null; then
	report c_is_formatted "$(unformatted)"
else
	skip c_is_formatted "$formatter is not installed"
fi
report texts_are_clean "$(unclean)"
done_testing
