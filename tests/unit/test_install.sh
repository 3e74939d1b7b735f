#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where `meson install` would put things: with the prefix /usr where Debian looks for them, with
# /usr/local where systemd and the D-Bus daemon look too. And what the units start is there.
#
# Configures, and builds and installs nothing; that what is installed works is test_systemd's.

set -u

source_dir=${SG_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
suite=test_install
number=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT

# report NAME COMPLAINTS: one result.
report() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $suite: $1"
	else
		echo "not ok $number - $suite: $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# configured NAME OPTION...: writes the list of what would be installed to $work/NAME.list.
configured() {
	name=$1
	shift
	meson setup "$work/$name" "$source_dir" -Dtests=false "$@" >"$work/$name.log" 2>&1 || {
		tail -n 20 "$work/$name.log"
		return 1
	}
	meson introspect --installed "$work/$name" | tr ',' '\n' |
		sed -n 's/^.*": "\([^"]*\)".*$/\1/p' | sort >"$work/$name.list"
}

# absent NAME PATH...: those that are not in the list.
absent() {
	list=$work/$1.list
	shift
	for path in "$@"; do
		grep -qxF -e "$path" "$list" || echo "$path would not be installed"
	done
}

# What the configured units start, which has to be installed too. systemd itself looks for "kill".
unstartable() {
	for unit in $started; do
		programs=$(sed -n 's|^Exec[A-Za-z]*=\(/[^ ]*\).*|\1|p' "$work/$1/packaging/$unit")
		[ -n "$programs" ] || echo "$unit starts nothing"
		# Unquoted: a path a line.
		# shellcheck disable=SC2086
		absent "$1" $programs
	done
}

started="synguard.service synguard-exporter.service"

# The folder of units of Debian 12 is /lib/systemd/system; of later ones, below /usr.
units=$(pkg-config --variable=systemdsystemunitdir systemd 2>/dev/null) ||
	units=/usr/lib/systemd/system

report configures_for_usr "$(configured usr --prefix=/usr)"
report places_below_usr "$(absent usr /usr/sbin/synguardd /usr/bin/synguard \
	/usr/libexec/synguard/synguard-config /usr/libexec/synguard/synguard-demo \
	/usr/libexec/synguard/synguard-exporter "$units/synguard.service" \
	"$units/synguard-exporter.service" "$units/synguard-exporter.socket" \
	/usr/lib/sysusers.d/synguard.conf /usr/lib/systemd/catalog/synguard.catalog \
	/usr/share/doc/synguard/synguard.conf /usr/share/synguard/live-backlog.conf \
	/usr/share/bash-completion/completions/synguard /usr/share/man/man1/synguard.1 \
	/usr/share/man/man5/synguard.conf.5 /usr/share/man/man7/synguard-metrics.7 \
	/usr/share/man/man8/synguardd.8)"

report configures_for_usr_local "$(configured local --prefix=/usr/local)"
report places_below_usr_local "$(absent local /usr/local/sbin/synguardd /usr/local/bin/synguard \
	/usr/local/lib/systemd/system/synguard.service \
	/usr/local/lib/systemd/system/synguard-exporter.service \
	/usr/local/lib/systemd/system/synguard-exporter.socket \
	/usr/local/lib/sysusers.d/synguard.conf /usr/local/lib/systemd/catalog/synguard.catalog \
	/usr/local/share/man/man8/synguardd.8)"
report nothing_elsewhere "$(grep -vE '^(/usr/local|/etc/synguard)/' "$work/local.list")"

report configures_for_elsewhere "$(configured other --prefix=/opt/x \
	-Dsystemdsystemunitdir=/opt/units -Dsysusersdir=/opt/users)"
report places_as_told "$(absent other /opt/units/synguard.service /opt/users/synguard.conf)"

report units_start_what_is_installed "$(unstartable usr)$(unstartable local)"
echo "1..$number"
