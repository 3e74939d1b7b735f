#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bpf_sk_assign_tcp_reqsk() says 0, and tcp_syncookies=0 resets the client.
#
# Versions:  Linux 6.18, nftables 1.0.6-2+deb12u2, iproute2 6.1.0-3.
# Guess:     The kfunc takes a request that a BPF program has judged by itself.
#            The sysctl rules the kernel's own cookies, so the two are apart, and
#            the connection is made with tcp_syncookies=0 too.
# Seen:      A tcx program gives each ACK to the listener through the kfunc. The
#            kfunc returns 0 with every value of the sysctl, but:
#              tcp_syncookies=0:    the client gets a RST, nobody is accepted
#              tcp_syncookies=1, 2: accept() returns the connection
#            With 0 neither SyncookiesFailed nor SyncookiesRecv nor ListenDrops
#            moves. With 1 and 2 SyncookiesRecv does not move either.
# Why it matters: a host behind a SYN proxy can well run with tcp_syncookies=0,
#            as the proxy makes the cookies. There each connection dies at the
#            last step, while the program counts only successes. Check the sysctl in
#            the program's own network namespace at start, and watch it.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
[ "$(uname -m)" = x86_64 ] || skip "the script speaks x86-64 system calls"
[ -r /sys/kernel/btf/vmlinux ] || skip "the kernel shows no BTF"
unpack "${nft_packages[@]}" "${ip_packages[@]}"
need_tool nft ip
two_hosts
told_kernel

# The client's kernel knows nothing of these segments.
keep_quiet "$cli"
cat >"$work/server.py" <<'P'
import pathlib, socket, struct, sys
import bpf
kfunc = bpf.kernel_function("bpf_sk_assign_tcp_reqsk")
if kfunc is None:
    sys.exit("no such kfunc")
# A slot that starts at 0 and holds 1000 + what the kfunc returned.
said = bpf.array(1)
c = bpf.Code().copy(6, 1).op(0x61, 2, 6, 76).op(0x61, 3, 6, 80)
c.copy(4, 2).add(4, 54).op(0x2D, 4, 3, "out")
for load, at, want in ((0x69, 12, 0x0008), (0x71, 23, 6), (0x69, 36, 0x5000), (0x71, 47, 0x10)):
    c.op(load, 4, 2, at).op(0x55, 4, 0, "out", want)         # IPv4, TCP, port 80, ACK
for at, to in ((26, -16), (30, -12), (34, -8)):
    c.op(0x61, 4, 2, at).op(0x63, 10, 4, to)
c.copy(1, 6).copy(2, 10).add(2, -16).set(3, 12).set(4, -1).set(5, 0).call(99)
c.op(0x15, 0, 0, "out", 0).copy(7, 0)
c.op(0x61, 1, 7, 72).op(0x55, 1, 0, "put", 10)               # a listener only
c.copy(1, 7).call(137).op(0x15, 0, 0, "put", 0)
for to in range(-40, -20, 4):
    c.op(0x62, 10, 0, to, 0)
c.op(0x6A, 10, 0, -32, 1460)                                 # the MSS, no options
c.copy(1, 6).copy(2, 0).copy(3, 10).add(3, -40).set(4, 20).kfunc(kfunc)
c.op(0x67, 0, imm=32).op(0xC7, 0, imm=32).add(0, 1000).op(0x7B, 10, 0, -16)
c.op(0x62, 10, 0, -4, 0).map(1, said).copy(2, 10).add(2, -4).copy(3, 10).add(3, -16).set(4, 0).call(2)
c.label("put").copy(1, 7).call(86).label("out").leave(-1)
program = bpf.load(bpf.CLS, c, bpf.AT_TCX_IN)
link = bpf.attach(program, socket.if_nametoindex("v0"), bpf.AT_TCX_IN)
listener = socket.create_server(("198.18.0.1", 80))
listener.settimeout(4)
pathlib.Path(sys.argv[1]).touch()
try:
    listener.accept()
    accepted = "yes"
except socket.timeout:
    accepted = "no"
value = struct.unpack("<q", bpf.lookup(said, 0))[0]
print(accepted, value - 1000 if value else "uncalled")
P
cat >"$work/client.py" <<'P'
import sys
from wire import ACK, RST, Wire
wire, port = Wire("198.18.0.2", "198.18.0.1"), int(sys.argv[1])
wire.send(port, 80, 1001, 5001, ACK)
answer = wire.read(port, 1)
print("RST" if answer and answer[0] & RST else "no-RST")
P
counts() { echo "$(counter "$srv" SyncookiesRecv) $(counter "$srv" SyncookiesFailed) $(counter "$srv" ListenDrops)"; }
try() {
	put "$srv" "net.ipv4.tcp_syncookies=$1"
	before=$(counts)
	run_on "$srv" "$python" "$work/server.py" "$work/up$1" >"$work/said" 2>"$work/err"
	for ((i = 0; i < 100; i++)); do
		[ -e "$work/up$1" ] && break
		kill -0 "$last" 2>/dev/null || skip "the program does not load: $(tail -1 "$work/err")"
		sleep 0.1
	done
	answer=$(on "$cli" "$python" "$work/client.py" "$((41000 + $1))")
	wait "$last"
	read -r accepted said <"$work/said"
	same=moved
	[ "$before" = "$(counts)" ] && same=still
	echo "tcp_syncookies=$1: kfunc returned $said, answer $answer, accepted $accepted, counters $same"
	[ "$said" = uncalled ] && skip "the kfunc was not called"
	result="$said $accepted $same"
}
for v in 2 1; do
	try "$v"
	[ "${result% *}" = "0 yes" ] || skip "the kfunc makes no connection with tcp_syncookies=$v either"
done
try 0
[ "$result $answer" = "0 no still RST" ] && seen "the kfunc returns 0 and the client is reset, uncounted"
gone "with tcp_syncookies=0: kfunc returned $said, answer $answer, accepted $accepted, counters $same"
