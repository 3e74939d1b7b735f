#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tcp_syncookies=2 still keeps half-open requests, and more than the backlog.
#
# Versions:  Linux 6.18, nftables 1.0.6-2+deb12u2, iproute2 6.1.0-3.
# Guess:     With tcp_syncookies=2 the kernel answers each SYN with a cookie (the
#            documentation says "unconditionally") and holds no request at all.
# Seen:      A SYN whose addresses and ports match a socket in TIME_WAIT gets a
#            plain SYN-ACK and a half-open request. Neither the sysctl nor the
#            listener's backlog stops it. With listen(fd, 4), 20 TIME_WAIT
#            sockets and one SYN to each, and then 20 SYNs from new ports:
#              TIME_WAIT tuples:  20 in SYN-RECV, 0 cookies sent
#              new tuples:         0 in SYN-RECV, 20 cookies sent
# Why it matters: a detector must not take "mode 2" to mean "no SYN-RECV", and a
#            count of SYN-RECV above the backlog is not a broken reading. A
#            SYN proxy that checks each ACK against the cookie meets handshakes
#            whose sequence number is no cookie. Services that close first (most
#            HTTP servers do) hold many TIME_WAIT sockets.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${nft_packages[@]}" "${ip_packages[@]}"
need_tool nft ip ss
two_hosts
told_kernel

put "$srv" net.ipv4.tcp_syncookies=2
cat >"$work/server.py" <<'P'
import pathlib, socket, sys, time
listener = socket.socket()
listener.bind(("198.18.0.1", 80))
listener.listen(4)
listener.settimeout(15)
pathlib.Path(sys.argv[1]).touch()
for _ in range(20):                  # it closes first, so TIME_WAIT is here
    peer = listener.accept()[0]
    peer.shutdown(socket.SHUT_WR)
    peer.recv(1)
    peer.close()
time.sleep(20)
P
cat >"$work/client.py" <<'P'
import socket, sys, time
first, full = int(sys.argv[1]), sys.argv[2] == "full"
socks = []
for port in range(first, first + 20):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("198.18.0.2", port))
    if full:
        sock.settimeout(5)
        sock.connect(("198.18.0.1", 80))
        sock.recv(1)
        sock.close()
        continue
    sock.setblocking(False)
    sock.connect_ex(("198.18.0.1", 80))
    socks.append(sock)
time.sleep(0.4)
P
half() { on "$srv" ss -tnH state syn-recv | wc -l; }

run_on "$srv" "$python" "$work/server.py" "$work/up"
ready "$work/up"
on "$cli" "$python" "$work/client.py" 40000 full || skip "the client cannot connect"
waits=$(on "$srv" ss -tnH state time-wait | wc -l)
[ "$waits" = 20 ] || skip "$waits sockets in TIME_WAIT, not 20"
# The client no longer hears SYN-ACKs, so what is half open stays half open.
on "$cli" nft -f - <<'R' || skip "nft does not take the rule"
table ip f {
	chain in {
		type filter hook input priority 0;
		tcp flags & (syn|ack) == (syn|ack) drop
	}
}
R
c0=$(counter "$srv" SyncookiesSent)
on "$cli" "$python" "$work/client.py" 40000 syn
h1=$(half) c1=$(counter "$srv" SyncookiesSent)
echo "SYNs to 20 TIME_WAIT tuples: $h1 in SYN-RECV, $((c1 - c0)) cookies sent"
on "$cli" "$python" "$work/client.py" 41000 syn
h2=$(half) c2=$(counter "$srv" SyncookiesSent)
echo "SYNs from 20 new tuples: $((h2 - h1)) in SYN-RECV, $((c2 - c1)) cookies sent"
{ [ $((c2 - c1)) -ge 20 ] && [ "$h2" -le "$h1" ]; } || skip "mode 2 does not send cookies to new tuples"
[ "$h1" -gt 5 ] && [ "$c1" = "$c0" ] && seen "$h1 half-open requests in mode 2, above a backlog of 4"
gone "$h1 half-open requests, $((c1 - c0)) cookies for TIME_WAIT tuples"
