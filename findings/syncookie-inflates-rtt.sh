#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A connection made through a SYN cookie reports a round trip up to 63 ms too long.
#
# Versions:  Linux 6.18, iproute2 6.1.0-3.
# Guess:     The server cannot know the round trip of a handshake it did not
#            remember, so TCP_INFO says 0 or, with timestamps, the true value.
# Seen:      A cookie keeps the client's options in the low six bits of the
#            timestamp in the SYN-ACK, and so that timestamp lies up to 63 ms
#            in the past. The kernel takes the echoed value for its first RTT
#            sample. On a veth pair whose true round trip is far below 1 ms the
#            server reads, over 30 connections, for tcpi_rtt and tcpi_min_rtt:
#              cookies off:  median below 0.1 ms
#              cookies on:   values spread from 0 to 63 ms, median about 30 ms
#            The client of the same connections measures below 0.1 ms. It sent
#            the SYN, and its sample is true. When the connections close, the
#            wrong value goes into the host's tcp_metrics cache for that client,
#            from where later connections take their first timeouts.
# Why it matters: while cookies run, an RTT histogram on the server grows a flat
#            block between 0 and 63 ms. It looks as if the flood hurt the path
#            or as if clients were far. Do not judge a client by tcpi_rtt or
#            tcpi_min_rtt, and start no pacing from it, before it sent data.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${ip_packages[@]}"
need_tool ip
two_hosts
told_kernel

cat >"$work/rtt.py" <<'P'
import pathlib, socket, struct, sys, time
N = 30
def rtt(sock):                       # tcpi_rtt and tcpi_min_rtt in microseconds
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("I", info, 68)[0], struct.unpack_from("I", info, 148)[0]
got = []
if sys.argv[1] == "server":
    listener = socket.create_server(("198.18.0.1", 80))
    listener.settimeout(10)
    pathlib.Path(sys.argv[2]).touch()
    for _ in range(N):
        peer = listener.accept()[0]
        got.append(rtt(peer))
        peer.close()
else:
    for _ in range(N):
        peer = socket.create_connection(("198.18.0.1", 80), timeout=5)
        got.append(rtt(peer))
        peer.close()
        time.sleep(0.0173)
for values in got:
    print(*values)
P
# Counts of the connections whose round trip the client knows to be short, and of
# those among them of which the server thinks otherwise, by rtt and by min_rtt.
measure() {
	put "$srv" "net.ipv4.tcp_syncookies=$1"
	run_on "$srv" "$python" "$work/rtt.py" server "$work/up$1" >"$work/s$1"
	ready "$work/up$1"
	on "$cli" "$python" "$work/rtt.py" client >"$work/c$1" || skip "the client cannot connect"
	wait "$last"
	read -r short far minfar max < <(paste -d ' ' "$work/s$1" "$work/c$1" | awk '
		$1 > max { max = $1 }
		$3 < 2000 { short++; far += $1 > 5000; minfar += $2 > 5000 }
		END { print short + 0, far + 0, minfar + 0, max + 0 }')
	cached=$(on "$srv" ip tcp_metrics show 198.18.0.2 | sed -n 's/.* rtt \([0-9]*\)us.*/\1/p')
	echo "tcp_syncookies=$1: $short connections of 30 below 2 ms for the client; above 5 ms for the server" \
		"$far by rtt, $minfar by min_rtt, at most $max us; tcp_metrics ${cached:-none} us"
	[ "$short" -ge 10 ] || skip "this machine is too busy to measure a short round trip"
}
measure 1
[ $((far * 4)) -le "$short" ] || skip "the server measures long round trips without cookies too"
measure 2
{ [ $((far * 2)) -gt "$short" ] && [ $((minfar * 2)) -gt "$short" ] && [ "${cached:-0}" -gt 2000 ]; } &&
	seen "the server believes in a round trip up to $((max / 1000)) ms, the client measures below 2 ms"
gone "under cookies $far of $short round trips were too long, cached ${cached:-none}"
