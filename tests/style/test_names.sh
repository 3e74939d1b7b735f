#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing in the tree names a machine, a person or a place that a reader cannot go to, and nothing
# is left for later without an issue.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

# found EXPRESSION: where it stands. The expressions of this file are written so that they do not
# match themselves.
found() {
	tracked | grep -Ev '^LICENSES/' | tr '\n' '\0' | xargs -0 grep -nIE -e "$1" -- | cut -c 1-160
}

# Addresses of nobody (RFC 2606), and instances of units, which look alike.
addresses() {
	found '[A-Za-z0-9._+-]+@[A-Za-z0-9-]+\.[a-z]' |
		grep -vE '@[A-Za-z0-9-]+\.(service|socket|target|timer|example|invalid|test)\b'
}

# The newcomer lives in a root that a test makes.
paths() {
	found '(^|[^A-Za-z0-9_.}])/(work|home|Users|root)/[A-Za-z]' | grep -v '/home/newcomer\>'
}

report no_paths_of_a_machine "$(paths)"
report no_mail_addresses "$(addresses)"
report no_notes_to_self "$(found '\<(TOD[O]|FIXM[E]|XX[X]|HAC[K])\>')"
report no_documents_from_elsewhere "$(found '(\.\./shared|shared/[a-z]+\.md|\<(desig[n]|reac[h])\.md)')"
done_testing
