#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boots Debian's kernels under qemu and asks synguard what it makes of them: on 6.12 it has to run
# with its engine, on 6.1 it has to say what is missing and which package brings it.
#
# Needs neither root nor KVM: the kernels' packages are downloaded and unpacked, not installed, and
# run under emulation, which is slow. Skipped where something for it is not to be had. What happens
# in the guest is guest_init's; here is the machine around it, and the judgement.

set -u

suite=kernels
source_dir=${SG_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${SG_BUILD:-$source_dir/build}
tools=${SG_TOOLS:-$source_dir/build/tools}
cache=$build/vm
number=0

# Emulated boot to power-off takes half a minute to a minute on two idle cores. In all, it has to be
# less than the runner allows.
boot_timeout_sec=500

LC_ALL=C.UTF-8
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$tools/bin
export LC_ALL PATH

work=$(mktemp -d)
qemu=
trap 'rm -rf "$work"; [ -z "$qemu" ] || kill "$qemu"' EXIT
trap 'exit 143' TERM INT

# ---- TAP

# lacks WHAT: ends the short form as skipped; the long form was asked for, and fails.
lacks() {
	[ "${SG_FULL:-}" != 1 ] || return 0
	echo "1..0 # SKIP $1"
	exit 0
}

# check NAME COMMAND...: one test. What the command prints is shown if it fails.
check() {
	name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/why" 2>&1; then
		echo "ok $number - $suite: ${guest}_$name"
	else
		echo "not ok $number - $suite: ${guest}_$name"
		sed 's/^/# /' "$work/why"
	fi
}

# ---- the kernels

# The package that a meta-package stands for.
real_package() {
	apt-cache depends --important "$1" 2>/dev/null |
		sed -n 's/^  Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# kernel META: unpacks the kernel and the modules that the guest needs into a folder of the cache,
# and prints its path. Without the package lists the newest one fetched before will do. Returns 77
# where there is none.
kernel() {
	package=$(real_package "$1")
	into=$cache/$1/$package
	if [ -z "$package" ]; then
		into=$(find "$cache/$1" -mindepth 1 -maxdepth 1 -name 'linux-image-*' 2>/dev/null |
			sort -V | tail -n 1)
		[ -n "$into" ] || {
			echo "no package $1 (apt-get update first?)" >&2
			return 77
		}
	elif ! [ -f "$into/vmlinuz" ]; then
		rm -rf "${into:?}" "$into.new"
		mkdir -p "$into.new" && cd "$into.new" || return
		apt-get -qq -o APT::Sandbox::User=root download "$package" >&2 || {
			echo "$package cannot be downloaded" >&2
			return 77
		}
		dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards --strip-components=2 \
			--no-same-owner './boot/vmlinuz-*' || return
		mv vmlinuz-* vmlinuz
		# In the order in which they have to be loaded. Two are what sock_diag is made of.
		order=0
		for module in drivers/net/veth net/ipv4/inet_diag net/ipv4/tcp_diag; do
			order=$((order + 1))
			file=$order-${module##*/}.ko
			dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards \
				"./lib/modules/*/kernel/$module.ko*" >"$file" || return
			# Newer kernels' modules are compressed.
			if xz -t -F xz "$file" 2>/dev/null; then
				xz -dc <"$file" >plain && mv plain "$file" || return
			fi
		done
		rm -f ./*.deb
		cd "$source_dir" && mv "$into.new" "$into" || return
	fi
	echo "$into"
}

# ---- the guest's file system

# install_program PROGRAM [TO]: copies a program and its libraries to where they were.
install_program() {
	from=$(command -v "$1") || {
		echo "no program $1" >&2
		return 1
	}
	mkdir -p "$root/bin" && cp -L "$from" "$root/bin/" || return
	# Lines "NAME => PATH (ADDRESS)" and, for the loader, "PATH (ADDRESS)".
	ldd "$from" 2>/dev/null | sed -n 's|^[^/]*\(/[^ ]*\) (.*|\1|p' | while read -r library; do
		[ -e "$root$library" ] || {
			mkdir -p "$root${library%/*}" && cp -L "$library" "$root$library"
		}
	done
}

# initramfs KERNEL FILE
initramfs() {
	root=$work/root
	rm -rf "$root"
	mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/run" "$root/www" "$root/tmp" \
		"$root/checkout" "$root/modules" "$root/var" "$root/usr" || return
	ln -s /run "$root/var/run"
	ln -s /bin "$root/usr/bin"

	# First, so that the real programs below replace its applets. grep and sh are what the
	# quickstart's check of the kernel is made with on a user's machine.
	install_program busybox || return
	for applet in $("$root/bin/busybox" --list); do
		[ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
	done
	for program in sh grep curl ip bpftool \
		"$build/daemon/synguardd" "$build/cli/synguard" "$build/tests/bpf/test_load"; do
		rm -f "$root/bin/${program##*/}"
		install_program "$program" || return
	done

	cp "$1"/*.ko "$root/modules/" &&
		cp "$source_dir/quickstart" "$root/checkout/" &&
		cp "$source_dir/tests/vm/guest_init" "$root/init" &&
		cp "$build/bpf/synguard.bpf.o" "$build/bpf/adjust.bpf.o" \
			"$build/bpf/reap.bpf.o" "$root/" &&
		clang-14 -target bpf -O2 -Wall -c "$source_dir/tests/vm/pass.bpf.c" \
			-o "$root/pass.bpf.o" &&
		(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$2"
}

# ---- booting, and what the guest said

# boot KERNEL INITRAMFS RESULTS
boot() {
	timeout -k 10 "$boot_timeout_sec" qemu-system-x86_64 -accel tcg -cpu max -m 512 \
		-display none -monitor none -nic none -no-reboot -no-user-config \
		-serial "file:$work/console" -serial "file:$3" \
		-kernel "$1/vmlinuz" -initrd "$2" \
		-append 'console=ttyS0 panic=-1 quiet' </dev/null &
	qemu=$!
	wait "$qemu"
	status=$?
	qemu=
	return $status
}

# said SECTION: what it printed.
said() {
	awk -v name="$1" '
		$0 ~ "^>>> " name " [0-9]+$" { exit }
		inside { print }
		$0 == "<<< " name { inside = 1 }' "$results"
}

# ended SECTION: the exit status of its command, nothing if the guest did not get there.
ended() {
	sed -n "s/^>>> $1 //p" "$results"
}

# succeeded SECTION: shows what went wrong, and what the daemon thought.
succeeded() {
	[ "$(ended "$1")" = 0 ] && return
	echo "section $1 ended with status $(ended "$1"):"
	said "$1"
	echo "the daemon said:"
	said daemon | tail -n 40
	return 1
}

# json SECTION EXPRESSION: the expression, in Python, holds for r, the section's report.
json() {
	[ "$(ended "$1")" = 0 ] || {
		echo "no report: section $1 ended with status $(ended "$1")"
		return 1
	}
	said "$1" | python3 -c '
import json, sys
r = json.load(sys.stdin)
if not eval(sys.argv[1]):
	print("does not hold:", sys.argv[1])
	for program, counts in r.get("verdicts", {}).items():
		r["verdicts"][program] = {k: v for k, v in counts.items() if v}
	print(json.dumps(r))
	sys.exit(1)' "$2"
}

# The verifier differs from kernel to kernel, and so does what it makes of our programs.
engine_is_reqsk() {
	json status 'r["engine"] == "reqsk"' && return
	echo "what the kernel said to our programs:"
	said refusal
	return 1
}

# names SECTION TEXT...: the section's output holds each text.
names() {
	section=$1
	shift
	for text in "$@"; do
		said "$section" | grep -qF -e "$text" || {
			echo "'$text' is not in:"
			said "$section"
			return 1
		}
	done
}

booted() {
	[ "$(ended end)" = 0 ] && return
	echo "the guest did not get to its end (qemu's status: $1); its results and its console:"
	cat "$results"
	tail -n 40 "$work/console"
	return 1
}

# The quickstart goes past its check of the kernel, to fail for want of meson.
not_refused() {
	! said quickstart | grep -qF 'This kernel' && [ -n "$(ended quickstart)" ] && return
	said quickstart
	return 1
}

refused() {
	[ "$(ended quickstart)" = 1 ] || {
		echo "exit status $(ended quickstart)"
		return 1
	}
	names quickstart bpf_sk_assign_tcp_reqsk tcx linux-image-6.12-amd64 'Nothing was changed'
}

nothing_left() {
	[ -n "$(ended after)" ] && [ "$(said before)" = "$(said after)" ] && return
	echo "before:"
	said before
	echo "after:"
	said after
	return 1
}

# What a bug of the kernel's, met by our programs, leaves in its log.
kernel_is_calm() {
	[ -n "$(ended dmesg)" ] && ! said dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace'
}

# guest NAME META-PACKAGE: boots a kernel; the tests that follow speak of it.
guest() {
	guest=$1
	results=$work/$1.results
	: >"$results"
	: >"$work/console"
	machine=$(kernel "$2" 2>"$work/why")
	status=$?
	[ "$status" -ne 77 ] || lacks "$(tail -n 1 "$work/why")"
	[ "$status" -eq 0 ] &&
		initramfs "$machine" "$work/initramfs" 2>>"$work/why" &&
		boot "$machine" "$work/initramfs" "$results" >>"$work/why" 2>&1
	status=$?
	sed 's/^/# /' "$work/why"
	check boots booted "$status"
}

for program in qemu-system-x86_64 cpio xz busybox curl ip bpftool clang-14; do
	command -v "$program" >/dev/null || lacks "$program is missing"
done

guest linux_6_12 linux-image-6.12-cloud-amd64
check network_is_up succeeded network
check quickstart_accepts_it not_refused
check daemon_starts succeeded started
check engine_is_reqsk engine_is_reqsk
check xdp_is_native json status \
	'[i["attach"] for i in r["interfaces"] if i["name"] == "veth0"] == ["native"]'
check clients_connect succeeded connections
check challenges_become_connections json status_after \
	'any(s["accepted"] > 0 and s["established"] == s["accepted"] for s in r["services"])'
check daemon_stops succeeded stop
check nothing_is_left_behind nothing_left
check mitigation_loads succeeded mitigation_objects
check kernel_log_is_calm kernel_is_calm

guest linux_6_1 linux-image-cloud-amd64
check network_is_up succeeded network
check quickstart_refuses_it refused
check daemon_starts succeeded started
check engine_is_kernel json status 'r["engine"] == "kernel"'
check reason_names_the_kfunc json status '"bpf_sk_assign_tcp_reqsk" in r["engine_reason"]'
check reason_names_the_package json status '"linux-image-6.12-amd64" in r["engine_reason"]'
check nothing_is_attached json status \
	'r["interfaces"] and all(i["attach"] == "none" and i["attach_reason"] for i in r["interfaces"])'
check clients_connect succeeded connections
check daemon_stops succeeded stop
check nothing_is_left_behind nothing_left
check mitigation_loads succeeded mitigation_objects
check programs_for_it_load succeeded older
check kernel_log_is_calm kernel_is_calm

echo "1..$number"
