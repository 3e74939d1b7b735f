#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One XDP_TX program on a veth: generic mode answers with the VLAN tag, native without.
#
# Versions:  Linux 6.18, iproute2 6.1.0-3.
# Guess:     No hardware strips a tag on a veth pair, so the program sees the
#            802.1Q header as it is "on the wire", and a reflected frame has it.
# Seen:      The sending side keeps the tag beside the packet and not in it, and
#            veth passes it on so. The program sees an untagged frame in both
#            modes. What XDP_TX then sends differs:
#              generic: the frame comes back with VLAN 5
#              native:  the frame comes back untagged
# Why it matters: an XDP program that answers SYNs itself works in generic mode
#            and in tests without VLANs. In native mode its SYN-ACKs leave the
#            VLAN and no client on it gets one. A program that counts per VLAN
#            counts nothing. A test of "VLAN traffic" over veth that sends raw
#            frames with the tag inside does not meet this case; a tag that the
#            kernel itself pushed does. With "ethtool -K v0
#            txvlan off" at the sender both modes see and send the tag.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
[ "$(uname -m)" = x86_64 ] || skip "the script speaks x86-64 system calls"
unpack "${ip_packages[@]}"
need_tool ip
two_hosts
told_kernel
for n in "$srv" "$cli"; do put "$n" net.ipv6.conf.all.disable_ipv6=1; done

# The program keeps the EtherType that it sees and returns XDP_TX for frames of
# the local experimental type 0x88b5, tagged or not. All others pass.
cat >"$work/server.py" <<'P'
import pathlib, socket, struct, sys, time
import bpf
saw = bpf.array(1)
c = bpf.Code().op(0x61, 2, 1, 0).op(0x61, 3, 1, 4).copy(4, 2).add(4, 20).op(0x2D, 4, 3, "pass")
c.op(0x69, 6, 2, 12).op(0x15, 6, 0, "mine", 0xB588).op(0x55, 6, 0, "pass", 0x0081)
c.label("mine").op(0x7B, 10, 6, -16).op(0x62, 10, 0, -4, 0)
c.map(1, saw).copy(2, 10).add(2, -4).copy(3, 10).add(3, -16).set(4, 0).call(2).leave(3)
c.label("pass").leave(2)
flags = {"generic": 2, "native": 4}[sys.argv[1]]
link = bpf.attach(bpf.load(bpf.XDP, c, bpf.AT_XDP), socket.if_nametoindex("v0"), bpf.AT_XDP, flags)
pathlib.Path(sys.argv[2]).touch()
time.sleep(3)
kind = struct.unpack_from("<H", bpf.lookup(saw, 0))[0]
print("%04x" % socket.htons(kind))
P
# The client pushes VLAN 5 on the way out, and looks at what comes back. Its own
# XDP program passes everything: native XDP_TX needs one at the other end.
cat >"$work/client.py" <<'P'
import socket, struct, sys
import bpf
index = socket.if_nametoindex("v0")
push = bpf.Code().set(2, socket.htons(0x8100)).set(3, 5).call(18).leave(-1)
held = [bpf.attach(bpf.load(bpf.CLS, push, bpf.AT_TCX_OUT), index, bpf.AT_TCX_OUT),
        bpf.attach(bpf.load(bpf.XDP, bpf.Code().leave(2), bpf.AT_XDP), index, bpf.AT_XDP, 4)]
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
sock.bind(("v0", 0))
sock.setsockopt(263, 8, 1)                                   # PACKET_AUXDATA
sock.send(bytes.fromhex("020000000001" "020000000002" "88b5") + b"a frame of 60 octets or more".ljust(60))
sock.settimeout(1.5)
back = "nothing"
try:
    while True:
        data, extra, _, sender = sock.recvmsg(2048, 256)
        if sender[2] == socket.PACKET_OUTGOING or data[12:14] not in (b"\x88\xb5", b"\x81\x00"):
            continue
        back = "untagged"
        if data[12:14] == b"\x81\x00":
            back = "vlan%d" % (struct.unpack_from("!H", data, 14)[0] & 4095)
        for level, kind, aux in extra:
            if (level, kind) == (263, 8) and struct.unpack_from("I", aux)[0] & 0x10:
                back = "vlan%d" % (struct.unpack_from("H", aux, 16)[0] & 4095)
except socket.timeout:
    pass
print(back)
P
try() {
	run_on "$srv" "$python" "$work/server.py" "$1" "$work/up.$1" >"$work/saw" 2>"$work/err"
	for ((i = 0; i < 100; i++)); do
		[ -e "$work/up.$1" ] && break
		kill -0 "$last" 2>/dev/null || skip "XDP does not load: $(tail -1 "$work/err")"
		sleep 0.1
	done
	back=$(on "$cli" "$python" "$work/client.py" 2>"$work/err") || skip "the client's programs do not load: $(tail -1 "$work/err")"
	wait "$last"
	kind=$(<"$work/saw")
	echo "$1: the program saw EtherType $kind, the client got back: $back"
}
try generic
generic=$kind:$back
try native
[ "$generic $kind:$back" = "88b5:vlan5 88b5:untagged" ] && seen "native XDP_TX on veth loses the VLAN tag that generic XDP_TX keeps"
gone "generic $generic, native $kind:$back"
