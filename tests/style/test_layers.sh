#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who may include whom:
#
#	bpf/ --> include/ <-- daemon/        tests/ may include anything
#
# daemon/base and daemon/net are libraries: cli/ and tests/lab/ use them, too.
#
# Inside daemon/, cli/ and bpf/ a folder includes itself and the folders before it in its list. Each
# outside library is known to the folders that stand for it and to no other. Files that include each
# other in a circle are one module in several files, and there are none.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

# For daemon/ and cli/ the lists by which meson builds them, a static library a folder.
folders_of() {
	sed -n "s/^  '\([a-z]*\)': *\[\{0,1\}files($/\1/p" "$1/meson.build"
}
daemon_folders=$(folders_of daemon)
cli_folders=$(folders_of cli)
bpf_folders='net cookie state path'

# Lines "FILE INCLUDED": <bpf/bpf.h> as it stands, a header of ours as its path. What is no file (a
# skeleton, which the build makes) stays a name.
includes() {
	tracked 'bpf/*.[ch]' 'include/*.h' 'daemon/*.[ch]' 'cli/*.[ch]' 'tests/lab/*.[ch]' |
		tr '\n' '\0' | xargs -0 grep -H '^[ 	]*#[ 	]*include' |
		sed -n 's/^\([^:]*\):[^"<]*\(["<][^">]*[">]\).*/\1 \2/p' |
		sed 's|"synguard/\([^"]*\)"|include/synguard/\1|; s|"\([^"]*\)"|\1|'
}

graph=$(mktemp)
trap 'rm -f "$graph"' EXIT
includes >"$graph"

# never FILES INCLUDED: lines of the graph where a file matching the first expression includes what
# matches the second.
never() {
	awk -v files="^($1)\$" -v included="^($2)\$" '
		$1 ~ files && $2 ~ included { print $1 " includes " $2 }' "$graph"
}

# only INCLUDED FILES: what matches the first expression is for files matching the second.
only() {
	awk -v included="^($1)\$" -v files="^($2)\$" '
		$2 ~ included && $1 !~ files { print $1 " includes " $2 }' "$graph"
}

# downwards TOP FOLDER...: includes from a folder to one that comes after it, and of a folder that
# is not in the list.
downwards() {
	top=$1
	shift
	awk -v top="$top" -v list="$*" '
		BEGIN { count = split(list, names, " "); for (i = 1; i <= count; i++) place[names[i]] = i }
		function of(path,  part) {
			return split(path, part, "/") == 3 && part[1] == top ? part[2] : ""
		}
		{ from = of($1); to = of($2) }
		from != "" && !(from in place) { print $1 ": folder " from " is in no list" }
		from in place && to in place && place[to] > place[from] { print $1 " includes " $2 }' "$graph"
}

# Modules (x.c and x.h) that include each other. tsort names the members of each loop.
circles() {
	awk '$2 !~ /</ { sub(/(\.bpf)?\.[ch]$/, "", $1); sub(/(\.bpf)?\.[ch]$/, "", $2)
		if ($1 != $2) print $1, $2 }' "$graph" | tsort 2>&1 >/dev/null |
		sed -n 's/^tsort: \([a-z].*\)/\1/p' | grep -v 'contains a loop' | sort -u
}

# Headers of ours that are named in another way than from the top of the tree.
named_from_elsewhere() {
	awk '$2 !~ /^(<|include\/|bpf\/|daemon\/|cli\/|tests\/)/ && $2 !~ /\.skel\.h$/ {
		print $1 " includes " $2 }' "$graph"
	awk '$2 ~ /^(include|bpf|daemon|cli|tests)\// { print $2 }' "$graph" | sort -u |
		while IFS= read -r file; do
			[ -f "$file" ] || echo "$file is included and is no file"
		done
}

no_libraries=$(echo "$daemon_folders" | grep -vxE 'base|net' | paste -sd '|')

# How many the rules are about: a graph that lost its edges would satisfy all of them.
seen=$(wc -l <"$graph")
[ "$seen" -gt 100 ] || report the_graph_has_edges "only $seen includes were found"
[ "$(echo "$daemon_folders" "$cli_folders" | wc -w)" -gt 12 ] ||
	report the_folders_are_listed "no folders in daemon/meson.build or cli/meson.build"

report headers_are_named_from_the_top "$(named_from_elsewhere)"
report bpf_includes_bpf_and_include "$(
	never 'bpf/.*' '(daemon|cli|tests)/.*'
	never 'bpf/.*' '<(systemd|libmnl|jansson|bpf/libbpf|bpf/bpf\.h).*'
)"
report include_includes_nothing_else "$(
	never 'include/.*' '(bpf|daemon|cli|tests)/.*'
	never 'include/.*' '<(bpf|systemd|libmnl|jansson).*'
)"
report cli_and_daemon_share_libraries_only "$(
	never '(cli|tests/lab)/.*' "daemon/(($no_libraries)/.*|[^/]*)"
	never 'cli/.*' '(bpf|tests)/.*'
	never 'daemon/.*' '(cli|bpf|tests)/.*'
	never 'tests/lab/.*' '(bpf|cli)/.*'
)"
report host_compilable_headers_need_no_kernel "$(
	never 'bpf/(compat|net/.*|cookie/(cookie|reply))\.h' '.*\.bpf\.h'
	never 'bpf/(net/.*|cookie/(cookie|reply))\.h' '<.*'
)"
# shellcheck disable=SC2086 # lists
report folders_include_downwards "$(
	downwards daemon $daemon_folders
	downwards cli $cli_folders exporter
	downwards bpf $bpf_folders
	never 'daemon/[a-z]+/.*' 'daemon/[^/]*'
	never 'cli/[a-z]+/.*' 'cli/[^/]*'
	never 'cli/(base|print|verbs)/.*' 'cli/exporter/.*'
)"
report no_circles "$(circles)"
report pure_folders_ask_nobody "$(
	never 'daemon/judge/.*' '<(bpf|systemd|libmnl|jansson|sys|linux/(inet_diag|rtnetlink))[/.].*'
	never 'cli/print/.*' 'cli/base/(client|args)\.h'
)"
report libraries_have_their_folders "$(
	only '<bpf/(bpf|btf|libbpf)\.h>|.*\.skel\.h' 'daemon/dataplane/.*|tests/lab/.*'
	only '<libmnl/.*' 'daemon/net/.*|tests/lab/.*'
	only '<systemd/sd-bus.*' 'daemon/bus/.*|cli/base/client\.c|cli/exporter/http\.c'
	only '<linux/(inet_diag|sock_diag)\.h>' 'daemon/net/sockdiag\.[ch]'
	only '<microhttpd.*' 'cli/exporter/http\.c'
)"
report journal_has_one_writer "$(only 'daemon/report/journal\.h' 'daemon/(report/journal|manager/emit)\.c')"
done_testing
