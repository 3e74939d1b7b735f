#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A SYN cookie does not survive a reopened listener, even with tcp_syncookies=2.
#
# Versions:  Linux 6.18, nftables 1.0.6-2+deb12u2, iproute2 6.1.0-3.
# Guess:     A cookie is stateless and its secret belongs to the host. So the ACK
#            is good for whoever listens on the port when it arrives.
# Seen:      The kernel believes a cookie only if the listening socket itself
#            (or its SO_REUSEPORT group) sent a cookie a short while ago. After
#            close() and listen() on the same port a valid ACK gets a RST. Once
#            the new listener has sent one cookie of its own, to anyone, the
#            old cookies are good again:
#              ACK, listener kept:                     accepted
#              ACK, listener reopened:                 RST, no counter moves
#              ACK, reopened and one foreign SYN came: accepted
# Why it matters: restart a server in a flood without passing the socket on, and
#            clients in the middle of the handshake are reset. SyncookiesFailed
#            stays flat, so the loss is invisible. Pass the socket on (socket
#            activation does). Whoever makes kernel cookies away from the socket,
#            as the raw BPF helpers allow, must test this case first: the
#            listener that gets the ACK may never have sent a cookie.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${nft_packages[@]}" "${ip_packages[@]}"
need_tool nft ip
two_hosts
told_kernel

put "$srv" net.ipv4.tcp_syncookies=2
# The client's kernel knows nothing of these segments.
keep_quiet "$cli"
cat >"$work/server.py" <<'P'
import pathlib, socket, sys, time
here = pathlib.Path(sys.argv[1])
def listen():
    return socket.create_server(("198.18.0.1", 80))
listener = listen()
(here / "up").touch()
end = time.monotonic() + 20
while not (here / "reopen").exists() and time.monotonic() < end:
    time.sleep(0.02)
listener.close()
listener = listen()
(here / "again").touch()
time.sleep(10)
P
cat >"$work/client.py" <<'P'
import pathlib, sys, time
from wire import ACK, FIN, RST, SYN, Wire
here = pathlib.Path(sys.argv[1])
wire = Wire("198.18.0.2", "198.18.0.1")
def half(port):
    flags, seq, _ = wire.ask(port, 80) or sys.exit("no SYN-ACK")
    return seq if flags == SYN | ACK else sys.exit("no SYN-ACK")
def finish(port, seq):
    wire.send(port, 80, 1001, seq + 1, ACK)
    answer = wire.read(port, 0.5)
    return "RST" if answer and answer[0] & RST else "accepted"
first, second, third = half(41000), half(41001), half(41002)
kept = finish(41000, first)
(here / "reopen").touch()
while not (here / "again").exists():
    time.sleep(0.02)
reopened = finish(41001, second)
half(41003)                          # the foreign SYN
print(kept, reopened, finish(41002, third))
P
run_on "$srv" "$python" "$work/server.py" "$work"
ready "$work/up"
f0=$(counter "$srv" SyncookiesFailed) r0=$(counter "$srv" SyncookiesRecv)
read -r kept reopened again < <(on "$cli" timeout 20 "$python" "$work/client.py" "$work")
f1=$(counter "$srv" SyncookiesFailed) r1=$(counter "$srv" SyncookiesRecv)
echo "listener kept: ${kept:-?}; reopened: ${reopened:-?}; reopened and one cookie sent: ${again:-?}; SyncookiesFailed +$((f1 - f0)), SyncookiesRecv +$((r1 - r0))"
{ [ "${kept:-}" = accepted ] && [ "${again:-}" = accepted ] && [ $((r1 - r0)) -ge 2 ]; } ||
	skip "the kernel accepts no cookie here"
[ "$reopened" = RST ] && [ $((r1 - r0)) = 2 ] && [ "$f1" = "$f0" ] && seen "a good cookie is reset after the listener was reopened"
gone "the ACK after the reopening was answered with $reopened, SyncookiesFailed +$((f1 - f0))"
