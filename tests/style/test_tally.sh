#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/tally, whose count everything else hangs on: what it makes of made-up logs. And no test is
# forgotten: each file of a test is in the meson.build of its ring.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# log NAME RESULT STATUS TAP: adds a program to the log that is made; TAP with \n between lines.
log() {
	printf '{"name": "%s", "result": "%s", "returncode": %s, "stdout": "%s"}\n' "$1" "$2" "$3" "$4" \
		>>"$work/ring.json"
}

# counts NAME LAST STATUS [LINE]: one test, of the log made so far, which begins anew after it.
counts() {
	"$source_dir/tests/tally" "$work/ring.json" >"$work/out" 2>&1
	status=$?
	report "$1" "$(
		[ "$(tail -n 1 "$work/out")" = "$2" ] || echo "last line: $(tail -n 1 "$work/out")"
		[ "$status" -eq "$3" ] || echo "status $status"
		[ -z "${4:-}" ] || grep -qxF -e "$4" "$work/out" || echo "no line \"$4\""
	)"
	rm -f "$work/ring.json"
}

log a OK 0 '1..2\nok 1 - s: one\nok 2 - s: two'
log b OK 0 'ok 1 - s: one\n1..1'
counts passes_add_up '3 passed, 0 failed, 0 skipped' 0
log a FAIL 1 '1..3\nok 1 - s: one\nnot ok 2 - s: two\n# why\nok 3 - s: three # SKIP no qemu'
counts a_failure_and_a_skip_have_names '1 passed, 1 failed, 1 skipped' 1 'failed  ring: a: s: two'
log a FAIL 1 '1..1\nnot ok 1 - s: one\n# why'
counts a_failure_says_why '0 passed, 1 failed, 0 skipped' 1 '        # why'
log a OK 0 '1..1\nok 1 - s: one # skip no qemu'
counts a_skip_has_its_reason '0 passed, 0 failed, 1 skipped' 0 'skipped ring: a: s: one: no qemu'
log a SKIP 0 '1..0 # SKIP no kernel'
counts a_whole_program_skips '0 passed, 0 failed, 1 skipped' 0 'skipped ring: a: a: no kernel'
log a TIMEOUT -15 '1..2\nok 1 - s: one'
counts a_timeout_is_a_failure '1 passed, 1 failed, 0 skipped' 1 'failed  ring: a: timeout, exit status -15'
log a ERROR 3 '1..1\nok 1 - s: one'
counts a_status_without_a_failed_test_is_a_failure '1 passed, 1 failed, 0 skipped' 1
log a ERROR 0 'ok 1 - s: one'
counts a_broken_plan_is_a_failure '1 passed, 1 failed, 0 skipped' 1
log a OK 0 ''
counts silence_is_a_failure '0 passed, 1 failed, 0 skipped' 1 'failed  ring: a: no result'
counts a_missing_log_is_a_failure '0 passed, 1 failed, 0 skipped' 1 'failed  ring: no test has run'
: >"$work/ring.json"
counts an_empty_log_is_a_failure '0 passed, 1 failed, 0 skipped' 1

# Words of meson files; a test of C is listed without "test_", by its ring.
unlisted() {
	tracked 'tests/*/test_*.c' 'tests/*/test_*.sh' | while IFS= read -r file; do
		name=$(basename "$file" | sed 's/^test_//; s/\.[a-z]*$//')
		grep -qE "'($name|test_$name(\\.(c|sh))?)'" "$(dirname "$file")/meson.build" tests/meson.build \
			2>/dev/null || echo "$file is in no meson.build"
	done
}
report every_test_is_listed "$(unlisted)"
done_testing
