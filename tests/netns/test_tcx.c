/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways to attach other than native XDP: tcx that answers SYNs itself, XDP in the stack, what is
 * asked for by name, and a driver that loses XDP's answers (trap F10).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "said.h"
#include "suite.h"
#include "tests/lab/flood.h"
#include "watch.h"

static const int families[] = { AF_INET, AF_INET6 };

static bool interface_is(struct stage *s, const char *attach, bool answers, const char *reason)
{
	json_t *status = stage_status(s);
	const json_t *row = json_array_get(json_object_get(status, "interfaces"), 0);
	bool is = !strcmp(json_string_value(json_object_get(row, "attach")), attach) &&
		  json_is_true(json_object_get(row, "answers")) == answers &&
		  strstr(json_string_value(json_object_get(row, "attach_reason")), reason);

	json_decref(status);
	return is;
}

static void await_interface(struct stage *s, const char *attach, bool answers, const char *reason)
{
	int tries;

	for (tries = 0; tries < 100 && !interface_is(s, attach, answers, reason); tries++)
		usleep(100000);
	ck_assert_msg(interface_is(s, attach, answers, reason), "not %s%s (%s)", attach,
		      answers ? ", answering" : "", reason);
}

static void raise_with(struct stage *s, const char *mode, const char *way)
{
	char config[64];

	snprintf(config, sizeof(config), "[Daemon]\nAttach=%s\n", way);
	stage_daemon_config(s, mode, config);
}

/* ---- options and checksums ----------------------------------------------------------------- */

/* What a connection has agreed upon, at one end. */
static void same_terms(const char *end, struct tcp_info a, struct tcp_info b)
{
	ck_assert_msg(a.tcpi_options == b.tcpi_options, "%s: options %x, %x", end, a.tcpi_options,
		      b.tcpi_options);
	ck_assert_msg(a.tcpi_snd_mss == b.tcpi_snd_mss, "%s: MSS %u, %u", end, a.tcpi_snd_mss,
		      b.tcpi_snd_mss);
	ck_assert_msg(a.tcpi_snd_wscale == b.tcpi_snd_wscale &&
			      a.tcpi_rcv_wscale == b.tcpi_rcv_wscale,
		      "%s: window scales", end);
}

/*
 * By each way, the client's and the server's checksums partial or complete: the connection is
 * challenged, has the options of one that was not, and carries its bytes. The client checks what is
 * complete, as the offload of its own reception is off in a veth.
 */
START_TEST(tcx_options_kept)
{
	static const char *const ways[] = { "tcx", "generic" };
	const char *way = ways[_i / 4];
	struct pair plain, challenged;
	struct watch_service before;
	struct stage s;
	int listener, i;

	stage_raise(&s, NULL);
	listener = pair_listen(&s, NULL);
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_TX_CSUM, _i & 1), "checksums");
	ok(lab_offload_set(s.lab, LAB_SERVER, LAB_IFNAME, LAB_TX_CSUM, _i & 2), "checksums");
	raise_with(&s, "always", way);
	await_interface(&s, way, true, "Attach=");
	for (i = 0; i < 2; i++) {
		stage_mode(&s, "observe");
		plain = pair_open(&s, listener, families[i], 0);
		before = watch_service(&s);
		stage_mode(&s, "always");
		await_interface(&s, way, true, "Attach=");
		challenged = pair_open(&s, listener, families[i], 0);
		watch_assert_defended(&s, &before, 1);
		same_terms("client", pair_info(plain.client), pair_info(challenged.client));
		same_terms("server", pair_info(plain.server), pair_info(challenged.server));
		pair_bulk(&challenged, 1 << 20);
		pair_close(&challenged);
		pair_close(&plain);
	}
	stage_strike(&s);
}
END_TEST

/*
 * A SYN with IP options and a partial checksum: the answer has none, so its TCP header would lie
 * elsewhere than where the checksum is to be completed. It passes, and the kernel answers.
 */
START_TEST(tcx_partial_with_ip_options)
{
	static const unsigned char nops[] = { 1, 1, 1, 1 };
	struct pair p = { -1, -1 };
	struct stage s;
	int listener;

	stage_raise(&s, NULL);
	listener = pair_listen(&s, NULL);
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_TX_CSUM, _i), "checksums");
	raise_with(&s, "always", "tcx");
	await_interface(&s, "tcx", true, "Attach=");
	stage_prove(&s, STAGE_PORT);
	while ((p.server = pair_accept(listener, 100)) >= 0)
		close(p.server);
	p.client = pair_socket(&s, AF_INET, 0);
	ok(setsockopt(p.client, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops)), "IP options");
	ok(pair_connect(p.client, AF_INET), "connecting");
	p.server = pair_accept(listener, 5000);
	ck_assert_int_ge(p.server, 0);
	pair_talk(&p);
	pair_close(&p);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "no_room"), _i);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "accepted"), !_i);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- a flood ------------------------------------------------------------------------------- */

START_TEST(tcx_flood)
{
	struct stage s;
	struct flood *f;
	json_t *status;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	raise_with(&s, "auto", "tcx");
	await_interface(&s, "tcx", true, "Attach=tcx");
	stage_prove(&s, STAGE_PORT);
	f = STAGE_FLOOD(&s, .rate_per_sec = 50000, .ipv6_share = 128);
	usleep(1000000);
	stage_connect_all(&s, STAGE_PORT, 50, 2000);
	flood_free(f);
	status = stage_status(&s);
	stage_assert_accounted(status);
	ck_assert_int_ge(stage_verdict(status, "ingress", "challenged") +
				 stage_verdict(status, "ingress", "challenged_plain"),
			 20000);
	ck_assert_int_eq(stage_verdict(status, "egress", "forwarded_synack"), 0);
	ck_assert_int_eq(stage_packets(status, "xdp"), 0);
	json_decref(status);
	stage_strike(&s);
}
END_TEST

/* ---- what is asked for --------------------------------------------------------------------- */

/* Another way at a reload, and by the argument; a word that is none. */
START_TEST(attach_by_name)
{
	const char *const args[] = { "--interface", LAB_IFNAME, "--attach", "tcx", NULL };
	const struct lab_daemon_options o = { .mode = "always", .args = args };
	const char *wrong[] = { NULL, "--attach", "offload", NULL };
	struct said said;
	char *program;
	char tail[2048];
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	ok(lab_find_program("synguardd", &program), "synguardd");
	wrong[0] = program;
	said = said_run(&s, wrong, -1);
	ck_assert_int_eq(said.exit_code, 2);
	ck_assert_msg(strstr(said.err, "\"offload\"") &&
			      strstr(said.err, "auto, native, tcx and generic"),
		      "%s", said.err);
	said_done(&said);
	free(program);
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	await_interface(&s, "tcx", true, "Attach=tcx");
	stage_prove(&s, STAGE_PORT);
	stage_connect_all(&s, STAGE_PORT, 100, 200);
	stage_mode(&s, "observe");
	await_interface(&s, "tcx", false, "mode off or observe");
	stage_strike(&s);
}
END_TEST

/* ---- F10 ----------------------------------------------------------------------------------- */

/*
 * Without NAPI at the client's end, XDP's answers are lost in the driver, all of them. After three
 * seconds in which that was so tcx answers, and clients connect: those that are there already, too.
 */
START_TEST(f10_answers_are_lost)
{
	const struct clients_options o = {
		.port = STAGE_PORT, .rate_per_sec = 20, .duration_ms = 5000, .deadline_ms = 20000
	};
	struct clients_result r;
	struct clients *clients;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	raise_with(&s, "always", _i ? "native" : "auto");
	await_interface(&s, "native", true, "");
	stage_prove(&s, STAGE_PORT);
	stage_connect_all(&s, STAGE_PORT, 50, 3500);
	await_interface(&s, "native", true, "");

	s.sink = sink_free(s.sink);
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_GRO, false), "GRO off");
	ok(clients_start(&clients, s.lab, LAB_CLIENT, &o), "clients");
	await_interface(&s, "tcx", !_i, "the driver lost");
	ok(clients_wait(clients, &r), "clients");
	clients_free(clients);
	ck_assert_uint_eq(r.connected, r.attempted);
	clients_result_done(&r);
	/* and stays so for now */
	usleep(1500000);
	await_interface(&s, "tcx", !_i, "the driver lost");
	stage_strike(&s);
}
END_TEST

/* The fall in the midst of a flood: until XDP is off the interface, and from then on, every SYN of a
 * service that is always defended is answered, and none is left to its queue. */
START_TEST(f10_nothing_between)
{
	json_int_t before, after;
	struct flood *f;
	json_t *status;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	raise_with(&s, "always", "auto");
	await_interface(&s, "native", true, "");
	stage_prove(&s, STAGE_PORT);
	s.sink = sink_free(s.sink);
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_GRO, false), "GRO off");
	usleep(1200000);
	status = stage_status(&s);
	before = stage_verdict(status, "ingress", "syn");
	json_decref(status);
	f = STAGE_FLOOD(&s, .rate_per_sec = 20000, .ipv6_share = 128);
	await_interface(&s, "tcx", true, "the driver lost");
	usleep(300000);
	flood_free(f);
	status = stage_status(&s);
	after = stage_verdict(status, "ingress", "syn");
	ck_assert_int_gt(stage_verdict(status, "ingress", "challenged"), 1000);
	ck_assert_msg(after == before, "%lld SYNs passed between", (long long)(after - before));
	json_decref(status);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(tcx_options_kept, 8, 30),
	SUITE_LOOP(tcx_partial_with_ip_options, 2, 30),
	SUITE_TEST(tcx_flood, 60),
	SUITE_TEST(attach_by_name, 30),
	SUITE_LOOP(f10_answers_are_lost, 2, 60),
	SUITE_TEST(f10_nothing_between, 60),
	{}
};
/* clang-format on */
