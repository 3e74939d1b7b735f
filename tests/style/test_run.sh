#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests tests/run, whose accounting every other test hangs on: feeds it made-up programs and
# compares its last line and its exit status. Speaks TAP itself, so that the runner under test
# also runs its own test.

set -u

source_dir=${SG_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
alone=$work/alone.tsv
: >"$alone"

# program NAME: makes an executable of the ring "made_up" out of stdin.
program() {
	mkdir -p "$work/tests/made_up"
	{
		echo '#!/bin/sh'
		cat
	} >"$work/tests/made_up/test_$1"
	chmod +x "$work/tests/made_up/test_$1"
}

# expect NAME "COUNT LINE" STATUS [RUNNER OPTION...]: runs the ring, judges, and clears it away.
expect() {
	name=$1 counts=$2 status=$3
	shift 3
	number=$((number + 1))
	# There is something to read on our own standard input, for there_is_no_standard_input.
	"$source_dir/tests/run" --build "$work" --alone "$alone" "$@" made_up \
		>"$work/out" 2>&1 <"$0"
	got=$?
	last=$(tail -n 1 "$work/out")
	if [ "$last" = "$counts" ] && [ "$got" -eq "$status" ]; then
		echo "ok $number - run: $name"
	else
		echo "not ok $number - run: $name"
		echo "# expected '$counts', status $status; got '$last', status $got; it printed:"
		sed 's/^/#   /' "$work/out"
	fi
	rm -rf "$work/tests"
}

# expect_said NAME TEXT: the last run's output holds TEXT.
expect_said() {
	number=$((number + 1))
	if grep -qF -e "$2" "$work/out"; then
		echo "ok $number - run: $1"
	else
		echo "not ok $number - run: $1"
		echo "# '$2' is not in:"
		sed 's/^/#   /' "$work/out"
	fi
}

# expect_printed NAME: the last run printed the lines on stdin, seconds left out, and no others.
expect_printed() {
	number=$((number + 1))
	cat >"$work/expected"
	if sed 's/, [0-9.]* s$//' "$work/out" | diff "$work/expected" - >"$work/difference"; then
		echo "ok $number - run: $1"
	else
		echo "not ok $number - run: $1"
		sed 's/^/#   /' "$work/difference"
	fi
}

# expect_sleeper_ended NAME: the process whose id a made-up program left in $work/sleeper is gone,
# or a zombie that nobody has collected yet.
expect_sleeper_ended() {
	number=$((number + 1))
	state=unknown
	[ ! -s "$work/sleeper" ] ||
		state=$(sed 's/.*) \(.\).*/\1/' "/proc/$(cat "$work/sleeper")/stat" 2>/dev/null)
	case $state in
	'' | Z) echo "ok $number - run: $1" ;;
	*) echo "not ok $number - run: $1" ;;
	esac
	rm -f "$work/sleeper"
}

program pass <<'END'
echo 1..2
echo 'ok 1 - suite: one'
echo 'ok 2 - suite: two'
END
expect passes_are_counted '2 passed, 0 failed, 0 skipped' 0

program plan_last <<'END'
echo 'ok 1 - suite: one'
echo 'ok'
echo 1..2
END
expect plan_may_come_last '2 passed, 0 failed, 0 skipped' 0

program mixed <<'END'
echo 1..4
echo 'ok 1 - suite: one'
echo 'the log before the failure'
echo 'not ok 2 - suite: two'
echo '# why it failed'
echo 'ok 3 - suite: three # SKIP the reason'
echo 'not ok 4 - suite: four # SKIP does not excuse it'
exit 1
END
expect each_kind_is_counted_once '1 passed, 2 failed, 1 skipped' 1
expect_said a_failure_is_named 'failed: suite: two'
expect_said a_failure_keeps_its_diagnostics '# why it failed'
expect_said a_failure_keeps_what_came_before_it 'the log before the failure'
expect_said a_skip_prints_its_reason 'skipped: suite: three: the reason'

program good <<'END'
echo 1..1
echo 'ok 1 - suite: one'
END
program bad <<'END'
echo 1..1
echo 'not ok 1 - suite: one'
END
expect programs_add_up '1 passed, 1 failed, 0 skipped' 1

program fails_quietly <<'END'
echo 1..1
echo 'not ok 1 - suite: one'
END
expect not_ok_fails_whatever_the_status '0 passed, 1 failed, 0 skipped' 1

program exits <<'END'
echo 1..1
echo 'ok 1 - suite: one'
exit 3
END
expect a_bad_exit_is_a_failure '1 passed, 1 failed, 0 skipped' 1
expect_said a_bad_exit_is_named_for_its_program test_exits

program crashes <<'END'
echo 1..2
echo 'ok 1 - suite: one'
echo 'last words' >&2
kill -SEGV $$
END
expect a_crash_is_one_failure '1 passed, 1 failed, 0 skipped' 1
expect_said a_crash_names_its_signal SIGSEGV
expect_said a_crash_shows_the_last_words 'last words'

program crashes_after_not_ok <<'END'
echo 1..3
echo 'not ok 1 - suite: one'
kill -KILL $$
END
expect a_crash_counts_beside_failures '0 passed, 2 failed, 0 skipped' 1

program short <<'END'
echo 1..3
echo 'ok 1 - suite: one'
END
expect a_short_plan_is_a_failure '1 passed, 1 failed, 0 skipped' 1

program long <<'END'
echo 1..1
echo 'ok 1 - suite: one'
echo 'ok 2 - suite: two'
END
expect more_than_planned_is_a_failure '2 passed, 1 failed, 0 skipped' 1

program planless <<'END'
echo 'ok 1 - suite: one'
END
expect no_plan_is_a_failure '1 passed, 1 failed, 0 skipped' 1

program silent <<'END'
exit 0
END
expect silence_is_a_failure '0 passed, 1 failed, 0 skipped' 1
expect_said silence_is_called_so 'printed no result'

program skips <<'END'
echo 'some talk'
echo 'needs a machine that this is not'
exit 77
END
expect status_77_is_one_skip '0 passed, 0 failed, 1 skipped' 0
expect_said its_reason_is_its_last_line 'skipped: needs a machine that this is not'

program skips_by_plan <<'END'
echo '1..0 # SKIP nothing to do'
END
expect an_empty_plan_is_one_skip '0 passed, 0 failed, 1 skipped' 0
expect_said its_reason_is_the_plans 'skipped: nothing to do'

program passes_and_skips <<'END'
echo 1..1
echo 'ok 1 - suite: one'
exit 77
END
expect status_77_is_for_programs_without_results '1 passed, 1 failed, 0 skipped' 1

# The sleeper is of a process group of its own (timeout sees to that), as check's tests are: it has
# to be found all the same.
program hangs <<END
echo 1..2
echo 'ok 1 - suite: one'
timeout 1000 sleep 1000 &
echo \$! >"$work/sleeper"
wait
END
expect a_timeout_is_one_failure '1 passed, 1 failed, 0 skipped' 1 --timeout 1
expect_said a_timeout_says_so 'timed out after 1 s'
expect_sleeper_ended a_timeout_leaves_no_process

# A background process holds the output open: the run must not wait for it.
program leaves_a_process <<END
sleep 1000 &
echo \$! >"$work/sleeper"
echo 1..1
echo 'ok 1 - suite: one'
END
expect a_left_process_holds_nothing_up '1 passed, 0 failed, 0 skipped' 0 --timeout 20
expect_sleeper_ended a_left_process_is_ended

program reads <<'END'
echo 1..1
read -r line && echo 'not ok 1 - suite: read something' || echo 'ok 1 - suite: one'
END
expect there_is_no_standard_input '1 passed, 0 failed, 0 skipped' 0

# It passes from the second time on.
program fails_once <<END
echo 1..1
[ -e "$work/tried" ] && echo 'ok 1 - suite: one' || echo 'not ok 1 - suite: one'
: >"$work/tried"
END
expect what_fails_once_has_failed '0 passed, 1 failed, 0 skipped' 1
rm -f "$work/tried"
program fails_once <<END
echo 1..1
[ -e "$work/tried" ] && echo 'ok 1 - suite: one' || echo 'not ok 1 - suite: one'
: >"$work/tried"
END
expect what_fails_once_may_run_again '1 passed, 0 failed, 0 skipped' 0 --again 1
expect_said a_second_try_is_said 'again made_up/test_fails_once, because it failed'
program fails <<'END'
echo 1..1
echo 'not ok 1 - suite: one'
END
expect what_fails_twice_has_failed '0 passed, 1 failed, 0 skipped' 1 --again 1

# meets SELF OTHER: fails if the other is there at the same time; gives it a minute to come.
meets() {
	cat <<END
echo 1..1
echo "the log of $1"
: >"$work/$1.came"
left=600
until [ -e "$work/$2.came" ] || [ "\$left" -eq 0 ]; do
	left=\$((left - 1))
	sleep 0.1
done
echo "more of $1"
[ -e "$work/$2.came" ] && echo "not ok 1 - suite: met" || echo "ok 1 - suite: alone"
END
}
meets a b | program a_meets
meets b a | program b_meets
echo 'echo 1..1; echo ok 1 - suite: one' | program c_passes
expect programs_run_side_by_side '1 passed, 2 failed, 0 skipped' 1 --jobs 2
expect_printed output_is_in_order_and_not_mixed <<'END'
FAIL  made_up/test_a_meets             0 passed, 1 failed, 0 skipped
      failed: suite: met
          the log of a
          more of a
FAIL  made_up/test_b_meets             0 passed, 1 failed, 0 skipped
      failed: suite: met
          the log of b
          more of b
ok    made_up/test_c_passes            1 passed, 0 failed, 0 skipped
1 passed, 2 failed, 0 skipped
END

# lonely NAME...: programs that fail if another of them runs. Were they to run at the same time, a
# third of a second would show it nearly always; that they do not never fails.
lonely() {
	for name in "$@"; do
		program "$name" <<END
echo 1..1
mkdir "$work/lonely" && echo 'ok 1 - suite: one' || echo 'not ok 1 - suite: one'
sleep 0.3
rmdir "$work/lonely"
END
	done
}
lonely a b c d
expect one_job_is_one_at_a_time '4 passed, 0 failed, 0 skipped' 0 --jobs 1

lonely a b c d
echo 'echo 1..1; echo ok 1 - suite: one' | program e_shares
printf '# comment\nmade_up\ttest_[a-c]\twhy\nmade_up\ttest_d\twhy\nother\t*\twhy\n' >"$alone"
expect those_of_the_list_run_alone '5 passed, 0 failed, 0 skipped' 0 --jobs 4
expect_printed those_of_the_list_come_last <<'END'
ok    made_up/test_e_shares            1 passed, 0 failed, 0 skipped
ok    made_up/test_a                   1 passed, 0 failed, 0 skipped
ok    made_up/test_b                   1 passed, 0 failed, 0 skipped
ok    made_up/test_c                   1 passed, 0 failed, 0 skipped
ok    made_up/test_d                   1 passed, 0 failed, 0 skipped
5 passed, 0 failed, 0 skipped
END
: >"$alone"

# What fails beside others has its second try after all of them.
rm -f "$work/tried"
program a_fails_once <<END
echo 1..1
[ -e "$work/tried" ] && echo 'ok 1 - suite: one' || echo 'not ok 1 - suite: one'
: >"$work/tried"
END
echo 'echo 1..1; echo ok 1 - suite: one' | program b_passes
expect second_tries_count_as_ever '2 passed, 0 failed, 0 skipped' 0 --again 1 --jobs 2
expect_printed a_second_try_comes_last <<'END'
FAIL  made_up/test_a_fails_once        0 passed, 1 failed, 0 skipped
      failed: suite: one
ok    made_up/test_b_passes            1 passed, 0 failed, 0 skipped
again made_up/test_a_fails_once, because it failed
ok    made_up/test_a_fails_once        1 passed, 0 failed, 0 skipped
2 passed, 0 failed, 0 skipped
END

# A signal ends the programs that run; those that wait for their turn do not get it.
for name in a b c d; do
	program "$name" <<END
echo \$\$ >>"$work/started"
sleep 1000
END
done
: >"$work/started"
"$source_dir/tests/run" --build "$work" --alone "$alone" --jobs 2 made_up >"$work/out" 2>&1 &
runner=$!
left=600
until [ "$(wc -l <"$work/started")" -ge 2 ] || [ "$left" -eq 0 ]; do
	left=$((left - 1))
	sleep 0.1
done
kill -TERM "$runner"
wait "$runner"
status=$?
number=$((number + 1))
living=$(while read -r pid; do
	[ ! -d "/proc/$pid" ] || grep -q '^State:.*Z' "/proc/$pid/status" || echo "$pid"
done <"$work/started")
if [ "$status" -eq 143 ] && [ "$(wc -l <"$work/started")" -eq 2 ] && [ -z "$living" ]; then
	echo "ok $number - run: a_signal_ends_all_that_run"
else
	echo "not ok $number - run: a_signal_ends_all_that_run"
	echo "# status $status, started $(wc -l <"$work/started"), living: $living"
fi
rm -rf "$work/tests"

program environment <<'END'
echo 1..1
[ -d "$SG_SOURCE" ] && [ -d "$SG_BUILD" ] && [ -n "$SG_TOOLS" ] && [ -z "${SG_FULL+x}" ] &&
	echo 'ok 1 - suite: one' || echo 'not ok 1 - suite: one'
END
expect programs_know_where_they_are '1 passed, 0 failed, 0 skipped' 0

program full <<'END'
echo 1..1
[ "$SG_FULL" = 1 ] && echo 'ok 1 - suite: one' || echo 'not ok 1 - suite: one'
END
expect full_is_passed_on '1 passed, 0 failed, 0 skipped' 0 --full

echo 'echo 1..1; echo ok 1 - suite: one' | program good
echo 'echo 1..1; echo not ok 1 - suite: one' | program bad
number=$((number + 1))
if "$source_dir/tests/run" --build "$work" 'made_up/test_g*' >"$work/out" &&
	! "$source_dir/tests/run" --build "$work" 'made_up/test_none' >"$work/out"; then
	echo "ok $number - run: some_of_a_ring_can_be_asked_for"
else
	echo "not ok $number - run: some_of_a_ring_can_be_asked_for"
	sed 's/^/#   /' "$work/out"
fi
rm -rf "$work/tests"

expect an_empty_ring_is_a_failure '0 passed, 1 failed, 0 skipped' 1
expect a_ring_can_be_skipped '0 passed, 0 failed, 1 skipped' 0 --skip 'the kernel is old'
expect_said a_skipped_ring_prints_the_reason 'skipped: the kernel is old'
expect a_ring_can_be_failed '0 passed, 1 failed, 0 skipped' 1 --fail 'the build failed'

number=$((number + 1))
"$source_dir/tests/run" --build "$work" --totals "$work/totals" --skip x one >/dev/null 2>&1
"$source_dir/tests/run" --build "$work" --totals "$work/totals" --fail x two >/dev/null 2>&1
if [ "$(tr '\n' ';' <"$work/totals")" = '0 0 1;0 1 0;' ]; then
	echo "ok $number - run: totals_of_several_runs_gather_in_a_file"
else
	echo "not ok $number - run: totals_of_several_runs_gather_in_a_file"
	sed 's/^/# /' "$work/totals"
fi

echo "1..$number"
