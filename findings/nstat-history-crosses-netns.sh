#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nstat subtracts one network namespace's counters from another's.
#
# Versions:  iproute2 6.1.0-3, Linux 6.18.
# Guess:     nstat shows the increments since its last run in the same namespace,
#            as the counters belong to the namespace.
# Seen:      There is one history file per user and host (in /tmp, or where
#            NSTAT_HISTORY says) for all namespaces. nstat takes whichever
#            namespace wrote it last as the base. Cookies really sent before each
#            run, and what nstat says of SyncookiesSent:
#              first:   5 sent, says 5
#              second:  9 sent, says 4                (9 less the first's 5)
#              first:   3 more, says 0 (overflow)     (8 is below 9)
#              first:   4 more, says 4                (the same one twice in a row)
#            The manual page does not speak of namespaces, nor of the file.
# Why it matters: whoever watches a fleet of containers for SYN floods with nstat
#            from the host reads too little or nothing just when two of them are
#            hit. The wrong numbers look plausible. Give each namespace its own
#            NSTAT_HISTORY, or use -as, or read /proc/net/netstat.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${ip_packages[@]}"
need_tool ip nstat
two_hosts
told_kernel

cat >"$work/cookies.py" <<'P'
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
for _ in range(int(sys.argv[1])):
    peer = socket.create_connection(listener.getsockname(), timeout=5)
    listener.accept()[0].close()
    peer.close()
P
for n in "$srv" "$cli"; do put "$n" net.ipv4.tcp_syncookies=2; done
# make NS COUNT: COUNT cookies in NS. says NS: nstat's increment there.
make() { on "$1" "$python" "$work/cookies.py" "$2" || skip "no connection over loopback"; }
says() { on "$1" nstat -z TcpExtSyncookiesSent 2>/dev/null | awk '/Syncookies/ { print $2 $4 }'; }
run() {
	export NSTAT_HISTORY=$work/$1.a
	make "$srv" 5; a1=$(says "$srv")
	NSTAT_HISTORY=$work/$1.$2
	make "$cli" 9; b1=$(says "$cli")
	NSTAT_HISTORY=$work/$1.a
	make "$srv" 3; a2=$(says "$srv")
	make "$srv" 4; a3=$(says "$srv")
	echo "$1 history: 5 sent says $a1; elsewhere 9 sent says $b1; 3 more says $a2; 4 more says $a3"
}
run one a
got="$a1 $b1 $a2 $a3"
# The same steps again, in fresh namespaces and with a file for each.
for n in "${spaces[@]}"; do ip netns del "$n"; done
spaces=()
two_hosts
for n in "$srv" "$cli"; do put "$n" net.ipv4.tcp_syncookies=2; done
run own b
[ "$a1 $b1 $a2 $a3" = "5 9 3 4" ] || skip "nstat does not count with a history of its own either"
[ "$got" = "5 9 3 4" ] && gone "nstat keeps the namespaces apart"
case $got in
"5 4 0"*) seen "9 cookies read as 4, and 3 cookies as none" ;;
*) gone "nstat says $got" ;;
esac
