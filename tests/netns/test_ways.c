/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways back: a host whose route to its clients is by another link than the one that their SYNs come
 * in by, where what leaves by that one is lost; routes that promise less; sources that the host
 * would not answer, or refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "stage.h"
#include "suite.h"
#include "told.h"
#include "watch.h"

#define BACK_IFNAME	  "back0"
#define BACK_SERVER_ADDR4 "10.99.1.1"
#define BACK_SERVER_ADDR6 "2001:db8:1::1"
#define BACK_CLIENT_ADDR4 "10.99.1.2"
#define BACK_CLIENT_ADDR6 "2001:db8:1::2"

/* So many clients a second, for so long; of 10 in a flood one may find the queue full at first. */
#define CLIENTS_PER_SEC 100
#define CLIENTS_MS	1000

static void no_filter(struct stage *s, int host)
{
	stage_shell(s, host, "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done");
}

/* The second link; what is sent by the first one to the client does not arrive. */
static void second_link(struct stage *s)
{
	const struct lab_end server = { .host = LAB_SERVER,
					.ifname = BACK_IFNAME,
					.addr4 = BACK_SERVER_ADDR4 "/24",
					.addr6 = BACK_SERVER_ADDR6 "/64" };
	const struct lab_end client = { .host = LAB_CLIENT,
					.ifname = BACK_IFNAME,
					.addr4 = BACK_CLIENT_ADDR4 "/24",
					.addr6 = BACK_CLIENT_ADDR6 "/64" };

	ok(lab_link_add(s->lab, &server, &client), "a second link");
	no_filter(s, LAB_SERVER);
	no_filter(s, LAB_CLIENT);
}

static void lead_back(struct stage *s)
{
	stage_shell(s, LAB_SERVER,
		    "ip route add " LAB_CLIENT_ADDR4 " via " BACK_CLIENT_ADDR4
		    " && ip -6 route add " LAB_CLIENT_ADDR6 " via " BACK_CLIENT_ADDR6);
	stage_shell(s, LAB_CLIENT,
		    "nft 'table netdev t { chain c { type filter hook ingress device " LAB_IFNAME
		    " priority 0; tcp sport 8080 drop; }; }'");
}

/* Percent of the clients, of which each has to get its echo within three seconds. */
static unsigned int share(struct stage *s)
{
	const struct clients_options o = { .port = STAGE_PORT,
					   .rate_per_sec = CLIENTS_PER_SEC,
					   .duration_ms = CLIENTS_MS };
	struct clients_result r;
	unsigned int percent;

	ok(clients_run(s->lab, LAB_CLIENT, &o, &r), "clients");
	ck_assert_uint_ge(r.attempted6 * 3, r.attempted);
	percent = r.connected * 100 / r.attempted;
	clients_result_done(&r);
	return percent;
}

static json_int_t counted(struct stage *s, const char *program, const char *label)
{
	json_t *status = stage_status(s);
	json_int_t n = stage_verdict(status, program, label);

	json_decref(status);
	return n;
}

static json_int_t challenges(struct stage *s)
{
	return counted(s, "xdp", "challenged") + counted(s, "xdp", "challenged_plain") +
	       counted(s, "ingress", "challenged") + counted(s, "ingress", "challenged_plain");
}

static json_int_t ways_entries(struct stage *s)
{
	json_t *status = stage_status(s);
	json_t *map = json_object_get(json_object_get(status, "maps"), "ways");
	json_int_t entries = json_integer_value(json_object_get(map, "entries"));

	json_decref(status);
	return entries;
}

/* Until the daemon has read the routes again, within seconds. */
static void await_ways(struct stage *s, json_int_t entries)
{
	int tries;

	for (tries = 0; ways_entries(s) != entries && tries < 100; tries++)
		usleep(50000);
	ck_assert_int_eq(ways_entries(s), entries);
}

static void raise_daemon(struct stage *s, const char *mode)
{
	stage_raise(s, &(struct server_options){ .backlog = 128 });
	second_link(s);
	lead_back(s);
	if (mode)
		stage_daemon_config(s, mode, STAGE_NOBODY_IS_VERIFIED);
}

/* ---- another way back ---------------------------------------------------------------------- */

START_TEST(ways_without_a_daemon_and_idle)
{
	struct stage s;

	raise_daemon(&s, NULL);
	ck_assert_uint_eq(share(&s), 100);
	stage_daemon_config(&s, "auto", STAGE_NOBODY_IS_VERIFIED);
	ck_assert_uint_eq(share(&s), 100);
	ck_assert_int_gt(counted(&s, "xdp", "handed_over"), 0);
	stage_strike(&s);
}
END_TEST

START_TEST(ways_always)
{
	struct stage s;

	raise_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	ck_assert_uint_eq(share(&s), 100);
	ck_assert_int_ge(counted(&s, "ingress", "challenged"), CLIENTS_PER_SEC * CLIENTS_MS / 1000);
	ck_assert_int_ge(counted(&s, "ingress", "accepted"), CLIENTS_PER_SEC * CLIENTS_MS / 1000);
	stage_strike(&s);
}
END_TEST

/* The flood's own way back is the interface that it came in by. */
START_TEST(ways_in_a_flood)
{
	struct flood *flood;
	struct stage s;
	unsigned int percent;

	raise_daemon(&s, "auto");
	stage_prove(&s, STAGE_PORT);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 20000, .ipv6_share = 128);
	watch_await_verdict(&s, "xdp", "challenged", 1000);
	percent = share(&s);
	stage_flood_end(flood);
	ck_assert_msg(percent >= 98, "%u %% connect in a flood", percent);
	ck_assert_int_gt(counted(&s, "ingress", "challenged"), 0);
	ck_assert_int_gt(counted(&s, "xdp", "challenged"), 0);
	stage_strike(&s);
}
END_TEST

/* A route that comes, and goes, while the daemon runs. */
START_TEST(ways_change)
{
	json_int_t entries;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	second_link(&s);
	stage_daemon_config(&s, "always", STAGE_NOBODY_IS_VERIFIED);
	stage_prove(&s, STAGE_PORT);
	ck_assert_uint_eq(share(&s), 100);
	ck_assert_int_eq(counted(&s, "xdp", "handed_over"), 0);
	entries = ways_entries(&s);
	lead_back(&s);
	await_ways(&s, entries + 2); /* both clients */
	ck_assert_uint_eq(share(&s), 100);
	ck_assert_int_gt(counted(&s, "xdp", "handed_over"), 0);
	stage_strike(&s);
}
END_TEST

/* ---- no way back --------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *commands; /* on the server */
	bool ipv6;	      /* of it, too */
} refused[] = {
	{ "ip route replace blackhole 198.18.0.0/15 && ip -6 route replace blackhole 2001:2::/48", true },
	{ "ip route del 198.18.0.0/15 && ip -6 route del 2001:2::/48", true },
	/* by the other link, from where the kernel takes nothing of theirs by this one */
	{ "ip route replace 198.18.0.0/15 via " BACK_CLIENT_ADDR4
	  " && echo 1 >/proc/sys/net/ipv4/conf/" LAB_IFNAME "/rp_filter", false },
};
/* clang-format on */

START_TEST(ways_none)
{
	struct stage s;
	uint64_t before;

	stage_raise(&s, &(struct server_options){});
	second_link(&s);
	stage_shell(&s, LAB_SERVER, refused[_i].commands);
	stage_daemon_config(&s, "always", STAGE_NOBODY_IS_VERIFIED);
	stage_prove(&s, STAGE_PORT);
	before = challenges(&s);
	STAGE_BURST(&s, .rate_per_sec = 5000, .count = 2000, .duration_ms = 5000,
		    .ipv6_share = refused[_i].ipv6 ? 128 : 0);
	watch_await_verdict(&s, "xdp", "no_way_back", 1800);
	ck_assert_int_eq(challenges(&s), before);
	ck_assert_uint_eq(sink_answers(s.sink), 0);
	/* of whom there is a way to */
	ck_assert_uint_eq(share(&s), 100);
	ck_assert_int_gt(challenges(&s), before);
	stage_strike(&s);
}
END_TEST

/* ---- routes that promise less -------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *metrics;
	int mss4, mss6;
} routes[] = {
	{ "mtu lock 1280",	1240, 1220 },
	{ "advmss 1000",	1000, 1000 },
};
/* clang-format on */

/*
 * The client's segments are as large as the SYN-ACK allows; the path loses, without a word, what is
 * longer than 1280 bytes.
 */
START_TEST(ways_metrics)
{
	const struct pair_listener any = {};
	char command[512];
	struct stage s;
	int listener, i;

	stage_raise(&s, NULL);
	no_filter(&s, LAB_SERVER);
	snprintf(command, sizeof(command),
		 "ip route change 192.0.2.0/24 dev " LAB_IFNAME
		 " proto kernel scope link src " LAB_SERVER_ADDR4 " %s"
		 " && ip -6 route change 2001:db8::/64 dev " LAB_IFNAME
		 " proto kernel metric 256 %s",
		 routes[_i].metrics, routes[_i].metrics);
	stage_shell(&s, LAB_SERVER, command);
	if (routes[_i].mss4 < 1460)
		stage_shell(&s, LAB_SERVER,
			    "nft 'table netdev t { chain c { type filter hook ingress "
			    "device " LAB_IFNAME " priority 0; meta length > 1280 drop; }; }'");
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_TSO, false), "TSO");
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_GSO, false), "GSO");
	ok(lab_offload_set(s.lab, LAB_SERVER, LAB_IFNAME, LAB_GRO, false), "GRO");
	stage_daemon_config(&s, "always", STAGE_NOBODY_IS_VERIFIED);
	listener = pair_listen(&s, &any);
	for (i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;
		struct pair p;

		stage_prove_family(&s, family, STAGE_PORT);
		close(pair_accept(listener, 1000));
		p = pair_open(&s, listener, family, 0);
		ck_assert_int_eq(pair_info(p.client).tcpi_snd_mss + 12,
				 i ? routes[_i].mss6 : routes[_i].mss4);
		pair_stream(p.client, p.server, 30000, 30000);
		pair_close(&p);
	}
	ck_assert_int_ge(challenges(&s), 2);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- too many of them ---------------------------------------------------------------------- */

/* 9000 prefixes of which no two neighbours go the same way. */
START_TEST(ways_too_many_are_told)
{
	struct stage s;
	json_t *event;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	second_link(&s);
	stage_shell(&s, LAB_SERVER,
		    "i=0; while [ $i -lt 9000 ]; do "
		    "echo route add 10.$((i / 128)).$((i % 128 * 2)).0/24 dev " BACK_IFNAME "; "
		    "i=$((i + 1)); done | ip -batch -");
	stage_daemon(&s, "auto");
	event = told_await(&s, "ways_left_out");
	ck_assert_int_gt(stage_figure(event, "prefixes"), 0);
	json_decref(event);
	told_says_in_words(&s, "status", NULL, "The table of ways back has no room for ");
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(ways_none, 3, 60),
	SUITE_LOOP(ways_metrics, 2, 60),
	SUITE_TEST(ways_without_a_daemon_and_idle, 30),
	SUITE_TEST(ways_always, 30),
	SUITE_TEST(ways_in_a_flood, 30),
	SUITE_TEST(ways_change, 30),
	SUITE_TEST(ways_too_many_are_told, 60),
	{}
};
/* clang-format on */
