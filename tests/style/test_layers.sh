#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who may include whom:
#
#	bpf/ --> include/ <-- daemon/        cli/ --> include/       tests/ may include anything
#	daemon: main -> manager -> doors -> core -> include/
#
# A door to the outside (dataplane, sockdiag, links, sysctl, journal, bus, instance) knows one
# library and no other door; the core (what $core below names) knows none of either. A door of
# several files is x.c and x_y.c. What is told goes through tell.c, which knows the journal and the
# bus.

# shellcheck source=tests/style/tap.sh
. "$(dirname "$0")/tap.sh"

# Lines "FILE INCLUDED": <bpf/bpf.h> as it stands, "x.h" as the path of the file that it is. A name
# that is no file of ours (a skeleton, which the build makes) stays a name.
includes() {
	tracked 'bpf/*.[ch]' 'include/*.h' 'daemon/*.[ch]' 'cli/*.[ch]' | while IFS= read -r file; do
		sed -n 's/^[ \t]*#[ \t]*include[ \t]*\(["<][^">]*[">]\).*/\1/p' "$file" |
			while IFS= read -r name; do
				printf '%s %s\n' "$file" "$(resolved "$file" "$name")"
			done
	done
}

resolved() {
	case $2 in
	'<'*)
		printf '%s\n' "$2"
		return
		;;
	esac
	name=${2#\"}
	name=${name%\"}
	for folder in "$(dirname "$1")" include bpf daemon cli cli/lab .; do
		if [ -f "$folder/$name" ]; then
			realpath --relative-to=. "$folder/$name"
			return
		fi
	done
	printf '%s\n' "$name"
}

# never FILES INCLUDED: lines of the list on $graph where a file matching the first expression
# includes what matches the second.
never() {
	awk -v files="^($1)\$" -v included="^($2)\$" '
		$1 ~ files && $2 ~ included { print $1 " includes " $2 }' "$graph"
}

# only INCLUDED FILES: what matches the first expression is for files matching the second.
only() {
	awk -v included="^($1)\$" -v files="^($2)\$" '
		$2 ~ included && $1 !~ files { print $1 " includes " $2 }' "$graph"
}

graph=$(mktemp)
trap 'rm -f "$graph"' EXIT
includes >"$graph"

doors='store|ladder_journal|netstat|dataplane|sockdiag|links|sysctl|journal|bus|instance'
core='acks|addrtext|crowd|groups|detect|detect_service|trouble|defence|events|config|config_[a-z]+|portnames|ports_news|lists|lists_text|lists_request|settings|settings_[a-z]+|report|carry|ladder_plan|ladder_targets|mode|way|txwatch|rollout|timetext|complaint'
cli='main|client|metrics|arguments|forward|help|kernel_view|lookup|nearest|owners|screen|spared|start_hint|status|status_kernel|status_why|table|verbs|verb_.*|view|view_.*'

# How many the rules are about: a graph that lost its edges would satisfy all of them.
seen=$(wc -l <"$graph")
[ "$seen" -gt 100 ] || report the_graph_has_edges "only $seen includes were found"

report bpf_includes_bpf_and_include "$(
	never 'bpf/.*' '(daemon|cli|tests)/.*'
	never 'bpf/.*' '<(systemd|libmnl|jansson|bpf/libbpf|bpf/bpf\.h).*'
)"
report include_includes_nothing_else "$(
	never 'include/.*' '(bpf|daemon|cli|tests)/.*'
	never 'include/.*' '<(bpf|systemd|libmnl|jansson).*'
)"
report kernel_only_headers_stay_in_the_kernel "$(
	# the host compiles these: they must not need what only the kernel has
	never 'bpf/(compat|siphash|checksum|packet|options|cookie|reply)\.h' 'bpf/.*\.bpf\.h'
	never 'bpf/(siphash|checksum|packet|options|cookie|reply)\.h' '<.*'
)"
report doors_do_not_know_each_other "$(
	for door in $(echo "$doors" | tr '|' ' '); do
		others=$(echo "$doors" | tr '|' '\n' | grep -v "^$door\$" | paste -sd '|')
		never "daemon/$door(_[a-z]+)?\\.[ch]" "daemon/($others)(_[a-z]+)?\\.h"
	done
)"
report core_knows_no_door "$(
	never "daemon/($core)\\.[ch]" "daemon/(($doors)(_[a-z]+)?|manager|services|tell|log)\\.h"
	never "daemon/($core)\\.[ch]" '<(bpf|systemd|libmnl)/.*'
)"
report manager_is_on_top "$(
	only 'daemon/manager\.h' 'daemon/(main\.c|manager_internal\.h)'
	only 'daemon/manager_internal\.h' 'daemon/manager(_[a-z]+)?\.c'
)"
report events_are_told_in_one_place "$(
	only 'daemon/journal\.h' 'daemon/(journal|tell)\.c'
	only 'daemon/bus\.h' 'daemon/(bus.*|tell|manager.*)\.[ch]'
)"
report libbpf_has_one_door "$(
	only '<bpf/(bpf|btf|libbpf)\.h>|.*\.skel\.h' 'daemon/dataplane[a-z_]*\.[ch]|cli/lab/.*'
)"
report libinih_has_one_user "$(only '<ini\.h>' 'daemon/config_file\.c')"
report libmnl_has_two_doors "$(only '<libmnl/.*' 'daemon/(sockdiag|links(_[a-z]+)?)\.[ch]|cli/lab/.*')"
report the_bus_has_one_door_on_each_side "$(
	only '<systemd/sd-bus.*' 'daemon/bus(_[a-z]+)?\.[ch]|cli/client(_[a-z]+)?\.[ch]|cli/exporter/source\.[ch]'
	only '<systemd/sd-event.*' 'daemon/(main|manager(_[a-z]+)?|worker|ports|views|reap|bus(_[a-z]+)?|links)\.[ch]|cli/exporter/.*'
	only '<systemd/.*' 'daemon/.*|cli/client(_[a-z]+)?\.[ch]|cli/exporter/.*'
)"
report cli_and_daemon_share_include_only "$(
	never 'cli/.*' '(daemon|bpf)/.*'
	never 'daemon/.*' '(cli|bpf)/.*'
)"
report the_lab_serves_without_knowing_whom "$(
	never 'cli/lab/.*' 'cli/[^/]*'
	never "cli/($cli)\\.[ch]" 'cli/lab/.*'
)"
report what_the_cli_prints_asks_nobody "$(
	# main -> verbs -> client, kernel_view; what fills the screen is given what it prints
	never 'cli/(screen|table|nearest)\.[ch]' '(cli/(client|kernel_view|verbs|status)\.h|<jansson.*)'
	never 'cli/(status|view)[a-z_]*\.[ch]' 'cli/(client|verbs)\.h'
	never 'cli/(client(_[a-z]+)?|kernel_view)\.[ch]' 'cli/(verbs|status|table|screen)\.h'
)"
report sock_diag_has_one_door_on_each_side "$(
	only '<linux/(inet_diag|sock_diag)\.h>' 'daemon/sockdiag\.[ch]|cli/kernel_view\.[ch]|cli/lab/.*'
)"
report http_has_one_door "$(
	only '<microhttpd.*' 'cli/exporter/http\.[ch]'
	never 'cli/[^/]*' 'cli/exporter/.*'
)"
done_testing
