#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# docs/traps.md, the list of what is known to go wrong, is true about the tests: each one that it names
# exists. The columns of its tables:
#
#	id        H5, F3, C1, S9, FW2: handshake, frames, control loop, service, field; each once
#	what      what must hold
#	tests     START_TEST(name), or the name of a shell test's file or result; several are
#	          separated by ", "; or "none: " and the reason
#	mutation  the change of the code that made the test fail; "-" where there is no test

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

table=docs/traps.md
tab=$(printf '\t')

# Cells without the blanks around them, separated by tabs.
rows() {
	[ ! -f "$table" ] || sed -n 's/^| \([A-Z][A-Z]*[0-9][0-9]* | .*\) |$/\1/p' "$table" | sed "s/ | /$tab/g"
}

absent() {
	[ -f "$table" ] || echo "$table is missing"
	[ "$(rows | wc -l)" -gt 0 ] || echo "$table has no row"
}

malformed() {
	rows | awk -F '\t' '
		NF != 4 { print $1 ": " NF " columns, not 4"; next }
		$1 !~ /^([HFCS]|FW)[1-9][0-9]*$/ { print "number \"" $1 "\"" }
		seen[$1]++ { print $1 ": twice" }
		length($2) < 20 { print $1 ": does not say what must hold" }
		$3 == "" || $3 ~ /^none(: *)?$/ { print $1 ": neither a test nor a reason" }
		$3 !~ /^none: / && length($4) < 5 { print $1 ": no mutation" }'
}

# All the names of tests, a line each.
names() {
	tracked 'tests/*.c' | tr '\n' '\0' | xargs -0 sed -n 's/.*START_TEST(\([a-z0-9_]*\)).*/\1/p'
	# of a shell test the file, and every word of its lines that are not comments
	tracked 'tests/*.sh' | sed 's|.*/||; p; s|\.sh$||'
	tracked 'tests/*.sh' | tr '\n' '\0' | xargs -0 grep -hv '^[ 	]*#' | grep -oE '[a-z0-9]+(_[a-z0-9]+)+'
}

unknown() {
	known=$(mktemp)
	names | sort -u >"$known"
	rows | cut -f 1,3 | grep -v "${tab}none: " | while IFS="$tab" read -r trap_number tests; do
		echo "$tests" | tr ',' '\n' | sed 's/^ *//; s/ *$//' | while IFS= read -r name; do
			grep -qxF -e "$name" "$known" || echo "$trap_number: no test \"$name\""
		done
	done
	rm -f "$known"
}

report the_table_is_there "$(absent)"
report rows_are_whole "$(malformed)"
report tests_of_the_table_exist "$(unknown)"
done_testing
