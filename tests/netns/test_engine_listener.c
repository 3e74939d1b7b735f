/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engine listener on a host with NAT or with an MPTCP listener, from the first SYN too many on: how soon
 * it challenges, and that neither the settings that it needs, nor a change of the engine, costs a
 * handshake.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "play.h"
#include "suite.h"
#include "synguard/cleanup.h"

#define COOKIES	   "net.ipv4.tcp_syncookies"
#define TIMESTAMPS "net.ipv4.tcp_timestamps"
#define CONNTRACK  "net.netfilter.nf_conntrack_count"

#define NAT                                                                                        \
	"nft 'table inet n { chain c { type nat hook postrouting priority srcnat; "                \
	"oifname \"nope\" masquerade; }; };'"

/* An attack is over as soon as it is. */
#define QUICK "[Detector]\nAttackRate=200\nEbbRate=50\nHoldSec=1s\n[Defence]\nLeaseSec=2s\n"

#define BACKLOG	  128
#define THRESHOLD (BACKLOG / 2)

static int setting(struct stage *s, const char *name)
{
	char *text;
	int n;

	ok(lab_sysctl_get(s->lab, LAB_SERVER, name, &text), name);
	n = atoi(text);
	free(text);
	return n;
}

static void await_setting(struct stage *s, const char *name, int wanted, int seconds)
{
	int64_t end = clock_now_ns() + seconds * 1000000000LL;

	while (setting(s, name) != wanted && (int64_t)clock_now_ns() < end)
		usleep(10000);
	ck_assert_msg(setting(s, name) == wanted, "%s is still %d", name, setting(s, name));
}

static void raise_with_nat(struct stage *s, const char *mode, const char *config)
{
	stage_raise(s, &(struct server_options){ .backlog = BACKLOG });
	stage_shell(s, LAB_SERVER, NAT);
	stage_daemon_config(s, mode, config);
	stage_prove(s, STAGE_PORT);
}

/* ---- how soon --------------------------------------------------------------------------------- */

#define ROUNDS	    8
#define ROUNDS_FULL 100
#define PROBE_USEC  300
#define SOON_NS	    20000000

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t await_over_threshold(struct flood *flood)
{
	struct flood_counts counts;

	do
		flood_counts(flood, &counts);
	while (counts.offered <= THRESHOLD);
	return clock_now_ns();
}

/*
 * As long as tcp_timestamps is 1 a challenge has none, and the kernel's own answers have. Ports that the
 * host would take a second time for the same connection are not used again.
 */
static uint64_t await_challenge(struct wire *w)
{
	int64_t end = clock_now_ns() + 5000000000LL;

	for (; (int64_t)clock_now_ns() < end; usleep(PROBE_USEC)) {
		w->port++;
		wire_send_syn(w, NULL);
		if (wire_receive(w, 5) && !w->seen.has_ts)
			return clock_now_ns();
	}
	ck_abort_msg("nobody is challenged");
}

START_TEST(fw92_first_challenge)
{
	size_t rounds = suite_full() ? ROUNDS_FULL : ROUNDS, i;
	uint64_t taken_ns[ROUNDS_FULL];
	struct flood *flood;
	struct stage s;
	struct wire w;

	raise_with_nat(&s, "auto", QUICK "ClientAllowance=0\n[Mitigation]\nTimestamps=no\n");
	/* what a flood leaves in the queue goes after a second */
	stage_shell(&s, LAB_SERVER, "sysctl -q net.ipv4.tcp_synack_retries=0");
	wire_open(&w, &s, 4, 10000);
	for (i = 0; i < rounds; i++) {
		uint64_t from_ns;

		flood = STAGE_FLOOD(&s, .rate_per_sec = 20000);
		from_ns = await_over_threshold(flood);
		taken_ns[i] = await_challenge(&w) - from_ns;
		stage_flood_end(flood);
		/* the lease has ended, too, so that the next flood is a first one */
		await_setting(&s, COOKIES, 1, 20);
	}
	qsort(taken_ns, rounds, sizeof(*taken_ns), compare);
	printf("# from the first SYN too many to the first challenge: median %.1f ms, p99 %.1f ms, "
	       "wanted 20, %zu floods\n",
	       taken_ns[rounds / 2] / 1e6, taken_ns[rounds * 99 / 100] / 1e6, rounds);
	fflush(stdout);
	/* one may be late where the machine has something else to do */
	ck_assert_uint_le(taken_ns[rounds / 2], SOON_NS);
	wire_close(&w);
	stage_strike(&s);
}
END_TEST

/* ---- handshakes that take their time ------------------------------------------------------------ */

/*
 * A client by hand, who answers the SYN-ACK late: some are always under way, whatever happens. He judges
 * what comes by its timestamps as a client's stack does (PAWS, RFC 7323).
 */
struct slow {
	struct wire w;
	enum { SLOW_NEW, SLOW_ASKED, SLOW_WAITS, SLOW_ANSWERED } state;
	uint64_t until_ns;
	uint32_t tsval; /* of the SYN-ACK */
	unsigned int done, lost;
	uint64_t asked_ns, lost_asked_ns;
	const char *why; /* the last one was */
};

#define SLOW_PATIENCE_NS 4000000000ULL
#define SLOW_LATE_NS	 700000000U /* at the most */
#define SLOW_PORTS	 20000	    /* from there on */

static void slow_lose(struct slow *c, const char *why)
{
	c->why = why;
	c->lost_asked_ns = c->asked_ns;
	c->lost++;
	c->state = SLOW_NEW;
}

static void slow_ask(struct slow *c)
{
	c->w.port = c->w.port == 65535 ? SLOW_PORTS : c->w.port + 1;
	c->w.timestamps = false;
	wire_send_syn(&c->w, NULL);
	c->asked_ns = clock_now_ns();
	c->until_ns = c->asked_ns + SLOW_PATIENCE_NS;
	c->state = SLOW_ASKED;
}

static void slow_take_synack(struct slow *c)
{
	if ((c->w.seen.flags & (FRAME_SYN | FRAME_ACK)) != (FRAME_SYN | FRAME_ACK)) {
		slow_lose(c, "no SYN-ACK was the answer to the SYN");
		return;
	}
	c->w.ack = c->w.seen.seq + 1;
	c->w.timestamps = c->w.seen.has_ts;
	c->tsval = c->w.seen.tsval;
	c->until_ns = clock_now_ns() + rand() % SLOW_LATE_NS;
	c->state = SLOW_WAITS;
}

static void slow_take_echo(struct slow *c)
{
	const struct frame_view *v = &c->w.seen;

	if (v->flags & FRAME_SYN)
		return;
	if (v->flags & (FRAME_RST | FRAME_FIN))
		slow_lose(c, "reset");
	else if (v->has_ts != c->w.timestamps)
		slow_lose(c, "other options than agreed");
	else if (v->has_ts && (int32_t)(v->tsval - c->tsval) < 0)
		slow_lose(c, "timestamps went back");
	else if (v->payload_bytes) {
		wire_send(&c->w, FRAME_RST | FRAME_ACK, NULL);
		c->done++;
		c->state = SLOW_NEW;
	}
}

static void slow_go_on(struct slow *c)
{
	bool late = clock_now_ns() > c->until_ns;

	switch (c->state) {
	case SLOW_NEW:
		slow_ask(c);
		return;
	case SLOW_ASKED:
		if (wire_receive(&c->w, 0))
			slow_take_synack(c);
		else if (late)
			slow_lose(c, "no answer to the SYN");
		return;
	case SLOW_WAITS:
		if (!late)
			return;
		wire_send(&c->w, FRAME_ACK | FRAME_PSH, "hello");
		c->until_ns = clock_now_ns() + SLOW_PATIENCE_NS;
		c->state = SLOW_ANSWERED;
		return;
	case SLOW_ANSWERED:
		if (wire_receive(&c->w, 0))
			slow_take_echo(c);
		else if (late)
			slow_lose(c, "no echo");
	}
}

#define SLOW_EACH 6 /* of a family */
#define SLOW_ALL  (2 * SLOW_EACH)

static void slow_open(struct slow *all, struct stage *s)
{
	int i;

	for (i = 0; i < SLOW_ALL; i++) {
		wire_open(&all[i].w, s, i % 2 ? 6 : 4, 0);
		all[i].w.port = SLOW_PORTS + i * (65535 - SLOW_PORTS) / SLOW_ALL;
		all[i].state = SLOW_NEW;
	}
}

/* How many have connected; that all have. */
static unsigned int slow_close(struct slow *all, const char *when)
{
	unsigned int done = 0;
	int i;

	for (i = 0; i < SLOW_ALL; i++) {
		ck_assert_msg(!all[i].lost,
			      "%s: %u of %u slow IPv%d clients lost, the last one: %s", when,
			      all[i].lost, all[i].lost + all[i].done, all[i].w.version, all[i].why);
		done += all[i].done;
		wire_close(&all[i].w);
	}
	return done;
}

/* ---- flips ------------------------------------------------------------------------------------- */

#define HOSTS	    4 /* at once, as most of a flip is waiting */
#define FLIPS	    48
#define FLIPS_FULL  1000
#define CLIENTS_SEC 50
#define FLIP_NS	    20000000000ULL /* it never takes so long */

/* Of both settings: 2 in mode always, 1 in mode observe. */
struct flipper {
	struct stage s;
	struct slow slow[SLOW_ALL];
	struct clients *clients;
	int flips;
	uint64_t since_ns;
};

/*
 * The IPv4 service is challenged; the IPv6 one is left alone, so that it has cookies of the kernel's own
 * while tcp_syncookies is 2.
 */
static void flipper_raise(struct flipper *f)
{
	raise_with_nat(&f->s, "always", "[Defence]\nLeaveAlone=" LAB_SERVER_ADDR6 "\n");
	slow_open(f->slow, &f->s);
	f->since_ns = clock_now_ns();
}

static void flipper_start_clients(struct flipper *f)
{
	const struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = CLIENTS_SEC,
		.duration_ms = 10000,
		.reset_close = true,
	};

	ok(clients_start(&f->clients, f->s.lab, LAB_CLIENT, &o), "clients");
}

static unsigned int flipper_end_clients(struct flipper *f)
{
	struct clients_result r;
	unsigned int connected;

	ok(clients_wait(f->clients, &r), "clients");
	connected = r.connected;
	ck_assert_msg(connected == r.attempted, "%u of %u clients: %u timed out, %u were reset",
		      connected, r.attempted, r.timed_out, r.reset);
	clients_result_done(&r);
	f->clients = clients_free(f->clients);
	return connected;
}

static void flipper_go_on(struct flipper *f)
{
	const char *const modes[] = { "always", "observe" };
	int value = 2 - f->flips % 2, i;

	for (i = 0; i < SLOW_ALL; i++)
		slow_go_on(&f->slow[i]);
	if (setting(&f->s, TIMESTAMPS) != value) {
		ck_assert_msg(clock_now_ns() - f->since_ns < FLIP_NS, TIMESTAMPS " stays %d",
			      value);
		return;
	}
	ck_assert_int_eq(setting(&f->s, COOKIES), value);
	f->flips++;
	f->since_ns = clock_now_ns();
	stage_mode(&f->s, modes[f->flips % 2]);
}

START_TEST(fw93_flips)
{
	static struct flipper flippers[HOSTS];
	int wanted = suite_full() ? FLIPS_FULL : FLIPS, flips = 0, i;
	unsigned int clients = 0, slow = 0;

	for (i = 0; i < HOSTS; i++)
		flipper_raise(&flippers[i]);
	while (flips < wanted) {
		for (i = 0; i < HOSTS; i++) {
			if (!flippers[i].clients)
				flipper_start_clients(&flippers[i]);
			flipper_go_on(&flippers[i]);
			if (!clients_running(flippers[i].clients))
				clients += flipper_end_clients(&flippers[i]);
		}
		for (i = 0, flips = 0; i < HOSTS; i++)
			flips += flippers[i].flips;
		usleep(1000);
	}
	for (i = 0; i < HOSTS; i++) {
		clients += flipper_end_clients(&flippers[i]);
		slow += slow_close(flippers[i].slow, "over flips");
		stage_strike(&flippers[i].s);
	}
	printf("# %d flips of both settings, %u clients and %u slow ones, none lost\n", flips,
	       clients, slow);
	ck_assert_uint_ge(slow, 10 * flips);
}
END_TEST

/* ---- another engine ---------------------------------------------------------------------------- */

static void mptcp_takes_over(struct stage *s)
{
	s->server = server_free(s->server);
	ok(server_new(&s->server, s->lab, LAB_SERVER,
		      &(struct server_options){
			      .port = STAGE_PORT, .backlog = BACKLOG, .mptcp = true }),
	   "an MPTCP listener");
}

static void add_nat(struct stage *s)
{
	stage_shell(s, LAB_SERVER, NAT);
}

static void remove_nat(struct stage *s)
{
	stage_shell(s, LAB_SERVER, "nft flush ruleset");
}

/*
 * What happens to a service under flood, and which engine is next. NAT takes the request of an
 * acceptance off its ACK, and a listener takes with it whom it has not accepted, ours or the kernel's: of
 * these those are lost who have been answered before.
 */
static const struct {
	const char *what;
	void (*happens)(struct stage *s);
	const char *engine, *reason;
	bool loses_those_before;
} changes[] = {
	{ "NAT comes", add_nat, "listener", "NAT is in the way of ours", true },
	{ "NAT goes", remove_nat, "reqsk", "nothing is in the way" },
	{ "an MPTCP listener takes over", mptcp_takes_over, "listener",
	  "MPTCP listeners do not take ours", true },
	{ "NAT comes beside MPTCP", add_nat, "listener", "NAT is in the way of ours" },
};

#define SEEN_NS (2 * SG_RECHECK_NS)

static void go_on_for(struct slow *all, int ms)
{
	int64_t end = clock_now_ns() + ms * 1000000LL;
	int i;

	while ((int64_t)clock_now_ns() < end) {
		for (i = 0; i < SLOW_ALL; i++)
			slow_go_on(&all[i]);
		usleep(1000);
	}
}

static bool has_engine(struct stage *s, const char *engine, const char *reason)
{
	json_t *status = stage_status(s);
	json_t *row = stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT);
	bool has = !strcmp(json_string_value(json_object_get(row, "engine")), engine) &&
		   strstr(json_string_value(json_object_get(row, "engine_reason")), reason) &&
		   json_is_true(json_object_get(row, "defending"));

	json_decref(status);
	return has;
}

static void await_engine(struct stage *s, struct slow *all, const char *engine, const char *reason)
{
	int64_t end = clock_now_ns() + 5000000000LL;

	while (!has_engine(s, engine, reason) && (int64_t)clock_now_ns() < end)
		go_on_for(all, 50);
	ck_assert_msg(has_engine(s, engine, reason), "the engine is not %s", engine);
}

/* Those who asked before the programs had looked again may be gone, and are told at once. */
static void forgive_those_before(struct slow *all, uint64_t since_ns)
{
	int i;

	for (i = 0; i < SLOW_ALL; i++) {
		uint64_t after_ns = all[i].lost_asked_ns - since_ns;

		ck_assert_msg(!all[i].lost || !strcmp(all[i].why, "reset"), "a client lost: %s",
			      all[i].why);
		ck_assert_msg(!all[i].lost || all[i].lost_asked_ns < since_ns + SEEN_NS,
			      "one lost who asked %.1f ms later", after_ns / 1e6);
		all[i].lost = 0;
	}
}

static void count_lost(const struct slow *all, const char *when, uint64_t since_ns)
{
	int i;

	for (i = 0; i < SLOW_ALL; i++)
		ck_assert_msg(!all[i].lost,
			      "%s: %u slow IPv%d clients lost, the last one, who asked %.1f ms "
			      "after it: %s",
			      when, all[i].lost, all[i].w.version,
			      (int64_t)(all[i].lost_asked_ns - since_ns) / 1e6, all[i].why);
}

START_TEST(fw94_engine_changes_in_a_flood)
{
	static struct slow slow[SLOW_ALL];
	const struct clients_options real = {
		.port = STAGE_PORT,
		.rate_per_sec = 100,
		.duration_ms = 4000,
	};
	struct clients *clients;
	struct clients_result r;
	struct flood *flood;
	struct stage s;
	size_t i;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	stage_daemon_config(&s, "auto", STAGE_NOBODY_IS_VERIFIED);
	stage_prove(&s, STAGE_PORT);
	slow_open(slow, &s);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 5000, .ipv6_share = 128);
	await_engine(&s, slow, "reqsk", "");
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		uint64_t since_ns;

		changes[i].happens(&s);
		since_ns = clock_now_ns();
		/* and the last one of those has answered */
		if (changes[i].loses_those_before) {
			go_on_for(slow, (SEEN_NS + SLOW_LATE_NS) / 1000000);
			forgive_those_before(slow, since_ns);
		}
		ok(clients_start(&clients, s.lab, LAB_CLIENT, &real), "clients");
		await_engine(&s, slow, changes[i].engine, changes[i].reason);
		while (clients_running(clients))
			go_on_for(slow, 50);
		ok(clients_wait(clients, &r), "clients");
		ck_assert_msg(r.connected == r.attempted, "%s: %u of %u clients connect",
			      changes[i].what, r.connected, r.attempted);
		clients_result_done(&r);
		clients_free(clients);
		count_lost(slow, changes[i].what, since_ns);
	}
	stage_flood_end(flood);
	printf("# %u slow clients meanwhile\n", slow_close(slow, "at the end"));
	stage_strike(&s);
}
END_TEST

/* ---- as much as a core sends ------------------------------------------------------------------- */

#define SATURATED_MS	3000
#define BEFORE_MS	500 /* until the settings are made, and some more */
#define SATURATED_TIMES 2   /* with a core that others share; wanted: 4 */

struct absorbed {
	double per_sec;
	unsigned int attempted, connected;
	int entries; /* of conntrack, that came after BEFORE_MS */
	int entries_before;
	struct kept kept;
};

static struct absorbed absorb(bool synguard)
{
	const struct clients_options o = {
		.port = STAGE_PORT,
		.family = CLIENTS_V4,
		.rate_per_sec = 100,
		.duration_ms = SATURATED_MS,
	};
	struct absorbed ret = {};
	struct clients *clients;
	struct clients_result r;
	struct flood *flood;
	struct stage s;
	uint64_t answers;

	if (synguard) {
		raise_with_nat(&s, "auto", STAGE_NOBODY_IS_VERIFIED);
	} else {
		stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
		stage_shell(&s, LAB_SERVER, NAT);
	}
	flood = STAGE_FLOOD(&s);
	usleep(BEFORE_MS * 1000);
	ret.entries_before = setting(&s, CONNTRACK);
	answers = sink_answers(s.sink);
	ok(clients_start(&clients, s.lab, LAB_CLIENT, &o), "clients");
	usleep(SATURATED_MS * 1000);
	ret.per_sec = (sink_answers(s.sink) - answers) * 1000.0 / SATURATED_MS;
	ok(clients_wait(clients, &r), "clients");
	ret.entries = setting(&s, CONNTRACK) - ret.entries_before;
	ret.attempted = r.attempted;
	ret.connected = r.connected;
	ret.kept = r.kept4;
	clients_result_done(&r);
	clients_free(clients);
	stage_flood_end(flood);
	stage_strike(&s);
	return ret;
}

static void absorbed_print(const char *who, const struct absorbed *a)
{
	char kept[80];

	printf("# %s: %.2f M SYN/s absorbed, %u of %u clients, %s; conntrack %d entries after "
	       "%d ms, then %d more\n",
	       who, a->per_sec / 1e6, a->connected, a->attempted,
	       kept_format(&a->kept, kept, sizeof(kept)), a->entries_before, BEFORE_MS, a->entries);
	fflush(stdout);
}

/* Beside the kernel's own cookies on the same host; conntrack's table has the clients and no more. */
START_TEST(fw95_saturated_with_nat)
{
	struct absorbed kernel = absorb(false), ours = absorb(true);

	absorbed_print("the kernel's cookies", &kernel);
	absorbed_print("synguard", &ours);
	printf("# %.1f times as many, wanted 4\n", ours.per_sec / kernel.per_sec);
	ck_assert_msg(ours.per_sec > SATURATED_TIMES * kernel.per_sec, "%.1f times as many",
		      ours.per_sec / kernel.per_sec);
	/*
	 * A saturated veth of one queue loses frames before any program sees them, those of clients too, and
	 * more of them the faster the flood comes.
	 */
	ck_assert_uint_ge(2 * ours.connected, ours.attempted);
	ck_assert_msg(ours.kept.timestamps && ours.kept.sack && ours.kept.wscale,
		      "options are lost");
	ck_assert_msg(ours.entries <= (int)(ours.attempted + ours.attempted / 100 + 1),
		      "%d entries of conntrack for %u clients", ours.entries, ours.attempted);
}
END_TEST

/* ---- the end ----------------------------------------------------------------------------------- */

#define STOP_MS 3500

/* Told to end in an attack: both settings are as before when the daemon is gone, and nobody is lost. */
START_TEST(fw91_stopped_in_an_attack)
{
	static struct slow slow[SLOW_ALL];
	struct flood *flood;
	struct stage s;
	int status = 0;

	raise_with_nat(&s, "auto", "[Defence]\nLeaveAlone=" LAB_SERVER_ADDR6 "\n");
	slow_open(slow, &s);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 5000);
	while (setting(&s, TIMESTAMPS) != 2)
		go_on_for(slow, 100);
	go_on_for(slow, 1000);
	kill(lab_daemon_pid(s.daemon), SIGTERM);
	go_on_for(slow, STOP_MS);
	ok(lab_daemon_stop(s.daemon, 0, &status), "the end of the daemon");
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(setting(&s, COOKIES), 1);
	ck_assert_int_eq(setting(&s, TIMESTAMPS), 1);
	stage_flood_end(flood);
	go_on_for(slow, SLOW_LATE_NS / 1000000);
	printf("# %u slow clients meanwhile\n", slow_close(slow, "at the end of the daemon"));
	stage_strike(&s);
}
END_TEST

SUITE_NEEDS(suite_lacks_root)

const struct suite_test suite_tests[] = {
	SUITE_TEST(fw92_first_challenge, 120, .full_seconds = 1200),
	SUITE_TEST(fw93_flips, 240, .full_seconds = 2400),
	SUITE_TEST(fw94_engine_changes_in_a_flood, 60),
	SUITE_TEST(fw95_saturated_with_nat, 60),
	SUITE_TEST(fw91_stopped_in_an_attack, 60),
	{},
};
