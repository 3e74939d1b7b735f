/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's counters of SYNs that found a queue full, out of texts as kernels print them.
 */
#include <errno.h>

#include "daemon/net/netstat.h"
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

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(netstat_counts, 10),
	SUITE_TEST(netstat_that_is_none, 10),
	{}
};
/* clang-format on */
