/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Established connections under a flood: what one end sends the other end's TCP gets, segment for
 * segment (trap H17).
 *
 * Segmentation and coalescing are off, so that a segment that TCP counts is a frame that programs
 * count. Loss probes are off and the least retransmission timeout is long, so that a segment is
 * only sent again where one was lost, however slow this machine is.
 */
#include "pair.h"
#include "suite.h"
#include "watch.h"

#include <errno.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <unistd.h>

#include "now.h"
#include "tests/lab/flood.h"

#define FLOWS	   8 /* of each kind */
#define LENGTHS	   16384
#define FLOOD_MS   3000
#define FLOOD_RATE 50000

static const char *const segments[] = {
	"Tcp.InSegs",	   "Tcp.OutSegs", "Tcp.RetransSegs", "Tcp.InErrs", "Tcp.EstabResets",
	"Tcp.ActiveOpens", NULL,
};

static void one_frame_per_segment(struct stage *s)
{
	int host, err;

	for (host = LAB_SERVER; host <= LAB_CLIENT; host++) {
		err = lab_offload_set(s->lab, host, LAB_IFNAME, LAB_TSO, false);
		ck_assert(!err || err == -EOPNOTSUPP); /* XDP at the other end has done it */
		ck_assert_int_eq(lab_offload_set(s->lab, host, LAB_IFNAME, LAB_GSO, false), 0);
		ck_assert_int_eq(lab_offload_set(s->lab, host, LAB_IFNAME, LAB_GRO, false), 0);
		ck_assert_int_eq(lab_sysctl_set(s->lab, host, "net.ipv4.tcp_early_retrans", "0"),
				 0);
		/* Linux 6.11; without it a machine that sleeps for 200 ms fails the test */
		lab_sysctl_set(s->lab, host, "net.ipv4.tcp_rto_min_us", "5000000");
	}
}

static void open_flows(struct stage *s, int listener, struct pair flows[FLOWS])
{
	int i;

	for (i = 0; i < FLOWS; i++)
		flows[i] = pair_open(s, listener, i % 2 ? AF_INET6 : AF_INET, 0);
}

/* Of every length, so that every sequence number, acknowledgment and segment size comes up. */
static void exchange(const struct pair flows[FLOWS])
{
	static unsigned int turn;
	size_t bytes;
	int i;

	for (i = 0; i < FLOWS; i++) {
		bytes = 1 + turn++ * 7919 % LENGTHS;
		pair_stream(flows[i].client, flows[i].server, bytes, bytes);
		pair_stream(flows[i].server, flows[i].client, LENGTHS - bytes, LENGTHS);
	}
}

/* By a FIN of either end, or by a RST. */
static void close_flows(struct pair flows[FLOWS])
{
	int i;

	for (i = 0; i < FLOWS; i++) {
		if (i % 8 < 4)
			pair_reset(&flows[i]);
		else if (i % 8 < 6)
			pair_close(&flows[i]);
		else
			pair_close_server_first(&flows[i]);
	}
}

/* Frames that found the receiving veth's ring full: lost before any program saw them. */
static json_int_t lost_by_veth(struct stage *s)
{
	struct rtnl_link_stats64 client, server;

	ck_assert_int_eq(lab_link_stats(s->lab, LAB_CLIENT, LAB_IFNAME, &client), 0);
	ck_assert_int_eq(lab_link_stats(s->lab, LAB_SERVER, LAB_IFNAME, &server), 0);
	return client.tx_dropped + server.tx_dropped;
}

/* TCP packets that a program passed on, of which `verdicts` ends with NULL. */
static json_int_t passed(const json_t *status, const char *program, const char *const *verdicts)
{
	json_int_t sum = 0;

	for (; *verdicts; verdicts++)
		sum += stage_verdict(status, program, *verdicts);
	return sum;
}

static const char *const xdp_passes[] = { "not_syn", "syn_admitted", "unproven", NULL };
static const char *const ingress_passes[] = { "syn",	   "not_ack",  "idle_ack",
					      "other_ack", "accepted", "already_connected",
					      NULL };

static void assert_all_arrived(struct stage *s, const struct watch *w, const json_t *before,
			       json_int_t lost)
{
	json_t *status = stage_status(s);
	json_int_t sent = watch_growth(w, LAB_CLIENT, "Tcp.OutSegs");
	json_int_t answered = watch_growth(w, LAB_SERVER, "Tcp.OutSegs");
	json_int_t by_xdp = passed(status, "xdp", xdp_passes) - passed(before, "xdp", xdp_passes);
	json_int_t by_ingress = passed(status, "ingress", ingress_passes) -
				passed(before, "ingress", ingress_passes);

	stage_assert_accounted(status);
	/* client to server; the SYNs of the second half of the flows were challenged */
	ck_assert_int_le(by_xdp + FLOWS, sent);
	ck_assert_int_ge(by_xdp + FLOWS + lost, sent);
	ck_assert_int_eq(by_ingress, by_xdp);
	ck_assert_uint_eq(watch_growth(w, LAB_SERVER, "Tcp.InSegs"), by_xdp);
	/* and back: egress sees them before they are cut; challenges are sent by nobody's TCP */
	ck_assert_int_le(watch_growth(w, LAB_CLIENT, "Tcp.InSegs"), answered + FLOWS);
	ck_assert_int_ge(watch_growth(w, LAB_CLIENT, "Tcp.InSegs") + lost, answered + FLOWS);

	ck_assert_int_eq(stage_verdict(status, "ingress", "early_data"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "deferred"), 0);
	ck_assert_int_eq(watch_growth(w, LAB_SERVER, "Tcp.InErrs"), 0);
	ck_assert_int_eq(watch_growth(w, LAB_CLIENT, "Tcp.InErrs"), 0);
	ck_assert_int_le(watch_growth(w, LAB_CLIENT, "Tcp.RetransSegs"), lost);
	ck_assert_int_le(watch_growth(w, LAB_SERVER, "Tcp.RetransSegs"), lost);
	json_decref(status);
}

static void flood_and_exchange(struct stage *s, struct pair before[FLOWS],
			       struct pair during[FLOWS])
{
	uint64_t end = now_ms() + FLOOD_MS;
	struct flood_counts counts;
	struct flood *flood;

	flood = STAGE_FLOOD(s, .rate_per_sec = FLOOD_RATE, .ipv6_share = 128,
			    .duration_ms = FLOOD_MS);
	while (now_ms() < end) {
		exchange(before);
		exchange(during);
	}
	close_flows(before); /* in the flood, if this machine is not too slow for that */
	ck_assert_int_eq(flood_wait(flood), 0);
	flood_counts(flood, &counts);
	ck_assert_uint_gt(counts.offered, FLOOD_RATE);
	flood_free(flood);
}

START_TEST(h17_established)
{
	struct pair before[FLOWS], during[FLOWS];
	struct watch w;
	struct stage s;
	json_int_t lost;
	json_t *status;
	int listener;

	stage_raise(&s, NULL);
	one_frame_per_segment(&s);
	listener = pair_listen(&s, NULL);
	stage_daemon(&s, "auto");
	stage_prove(&s, STAGE_PORT);

	status = stage_status(&s);
	lost = lost_by_veth(&s);
	watch_begin(&w, &s, segments);
	open_flows(&s, listener, before);
	exchange(before);
	stage_mode(&s, "always");
	open_flows(&s, listener, during);
	flood_and_exchange(&s, before, during);
	close_flows(during);
	assert_all_arrived(&s, &w, status, lost_by_veth(&s) - lost);
	ck_assert_int_eq(watch_service(&s).accepted, FLOWS);
	ck_assert_int_eq(watch_service(&s).established, FLOWS);
	ck_assert_int_gt(watch_service(&s).challenged, FLOOD_RATE);
	json_decref(status);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(h17_established, 60),
	{}
};
/* clang-format on */
