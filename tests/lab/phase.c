/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one phase. See phase.h.
 *
 * The flood and what it floods share a core, since a veth end receives on the CPU that sent to it:
 * in a softirq, as from a network card. So the server's core cannot be sent more than it has time
 * for, and the SYNs of the rate that it had no time for are counted as offered and lost. They are
 * what would have found a network card's ring full.
 *
 * The client's interface counts and drops the answers on the same core. For the kernel's own
 * SYN-ACKs this is about a tenth of the cost of a SYN.
 */
#include "tests/lab/phase.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"
#include "tests/lab/flood.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_daemon.h"
#include "tests/lab/server.h"

#define DEMO_PORT 8080

/* Calm clients that let synguard see that the service is this host's, before the flood. */
#define PROOF_MS 1500

/* A client that started in the last moment has this long; see clients_options.deadline_ms. */
#define CLIENTS_LAST_MS 3000

#define SATURATED_SECONDS 3
#define GENERATORS_MAX	  2
#define SAMPLE_MS	  100
#define FLOOD_START_MS	  1000
#define DAEMON_STOP_MS	  3000

/* clang-format off */
const struct phase phases[PHASE_COUNT] = {
	[PHASE_CALM] =
		{ "calm", "calm", "1" },
	[PHASE_NO_COOKIES] =
		{ "no_cookies", "flood: no cookies", "0", .flood = true },
	[PHASE_KERNEL_COOKIES] =
		{ "kernel_cookies", "flood: kernel cookies", "1", .flood = true },
	[PHASE_SYNGUARD] =
		{ "synguard", "flood: synguard", "1", .flood = true, .synguard = true },
	[PHASE_NAT_KERNEL_COOKIES] =
		{ "nat_kernel_cookies", "  NAT: kernel cookies", "1", .flood = true, .nat = true },
	[PHASE_NAT_SYNGUARD] =
		{ "nat_synguard", "  NAT: synguard", "1", .flood = true, .synguard = true,
		  .nat = true },
	[PHASE_KERNEL_COOKIES_SATURATED] =
		{ "kernel_cookies_saturated", "saturating flood: kernel cookies", "1",
		  .flood = true, .saturated = true, .no_clients = true,
		  .seconds = SATURATED_SECONDS },
	[PHASE_SYNGUARD_SATURATED] =
		{ "synguard_saturated", "saturating flood: synguard", "1",
		  .flood = true, .synguard = true, .saturated = true, .no_clients = true,
		  .seconds = SATURATED_SECONDS },
};
/* clang-format on */

/* Everything a phase owns. */
struct stage {
	const struct phase *phase;
	const struct phase_settings *s;
	struct lab *lab;
	struct sink *sink;
	struct server *server;
	struct flood *floods[GENERATORS_MAX];
	struct clients *clients;
	struct lab_daemon *daemon;
	char *complaint;
	size_t complaint_size;
};

/* The counters at one moment; they only grow. */
struct mark {
	uint64_t answers;
	uint64_t repeated; /* SYN-ACKs that the server sent again */
	uint64_t softirq_ns;
};

static void stage_clear(struct stage *st)
{
	size_t i;

	/* What sends goes first; the namespaces need to be empty to vanish. */
	for (i = 0; i < GENERATORS_MAX; i++)
		st->floods[i] = flood_free(st->floods[i]);
	st->clients = clients_free(st->clients);
	st->daemon = lab_daemon_free(st->daemon);
	st->server = server_free(st->server);
	st->sink = sink_free(st->sink);
	st->lab = lab_free(st->lab);
}

static int complain(struct stage *st, int err, const char *what)
{
	if (err && err != -ECANCELED && !*st->complaint)
		snprintf(st->complaint, st->complaint_size, "%s: %s", what, strerror(-err));
	return err;
}

/* True: cancelled. */
static bool pause_ms(const struct phase_settings *s, int ms)
{
	struct pollfd p = { .fd = s->cancel_fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

static int stage_build(struct stage *st)
{
	const struct server_options o = {
		.port = DEMO_PORT,
		.backlog = st->s->backlog,
		.cpu_plus_1 = st->s->client_cpu + 1,
	};
	int err;

	err = lab_new_queues(&st->lab, st->s->queues);
	if (err)
		return complain(st, err, "cannot make network namespaces and links");
	err = lab_sysctl_set(st->lab, LAB_SERVER, "net.ipv4.tcp_syncookies", st->phase->syncookies);
	if (err)
		return complain(st, err, "cannot set tcp_syncookies in a namespace");
	err = st->phase->nat ? lab_nat_add(st->lab, LAB_SERVER) : 0;
	if (err)
		return complain(st, err, "cannot add a chain of type nat in a namespace");
	err = sink_new(&st->sink, st->lab, LAB_CLIENT, LAB_IFNAME);
	if (err)
		return complain(st, err, "cannot attach the demo's counting program");
	return complain(st, server_new(&st->server, st->lab, LAB_SERVER, &o), "cannot listen");
}

static int clients_begin(struct stage *st, unsigned int ms)
{
	const struct clients_options o = {
		.port = DEMO_PORT,
		.rate_per_sec = st->s->clients_per_sec,
		.duration_ms = ms,
		.deadline_ms = CLIENTS_LAST_MS,
		.cpu_plus_1 = st->s->client_cpu + 1,
	};

	return complain(st, clients_start(&st->clients, st->lab, LAB_CLIENT, &o),
			"cannot start clients");
}

/* Waits for the last client, sampling nothing. */
static int clients_finish(struct stage *st, struct clients_result *ret)
{
	int err;

	while (clients_running(st->clients))
		if (pause_ms(st->s, SAMPLE_MS))
			return -ECANCELED;
	err = complain(st, clients_wait(st->clients, ret), "clients");
	st->clients = clients_free(st->clients);
	return err;
}

static int daemon_begin(struct stage *st)
{
	struct clients_result proof = { 0 };
	char tail[512];
	int err;

	err = lab_daemon_start(&st->daemon, st->lab, LAB_SERVER,
			       &(struct lab_daemon_options){
				       .mode = "auto",
				       /* every client is as a first-time one */
				       .config = "[Defence]\nClientAllowance=0\n",
				       .cpu_plus_1 = st->s->client_cpu + 1,
			       },
			       tail, sizeof(tail));
	if (err) {
		snprintf(st->complaint, st->complaint_size, "cannot start synguardd: %s%s%s",
			 strerror(-err), *tail ? "; it said:\n" : "", tail);
		return err;
	}

	err = clients_begin(st, PROOF_MS);
	if (!err)
		err = clients_finish(st, &proof);
	clients_result_done(&proof);
	return err;
}

/* Also a check that nothing went wrong in between: a daemon that has ended is no defence. */
static int daemon_end(struct stage *st, struct phase_result *r)
{
	int status = 0, err;

	if (!st->daemon)
		return 0;
	err = lab_daemon_stop(st->daemon, DAEMON_STOP_MS, &status);
	lab_daemon_tail(st->daemon, r->daemon_said, sizeof(r->daemon_said));
	if (err)
		return complain(st, err, "synguardd did not end by itself");
	if (status) {
		snprintf(st->complaint, st->complaint_size,
			 "synguardd ended with wait status %#x; it said:\n%s", status,
			 r->daemon_said);
		return -ECHILD;
	}
	return 0;
}

static void mark_take(struct stage *st, struct mark *ret)
{
	*ret = (struct mark){ .answers = sink_answers(st->sink) };
	lab_counter(st->lab, LAB_SERVER, "TcpExt", "TCPSynRetrans", &ret->repeated);
	lab_softirq_ns(&ret->softirq_ns);
}

static void floods_count(struct stage *st, struct flood_counts *ret)
{
	struct flood_counts counts;
	size_t i;

	*ret = (struct flood_counts){ 0 };
	for (i = 0; i < GENERATORS_MAX && st->floods[i]; i++) {
		flood_counts(st->floods[i], &counts);
		ret->offered += counts.offered;
		ret->skipped += counts.skipped;
		if (counts.elapsed_ns > ret->elapsed_ns)
			ret->elapsed_ns = counts.elapsed_ns;
	}
}

static int floods_stop(struct stage *st)
{
	int err = 0;
	size_t i;

	for (i = 0; i < GENERATORS_MAX && st->floods[i]; i++)
		err = flood_stop(st->floods[i]) ?: err;
	return err;
}

static int flood_begin(struct stage *st, unsigned int seconds)
{
	const int cpus[GENERATORS_MAX] = { st->s->flood_cpu, st->s->client_cpu };
	unsigned int generators = st->s->generators ?: 1, i;
	struct flood_options o = {
		.port = DEMO_PORT,
		.rate_per_sec = st->phase->saturated ? 0 : st->s->syns_per_sec / generators,
		.ipv6_share = st->s->ipv6_share,
		.sources = st->s->sources,
		.duration_ms = FLOOD_START_MS + seconds * 1000 + CLIENTS_LAST_MS,
	};
	struct flood_counts counts = { 0 };
	int err = 0, waited_ms;

	for (i = 0; !err && i < generators && i < GENERATORS_MAX; i++) {
		o.cpu_plus_1 = cpus[i] + 1;
		err = flood_new(&st->floods[i], st->lab, LAB_CLIENT, LAB_IFNAME, &o);
		if (!err)
			err = flood_start(st->floods[i]);
	}
	for (waited_ms = 0; !err && !counts.offered && waited_ms < FLOOD_START_MS; waited_ms++) {
		if (pause_ms(st->s, 1))
			return -ECANCELED;
		floods_count(st, &counts);
	}
	if (!err && !counts.offered)
		err = floods_stop(st) ?: -EIO;
	return complain(st, err, "cannot run the flood");
}

static int sample(struct stage *st, unsigned int seconds, struct phase_result *r)
{
	unsigned int i;
	int n;

	for (i = 0; i < seconds * 1000 / SAMPLE_MS; i++) {
		if (pause_ms(st->s, SAMPLE_MS))
			return -ECANCELED;
		n = lab_count_sockets(st->lab, LAB_SERVER, TCP_SYN_RECV, DEMO_PORT);
		if (n < 0)
			return complain(st, n, "cannot count half-open connections");
		if (n > r->half_open_max)
			r->half_open_max = n;
	}
	return 0;
}

/* The flood's figures between @before and now. */
static void measure_flood(struct stage *st, const struct mark *before, struct phase_result *r)
{
	struct flood_counts counts;
	struct mark after;
	uint64_t answers, repeated;

	mark_take(st, &after);
	floods_count(st, &counts);
	answers = after.answers - before->answers;
	repeated = after.repeated - before->repeated;
	r->seconds = counts.elapsed_ns / 1e9;
	r->offered = counts.offered + counts.skipped;
	r->sent = counts.offered;
	r->absorbed = answers > repeated ? answers - repeated : 0;
	r->softirq_ns = after.softirq_ns - before->softirq_ns;
}

static int observe(struct stage *st, enum phase_moment moment, const struct phase_result *r)
{
	const struct phase_view view = {
		.lab = st->lab,
		.daemon = st->daemon ? lab_daemon_pid(st->daemon) : 0,
		.result = r,
	};

	if (!st->s->observe)
		return 0;
	return complain(st, st->s->observe(moment, &view, st->s->observer_arg), "the observer");
}

/* From the flood's first SYN to the last client's end. */
static int stage_storm(struct stage *st, struct phase_result *r)
{
	unsigned int seconds = st->phase->seconds ?: st->s->seconds;
	struct mark before;
	int err = 0;

	mark_take(st, &before);
	if (st->phase->flood)
		err = flood_begin(st, seconds);
	if (!err && !st->phase->no_clients)
		err = clients_begin(st, seconds * 1000);
	if (!err)
		err = sample(st, seconds, r);
	if (err)
		return err;

	if (st->phase->flood)
		measure_flood(st, &before, r);
	err = observe(st, PHASE_MEASURED, r);
	if (!err && st->clients)
		err = clients_finish(st, &r->clients);
	/* The flood lasts until the last client is done, and no longer. */
	if (!err && st->phase->flood)
		err = complain(st, floods_stop(st), "the flood failed");
	return err;
}

static int stage_play(struct stage *st, struct phase_result *r)
{
	int err;

	err = observe(st, PHASE_BUILT, r);
	if (!err && st->phase->synguard)
		err = daemon_begin(st);
	if (!err)
		err = observe(st, PHASE_READY, r);
	if (!err)
		err = stage_storm(st, r);
	if (!err)
		err = observe(st, PHASE_FLOODED, r);
	server_kept(st->server, AF_INET, &r->server_kept4);
	server_kept(st->server, AF_INET6, &r->server_kept6);
	return err ?: daemon_end(st, r);
}

int phase_run(const struct phase *phase, const struct phase_settings *s, struct phase_result *ret,
	      char *complaint, size_t size)
{
	_cleanup_(stage_clear) struct stage st = {
		.phase = phase,
		.s = s,
		.complaint = complaint,
		.complaint_size = size,
	};
	struct phase_result r = { 0 };
	int err;

	*complaint = 0;
	err = stage_build(&st);
	if (!err)
		err = stage_play(&st, &r);
	if (err) {
		clients_result_done(&r.clients);
		return err;
	}
	r.ran = true;
	*ret = r;
	return 0;
}
