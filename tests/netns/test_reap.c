/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper: which half-open connections it ends, and above all which it does not. It runs here without
 * the daemon; at the end the daemon, with nothing but CAP_NET_ADMIN.
 */
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/mitigation/reap.h"
#include "daemon/net/sockdiag.h"
#include "pair.h"
#include "stage.h"
#include "synguard/cleanup.h"
#include "tests/lab/flood.h"
#include "wire.h"

#define BACKLOG	  128
#define SECOND_US 1000000
#define SILENT	  8

struct scene {
	struct stage s;
	struct reap *reap;
};

/* From here on the test is in the server's host. */
static void scene_raise(struct scene *c, struct server_options o)
{
	struct complaint why = {};

	*c = (struct scene){};
	o.backlog = o.backlog ?: BACKLOG;
	stage_raise(&c->s, &o);
	ok(lab_sysctl_set(c->s.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "0"), "syncookies");
	ok(lab_sysctl_set(c->s.lab, LAB_SERVER, "net.ipv4.tcp_max_syn_backlog", "4096"), "backlog");
	ok(lab_enter(c->s.lab, LAB_SERVER), "entering the host");
	ck_assert_msg(reap_new(&c->reap, NULL, NULL, &why) >= 0, "%s", why.text);
}

static void scene_strike(struct scene *c)
{
	reap_free(c->reap);
	stage_strike(&c->s);
}

/* So many SYNs that nobody answers, each from a source of its own, half of them IPv6. */
static void burst(struct scene *c, uint64_t count)
{
	STAGE_BURST(&c->s, .count = count, .ipv6_share = 128);
}

static int half_open(struct scene *c)
{
	int n = lab_count_sockets(c->s.lab, LAB_SERVER, SOCKDIAG_SYN_RECV, 0);

	ok(n, "counting");
	return n;
}

static struct reap_round reap(struct scene *c, uint64_t life_usec)
{
	struct reap_round round;

	reap_once(c->reap, life_usec, &round);
	ok(round.error, "a round");
	printf("# %llu half-open; of those that were asked again: %llu young, %llu acked, %llu "
	       "deferred, %llu ripe; %llu reaped\n",
	       (unsigned long long)round.half_open,
	       (unsigned long long)round.verdicts[SG_REQUEST_YOUNG],
	       (unsigned long long)round.verdicts[SG_REQUEST_ACKED],
	       (unsigned long long)round.verdicts[SG_REQUEST_DEFERRED],
	       (unsigned long long)round.verdicts[SG_REQUEST_RIPE],
	       (unsigned long long)round.reaped);
	fflush(stdout);
	return round;
}

static uint64_t resets(struct scene *c)
{
	uint64_t n;

	ok(lab_counter(c->s.lab, LAB_SERVER, "Tcp", "OutRsts", &n), "OutRsts");
	return n;
}

/* ---- what is reaped ------------------------------------------------------------------------ */

/* A full queue has room again at once, and the sources hear nothing of it. */
START_TEST(reap_frees_a_full_queue)
{
	struct clients_result clients;
	struct reap_round round;
	struct scene c;
	uint64_t rsts;
	uint64_t began;

	scene_raise(&c, (struct server_options){});
	burst(&c, 4 * BACKLOG);
	usleep(2300000);
	ck_assert_int_ge(half_open(&c), BACKLOG);
	rsts = resets(&c);
	began = clock_now_ns();
	round = reap(&c, 2 * SECOND_US);
	printf("# %llu reaped in %.2f ms\n", (unsigned long long)round.reaped,
	       (clock_now_ns() - began) / 1e6);
	ck_assert_uint_ge(round.reaped, BACKLOG);
	ck_assert_uint_eq(round.reaped, round.verdicts[SG_REQUEST_RIPE]);
	ck_assert_int_lt(half_open(&c), BACKLOG / 2);
	ck_assert_uint_eq(resets(&c), rsts);
	ok(clients_run(c.s.lab, LAB_CLIENT,
		       &(struct clients_options){
			       .port = STAGE_PORT, .rate_per_sec = 20, .duration_ms = 500 },
		       &clients),
	   "clients");
	ck_assert_uint_eq(clients.connected_1s, clients.attempted);
	clients_result_done(&clients);
	scene_strike(&c);
}
END_TEST

/* Not before the SYN-ACK was sent again, nor within the second after that, nor before its time. */
START_TEST(reap_leaves_the_young)
{
	struct reap_round round;
	struct scene c;
	int there;

	scene_raise(&c, (struct server_options){});
	burst(&c, BACKLOG / 2);
	usleep(500000);
	there = half_open(&c);
	ck_assert_int_gt(there, BACKLOG / 4);
	round = reap(&c, 0);
	ck_assert_uint_eq(round.reaped, 0);
	usleep(1000000);
	round = reap(&c, 0);
	ck_assert_uint_eq(round.verdicts[SG_REQUEST_YOUNG], there);
	ck_assert_uint_eq(round.reaped, 0);
	usleep(800000);
	round = reap(&c, 3 * SECOND_US);
	ck_assert_uint_eq(round.verdicts[SG_REQUEST_YOUNG], there);
	ck_assert_int_eq(half_open(&c), there);
	ck_assert_uint_eq(reap(&c, 2 * SECOND_US).reaped, there);
	scene_strike(&c);
}
END_TEST

/* One that is bound to a device is found and ended as any other. */
START_TEST(reap_of_a_bound_listener)
{
	struct scene c;

	scene_raise(&c, (struct server_options){ .device = LAB_IFNAME });
	burst(&c, BACKLOG / 2);
	usleep(2300000);
	ck_assert_int_gt(half_open(&c), 0);
	reap(&c, 2 * SECOND_US);
	ck_assert_int_eq(half_open(&c), 0);
	scene_strike(&c);
}
END_TEST

static void see_one(void *userdata, const struct sockdiag_socket *s)
{
	*(struct sockdiag_socket *)userdata = *s;
}

/* The same ends and another cookie: another connection, and left alone. */
START_TEST(reap_knows_the_socket)
{
	struct sockdiag_socket seen = {};
	struct sockdiag_ender *ender;
	struct scene c;
	bool partial;

	scene_raise(&c, (struct server_options){});
	burst(&c, 1);
	usleep(100000);
	ok(sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, see_one, &seen, &partial), "the walk");
	ck_assert_uint_ne(seen.cookie, 0);
	ok(sockdiag_ender_new(&ender), "sock_diag");
	seen.cookie++;
	ck_assert_int_eq(sockdiag_end(ender, &seen, 1), 0);
	ck_assert_int_eq(half_open(&c), 1);
	seen.cookie--;
	ck_assert_int_eq(sockdiag_end(ender, &seen, 1), 1);
	ck_assert_int_eq(half_open(&c), 0);
	ck_assert_int_eq(sockdiag_end(ender, &seen, 1), 0);
	sockdiag_ender_free(ender);
	scene_strike(&c);
}
END_TEST

/* ---- H24 ----------------------------------------------------------------------------------- */

/* Clients that have connected, and are silent. */
static void connect_silently(struct scene *c, int *fds, size_t count, int family)
{
	size_t i;

	for (i = 0; i < count; i++) {
		fds[i] = pair_socket(&c->s, family, 0);
		ok(pair_connect(fds[i], family), "a client");
	}
}

static void ask_and_close(int fd)
{
	char word[5];

	ck_assert_int_eq(send(fd, "hello", 5, MSG_NOSIGNAL), 5);
	ck_assert_msg(recv(fd, word, 5, MSG_WAITALL) == 5, "no echo: %s", strerror(errno));
	close(fd);
}

/*
 * On a listener that waits for data nothing is reaped, neither a client that is silent (which the
 * kernel keeps half-open, and answered) nor what is beside it.
 */
START_TEST(h24_deferred_is_not_reaped)
{
	struct reap_round round;
	int fds[SILENT], i;
	struct scene c;

	scene_raise(&c, (struct server_options){ .defer_accept = 30 });
	connect_silently(&c, fds, SILENT, _i ? AF_INET6 : AF_INET);
	burst(&c, BACKLOG / 4);
	usleep(2300000);
	ck_assert_int_gt(half_open(&c), SILENT);
	round = reap(&c, SECOND_US);
	ck_assert_uint_gt(round.verdicts[SG_REQUEST_DEFERRED], 0);
	ck_assert_uint_eq(round.reaped, 0);
	for (i = 0; i < SILENT; i++)
		ask_and_close(fds[i]);
	scene_strike(&c);
}
END_TEST

/*
 * A client that the accept queue has no room for is half-open, answered, and sent its SYN-ACK again
 * and again. It gets in when there is room.
 */
START_TEST(h24_acked_is_not_reaped)
{
	struct reap_round round;
	static struct wire w;
	struct scene c;
	int fds[3];

	scene_raise(&c, (struct server_options){ .backlog = 2, .not_accepting = true });
	wire_open(&w, &c.s, _i ? 6 : 4, 40001);
	wire_send_syn(&w, NULL);
	wire_take_synack(&w);
	connect_silently(&c, fds, 3, AF_INET);
	wire_send(&w, FRAME_ACK, NULL);
	usleep(2300000);
	round = reap(&c, SECOND_US);
	ck_assert_uint_eq(round.verdicts[SG_REQUEST_ACKED], 1);
	ck_assert_uint_eq(round.reaped, 0);
	server_set_accepting(c.s.server, true);
	usleep(100000);
	wire_drain(&w, 50);
	wire_send(&w, FRAME_ACK | FRAME_PSH, "hello");
	wire_take_payload(&w, "hello");
	wire_close(&w);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	scene_strike(&c);
}
END_TEST

/*
 * The ACK was lost: the client is left alone until the SYN-ACK has been sent again and for a second
 * more, however short the life is to be, and its answer to that completes the handshake.
 */
START_TEST(h24_ack_lost)
{
	static struct wire w;
	struct scene c;

	scene_raise(&c, (struct server_options){});
	wire_open(&w, &c.s, _i ? 6 : 4, 40001);
	wire_send_syn(&w, NULL);
	wire_take_synack(&w); /* the ACK of which is lost */
	usleep(600000);
	ck_assert_uint_eq(reap(&c, 0).reaped, 0);
	wire_take_synack(&w);
	usleep(300000); /* on the way */
	ck_assert_uint_eq(reap(&c, 0).reaped, 0);
	wire_send(&w, FRAME_ACK, NULL);
	wire_send(&w, FRAME_ACK | FRAME_PSH, "hello");
	wire_take_payload(&w, "hello");
	wire_close(&w);
	scene_strike(&c);
}
END_TEST

/* What remains: whose answers are all lost, for longer than the life, is reset when he speaks. */
START_TEST(h24_all_acks_lost)
{
	static struct wire w;
	struct scene c;

	scene_raise(&c, (struct server_options){});
	wire_open(&w, &c.s, 4, 40001);
	wire_send_syn(&w, NULL);
	wire_take_synack(&w);
	wire_take_synack(&w);
	usleep(1200000);
	ck_assert_uint_eq(reap(&c, 2 * SECOND_US).reaped, 1);
	ck_assert(!wire_drain(&w, 100));
	wire_send(&w, FRAME_ACK | FRAME_PSH, "hello");
	ck_assert(wire_drain(&w, 100));
	wire_close(&w);
	scene_strike(&c);
}
END_TEST

/* ---- the daemon ---------------------------------------------------------------------------- */

#define REAP_ALONE                                                                                 \
	"[Detector]\nAttackRate=100\nEbbRate=20\nHoldSec=1s\n"                                     \
	"[Mitigation]\nSyncookies=no\nSynackRetries=0\nLease=no\n"

static json_int_t reaped(struct stage *s)
{
	json_t *status = stage_status(s);
	json_int_t n = json_integer_value(json_object_get(status, "reaped"));

	json_decref(status);
	return n;
}

static json_int_t tick_delay_us(struct stage *s)
{
	json_t *status = stage_status(s);
	json_int_t n = json_integer_value(json_object_get(status, "tick_delay_max_microseconds"));

	json_decref(status);
	return n;
}

static void says(struct stage *s, const char *verb, const char *word)
{
	_cleanup_free_ char *text = NULL;

	ck_assert_int_eq(stage_cli(s, &text, verb, NULL, NULL), 0);
	ck_assert_msg(strstr(text, word), "%s: %s", verb, text);
}

/* In an attack it reaps second by second, without programs and with them, and says so. */
START_TEST(reap_in_an_attack)
{
	static const char *const engines[] = { "kernel", "auto" };
	char config[512];
	struct flood *flood;
	struct stage s;
	int i;

	snprintf(config, sizeof(config), REAP_ALONE "[Daemon]\nEngine=%s\n", engines[_i]);
	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "0"), "syncookies");
	stage_daemon_config(&s, "auto", config);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 400);
	for (i = 0; i < 150 && reaped(&s) < BACKLOG; i++)
		usleep(100000);
	ck_assert_int_ge(reaped(&s), BACKLOG);
	says(&s, "mitigation", "were reaped so far");
	says(&s, "metrics", "synguard_reaped_connections_total 1");
	stage_flood_end(flood);
	for (i = 0; i < 100 && i >= 0; i++)
		usleep(50000);
	says(&s, "events", "unanswered half-open connections were reaped");
	printf("# %s: reaped %lld, the latest tick came %lld us late\n", engines[_i],
	       (long long)reaped(&s), (long long)tick_delay_us(&s));
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(reap_frees_a_full_queue, 30),
	SUITE_TEST(reap_leaves_the_young, 30),
	SUITE_TEST(reap_of_a_bound_listener, 30),
	SUITE_TEST(reap_knows_the_socket, 30),
	SUITE_LOOP(h24_deferred_is_not_reaped, 2, 30),
	SUITE_LOOP(h24_acked_is_not_reaped, 2, 30),
	SUITE_LOOP(h24_ack_lost, 2, 30),
	SUITE_TEST(h24_all_acks_lost, 30),
	SUITE_LOOP(reap_in_an_attack, 2, 60),
	{}
};
/* clang-format on */
