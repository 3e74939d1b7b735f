/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc: counters out of texts as kernels print them, and the sockets that processes have open.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/net/netstat.h"
#include "daemon/net/proc.h"
#include "suite.h"

#define NAMES                                                                                      \
	"TcpExt: SyncookiesSent SyncookiesRecv ListenOverflows ListenDrops TCPReqQFullDoCookies "  \
	"TCPReqQFullDrop"
#define REST "\nIpExt: InNoRoutes\nIpExt: 0\n"

static void parses(const char *text, uint64_t overfull, uint64_t answered)
{
	struct netstat_syns syns = {};

	ck_assert_int_eq(netstat_parse(text, &syns), 0);
	ck_assert_uint_eq(syns.overfull, overfull);
	ck_assert_uint_eq(syns.answered, answered);
}

static void refuses(const char *text)
{
	struct netstat_syns syns = {};

	ck_assert_int_eq(netstat_parse(text, &syns), -EBADMSG);
}

START_TEST(netstat_counts)
{
	parses(NAMES "\nTcpExt: 1 20 300 4000 50000 600000" REST, 50000 + 4000 - 300, 20);
	parses(NAMES " More\nTcpExt: 1 20 300 4000 50000 600000 7" REST, 53700, 20);
	/* where the last one is asked for, and where a drop has not been counted yet */
	parses("TcpExt: SyncookiesRecv ListenOverflows ListenDrops TCPReqQFullDoCookies\n"
	       "TcpExt: 1 5 4 18446744073709551000\n",
	       18446744073709551000ULL, 1);
}
END_TEST

START_TEST(netstat_that_is_none)
{
	refuses("");
	refuses("TcpExt: ListenDrops");
	refuses("TcpExt: ListenDrops\nTcpExt: 1\n");
	refuses(NAMES "\nTcpExt: 1 20 300 4000\n");
	refuses("IpExt: InNoRoutes\nIpExt: 0\n");
	/* a name that only begins like one */
	refuses("TcpExt: SyncookiesRecv ListenOverflows ListenDrops TCPReqQFullDoCookiesNot\n"
		"TcpExt: 1 5 4 3\n");
}
END_TEST

/* Any group, each with lines of its own; a counter that is not there leaves the output alone. */
START_TEST(netstat_counter_of_a_group)
{
	static const char text[] = "Ip: Forwarding InReceives\nIp: 1 2\n"
				   "Tcp: MaxConn PassiveOpens\nTcp: -1 18446744073709551615\n"
				   "TcpExt: PassiveOpens\nTcpExt: 7\n";
	static const struct {
		const char *group, *name;
		int r;
		uint64_t value;
	} rows[] = {
		{ "Ip", "Forwarding", 0, 1 },
		{ "Ip", "InReceives", 0, 2 },
		{ "Tcp", "PassiveOpens", 0, UINT64_MAX },
		{ "TcpExt", "PassiveOpens", 0, 7 },
		{ "Tcp", "InReceives", -ENOENT, 99 },
		{ "Tcp", "Passive", -ENOENT, 99 },
		{ "Tc", "PassiveOpens", -ENOENT, 99 },
		{ "Udp", "PassiveOpens", -ENOENT, 99 },
	};
	uint64_t value;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value = 99;
		ck_assert_int_eq(netstat_counter(text, rows[i].group, rows[i].name, &value),
				 rows[i].r);
		ck_assert_msg(value == rows[i].value, "%s %s", rows[i].group, rows[i].name);
	}
}
END_TEST

/* Each socket of this process once in a walk, and the next walk begins anew. */
START_TEST(proc_walks)
{
	struct socket_owner_wanted wanted[2] = {};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), walk, met, more;
	struct proc_walk w = {};
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	for (walk = 0; walk < 2; walk++) {
		met = 0;
		while ((more = proc_walk_step(&w)) > 0)
			met += w.inode == st.st_ino && w.pid == (uint32_t)getpid();
		ck_assert_int_eq(more, 0);
		ck_assert_int_eq(met, 1);
	}
	wanted[0].inode = wanted[1].inode = st.st_ino;
	wanted[1].pid = 1; /* is known already */
	/* in slices of no time at all */
	for (met = 0; !(more = socket_owner_seek(&w, 0, wanted, 2)); met++)
		;
	ck_assert_int_eq(more, 1);
	ck_assert_int_gt(met, 0);
	ck_assert_uint_eq(wanted[0].pid, getpid());
	ck_assert_uint_eq(wanted[1].pid, 1);
	close(fd);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(netstat_counts, 10),
	SUITE_TEST(netstat_that_is_none, 10),
	SUITE_TEST(netstat_counter_of_a_group, 10),
	SUITE_TEST(proc_walks, 10),
	{}
};
/* clang-format on */
