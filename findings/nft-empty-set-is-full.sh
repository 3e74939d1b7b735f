#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An nftables set that lists no element refuses a new one as full.
#
# Versions:  Linux 6.18, nftables 1.0.6-2+deb12u2, iproute2 6.1.0-3.
# Guess:     An element whose timeout has run out is gone. A set with "size 10",
#            ten elements of one second and "gc-interval 30s" is empty and usable
#            after two seconds; the interval only decides when memory is freed.
# Seen:      The dead elements count against "size" until the collector runs.
#            nft list shows an empty set, and yet
#              nft add element:    "Too many open files in system"
#              add @set in a rule: the source is not noted, and the rest of the
#                                  rule is not run
# Why it matters: sets of flood sources are filled from the packet path and have
#            a size and short timeouts. A longer gc-interval, chosen to spare the
#            CPU in a flood, makes the set blind to new sources for that long,
#            while each look at it shows room. The error text points to file
#            handles. Watch the rule's own counter, not the set's length.
# shellcheck source=findings/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
need_root
need_python
unpack "${nft_packages[@]}" "${ip_packages[@]}"
need_tool nft ip
two_hosts
told_kernel

on "$srv" nft -f - <<'R' || skip "nft does not take the rules"
table ip f {
	set sources {
		type ipv4_addr
		size 10
		flags dynamic,timeout
		timeout 1s
		gc-interval 30s
	}
	counter syns { }
	counter noted { }
	chain in {
		type filter hook input priority 0;
		tcp flags & (syn|ack) == syn counter name syns
		tcp flags & (syn|ack) == syn add @sources { ip saddr } counter name noted
	}
}
R
for i in {10..29}; do on "$cli" ip addr add "198.18.0.$i/32" dev v0; done
cat >"$work/syns.py" <<'P'
import sys
from wire import SYN, Wire
for last in range(int(sys.argv[1]), int(sys.argv[2])):
    Wire("198.18.0.%d" % last, "198.18.0.1").send(40000, 81, 1, 0, SYN)
P
count() { on "$srv" nft list counter ip f "$1" | awk '$1 == "packets" { print $2 }'; }
listed() { on "$srv" nft list set ip f sources | grep -o 'expires' | wc -l; }
add() { on "$srv" nft add element ip f sources "{ 198.18.9.9 }" 2>"$work/err"; }

on "$cli" "$python" "$work/syns.py" 10 20
sleep 0.2
n1=$(count noted) s1=$(count syns)
sleep 2
empty=$(listed)
echo "10 sources: $s1 SYNs, $n1 noted; two seconds later the set lists $empty elements"
[ "$s1 $n1 $empty" = "10 10 0" ] || skip "the set does not fill and empty as it should"
on "$cli" "$python" "$work/syns.py" 20 25
sleep 0.2
n2=$(count noted) s2=$(count syns)
if add; then by_hand=taken; else by_hand=refused; fi
echo "5 new sources: $((s2 - s1)) SYNs, $((n2 - n1)) noted, $(listed) listed; by hand: $by_hand $(head -1 "$work/err")"
[ $((s2 - s1)) = 5 ] || skip "the SYNs did not arrive"
[ "$n2" = "$n1" ] && [ $by_hand = refused ] && seen "a set that lists nothing is full"
gone "$((n2 - n1)) of 5 new sources were noted, an element by hand was $by_hand"
