#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/alone.tsv, the list of the programs that tests/run lets nothing run beside, is true: each
# pattern in it is one of a program that exists. Its columns, separated by tabs: the ring, a pattern
# of shell wildcards, why.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

table=tests/alone.tsv

rows() {
	[ ! -f "$table" ] || grep -v '^#' "$table"
}

malformed() {
	rows | awk -F '\t' 'NF != 3 || length($3) < 5 { print "line \"" $0 "\"" }'
}

unknown() {
	rows | while IFS="$(printf '\t')" read -r ring pattern _; do
		[ -n "$(tracked "tests/$ring/$pattern.c" "tests/$ring/$pattern.sh")" ] ||
			echo "no program tests/$ring/$pattern"
	done
}

report rows_are_whole "$(malformed)"
report programs_of_the_table_exist "$(unknown)"
done_testing
