/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flood of ACKs from everywhere at a service (trap H17): XDP drops them and the stack answers
 * none, while what is established loses nothing and clients connect.
 */
#include "pair.h"
#include "suite.h"
#include "told.h"
#include "watch.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "noise.h"
#include "now.h"

#define FLOWS	 4
#define FLOOD_MS 4000
#define RATE	 50000 /* ACKs a second, in bursts of a millisecond's */

struct flood_of_acks {
	struct stage *s;
	pthread_t thread;
	atomic_bool over;
	atomic_uint sent;
	__u8 to[6], from[6];
};

/* From 198.18.0.0/15 and 2001:2::/48, of any number, half of them with data. */
static struct frame_spec next_ack(const struct flood_of_acks *f, __u64 *seed)
{
	bool six = noise_below(seed, 2);
	struct frame_spec ack = {
		.version = six ? 6 : 4,
		.dst = six ? LAB_SERVER_ADDR6 : LAB_SERVER_ADDR4,
		.sport = 1024 + noise_below(seed, 60000),
		.dport = STAGE_PORT,
		.flags = FRAME_ACK,
		.seq = noise(seed),
		.ack = noise(seed),
		.payload_bytes = noise_below(seed, 2) * 64,
	};

	noise_fill(seed, &ack.src_addr, 16);
	if (six)
		memcpy(ack.src_addr.bytes, (__u8[]){ 0x20, 0x01, 0, 2, 0, 0 }, 6);
	else
		ack.src_addr.words[3] = htonl(0xc6120000 | noise_below(seed, 1 << 17));
	memcpy(ack.destination_mac, f->to, 6);
	memcpy(ack.source_mac, f->from, 6);
	return ack;
}

static void *flood_run(void *arg)
{
	struct flood_of_acks *f = arg;
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	__u64 seed = 1;
	int fd, i;

	if (lab_enter(f->s->lab, LAB_CLIENT))
		return NULL;
	at.sll_ifindex = if_nametoindex(LAB_IFNAME);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	while (fd >= 0 && !atomic_load(&f->over)) {
		for (i = 0; i < RATE / 1000; i++) {
			struct frame_spec ack = next_ack(f, &seed);
			__u8 bytes[FRAME_ROOM];
			size_t length = frame_build(bytes, sizeof(bytes), &ack);

			if (sendto(fd, bytes, length, 0, (struct sockaddr *)&at, sizeof(at)) > 0)
				atomic_fetch_add(&f->sent, 1);
		}
		usleep(1000);
	}
	close(fd);
	return NULL;
}

static void flood_begin(struct flood_of_acks *f, struct stage *s)
{
	*f = (struct flood_of_acks){ .s = s };
	ck_assert_int_eq(lab_mac(s->lab, LAB_SERVER, LAB_IFNAME, f->to), 0);
	ck_assert_int_eq(lab_mac(s->lab, LAB_CLIENT, LAB_IFNAME, f->from), 0);
	ck_assert_int_eq(pthread_create(&f->thread, NULL, flood_run, f), 0);
}

static void flood_end(struct flood_of_acks *f)
{
	atomic_store(&f->over, true);
	pthread_join(f->thread, NULL);
	ck_assert_uint_gt(f->sent, RATE / 4);
}

static const char *const counters[] = { "Tcp.OutRsts", "Tcp.RetransSegs", "Tcp.EstabResets", NULL };

/* Until the end: what is established talks, and new ones are made, used and closed. */
static int talk_until(struct stage *s, int listener, const struct pair flows[FLOWS], uint64_t end)
{
	int opened = 0, i;

	while (now_ms() < end) {
		struct pair p = pair_open(s, listener, opened % 2 ? AF_INET6 : AF_INET, 0);

		pair_stream(p.client, p.server, 5000, 1000);
		pair_close(&p);
		opened++;
		for (i = 0; i < FLOWS; i++) {
			pair_stream(flows[i].client, flows[i].server, 20000, 20000);
			pair_stream(flows[i].server, flows[i].client, 20000, 20000);
		}
	}
	return opened;
}

START_TEST(h17_ack_flood)
{
	struct flood_of_acks flood;
	struct pair flows[FLOWS];
	struct watch w;
	struct stage s;
	json_t *status;
	uint64_t resets, before;
	json_int_t held;
	int listener, opened, i;

	stage_raise(&s, NULL);
	listener = pair_listen(&s, NULL);
	stage_daemon_config(&s, "always", STAGE_NOBODY_IS_VERIFIED "AckFloodRate=2000\n");
	stage_prove(&s, STAGE_PORT);
	for (i = 0; i < FLOWS; i++)
		flows[i] = pair_open(&s, listener, i % 2 ? AF_INET6 : AF_INET, 0);
	watch_begin(&w, &s, counters);
	flood_begin(&flood, &s);
	watch_await_verdict(&s, "xdp", "bogus_ack", 1);
	usleep(100000); /* what was under way when the flood was noticed */
	before = watch_growth(&w, LAB_SERVER, "Tcp.OutRsts");
	held = watch_verdict(&s, "ingress", "early_data");
	opened = talk_until(&s, listener, flows, now_ms() + FLOOD_MS);
	resets = watch_growth(&w, LAB_SERVER, "Tcp.OutRsts") - before;
	flood_end(&flood);

	status = stage_status(&s);
	stage_assert_accounted(status);
	printf("# %u ACKs, %lld dropped, %llu answered with a RST; %d connections meanwhile\n",
	       flood.sent, stage_verdict(status, "xdp", "bogus_ack"), (unsigned long long)resets,
	       opened);
	ck_assert_int_gt(opened, 20);
	/* the veth loses some; what arrived was dropped, or there would be a RST or data held back */
	ck_assert_int_gt(stage_verdict(status, "xdp", "bogus_ack"), RATE / 4);
	ck_assert_uint_lt(resets, flood.sent / 100);
	ck_assert_int_eq(stage_verdict(status, "ingress", "early_data"), held);
	ck_assert_int_ge(stage_verdict(status, "ingress", "accepted"), opened);
	ck_assert_uint_eq(watch_growth(&w, LAB_CLIENT, "Tcp.EstabResets"), 0);
	ck_assert_uint_eq(watch_growth(&w, LAB_SERVER, "Tcp.EstabResets"), 0);
	json_decref(status);
	for (i = 0; i < FLOWS; i++)
		pair_close(&flows[i]);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- what is told of it -------------------------------------------------------------------- */

static void assert_judged(struct stage *s, const char *state, const char *kind)
{
	json_t *status = stage_status(s);

	ck_assert_str_eq(json_string_value(json_object_get(status, "state")), state);
	ck_assert_str_eq(json_string_value(json_object_get(status, "kind")), kind);
	/* what the mitigation adjusts is of no use against ACKs */
	ck_assert_int_eq(stage_figure(status, "mitigation_takes"), 0);
	json_decref(status);
}

static json_int_t acks_per_sec(struct stage *s, const char *which)
{
	json_t *status = stage_status(s);
	json_int_t n = stage_figure(json_object_get(status, "rates"), which);

	json_decref(status);
	return n;
}

static const struct {
	const char *mode, *sentence;
	bool drops;
} modes[] = {
	{ "auto", "/s dropped, connections go on.", true },
	{ "observe", "that is only observed: none is dropped.", false },
};

START_TEST(h17_ack_flood_is_told)
{
	struct flood_of_acks flood;
	json_t *began, *ended;
	json_int_t bogus = 0;
	struct stage s;
	int listener, tries;

	stage_raise(&s, NULL);
	listener = pair_listen(&s, NULL);
	stage_daemon_config(&s, modes[_i].mode,
			    STAGE_NOBODY_IS_VERIFIED "AckFloodRate=2000\n"
						     "[Detector]\nHoldSec=2s\n");
	stage_prove(&s, STAGE_PORT);
	assert_judged(&s, "calm", "none");
	told_says(&s, "metrics", "\nsynguard_attack{kind=\"none\"} 1\n");

	flood_begin(&flood, &s);
	began = told_await(&s, "ack_flood_began");
	ck_assert_int_ge(stage_figure(began, "bogus_acks_per_second"), 200);
	assert_judged(&s, "attack", "ack_flood");
	for (tries = 0; tries < 50 && bogus < 2000; tries++) {
		usleep(100000);
		bogus = acks_per_sec(&s, "bogus_acks_per_second");
	}
	ck_assert_int_ge(bogus, 2000);
	ck_assert(!acks_per_sec(&s, "dropped_acks_per_second") == !modes[_i].drops);
	told_says(&s, "status", "An ACK flood, ");
	told_says(&s, "status", modes[_i].sentence);
	told_says(&s, "metrics", "\nsynguard_attack{kind=\"ack_flood\"} 1\n");
	told_says(&s, "metrics", "\nsynguard_bogus_acks_total ");
	ck_assert_int_eq(told_events(&s, "ack_flood_ended", &ended), 0);
	flood_end(&flood);

	ended = told_await(&s, "ack_flood_ended");
	ck_assert_int_gt(stage_figure(ended, "bogus_acks"), 2000);
	ck_assert_int_le(stage_figure(ended, "bogus_acks"), flood.sent * 5 / 4);
	ck_assert(!stage_figure(ended, "dropped") == !modes[_i].drops);
	ck_assert_int_le(stage_figure(ended, "dropped"), flood.sent);
	ck_assert_int_le(stage_figure(ended, "seconds"), 10);
	assert_judged(&s, "calm", "none");
	json_decref(began);
	json_decref(ended);
	ck_assert_int_eq(told_events(&s, "ack_flood_began", &began), 1);
	json_decref(began);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- what is none of it ---------------------------------------------------------------------- */

static const struct {
	const char *interface;
	int host; /* of the clients */
} peers[] = {
	{ "lo", LAB_SERVER },
	{ LAB_IFNAME, LAB_CLIENT },
};

/*
 * Clients on the same machine, over lo or a veth, acknowledge what this host's TCP is still sending: 6000
 * ACKs at the least, one in SG_ACK_SAMPLE of which is looked up.
 */
START_TEST(no_ack_of_a_client_is_bogus)
{
	const struct lab_daemon_options daemon = { .interface = peers[_i].interface,
						   .mode = "auto" };
	const struct clients_options clients = {
		.family = CLIENTS_V4, .port = STAGE_PORT, .rate_per_sec = 1000, .duration_ms = 2000
	};
	struct clients_result result;
	struct stage s;
	json_t *status;

	stage_raise(&s, &(struct server_options){ .backlog = 4096 });
	ck_assert_int_eq(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &daemon, NULL, 0), 0);
	ck_assert_int_eq(clients_run(s.lab, peers[_i].host, &clients, &result), 0);
	ck_assert_uint_eq(result.connected, result.attempted);
	clients_result_done(&result);
	/* what has been counted so far is read */
	told_await_ticks(&s, 2);
	status = stage_status(&s);
	ck_assert_int_gt(stage_packets(status, "ingress"), 6000);
	ck_assert_int_eq(stage_figure(status, "bogus_acks"), 0);
	json_decref(status);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(h17_ack_flood, 60),
	SUITE_LOOP(h17_ack_flood_is_told, sizeof(modes) / sizeof(modes[0]), 60),
	SUITE_LOOP(no_ack_of_a_client_is_bogus, sizeof(peers) / sizeof(peers[0]), 30),
	{}
};
/* clang-format on */
