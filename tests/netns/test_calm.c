/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Never "All calm" in a flood: what is not defended is defended, or told with its listener or port,
 * the verdict of its SYNs and what would help (traps FW40 and on).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "suite.h"
#include "told.h"
#include "watch.h"

static void run(struct stage *s, int host, const char *command)
{
	const char *const argv[] = { "sh", "-c", command, NULL };
	char *output = NULL;
	int code = lab_run(s->lab, host, argv, 10000, &output);

	ck_assert_msg(!code, "%s: exit code %d\n%s", command, code, output);
	free(output);
}

/* ---- AnyIP --------------------------------------------------------------------------------- */

#define ANYIP_ROUTES(verb)                                                                         \
	"ip route " verb " local 192.0.2.0/31 dev lo && "                                          \
	"ip -6 route " verb " local 2001:db8::/127 dev lo"

/* The server's addresses are no interface's any more, and the link's networks stay. */
static void anyip_raise(struct stage *s)
{
	stage_raise(s, &(struct server_options){ .backlog = 128 });
	run(s, LAB_SERVER,
	    "ip addr flush dev lab0 && ip route add 192.0.2.0/24 dev lab0 && "
	    "ip -6 route add 2001:db8::/64 dev lab0 && "
	    "ip route add 198.18.0.0/15 via " LAB_CLIENT_ADDR4 " && "
	    "ip -6 route replace 2001:2::/48 via " LAB_CLIENT_ADDR6);
}

/* Trap FW40: addresses that a route alone makes this host's are defended like any other. */
START_TEST(fw40_anyip)
{
	struct watch_service before;
	struct flood *flood;
	struct stage s;

	anyip_raise(&s);
	run(&s, LAB_SERVER, ANYIP_ROUTES("add"));
	stage_daemon_config(&s, "auto", STAGE_NOBODY_IS_VERIFIED);
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 3000, .ipv6_share = 128);
	told_await_word(&s, "state", "attack");
	stage_connect_all(&s, STAGE_PORT, 50, 1000);
	ck_assert_int_gt(watch_service(&s).challenged, before.challenged + 1000);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "not_local"), 0);
	stage_flood_end(flood);
	stage_strike(&s);
}
END_TEST

/* The routes come and go while the daemon runs. */
START_TEST(fw40_anyip_comes_and_goes)
{
	struct stage s;
	json_int_t gone;
	int tries;

	anyip_raise(&s);
	stage_daemon_config(&s, "always", STAGE_NOBODY_IS_VERIFIED);
	run(&s, LAB_SERVER, ANYIP_ROUTES("add"));
	for (tries = 0; tries < 50 && !watch_verdict(&s, "xdp", "challenged"); tries++)
		stage_connect_all(&s, STAGE_PORT, 20, 200);
	ck_assert_int_gt(watch_verdict(&s, "xdp", "challenged"), 0);
	run(&s, LAB_SERVER, ANYIP_ROUTES("del"));
	gone = watch_verdict(&s, "xdp", "not_local");
	for (tries = 0; tries < 50 && watch_verdict(&s, "xdp", "not_local") == gone; tries++)
		STAGE_BURST(&s, .rate_per_sec = 100, .count = 20);
	ck_assert_int_gt(watch_verdict(&s, "xdp", "not_local"), gone);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(fw40_anyip, 20),
	SUITE_TEST(fw40_anyip_comes_and_goes, 30),
	{}
};
/* clang-format on */
