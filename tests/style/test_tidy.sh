#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What .clang-tidy asks for holds, of the C that is compiled for the host and is no test.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

tidy=clang-tidy-14
build=${SG_BUILD:-$source_dir/build}

complaints() {
	tracked 'daemon/*.c' 'cli/*.c' 'tests/lab/*.c' | grep -v '\.bpf\.c$' | tr '\n' '\0' |
		xargs -0 "$tidy" -p "$build" --quiet 2>/dev/null | grep -E ': (error|warning):' |
		sed "s|^$build/../||; s|^$source_dir/||"
}

# A build folder of another checkout, or none, would look at nothing.
if ! command -v "$tidy" >/dev/null; then
	skip code_is_tidy "$tidy is not installed"
elif ! grep -q '"daemon/main.c"\|/daemon/main.c"' "$build/compile_commands.json" 2>/dev/null; then
	report code_is_tidy "$build/compile_commands.json does not name daemon/main.c"
else
	report code_is_tidy "$(complaints)"
fi
done_testing
