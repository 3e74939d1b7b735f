#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests quickstart's manners: what it asks for on which machine, and what it leaves alone. The
# machine is made up: the programs that quickstart calls are stand-ins that note how they were
# called, kernels are files of names as BTF has them, the user is whoever the test says. That the
# real packages suffice is prove-install's part, and that it judges real kernels test_kernels.sh's.

# The conditions that holds() evaluates are quoted on purpose:
# shellcheck disable=SC2016

set -u

source_dir=${SG_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
number=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checkout=$work/checkout
calls=$work/calls
bin=$work/bin
export calls checkout

# ---- the machine

# stand_in NAME: a program that notes its call, made of the shell script on stdin.
stand_in() {
	{
		echo '#!/bin/sh'
		echo 'echo "${0##*/} $*" >>"$calls"'
		cat
	} >"$bin/$1"
	chmod +x "$bin/$1"
}

# kernel NAME...: BTF with these names.
kernel() {
	{
		printf '\237\353\001\000header\000'
		[ $# -eq 0 ] || printf '%s\0' "$@"
		printf 'last\000'
	} >"$work/btf"
}

# machine UID: everything is installed, the kernel has what it takes.
machine() {
	rm -rf "$checkout" "$bin" "$work/absent" "$work/result"
	mkdir -p "$checkout/tests" "$bin" "$work/absent"
	cp "$source_dir/quickstart" "$checkout/"
	cp "$source_dir/tests/tally" "$checkout/tests/"
	kernel tcx_link_attach bpf_sk_assign_tcp_reqsk

	printf '#!/bin/sh\necho %s\n' "$1" >"$bin/id"
	# The absent packages are files in a folder; a simple dpkg: installed or never heard of.
	cat >"$bin/dpkg-query" <<-END
		#!/bin/sh
		for package; do :; done
		[ -e "$work/absent/\$package" ] || echo installed
	END
	printf '#!/bin/sh\necho amd64\n' >"$bin/dpkg"
	printf '#!/bin/sh\necho "  Candidate: 1.0"\n' >"$bin/apt-cache"
	chmod +x "$bin/id" "$bin/dpkg-query" "$bin/dpkg" "$bin/apt-cache"
	stand_in apt-get </dev/null
	stand_in sudo <<-'END'
		"$@"
	END
	# Every ring has one program, which passes or does what $work/result says.
	cat >"$bin/log" <<-END
		#!/bin/sh
		while [ "\$1" != --suite ]; do shift; done
		for word; do
			[ "\$word" != --suite ] || continue
			cat "$work/result" 2>/dev/null || printf '{"name": "%s / a", "result": "OK", %s}\n' \
				"\$word" '"returncode": 0, "stdout": "1..1\\nok 1 - s: t"'
		done
	END
	chmod +x "$bin/log"
	stand_in meson <<-'END'
		if [ "$1" = test ]; then
			mkdir -p "$3/meson-logs"
			log "$@" >"$3/meson-logs/$5.json"
		elif [ "$2" != --reconfigure ]; then
			: >"$2/build.ninja"
		fi
	END
	stand_in ninja <<-'END'
		mkdir -p "$2/cli" "$2/meson-logs"
		printf '#!/bin/sh\necho "synguard $*" >>"$calls"; echo "the demo"; exit 5\n' \
			>"$2/cli/synguard"
		chmod +x "$2/cli/synguard"
	END
	for tool in nginx promtool prometheus busybox; do
		stand_in "$tool" </dev/null
	done
}

quickstart() {
	: >"$calls"
	SG_BTF=$work/btf PATH=$bin:$PATH CI='' "$checkout/quickstart" "$@" \
		>"$work/stdout" 2>"$work/stderr" </dev/null
	status=$?
}

# ---- TAP

# holds NAME CONDITION...: one test. Conditions are commands; the first that fails is shown, with
# the story.
holds() {
	name=$1
	shift
	number=$((number + 1))
	for condition in "$@"; do
		eval "$condition" && continue
		echo "not ok $number - quickstart: $name"
		echo "# does not hold: $condition"
		for part in calls stdout stderr; do
			sed "s/^/# $part: /" "$work/$part"
		done
		return
	done
	echo "ok $number - quickstart: $name"
}

exits() {
	[ "$status" -eq "$1" ]
}

told() {
	grep -qF -e "$1" "$work/stderr"
}

called() {
	grep -qxF -e "$1" "$calls"
}

# calls_of PROGRAM: how often.
calls_of() {
	grep -c "^$1 " "$calls"
}

untouched() {
	! [ -s "$calls" ] && ! [ -e "$checkout/build" ]
}

last_line_is() {
	[ "$(tail -n 1 "$work/stdout")" = "$1" ]
}

# ---- the command line

machine 0
for wrong in '' 'frobnicate' 'test nonesuch' 'test --nonesuch' 'test unit nonesuch'; do
	# shellcheck disable=SC2086 # words
	quickstart $wrong
	holds "usage_$(echo "${wrong:-nothing}" | tr -cs '[:alnum:]\n' _)_is_refused" \
		'exits 2' 'told usage:' untouched
done
quickstart --help
holds help_goes_to_stdout 'exits 0' 'grep -q usage: "$work/stdout"' untouched
quickstart test --help
holds help_of_test_goes_to_stdout 'exits 0' 'grep -q usage: "$work/stdout"' untouched

# ---- the kernel

machine 0
rm "$work/btf"
quickstart demo
holds demo_refuses_a_kernel_without_btf 'exits 1' 'told CONFIG_DEBUG_INFO_BTF' \
	'told "apt-get install linux-image-6.12-amd64"' untouched
kernel tcx_link_attach
quickstart demo
holds demo_refuses_a_kernel_without_the_kfunc 'exits 1' 'told bpf_sk_assign_tcp_reqsk' \
	'! told tcx' 'told linux-image-6.12-amd64' untouched
kernel
touch "$work/absent/meson"
quickstart demo
holds demo_names_all_that_is_missing 'exits 1' 'told bpf_sk_assign_tcp_reqsk' 'told tcx' untouched
kernel tcx_link_attach bpf_sk_assign_tcp_reqsk_too not_bpf_sk_assign_tcp_reqsk
quickstart demo
holds part_of_a_name_is_not_the_name 'exits 1' 'told bpf_sk_assign_tcp_reqsk' untouched

machine 0
kernel tcx_link_attach
quickstart test unit bpf netns
holds test_skips_what_the_kernel_cannot_do 'exits 0' \
	'last_line_is "2 passed, 0 failed, 2 skipped"' \
	'grep -q "^skipped bpf: .*the kernel lacks the kfunc bpf_sk_assign_tcp_reqsk" "$work/stdout"'

# ---- packages and privileges

machine 0
quickstart demo --json
holds root_with_everything_needs_neither_apt_nor_sudo '[ "$(calls_of apt-get)" -eq 0 ]' \
	'[ "$(calls_of sudo)" -eq 0 ]' 'called "synguard demo --json"'
holds the_demos_words_and_status_are_passed_on 'exits 5' '[ "$(cat "$work/stdout")" = "the demo" ]'
holds the_first_run_configures '[ "$(calls_of meson)" -eq 1 ]'
quickstart demo
holds the_second_run_does_not '[ "$(calls_of meson)" -eq 0 ]' '[ "$(calls_of ninja)" -eq 1 ]'

machine 0
touch "$work/absent/libmnl-dev" "$work/absent/check"
quickstart demo
holds only_what_is_missing_is_installed '[ "$(calls_of apt-get)" -eq 2 ]' \
	'grep -q "^apt-get .* update$" "$calls"' \
	'grep -q "^apt-get .* install --yes --no-install-recommends libmnl-dev check$" "$calls"'

machine 0
quickstart demo
touch "$work/absent/check"
quickstart demo
holds what_was_installed_is_looked_for_again 'grep -q "^meson setup --reconfigure " "$calls"'

machine 1000
quickstart demo
holds a_user_with_everything_needs_sudo_for_the_demo_alone '[ "$(calls_of sudo)" -eq 1 ]' \
	'called "sudo $checkout/build/cli/synguard demo"'

machine 1000
touch "$work/absent/curl"
quickstart test unit netns
holds a_ring_brings_its_packages 'grep -q "^sudo .*apt-get.* install .* curl$" "$calls"'
holds sudo_is_for_apt_and_the_root_rings '[ "$(calls_of sudo)" -eq 3 ]' \
	'[ "$(grep "^sudo " "$calls" | grep -c apt-get)" -eq 2 ]' \
	'[ "$(grep "^sudo " "$calls" | grep -c " meson test .* netns$")" -eq 1 ]'
machine 1000
touch "$work/absent/curl"
quickstart test unit
holds other_rings_packages_are_left_out 'exits 0' '[ "$(calls_of sudo)" -eq 0 ]' \
	'[ "$(calls_of apt-get)" -eq 0 ]'

machine 0
touch "$work/absent/clang-19"
printf '#!/bin/sh\necho "  Candidate: (none)"\n' >"$bin/apt-cache"
quickstart test bpf
holds an_optional_package_that_debian_lacks_is_left_out 'exits 0' '[ "$(calls_of apt-get)" -eq 0 ]'

machine 0
touch "$work/absent/qemu-system-x86"
stand_in apt-get <<-'END'
	echo 'no network' >&2
	exit 100
END
quickstart test vm
holds what_boots_a_kernel_may_fail_to_come 'told "no network"' \
	'told "going on without qemu-system-x86"' '[ "$(calls_of ninja)" -eq 1 ]'
quickstart test --full vm
holds the_long_form_insists_on_it 'exits 1' '[ "$(calls_of ninja)" -eq 0 ]'

machine 0
touch "$work/absent/meson"
stand_in apt-get <<-'END'
	echo 'no such package' >&2
	exit 100
END
quickstart demo
holds a_failed_install_ends_it 'exits 1' 'told "no such package"' '[ "$(calls_of meson)" -eq 0 ]'

# ---- building and counting

machine 0
quickstart test unit
holds the_count_is_the_last_line 'exits 0' 'last_line_is "2 passed, 0 failed, 0 skipped"'
holds unit_is_run_with_sanitizers_too 'grep -q "^meson test -C $checkout/build-asan " "$calls"' \
	'grep -q "^meson setup $checkout/build-asan .*-Db_sanitize=address,undefined" "$calls"'

machine 0
quickstart test bpf
holds short_forms_by_default '! grep -q -e "--setup" "$calls"'
quickstart test --full bpf
holds full_is_passed_on 'grep -q "^meson test .* --setup full --num-processes 1 .*--suite bpf" "$calls"'

machine 0
quickstart test bpf netns
holds root_builds_nothing 'grep -q "^meson test .* --no-rebuild .*--suite bpf --suite netns" "$calls"'

machine 0
: >"$calls"
SG_BTF=$work/btf PATH=$bin:$PATH CI=true "$checkout/quickstart" test unit >/dev/null 2>&1 </dev/null
holds warnings_are_errors_in_ci '[ "$(grep -c "^meson setup .*--werror" "$calls")" -eq 2 ]'

machine 0
stand_in ninja <<-'END'
	echo 'x.c:1: error: it does not compile'
	exit 1
END
quickstart test unit
holds a_failed_build_is_shown_and_counted 'exits 1' 'told "it does not compile"' \
	'last_line_is "0 passed, 1 failed, 0 skipped"'
quickstart demo
holds a_failed_build_ends_the_demo 'exits 1' 'told "it does not compile"' \
	'[ "$(calls_of synguard)" -eq 0 ]'

machine 1000
stand_in sudo <<-'END'
	echo 'not in the sudoers file' >&2
	exit 1
END
quickstart test unit bpf
holds a_ring_that_sudo_refused_is_failed 'exits 1' 'last_line_is "2 passed, 1 failed, 0 skipped"'

machine 0
printf '{"name": "bpf / b", "result": "FAIL", "returncode": 1, "stdout": "1..1\\nnot ok 1 - s: t"}\n' \
	>"$work/result"
quickstart test bpf
holds a_failed_test_fails_the_run 'exits 1' 'grep -q "^failed .*s: t" "$work/stdout"' \
	'last_line_is "0 passed, 1 failed, 0 skipped"'

machine 0
stand_in log <<-'END'
	exit 1
END
quickstart test unit
holds a_ring_without_a_log_is_failed 'exits 1' 'last_line_is "0 passed, 2 failed, 0 skipped"'

echo "1..$number"
