#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# TCP_SYNCNT on a listener sets how often its SYN-ACKs are sent again.
#
# Versions:  Linux 6.18, nftables 1.0.6-2+deb12u2, iproute2 6.1.0-3.
# Guess:     TCP_SYNCNT is for connect(): the manual says "number of SYN
#            retransmits". A listener sends no SYN, so the option does nothing
#            there, and only the sysctl tcp_synack_retries counts.
# Seen:      The option overrules the sysctl for that one listener, downward and
#            upward. With tcp_synack_retries=2, after one SYN to each of three
#            listeners and no ACK, in nine seconds:
#              no option:    3 SYN-ACKs
#              TCP_SYNCNT 1: 2 SYN-ACKs
#              TCP_SYNCNT 3: 4 SYN-ACKs
# Why it matters: the sysctl is often tuned against floods, and the tuning is
#            silently void for a program that set TCP_SYNCNT before listen(),
#            perhaps for its outgoing sockets through shared code. The other way
#            round it is a handle: one exposed service can give up half-open
#            requests early while the rest of the host stays patient.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${nft_packages[@]}" "${ip_packages[@]}"
need_tool nft ip
two_hosts
told_kernel

put "$srv" net.ipv4.tcp_synack_retries=2
put "$srv" net.ipv4.tcp_syncookies=1
on "$cli" nft -f - <<'R' || skip "nft does not take the rules"
table ip f {
	counter p80 { }
	counter p81 { }
	counter p82 { }
	chain in {
		type filter hook input priority 0;
		tcp sport 80 counter name p80 drop
		tcp sport 81 counter name p81 drop
		tcp sport 82 counter name p82 drop
	}
}
R
cat >"$work/server.py" <<'P'
import pathlib, socket, sys, time
held = []
for port, count in ((80, 0), (81, 1), (82, 3)):
    sock = socket.socket()
    if count:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, count)
    sock.bind(("198.18.0.1", port))
    sock.listen(16)
    held.append(sock)
pathlib.Path(sys.argv[1]).touch()
time.sleep(20)
P
cat >"$work/client.py" <<'P'
from wire import SYN, Wire
wire = Wire("198.18.0.2", "198.18.0.1")
for port in (80, 81, 82):
    wire.send(40000, port, 1000, 0, SYN, b"\x02\x04\x05\xb4")
P
count() { on "$cli" nft list counter ip f "$1" | awk '$1 == "packets" { print $2 }'; }
run_on "$srv" "$python" "$work/server.py" "$work/up"
ready "$work/up"
on "$cli" "$python" "$work/client.py"
sleep 9
none=$(count p80) one=$(count p81) three=$(count p82)
echo "SYN-ACKs: no option $none, TCP_SYNCNT 1 $one, TCP_SYNCNT 3 $three"
[ "$none" = 3 ] || skip "the sysctl does not give three SYN-ACKs"
[ "$one $three" = "2 4" ] && seen "TCP_SYNCNT overrules tcp_synack_retries both ways"
gone "with the option the listeners sent $one and $three SYN-ACKs"
