#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every file says its licence in its first lines, one of ours, and the licence's text is there.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

# The licences' own texts, and formats that have no comments.
licensable() {
	tracked | grep -Ev '^LICENSES/|\.(json|png|tsv\.gz)$|(^|/)debian/(changelog|compat|source/format)$'
}

licence_of() {
	sed -n '1,5s/.*SPDX-License-Identifier: *\([A-Za-z0-9.+() -]*[A-Za-z0-9.+)]\).*/\1/p' "$1" | head -n 1
}

missing() {
	licensable | while IFS= read -r file; do
		[ -n "$(licence_of "$file")" ] || echo "$file: no SPDX line in its first five"
	done
}

# What is loaded into the kernel is dual, so that others may take it; the rest is GPL-2.0-or-later.
unexpected() {
	licensable | while IFS= read -r file; do
		licence=$(licence_of "$file")
		case $file in
		*.bpf.c | *.bpf.h | bpf/*.h | include/synguard/abi.h | include/synguard/verdict.h | *_abi.h)
			wanted='GPL-2.0-only OR BSD-2-Clause'
			;;
		*)
			wanted=GPL-2.0-or-later
			;;
		esac
		[ -z "$licence" ] || [ "$licence" = "$wanted" ] || echo "$file: $licence, not $wanted"
	done
}

texts_missing() {
	for licence in GPL-2.0-only GPL-2.0-or-later BSD-2-Clause; do
		[ -s "LICENSES/$licence.txt" ] || echo "LICENSES/$licence.txt is missing"
	done
}

# A header's second line begins the comment that says what it is for.
headers_without_comment() {
	tracked '*.h' | while IFS= read -r file; do
		case $(sed -n 2p "$file") in
		/\**) ;;
		*) echo "$file: no opening comment" ;;
		esac
	done
}

report every_file_names_its_licence "$(missing)"
report licences_are_the_expected_ones "$(unexpected)"
report licence_texts_are_there "$(texts_missing)"
report headers_say_what_they_are "$(headers_without_comment)"
done_testing
