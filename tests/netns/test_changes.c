/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes, and what must not, while a service is defended: its listener (trap H9), the host's
 * settings (H20), clients that were here before (C4), and the defence itself (C1).
 */
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "now.h"
#include "pair.h"
#include "suite.h"
#include "tests/lab/flood.h"
#include "watch.h"

static const char *const resets[] = { "Tcp.OutRsts", "Tcp.EstabResets", NULL };

static struct flood *flood_begin(struct stage *s, unsigned int seconds)
{
	return STAGE_FLOOD(s, .rate_per_sec = 20000, .ipv6_share = 128,
			   .duration_ms = seconds * 1000);
}

/* How many of the two services are defended now. */
static int defended(struct stage *s)
{
	static const char *const addresses[] = { LAB_SERVER_ADDR4, LAB_SERVER_ADDR6 };
	json_t *status = stage_status(s);
	int i, n = 0;

	for (i = 0; i < 2; i++)
		n += json_is_true(json_object_get(stage_service(status, addresses[i], STAGE_PORT),
						  "defending"));
	json_decref(status);
	return n;
}

static void await_defended(struct stage *s, int count)
{
	int tries;

	for (tries = 0; tries < 150 && defended(s) != count; tries++)
		usleep(100000);
	ck_assert_int_eq(defended(s), count);
}

/* ---- H9 ------------------------------------------------------------------------------------ */

static void serve(struct stage *s, bool mptcp)
{
	const struct server_options o = { .port = STAGE_PORT, .mptcp = mptcp };

	s->server = server_free(s->server);
	ok(server_new(&s->server, s->lab, LAB_SERVER, &o), "a server");
	usleep(100000); /* SG_RECHECK_NS and a tick of the coarse clock */
}

/*
 * An MPTCP listener takes the place of one that was defended, and a plain one comes back, where it is
 * left to the kernel. fw94_engine_changes_in_a_flood has it challenged.
 */
START_TEST(h9_replaced_by_mptcp)
{
	struct watch_service before, after;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	stage_daemon_config(&s, "always", "[Mitigation]\nKernelCookies=no\n");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	stage_connect_all(&s, STAGE_PORT, 100, 200);
	watch_assert_defended(&s, &before, 20);

	serve(&s, true);
	before = watch_service(&s);
	stage_connect_all(&s, STAGE_PORT, 100, 200);
	after = watch_service(&s);
	ck_assert_int_eq(after.challenged, before.challenged);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "mptcp_listener"), 20);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "refused"), 0);
	ck_assert_int_eq(defended(&s), 0);

	serve(&s, false);
	before = watch_service(&s);
	stage_connect_all(&s, STAGE_PORT, 100, 200);
	watch_assert_defended(&s, &before, 20);
	stage_strike(&s);
}
END_TEST

/* ---- H20 ----------------------------------------------------------------------------------- */

/* What a challenge offers is switched off and on while clients hold challenges: nobody is reset. */
START_TEST(h20_options_flipped)
{
	static const char *const sysctls[] = { "net.ipv4.tcp_timestamps", "net.ipv4.tcp_sack",
					       "net.ipv4.tcp_window_scaling" };
	const struct clients_options o = {
		.port = STAGE_PORT, .rate_per_sec = 200, .duration_ms = 3000, .deadline_ms = 10000
	};
	struct clients_result r;
	struct clients *clients;
	struct watch w;
	struct stage s;
	int i;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	watch_begin(&w, &s, resets);
	ok(clients_start(&clients, s.lab, LAB_CLIENT, &o), "clients");
	for (i = 0; i < 30; i++) {
		ok(lab_sysctl_set(s.lab, LAB_SERVER, sysctls[_i], i % 2 ? "1" : "0"), "flipping");
		usleep(110000);
	}
	ok(clients_wait(clients, &r), "clients");
	clients_free(clients);
	ck_assert_uint_eq(r.connected, r.attempted);
	clients_result_done(&r);
	watch_assert_still(&w);
	ck_assert_int_ge(watch_service(&s).challenged, 500);
	stage_strike(&s);
}
END_TEST

/* ---- C4 ------------------------------------------------------------------------------------ */

START_TEST(c4_verified_keep_fast_open)
{
	static const char *const fast[] = { "TcpExt.TCPFastOpenPassive", NULL };
	int family = _i ? AF_INET6 : AF_INET, listener;
	struct watch_service before;
	struct flood *flood;
	struct watch w;
	struct stage s;
	struct pair p;

	stage_raise(&s, NULL);
	ok(lab_sysctl_set(s.lab, LAB_CLIENT, "net.ipv4.tcp_fastopen", "3"), "fast open");
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_fastopen", "3"), "fast open");
	listener = pair_listen(&s, &(struct pair_listener){ .fastopen = 16, .backlog = 128 });
	stage_daemon(&s, "auto");
	stage_prove(&s, STAGE_PORT);
	while ((p.server = pair_accept(listener, 100)) >= 0)
		close(p.server);
	p = pair_open_fast(&s, listener, family); /* gets the cookie, and is known from here on */
	pair_close(&p);

	flood = flood_begin(&s, 60);
	await_defended(&s, 2);
	watch_begin(&w, &s, fast);
	before = watch_service(&s);
	p = pair_open_fast(&s, listener, family);
	ck_assert_int_ne(pair_info(p.client).tcpi_options & TCPI_OPT_SYN_DATA, 0);
	ck_assert_uint_eq(watch_growth(&w, LAB_SERVER, fast[0]), 1);
	ck_assert_int_eq(watch_service(&s).accepted, before.accepted);
	ck_assert_int_ge(watch_verdict(&s, "xdp", "syn_verified"), 1);
	pair_close(&p);
	flood_free(flood);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- C1 ------------------------------------------------------------------------------------ */

/*
 * A long flood is one defence: the queue is empty from its first second on, and nothing lets go of
 * the service before the flood ends, nor takes it up again afterwards. With --full five minutes.
 */
START_TEST(c1_one_defence)
{
	long long seconds = suite_full() ? 300 : 15, ms, start;
	unsigned int changes = 0;
	struct flood *flood;
	json_int_t admitted;
	struct stage s;
	int now, before = 2;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	stage_daemon_config(&s, "auto", STAGE_NOBODY_IS_VERIFIED "[Detector]\nHoldSec=5s\n");
	stage_prove(&s, STAGE_PORT);
	flood = flood_begin(&s, seconds + 120);
	await_defended(&s, 2);
	usleep(500000); /* what was on its way when the queue filled */
	admitted = watch_verdict(&s, "xdp", "syn_admitted");
	for (start = now_ms(); (ms = now_ms() - start) < seconds * 1000; usleep(200000))
		ck_assert_msg(defended(&s) == 2, "let go of after %lld ms", ms);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "syn_admitted"), admitted);
	flood_free(flood);

	/* until it is let go of, and a while more */
	for (start = now_ms(), ms = 0; ms < (before ? 30000 : 4000); usleep(200000)) {
		now = defended(&s);
		changes += now != before;
		if (before && !now)
			start = now_ms();
		before = now;
		ms = now_ms() - start;
	}
	ck_assert_int_eq(before, 0);
	/* the two may end in two looks */
	ck_assert_uint_le(changes, 2);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(h9_replaced_by_mptcp, 30),
	SUITE_LOOP(h20_options_flipped, 3, 30),
	SUITE_LOOP(c4_verified_keep_fast_open, 2, 60),
	SUITE_TEST(c1_one_defence, 90, .full_seconds = 400),
	{}
};
/* clang-format on */
