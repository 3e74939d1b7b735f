#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# editcap makes a pcapng file with a packet verdict unreadable to Wireshark itself.
#
# Versions:  wireshark-common 4.0.17-0+deb12u3 (editcap, mergecap, capinfos).
# Guess:     "editcap in.pcapng out.pcapng" without options is a copy. It either
#            keeps the per-packet options or leaves out those it does not know.
#            Wireshark 4.0 knows the verdict: it shows frame.verdict.
# Seen:      The option epb_verdict (7) is written with the number of epb_queue
#            (6) and keeps its own nine octets. editcap ends with 0. Then each
#            program of the same package stops at the first packet of the copy:
#              "packet block queue option length 9 is not 4"
#            capinfos fails. A second editcap prints this, writes a file without
#            packets and ends with 0. mergecap writes the same broken option. Two
#            more losses in the copy: epb_hash (3) and the interface statistics
#            block are left out.
# Why it matters: the verdict option was made to note what XDP or TC decided on a
#            packet (XDP_DROP, XDP_TX). Whoever cuts or merges such captures
#            after an attack with these tools, and deletes the originals, has
#            files that will not open. Keep the originals until the copy was read.
#            A file without a verdict is copied well.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_python
v=4.0.17-0+deb12u3
unpack "wireshark-common=$v" "libwiretap13=$v" "libwsutil14=$v"
need_tool editcap mergecap capinfos

cat >"$work/pcapng.py" <<'P'
import struct, sys
def block(kind, body):
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size
def option(code, value=b""):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
def write(name, *options):
    packet = bytes.fromhex("02000000000102000000000208004500002800010000400600"
                           "00c6120002c6120001a028005000000001000000005002faf000000000")
    body = struct.pack("<IIIII", 0, 395812, 1, len(packet), len(packet)) + packet + bytes(-len(packet) % 4)
    with open(name, "wb") as out:
        out.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        out.write(block(1, struct.pack("<HHI", 1, 0, 65535) + option(2, b"v0") + option(0)))
        out.write(block(6, body + b"".join(options) + (option(0) if options else b"")))
        out.write(block(5, struct.pack("<III", 0, 395812, 2) + option(5, struct.pack("<Q", 9)) + option(0)))
def read(name):
    """The options of the first packet as CODE/LENGTH, and the block types."""
    with open(name, "rb") as file:
        data = file.read()
    at, kinds, found = 0, [], []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        kinds.append("%x" % kind)
        if kind == 6:
            caught = struct.unpack_from("<I", data, at + 20)[0]
            here = at + 28 + caught + -caught % 4
            while here + 4 < at + size:
                code, length = struct.unpack_from("<HH", data, here)
                if not code:
                    break
                found.append("%d/%d" % (code, length))
                here += 4 + length + -length % 4
        at += size
    print(",".join(found) or "none", ",".join(kinds))
if sys.argv[1] == "read":
    read(sys.argv[2])
else:
    write("plain.pcapng", option(2, struct.pack("<I", 1)))
    write("verdict.pcapng", option(2, struct.pack("<I", 1)), option(3, b"\x02" + bytes(4)),
          option(6, struct.pack("<I", 3)), option(7, b"\x02" + struct.pack("<Q", 1)))
P
cd "$work" || exit 77
"$python" pcapng.py write
for f in plain verdict; do
	capinfos "$f.pcapng" >/dev/null 2>&1 || skip "capinfos does not read the $f file as made"
	editcap "$f.pcapng" "$f.copy.pcapng" 2>err || skip "editcap fails: $(head -1 err)"
	echo "$f: options and blocks $("$python" pcapng.py read "$f.pcapng"), copy $("$python" pcapng.py read "$f.copy.pcapng")"
done
mergecap -w merged.pcapng verdict.pcapng plain.pcapng 2>err || skip "mergecap fails: $(head -1 err)"
capinfos plain.copy.pcapng >/dev/null 2>&1 || skip "capinfos does not read the copy of the plain file either"
said=$(capinfos verdict.copy.pcapng 2>&1) && gone "capinfos reads the copy with the verdict"
echo "$said" | grep -i queue
editcap verdict.copy.pcapng again.pcapng >/dev/null 2>err
echo "editcap on its own copy ends with $?: options and blocks $("$python" pcapng.py read again.pcapng 2>&1 | tail -1)"
grep -q 'queue option length' err || gone "editcap reads its own copy"
capinfos merged.pcapng >/dev/null 2>&1 && gone "capinfos reads the merged file"
read -r options _ < <("$python" pcapng.py read verdict.copy.pcapng)
case ,$options, in
*,6/9,*) seen "the copy holds a queue option of nine octets and cannot be read" ;;
*) gone "the copy's options are $options" ;;
esac
