# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the findings: pinned packages, namespaces, the three ways to end.
# A script sources this file first. It needs root and changes nothing outside
# its temporary folder and its own network namespaces.

set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/fnd.XXXXXX") || exit 77
pids=()
spaces=()

cleanup() {
	local p n
	trap '' PIPE HUP INT TERM
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
	for p in "${pids[@]}"; do wait "$p" 2>/dev/null; done
	for n in "${spaces[@]}"; do ip netns del "$n" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

skip() { echo "SKIP: $*"; exit 77; }
seen() { echo "SEEN: $*"; exit 0; }
gone() { echo "GONE: $*; the finding no longer holds"; exit 1; }

need_root() { [ "$(id -u)" = 0 ] || skip "root is needed"; }
need_python() {
	python=$(PATH=/usr/bin:/bin:$PATH command -v python3) || skip "python3 is needed"
	"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || skip "python3 3.9 or newer is needed"
	export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
}

# unpack NAME=VERSION...: bring exactly these Debian packages into $work/root
# and put their programs and libraries first. Nothing is installed.
unpack() {
	local p r=$work/root
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "apt-get and dpkg-deb are needed"
	mkdir -p "$work/deb" "$r"
	(cd "$work/deb" && apt-get -qq -o APT::Sandbox::User=root download "$@") >"$work/apt.log" 2>&1 ||
		skip "apt-get cannot bring the packages: $(tail -1 "$work/apt.log")"
	for p in "$work"/deb/*.deb; do dpkg-deb -x "$p" "$r" || skip "cannot unpack $p"; done
	PATH=$r/usr/sbin:$r/usr/bin:$r/sbin:$r/bin:$PATH
	export LD_LIBRARY_PATH=$r/usr/lib/x86_64-linux-gnu:$r/lib/x86_64-linux-gnu
	hash -r
}

# need_tool NAME...: each comes from $work/root and finds all its libraries.
need_tool() {
	local t f
	for t; do
		f=$(command -v "$t") || skip "$t is not in the packages"
		case $f in "$work"/root/*) ;; *) skip "$t is not the pinned one but $f" ;; esac
		ldd "$f" | grep -q 'not found' && skip "$t lacks a library: $(ldd "$f" | grep 'not found' | head -1)"
	done
	return 0
}

# two_hosts: $srv (198.18.0.1, 2001:db8::1) and $cli (198.18.0.2, 2001:db8::2),
# joined by a veth pair that is called v0 at both ends.
two_hosts() {
	local n
	srv=fnd-s$$ cli=fnd-c$$
	for n in "$srv" "$cli"; do
		ip netns add "$n" 2>/dev/null || skip "cannot make a network namespace"
		spaces+=("$n")
	done
	ip -n "$srv" link add v0 type veth peer name v0 netns "$cli" || skip "cannot make a veth pair"
	for n in "$srv" "$cli"; do
		ip -n "$n" link set lo up
		ip -n "$n" link set v0 up
	done
	ip -n "$srv" addr add 198.18.0.1/24 dev v0
	ip -n "$cli" addr add 198.18.0.2/24 dev v0
	ip -n "$srv" addr add 2001:db8::1/64 dev v0 nodad
	ip -n "$cli" addr add 2001:db8::2/64 dev v0 nodad
}

on() { local n=$1; shift; ip netns exec "$n" "$@"; }
# run_on NS COMMAND...: in the background; its process id is in $last.
run_on() {
	local n=$1
	shift
	ip netns exec "$n" "$@" &
	last=$!
	pids+=("$last")
}
# ready FILE: wait for at most ten seconds until FILE is there.
ready() {
	local i
	for ((i = 0; i < 100; i++)); do [ -e "$1" ] && return; sleep 0.1; done
	skip "a helper did not get ready in ten seconds"
}
put() { on "$1" sysctl -qw "$2" 2>/dev/null || skip "cannot set $2"; }
# keep_quiet NS: its kernel sends no resets, for segments that are written by hand. Needs nft.
keep_quiet() {
	on "$1" nft -f - <<-'R' || skip "nft does not take the rule"
		table ip f {
			chain out {
				type filter hook output priority 0;
				tcp flags & rst == rst drop
			}
		}
	R
}
# counter NS NAME: one field of TcpExt, as the kernel has it.
counter() {
	on "$1" awk -v n="$2" '$1 == "TcpExt:" {
		if (!seen++) { for (i = 2; i <= NF; i++) if ($i == n) c = i } else print c ? $c : "none" }' /proc/net/netstat
}

nft_packages=(nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 libnftnl11=1.2.4-2 libmnl0=1.0.4-3 libjansson4=2.14-2)
ip_packages=(iproute2=6.1.0-3 libmnl0=1.0.4-3)
# The finding was seen on this kernel; another one is told, not refused.
told_kernel() { echo "kernel $(uname -r), seen first on 6.18"; }
