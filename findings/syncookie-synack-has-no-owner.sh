#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A SYN-ACK that carries a cookie has no owner.
#
# Versions:  Linux 6.18, nftables 1.0.6-2+deb12u2, iproute2 6.1.0-3.
# Guess:     A SYN-ACK belongs to the listener's user whether it carries a
#            cookie or not, so "meta skuid" matches both.
# Seen:      The output rule matches each SYN-ACK while the kernel keeps
#            half-open requests. It matches no cookie SYN-ACK. Under the same
#            output policy (drop, except packets of the server's user) clients
#            connect in the one mode and time out in the other:
#              cookies off:  3 SYN-ACKs, 3 owned, client connects
#              cookies on:   3 or more SYN-ACKs, 0 owned, client times out
# Why it matters: a stateless owner rule passes every test and shuts the
#            service off at the moment a flood starts the cookies. The sender
#            sees a healthy SyncookiesSent counter. "ct state established"
#            hides the effect, but flood set-ups are told to use notrack. Any
#            egress hook that keys on the socket (owner, cgroup, socket cookie)
#            deserves a test in cookie mode.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${nft_packages[@]}" "${ip_packages[@]}"
need_tool nft ip
two_hosts
told_kernel

cat >"$work/rules" <<'R'
table ip f {
	chain out {
		type filter hook output priority 0; policy drop;
		tcp sport 80 tcp flags & (syn|ack) == (syn|ack) counter name sent
		tcp sport 80 tcp flags & (syn|ack) == (syn|ack) meta skuid 0 counter name owned
		meta skuid 0 accept
	}
	counter sent { }
	counter owned { }
}
R
count() { on "$srv" nft list counter ip f "$1" | awk '$1 == "packets" { print $2 }'; }

# A server of user 0, then a client that connects three times.
cat >"$work/server.py" <<'P'
import pathlib, socket, sys, threading, time
listener = socket.create_server(("198.18.0.1", 80))
def serve():
    while True:
        listener.accept()[0].close()
threading.Thread(target=serve, daemon=True).start()
pathlib.Path(sys.argv[1]).touch()
time.sleep(20)
P
cat >"$work/client.py" <<'P'
import socket
good = 0
for _ in range(3):
    try:
        socket.create_connection(("198.18.0.1", 80), timeout=2.5).close()
        good += 1
    except OSError:
        break
print(good)
P
try() {
	put "$srv" "net.ipv4.tcp_syncookies=$1"
	on "$srv" nft flush ruleset
	on "$srv" nft -f "$work/rules" || skip "nft does not take the rules"
	run_on "$srv" "$python" "$work/server.py" "$work/up$1"
	ready "$work/up$1"
	connected=$(on "$cli" "$python" "$work/client.py")
	kill "$last"
	sent=$(count sent) owned=$(count owned)
	echo "tcp_syncookies=$1: SYN-ACKs $sent, owned $owned, clients connected $connected"
}
try 1
{ [ "$sent" -ge 3 ] && [ "$owned" = "$sent" ] && [ "$connected" = 3 ]; } || skip "the rule does not work without cookies either"
try 2
[ "$sent" -ge 1 ] || skip "no cookie was sent"
[ "$owned" = 0 ] && [ "$connected" = 0 ] && seen "no cookie SYN-ACK has an owner, and the service is shut off"
gone "the owner rule matched $owned of $sent cookie SYN-ACKs, $connected clients connected"
