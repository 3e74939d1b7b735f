/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Never "All calm" in a flood: what is not defended is defended, or told with its listener or port,
 * the verdict of its SYNs and what would help (traps FW40 and on).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "suite.h"
#include "synguard/abi.h"
#include "tests/lab/flood.h"
#include "told.h"
#include "watch.h"

/* ---- AnyIP --------------------------------------------------------------------------------- */

#define ANYIP_ROUTES(verb)                                                                         \
	"ip route " verb " local 192.0.2.0/31 dev lo && "                                          \
	"ip -6 route " verb " local 2001:db8::/127 dev lo"

/* The server's addresses are no interface's any more, and the link's networks stay. */
static void anyip_raise(struct stage *s)
{
	stage_raise(s, &(struct server_options){ .backlog = 128 });
	stage_shell(s, LAB_SERVER,
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
	stage_shell(&s, LAB_SERVER, ANYIP_ROUTES("add"));
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
	stage_shell(&s, LAB_SERVER, ANYIP_ROUTES("add"));
	for (tries = 0; tries < 50 && !watch_verdict(&s, "xdp", "challenged"); tries++)
		stage_connect_all(&s, STAGE_PORT, 20, 200);
	ck_assert_int_gt(watch_verdict(&s, "xdp", "challenged"), 0);
	stage_shell(&s, LAB_SERVER, ANYIP_ROUTES("del"));
	gone = watch_verdict(&s, "xdp", "not_local");
	for (tries = 0; tries < 50 && watch_verdict(&s, "xdp", "not_local") == gone; tries++)
		STAGE_BURST(&s, .rate_per_sec = 100, .count = 20);
	ck_assert_int_gt(watch_verdict(&s, "xdp", "not_local"), gone);
	stage_strike(&s);
}
END_TEST

/* ---- told ---------------------------------------------------------------------------------- */

/* So that a test does not have to wait for half a minute. */
#define SHORT "[Detector]\nHoldSec=2s\n"

struct untold {
	const char *what;
	const char *host; /* shell in the server's host, before the daemon starts; NULL: none */
	const char *interface; /* NULL: lab0 */
	uint16_t port;
	unsigned int rate;
	const char *kind, *name, *verdict, *says;
};

#define AWAY                                                                                       \
	"ip addr flush dev lab0 && ip route add 192.0.2.0/24 dev lab0 && "                         \
	"ip route add 198.18.0.0/15 via " LAB_CLIENT_ADDR4 " && "

static const struct untold untold[] = {
	{ "a closed port", NULL, NULL, 81, 3000, "closed_port", "port 81", "no_listener",
	  "have a firewall drop them" },
	{ "redirected",
	  "nft 'table ip r { chain c { type nat hook prerouting priority dstnat; "
	  "tcp dport 80 redirect to :8080; }; }'",
	  NULL, 80, 3000, "unseen_syns", "[::]:8080", "no_listener",
	  "as where a rule redirects them" },
	{ "TPROXY",
	  AWAY "ip rule add iif lab0 lookup 100 && ip route add local default dev lo table 100 && "
	       "nft 'table ip r { chain c { type filter hook prerouting priority mangle; "
	       "tcp dport 80 tproxy to :8081 accept; }; }'",
	  NULL, 80, 3000, "unseen_syns", "0.0.0.0:8081", "not_local",
	  "as a rule of TPROXY has it" },
	{ "an interface that is not attached to", "ip link add idle0 type veth peer name idle1",
	  "idle0", 8080, 3000, "unseen_syns", "[::]:8080", NULL, "name it with Interface=" },
	{ "a service behind NAT",
	  "nft 'table ip n { chain c { type nat hook postrouting priority srcnat; }; }'", NULL,
	  8080, 3000, "service", "192.0.2.1:8080", "nat", "The kernel's own cookies defend it" },
	{ "few SYNs", "ip link add idle0 type veth peer name idle1", "idle0", 8080, 60,
	  "unseen_syns", "[::]:8080", NULL, "name it with Interface=" },
};

static void untold_raise(struct stage *s, const struct untold *u, const char *config)
{
	const struct lab_daemon_options o = { .mode = "auto",
					      .config = config,
					      .interface = u->interface };
	char tail[1024];

	stage_raise(s, &(struct server_options){ .backlog = 32 });
	if (u->host)
		stage_shell(s, LAB_SERVER, u->host);
	ck_assert_msg(!lab_daemon_start(&s->daemon, s->lab, LAB_SERVER, &o, tail, sizeof(tail)),
		      "%s", tail);
}

/* As proxies listen that take what is for other addresses. */
static int listen_transparently(struct stage *s)
{
	struct sockaddr_storage any;
	int length = tcp_sockaddr("0.0.0.0", 8081, &any), one = 1;
	int fd = lab_socket(s->lab, LAB_SERVER, AF_INET, SOCK_STREAM, 0);

	ck_assert(!setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one)));
	ck_assert(!bind(fd, (struct sockaddr *)&any, length));
	ck_assert(!listen(fd, 32));
	return fd;
}

static void expect_told(struct stage *s, const struct untold *u)
{
	json_t *event = told_await(s, "undefended_began"), *status = stage_status(s), *row;
	const char *verdict;
	char line[64];

	ck_assert_str_eq(json_string_value(json_object_get(event, "name")), u->name);
	ck_assert_str_eq(json_string_value(json_object_get(event, "kind")), u->kind);
	ck_assert_str_eq(json_string_value(json_object_get(event, "verdict")), u->verdict ?: "");
	json_decref(event);
	row = json_array_get(json_object_get(status, "undefended"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "name")), u->name);
	verdict = json_string_value(json_object_get(row, "verdict"));
	ck_assert_str_eq(verdict ?: "", u->verdict ?: "");
	ck_assert_int_gt(stage_figure(row, "syns_per_second"), u->rate / 3);
	json_decref(status);
	snprintf(line, sizeof(line), "NOT DEFENDED: %s: ", u->name);
	told_says_in_words(s, "status", NULL, line);
	told_says_in_words(s, "status", NULL, u->says);
	snprintf(line, sizeof(line), "\nsynguard_undefended{kind=\"%s\"} 1\n", u->kind);
	told_says(s, "metrics", line);
}

static void expect_not_calm(struct stage *s, const char *what)
{
	char *output = NULL;

	ck_assert_int_eq(stage_cli(s, &output, "status", NULL, NULL), 0);
	ck_assert_msg(!strstr(output, "All calm"), "%s: %s", what, output);
	free(output);
}

/* Trap FW41: what suffers and is not defended is told by its name, and judged like what is defended. */
START_TEST(fw41_never_all_calm)
{
	const struct untold *u = &untold[_i];
	struct flood *flood;
	struct stage s;
	int fd;

	printf("# %s\n", u->what);
	/* else the service behind NAT is defended */
	untold_raise(&s, u, SHORT "[Mitigation]\nKernelCookies=no\n");
	fd = listen_transparently(&s);
	flood = STAGE_FLOOD(&s, .port = u->port, .rate_per_sec = u->rate);
	told_await_word(&s, "undefended_kind", u->kind);
	expect_told(&s, u);
	expect_not_calm(&s, u->what);
	if (u->rate >= 1000) {
		told_await_word(&s, "state", "attack");
		told_says_in_words(&s, "status", NULL, "SYN flood, ");
	}
	if (!_i)
		json_decref(told_await(&s, "mitigation_taken"));
	stage_flood_end(flood);
	if (!_i) {
		json_decref(told_await(&s, "undefended_ended"));
		told_await_word(&s, "undefended_kind", "none");
	}
	close(fd);
	stage_strike(&s);
}
END_TEST

/* What a router passes on is nobody's trouble here, however much it is; nor is what is switched off. */
START_TEST(fw41_calm_all_the_same)
{
	static const struct untold routed = { .host = AWAY "true", .port = 80 };
	struct flood *flood;
	json_t *event;
	struct stage s;

	untold_raise(&s, &routed, SHORT);
	flood = STAGE_FLOOD(&s, .port = 80, .rate_per_sec = 3000);
	watch_await_verdict(&s, "xdp", "not_local", 9000);
	told_says_in_words(&s, "status", NULL, "All calm: ");
	ck_assert_int_eq(told_events(&s, "undefended_began", &event), 0);
	ck_assert_int_eq(told_events(&s, "state_changed", &event), 0);
	stage_flood_end(flood);
	stage_strike(&s);
}
END_TEST

/* ---- the service table ---------------------------------------------------------------------- */

/* So many services of one set of the table, which has room for SG_SERVICE_WAYS. */
#define CROWD (SG_SERVICE_WAYS + 1)

static int connect_to(struct stage *s, uint16_t port)
{
	struct sockaddr_storage to;
	int length = tcp_sockaddr(LAB_SERVER_ADDR4, port, &to), r;
	int fd = lab_socket(s->lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);

	r = connect(fd, (struct sockaddr *)&to, length) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* Trap FW42: where the table is full the daemon makes room for what comes, of what is idle. */
START_TEST(fw42_room_is_made)
{
	const struct sg_addr addr = { .words = { 0, 0, htonl(0xffff), htonl(0xc0000201) } };
	struct server *servers[CROWD];
	uint16_t ports[CROWD], port;
	json_t *status = NULL, *row;
	int i, n = 0, tries;
	bool found = false;
	struct stage s;

	stage_raise(&s, NULL);
	for (port = 2000; n < CROWD; port++)
		if (sg_service_set(&addr, htons(port)) == 5)
			ports[n++] = port;
	for (i = 0; i < CROWD; i++)
		ck_assert(!server_new(&servers[i], s.lab, LAB_SERVER,
				      &(struct server_options){ .port = ports[i] }));
	stage_daemon(&s, "auto");
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(connect_to(&s, ports[i]), 0);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "services_full"), 1);
	for (tries = 0; tries < 100 && !found; tries++) {
		/* the second one is not idle meanwhile, so the first one goes */
		ck_assert_int_eq(connect_to(&s, ports[1]), 0);
		ck_assert_int_eq(connect_to(&s, ports[CROWD - 1]), 0);
		usleep(200000);
		status = stage_status(&s);
		json_array_foreach(json_object_get(status, "services"), i, row)
			found = found || stage_figure(row, "port") == ports[CROWD - 1];
		if (!found)
			json_decref(status);
	}
	ck_assert_msg(found, "no room was made");
	json_array_foreach(json_object_get(status, "services"), i, row)
		ck_assert_int_ne(stage_figure(row, "port"), ports[0]);
	stage_figure(stage_service(status, LAB_SERVER_ADDR4, ports[1]), "syns");
	json_decref(status);
	for (i = 0; i < CROWD; i++)
		server_free(servers[i]);
	stage_strike(&s);
}
END_TEST

/* ---- loopback ------------------------------------------------------------------------------- */

/* Trap FW43: a backend on loopback whose backlog is too small has its trouble in status, too. */
START_TEST(fw43_loopback)
{
	struct clients_options o = { .dst4 = "127.0.0.1",
				     .family = CLIENTS_V4,
				     .port = 8082,
				     .rate_per_sec = 200,
				     .duration_ms = 15000,
				     .reset_close = true };
	struct server *backend;
	struct clients *c;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	ck_assert(!server_new(
		&backend, s.lab, LAB_SERVER,
		&(struct server_options){ .addr = "127.0.0.1", .port = 8082, .backlog = 1 }));
	stage_daemon_config(&s, "auto", SHORT);
	server_set_accepting(backend, false);
	ck_assert(!clients_start(&c, s.lab, LAB_SERVER, &o));
	told_await_word(&s, "trouble", "slow_accept");
	told_says_in_words(&s, "status", NULL, "127.0.0.1:8082: ");
	clients_free(c);
	server_free(backend);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(fw40_anyip, 20),
	SUITE_TEST(fw40_anyip_comes_and_goes, 30),
	SUITE_LOOP(fw41_never_all_calm, 6, 40),
	SUITE_TEST(fw41_calm_all_the_same, 30),
	SUITE_TEST(fw42_room_is_made, 40),
	SUITE_TEST(fw43_loopback, 40),
	{}
};
/* clang-format on */
