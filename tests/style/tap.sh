# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For the tests of this folder, which source it: a test is a list of complaints, and passes when the
# list is empty. What is looked at are the files that git knows, as they stand in the work tree.

source_dir=${SG_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
suite=$(basename "$0" .sh)
number=0
cd "$source_dir" || exit 1

# tracked [PATHSPEC...]: the files, a line each; without symbolic links and what has been deleted.
tracked() {
	git ls-files -- "$@" | while IFS= read -r file; do
		if [ -f "$file" ] && ! [ -L "$file" ]; then
			printf '%s\n' "$file"
		fi
	done
}

# report NAME COMPLAINTS: one result.
report() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $suite: $1"
		return
	fi
	echo "not ok $number - $suite: $1"
	printf '%s\n' "$2" | sed 's/^/# /'
}

skip() {
	number=$((number + 1))
	echo "ok $number - $suite: $1 # SKIP $2"
}

# Ends the program. No file at all must not look like no complaint.
done_testing() {
	echo "1..$number"
	exit 0
}

if [ -z "$(tracked meson.build)" ]; then
	echo "1..0 # SKIP not a git checkout, or git refuses to read it"
	exit 0
fi
