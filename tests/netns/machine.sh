#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine with systemd as PID 1 and synguard installed, in namespaces: for the tests of the units.
#
#	machine.sh BUILD WORK
#
# Its /usr is this machine's under an overlay, everything else is made new: a short /etc, empty /var
# and /run, a /dev with the harmless nodes. Its network namespace is the caller's. Of this machine's
# units only a few are started (those listed below), and no generator runs, so whatever else is
# installed here stays asleep. What is global to a kernel is read-only in there: /sys, and /proc/sys
# but for net.
#
# Prints "init PID" once systemd is PID 1 of the machine, "skip REASON" and exits with 77 where there
# can be none. It ends with the machine, and the machine with it: send SIGTERM to it, or SIGKILL.
# Nothing is left but, after SIGKILL, an empty control group, which the next one removes.

set -eu

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

skip() {
	echo "skip $*"
	exit 77
}

# ---- the machine's file system: in its namespaces, as its PID 1

units=/usr/lib/systemd/system

# start UNIT TARGET: has the target want the unit.
start() {
	mkdir -p "$root$units/$2.wants"
	ln -s "$units/$1" "$root$units/$2.wants/$1"
}

make_usr() {
	mkdir "$work/upper" "$work/overlay" "$root/usr"
	mount -t overlay overlay \
		-o "lowerdir=/usr,upperdir=$work/upper,workdir=$work/overlay" "$root/usr" ||
		skip "no overlayfs"
	for folder in bin sbin lib lib32 lib64 libx32; do
		[ ! -L "/$folder" ] || cp -P "/$folder" "$root/$folder"
	done
	# A machine that synguard was never installed on, and that starts nothing by itself.
	rm -rf "$root/usr/lib/systemd/system-generators" "$root/usr/local/lib/systemd" \
		"$root/usr/local/libexec/synguard" "$root/usr/libexec/synguard"
	find "$root$units/" -name '*.wants' -exec rm -rf {} +
	find "$root/usr/" -xdev -name '*synguard*' ! -type d -delete
	start systemd-journald.service sysinit.target
	start systemd-journald.socket sockets.target
	start systemd-journald-dev-log.socket sockets.target
}

make_etc() {
	mkdir "$root/etc"
	cp -a /etc/ld.so.cache "$root/etc/"
	echo 'NAME=machine' >"$root/etc/os-release"
	echo machine >"$root/etc/hostname"
	# With one it is no first boot, on which all that is installed would be enabled.
	tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
	printf '%s\n' 'passwd: files systemd' 'group: files systemd' >"$root/etc/nsswitch.conf"
	printf '%s\n' 'root:x:0:0::/:/bin/sh' 'messagebus:x:101:101::/:/usr/sbin/nologin' \
		'visitor:x:1000:1000::/:/bin/sh' 'operator:x:1001:1001::/:/bin/sh' \
		'nobody:x:65534:65534::/:/usr/sbin/nologin' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'messagebus:x:101:' 'visitor:x:1000:' 'operator:x:1001:' \
		'nogroup:x:65534:' >"$root/etc/group"
}

make_dev() {
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for node in null zero full random urandom tty; do
		: >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
}

make_kernel() {
	mount -t proc proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" || skip "no control groups (cgroup2)"
	mount -t bpf -o mode=700 bpf "$root/sys/fs/bpf"
}

install_synguard() {
	# Its log is the build's owner's.
	mount -t tmpfs tmpfs "$build/meson-logs"
	DESTDIR=$root meson install --no-rebuild -C "$build" >"$work/installed" ||
		cat "$work/installed" >&2
	umount "$build/meson-logs"
}

become() {
	# The shell's own read: this is the process that is to be PID 1, as seen from outside.
	read -r pid _ </proc/self/stat
	mount --make-rprivate /
	mount -t tmpfs -o mode=755 tmpfs "$work"
	root=$work/root
	mkdir "$root"
	make_usr
	make_etc
	mkdir "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/var" \
		"$root/var/tmp" "$root/old"
	mkdir -p "$root/var/lib" "$root/var/log"
	ln -s /run "$root/var/run"
	chmod 1777 "$root/tmp" "$root/var/tmp"
	make_dev
	make_kernel
	install_synguard
	# systemd wants its root to be a mount.
	mount --rbind "$root" "$root"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	cd "$root"
	pivot_root . old
	echo "init $pid"
	exec </dev/null >/dev/null 2>&1
	umount -l /old
	rmdir /old
	exec env -i container=synguard-test PATH="$PATH" /lib/systemd/systemd --system \
		--unit=multi-user.target
}

# ---- around it: the control group, and the end

# Groups of machines that are gone, the inner ones first.
remove_groups() {
	for group in "$groups"/synguard-test.*; do
		[ -d "$group" ] || continue
		[ "$group" = "$mine" ] || [ ! -d "/proc/${group##*.}" ] || continue
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
	done
}

around() {
	for program in /lib/systemd/systemd unshare setpriv nsenter meson; do
		command -v "$program" >/dev/null || skip "$program is missing"
	done
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -L /lib ] || skip "/lib is no part of /usr here"
	groups=$work/groups
	mine=$groups/synguard-test.$$
	mkdir -p "$groups"
	mount -t cgroup2 cgroup2 "$groups" 2>/dev/null || skip "no control groups (cgroup2)"
	remove_groups
	mkdir "$mine" 2>/dev/null || skip "control groups cannot be made here"

	# It is cut's parent, the shell of the parentheses, that moves and is replaced then.
	(
		cut -d ' ' -f 4 /proc/self/stat >"$mine/cgroup.procs"
		exec setpriv --pdeathsig KILL unshare --fork --kill-child --pid --mount --uts --ipc \
			--cgroup "$self" --become "$build" "$work/machine"
	) &
	child=$!
	trap 'kill -KILL $child' TERM INT
	status=0
	wait "$child" || status=$?
	# Interrupted by the signal, or not: the child is gone after this.
	wait "$child" 2>/dev/null || :
	tries=0
	while [ -d "$mine" ] && [ "$tries" -lt 50 ]; do
		remove_groups
		tries=$((tries + 1))
		sleep 0.1
	done
	exit "$status"
}

self=$(readlink -f "$0")
case ${1:-} in
--become)
	build=$2 work=$3
	become
	;;
--around)
	build=$2 work=$3
	mkdir -p "$work/machine"
	around
	;;
*)
	# A mount namespace of its own, so that the group's mount is not everybody's.
	build=$1 work=$2
	command -v unshare >/dev/null || skip "unshare is missing"
	exec unshare --mount "$self" --around "$build" "$work"
	;;
esac
