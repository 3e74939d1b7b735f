#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shell scripts are as shellcheck wants them, and Python at least compiles.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

# interpreted EXPRESSION: files whose first line names an interpreter that matches.
interpreted() {
	tracked | while IFS= read -r file; do
		! head -n 1 "$file" | tr -d '\0' | grep -qE "^#!.*\\<($1)\\>" || printf '%s\n' "$file"
	done
}

complaints() {
	{
		interpreted 'sh|bash|dash'
		tracked 'tests/style/tap.sh'
	} | tr '\n' '\0' | xargs -0 shellcheck -x -f gcc
}

uncompiled() {
	interpreted python3 | while IFS= read -r file; do
		python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file" 2>&1
	done
}

if command -v shellcheck >/dev/null; then
	report scripts_are_clean "$(complaints)"
else
	skip scripts_are_clean "shellcheck is not installed"
fi
report python_compiles "$(uncompiled)"
done_testing
