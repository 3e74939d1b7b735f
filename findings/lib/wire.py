# SPDX-License-Identifier: GPL-2.0-or-later
"""Single TCP segments over IPv4, sent and read through a raw socket."""
import socket
import struct
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Wire:
    def __init__(self, src, dst):
        self.src, self.dst = src, dst
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.sock.bind((src, 0))

    def send(self, sport, dport, seq, ack, flags, options=b""):
        options += b"\0" * (-len(options) % 4)
        head = struct.pack("!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32,
                           (5 + len(options) // 4) << 4, flags, 64240, 0, 0) + options
        pseudo = socket.inet_aton(self.src) + socket.inet_aton(self.dst) + struct.pack("!HH", 6, len(head))
        head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
        self.sock.sendto(head, (self.dst, 0))

    def read(self, port, wait=1.0):
        """The next segment to PORT as (flags, seq, ack), or None."""
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                packet = self.sock.recv(4096)
            except socket.timeout:
                break
            tcp = packet[(packet[0] & 15) * 4:]
            dport, seq, ack, _, flags = struct.unpack("!HIIBB", tcp[2:14])
            if dport == port:
                return flags, seq, ack
        return None

    def ask(self, sport, dport, seq=1000):
        """Send a SYN with an MSS option, give back the answer."""
        self.send(sport, dport, seq, 0, SYN, b"\x02\x04\x05\xb4")
        return self.read(sport)
