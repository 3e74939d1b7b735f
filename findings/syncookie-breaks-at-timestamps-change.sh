#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A write to tcp_timestamps garbles the handshakes that SYN cookies have under way.
#
# Versions:  Linux 6.18, nftables 1.0.6-2+deb12u2, iproute2 6.1.0-3.
# Guess:     1 and 2 differ in where the timestamps of a connection start, which
#            its SYN-ACK has settled. So a change between SYN-ACK and ACK is for
#            later connections, as it is without cookies.
# Seen:      64 clients offer window scale 7 and SACK, and the server answers. Then
#            its tcp_timestamps changes, and the clients send their ACKs. All are
#            accepted, and by TCP_INFO so many have what they offered:
#              without cookies, 1 to 2:     64
#              with cookies, no change:     64
#              with cookies, 1 to 2:        2
#              with cookies, 2 to 1:        4
#            The others have another scale, none, or no SACK, for as long as they
#            live. Nothing counts it. A cookie keeps its options in the low bits of
#            the echoed timestamp. The kernel reads them when it has taken off the
#            secret offset, which there is or is not by the mode at the time of the
#            ACK, not of the SYN.
# Why it matters: a wrong scale is worse than a lost connection. A sender that
#            takes a window for 128 times what it is overruns its client, and one
#            that knows of no scale never fills the path. Change tcp_timestamps
#            only while no cookie is out, which with tcp_syncookies=2 is never.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${nft_packages[@]}" "${ip_packages[@]}"
need_tool nft ip
two_hosts
told_kernel

# The client's kernel knows nothing of these segments.
keep_quiet "$cli"
cat >"$work/server.py" <<'P'
import pathlib, select, socket, struct, sys, time
listener = socket.create_server(("198.18.0.1", 80), backlog=256)
pathlib.Path(sys.argv[1]).touch()
end = time.monotonic() + float(sys.argv[2])
peers, scales = [], {}
while (left := end - time.monotonic()) > 0:
    if select.select([listener], [], [], left)[0]:
        peers.append(listener.accept()[0])
for peer in peers:          # tcpi_options and tcpi_snd_wscale
    info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    scale = info[6] & 15 if info[5] & 4 else "none"
    key = "as offered" if scale == 7 and info[5] & 2 else "otherwise"
    scales[key] = scales.get(key, 0) + 1
print(scales.get("as offered", 0), scales.get("otherwise", 0))
P
cat >"$work/clients.py" <<'P'
import pathlib, socket, struct, sys, time
from wire import ACK, SYN, Wire
N, FIRST = 64, int(sys.argv[3])
wire = Wire("198.18.0.2", "198.18.0.1")
def stamp(value, echo):
    return b"\x01\x01\x08\x0a" + struct.pack("!II", value, echo)
answers = {}
for i in range(N):
    wire.send(FIRST + i, 80, 1000, 0, SYN, b"\x02\x04\x05\xb4\x04\x02" + stamp(5000, 0)[2:] + b"\x01\x03\x03\x07")
    wire.sock.settimeout(1)
    while True:
        packet = wire.sock.recv(4096)
        tcp = packet[(packet[0] & 15) * 4:]
        if struct.unpack("!H", tcp[2:4])[0] == FIRST + i:
            break
    at = tcp.index(b"\x08\x0a", 20)
    answers[i] = struct.unpack("!I", tcp[4:8])[0], struct.unpack("!I", tcp[at + 2:at + 6])[0]
pathlib.Path(sys.argv[1]).touch()
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.02)
for i, (seq, value) in answers.items():
    wire.send(FIRST + i, 80, 1001, seq + 1, ACK, stamp(5001, value))
P
# measure COOKIES FROM TO: $good clients have what they offered, $bad something else.
measure() {
	local tag=$1$2$3
	put "$srv" "net.ipv4.tcp_syncookies=$1"
	put "$srv" "net.ipv4.tcp_timestamps=$2"
	run_on "$srv" "$python" "$work/server.py" "$work/up$tag" 4 >"$work/s$tag"
	local server=$last
	ready "$work/up$tag"
	run_on "$cli" "$python" "$work/clients.py" "$work/asked$tag" "$work/go$tag" "$((port += 100))"
	ready "$work/asked$tag"
	put "$srv" "net.ipv4.tcp_timestamps=$3"
	touch "$work/go$tag"
	wait "$server"
	read -r good bad <"$work/s$tag"
	echo "tcp_syncookies=$1, tcp_timestamps $2 to $3: of 64 clients $good connected as offered, $bad with other options, $((64 - good - bad)) not"
}
port=20000
measure 0 1 2
[ "$good" -ge 60 ] || skip "without cookies the clients do not connect as they offered"
measure 2 1 1
[ "$good" -ge 60 ] || skip "with cookies the clients do not connect as they offered"
measure 2 1 2
there=$bad
measure 2 2 1
[ "$there" -gt 32 ] && [ "$bad" -gt 32 ] &&
	seen "$there and $bad of 64 handshakes under way got other options than their clients offered"
gone "$there and $bad of 64 handshakes under way got other options"
