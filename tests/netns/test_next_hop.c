/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The next hop of challenges, on hosts where that is not so simple as in test_any_host: trap FW33. The client
 * is behind the neighbour that its SYNs come from, or that they seem to come from.
 */
#include <stdlib.h>
#include <string.h>

#include "stage.h"
#include "suite.h"
#include "watch.h"

#define CLIENT	  "10.99.5.2"
#define NEIGHBOUR "192.0.2.66"

/* What the client's host sends comes from another MAC address, as of a director, which gets nothing back. */
#define DIRECTOR                                                                                   \
	"nft 'table netdev d { chain e { type filter hook egress device lab0 priority 0; "         \
	"tcp dport 8080 ether saddr set 02:53:47:99:99:99; }; "                                    \
	"chain i { type filter hook ingress device lab0 priority 0; "                              \
	"ether daddr 02:53:47:99:99:99 drop; }; };'"

static struct clients_result visit(struct stage *s, const char *from, unsigned int deadline_ms)
{
	const struct clients_options o = { .family = CLIENTS_V4,
					   .src4 = from,
					   .sources = 1,
					   .port = STAGE_PORT,
					   .rate_per_sec = 20,
					   .duration_ms = 1000,
					   .deadline_ms = deadline_ms };
	struct clients_result result;

	ck_assert_int_ge(clients_run(s->lab, LAB_CLIENT, &o, &result), 0);
	return result;
}

static void assert_connected(struct stage *s, const char *when)
{
	struct clients_result r = visit(s, CLIENT, 5000);

	ck_assert_msg(r.connected == r.attempted,
		      "%s: %u of %u (%u timed out, %u refused, %u reset, %u other)", when,
		      r.connected, r.attempted, r.timed_out, r.refused, r.reset, r.other);
	clients_result_done(&r);
}

/* With and without the daemon, idle and when all are challenged that can be. */
static void compare(struct stage *s)
{
	assert_connected(s, "without");
	stage_daemon_config(s, "auto", STAGE_NOBODY_IS_VERIFIED);
	assert_connected(s, "idle");
	stage_mode(s, "always");
	assert_connected(s, "always");
}

static void raise(struct stage *s)
{
	stage_raise(s, &(struct server_options){ .backlog = 128 });
	stage_shell(s, LAB_CLIENT,
		    "ip addr add " CLIENT "/32 dev lo; "
		    "sysctl -q net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.lab0.arp_ignore=1");
}

/* The service's address is that of a macvlan, whose routes an answer by lab0 would not have. */
START_TEST(next_hop_of_a_macvlan)
{
	struct stage s;

	raise(&s);
	stage_shell(&s, LAB_SERVER,
		    "r=$(ip neigh show 192.0.2.2 dev lab0 | sed 's/.*lladdr \\([^ ]*\\).*/\\1/'); "
		    "ip link add link lab0 name mv0 type macvlan mode bridge; "
		    "ip link set mv0 address 02:53:47:00:77:77 up; ip addr flush dev lab0; "
		    "ip addr add 192.0.2.1/24 dev mv0; "
		    "ip neigh replace 192.0.2.2 lladdr $r dev mv0 nud permanent; "
		    "ip route add " CLIENT "/32 via 192.0.2.2 dev mv0");
	stage_shell(&s, LAB_CLIENT,
		    "ip neigh replace 192.0.2.1 lladdr 02:53:47:00:77:77 dev lab0 nud permanent");
	stage_shell(&s, LAB_CLIENT, DIRECTOR);
	compare(&s);
	stage_strike(&s);
}
END_TEST

/* Answers go by the table of a mark, which a challenge has not. */
START_TEST(next_hop_by_a_mark)
{
	const struct lab_end server = { .host = LAB_SERVER,
					.ifname = "back0",
					.mac = { 2, 0x53, 0x47, 1, 0, 1 },
					.addr4 = "10.99.1.1/24" };
	const struct lab_end client = { .host = LAB_CLIENT,
					.ifname = "back0",
					.mac = { 2, 0x53, 0x47, 1, 0, 2 },
					.addr4 = "10.99.1.2/24" };
	struct stage s;

	raise(&s);
	ok(lab_link_add(s.lab, &server, &client), "another link");
	stage_shell(&s, LAB_SERVER,
		    "ip route add " CLIENT "/32 via 10.99.1.2 dev back0; "
		    "ip route add " CLIENT "/32 via 192.0.2.2 dev lab0 table 77; "
		    "ip rule add fwmark 1 lookup 77; "
		    "nft 'table inet t { chain p { type filter hook prerouting priority mangle; "
		    "iif lab0 ct mark set 1; }; chain c { type route hook output priority mangle; "
		    "meta mark set ct mark; }; };'");
	stage_shell(
		&s, LAB_CLIENT,
		"nft 'table netdev b { chain c { type filter hook ingress device back0 priority 0; "
		"tcp sport 8080 drop; }; };'");
	stage_shell(&s, LAB_CLIENT, DIRECTOR);
	compare(&s);
	stage_strike(&s);
}
END_TEST

/*
 * Anybody can send a SYN in the name of a neighbour through the router, and its SYN-ACK goes past the router.
 * That says nothing of the clients behind it.
 */
START_TEST(next_hop_of_a_forged_neighbour)
{
	struct clients_result forged;
	json_int_t challenged;
	struct stage s;

	raise(&s);
	stage_shell(&s, LAB_SERVER,
		    "ip route add " CLIENT "/32 via 192.0.2.2; "
		    "ip neigh replace " NEIGHBOUR
		    " lladdr 02:53:47:00:00:66 dev lab0 nud permanent");
	stage_shell(&s, LAB_CLIENT, "ip addr add " NEIGHBOUR "/32 dev lo");
	stage_daemon_config(&s, "auto", STAGE_NOBODY_IS_VERIFIED);
	assert_connected(&s, "idle");
	forged = visit(&s, NEIGHBOUR, 300);
	ck_assert_uint_eq(forged.connected, 0);
	clients_result_done(&forged);
	stage_mode(&s, "always");
	challenged = watch_verdict(&s, "xdp", "challenged");
	assert_connected(&s, "always");
	ck_assert_int_ge(watch_verdict(&s, "xdp", "challenged") - challenged, 20);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "handed_over"), 0);
	stage_strike(&s);
}
END_TEST

SUITE_NEEDS(suite_lacks_root)

const struct suite_test suite_tests[] = {
	SUITE_TEST(next_hop_of_a_macvlan, 60),
	SUITE_TEST(next_hop_by_a_mark, 60),
	SUITE_TEST(next_hop_of_a_forged_neighbour, 60),
	{},
};
