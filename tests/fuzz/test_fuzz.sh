#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs each fuzz target for a while, from seeds made anew: 10 seconds, or 10 minutes with
# SG_FULL=1. A failure shows libFuzzer's last words, with the input in base64.

set -u

source_dir=${SG_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
programs=${SG_BUILD:-$source_dir/build}/tests/fuzz
targets='fuzz_packet fuzz_reply fuzz_config'
seconds=10
[ "${SG_FULL:-}" != 1 ] || seconds=600

if ! [ -x "$programs/fuzz_packet" ] && [ -e "$programs/without_libfuzzer" ]; then
	echo "1..0 # SKIP libFuzzer (package libclang-rt-14-dev) was missing when the build was configured"
	exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/seeds"
if ! "$programs/fuzz_seeds" "$work/seeds"; then
	echo "not ok 1 - fuzz: seeds"
	echo "# is $programs built?"
	echo 1..1
	exit 1
fi

cp "$source_dir/tests/fuzz/config_seed.conf" "$work/seeds"

number=0
for target in $targets; do
	number=$((number + 1))
	mkdir "$work/$target"
	"$programs/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$work/" "$work/$target" "$work/seeds" \
		>"$work/log" 2>&1 </dev/null
	status=$?
	inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
	# a target that turns every input away at once would pass as well: the corpus has to grow
	found=$(find "$work/$target" -type f | wc -l)
	if [ "$status" -eq 0 ] && [ "${inputs:-0}" -gt 3000 ] && [ "$found" -gt 20 ]; then
		echo "ok $number - fuzz: $target"
		echo "# $inputs inputs in $seconds s, $found of them found something new"
	else
		echo "not ok $number - fuzz: $target"
		echo "# status $status, ${inputs:-0} inputs, $found new; the end of its output:"
		tail -n 40 "$work/log" | sed 's/^/# /'
	fi
done
echo "1..$number"
