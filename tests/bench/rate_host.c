/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host under a flood on another core, and trials of rates. See rate_host.h.
 */
#include "rate_host.h"

#include <errno.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "tests/lab/flood.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_daemon.h"
#include "tests/lab/server.h"

#define RATE_PORT	8080
#define BACKLOG		128
#define IPV6_SHARE	32 /* of 256, as in the other floods of the bench */
#define CLIENTS_PER_SEC 200
#define PROOF_MS	1500
#define WINDOWS_MAX	500
#define START_MS	1000
#define SETTLE_USEC	30000
#define LAST_ERROR_ROOM 1024

/* After a pause of the sender's what was due is not sent in one go: a batch of the flood's. */
#define BURST 64

/* What has been sent by the flood, lost in the ring, received and answered so far. */
struct mark {
	uint64_t sent, lost, received, answered;
};

void rate_host_clear(struct rate_host *h)
{
	h->daemon = lab_daemon_free(h->daemon);
	h->server = server_free(h->server);
	h->yard = yard_free(h->yard);
	h->sink = sink_free(h->sink);
	h->lab = lab_free(h->lab);
}

int rate_complain(const struct rate_host *h, int err, const char *what)
{
	if (err)
		fprintf(stderr, "rate_bench: %s: %s: %s\n", h->row->name, what, strerror(-err));
	return err;
}

/* SYNs that were answered so far: with a SYN-ACK, the first time, or by being dropped. */
static int answers(struct rate_host *h, uint64_t *ret)
{
	uint64_t repeated;
	int err;

	if (h->row->yardstick && h->row->program == YARD_DROP) {
		*ret = yard_dropped(h->yard);
		return 0;
	}
	err = lab_counter(h->lab, LAB_SERVER, "TcpExt", "TCPSynRetrans", &repeated);
	if (!err)
		*ret = sink_answers(h->sink) - repeated;
	return err;
}

static int mark(struct rate_host *h, const struct flood *flood, struct mark *ret)
{
	struct rtnl_link_stats64 client, server;
	struct flood_counts counts = { 0 };
	int err = lab_link_stats(h->lab, LAB_CLIENT, LAB_IFNAME, &client) ?:
			  lab_link_stats(h->lab, LAB_SERVER, LAB_IFNAME, &server);

	if (err)
		return rate_complain(h, err, "cannot count frames");
	if (flood)
		flood_counts(flood, &counts);
	ret->sent = counts.offered;
	ret->lost = client.tx_dropped;
	ret->received = server.rx_packets;
	return 0;
}

int rate_flood(struct rate_host *h, struct flood **ret, uint64_t per_sec, unsigned int ms)
{
	const struct flood_options o = {
		.port = RATE_PORT,
		.rate_per_sec = per_sec,
		.burst = BURST,
		.ipv6_share = IPV6_SHARE,
		.duration_ms = ms,
		.cpu_plus_1 = h->network_cpu + 1,
	};
	struct flood_counts counts = { 0 };
	int waited_ms, err = flood_new(ret, h->lab, LAB_CLIENT, LAB_IFNAME, &o);

	if (!err)
		err = flood_start(*ret);
	for (waited_ms = 0; !err && !counts.offered && waited_ms < START_MS; waited_ms++) {
		usleep(1000);
		flood_counts(*ret, &counts);
	}
	return rate_complain(h, err ?: counts.offered ? 0 : -EIO, "cannot run the flood");
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Of at least one value, which it sorts. */
static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(values[0]), by_size);
	return values[n / 2];
}

/* The trial's windows, while the flood runs. */
static int watch(struct rate_host *h, struct flood *flood, struct rate_trial *ret)
{
	double losses[WINDOWS_MAX], rates[WINDOWS_MAX], sent, at, before = clock_now_ns() / 1e9;
	struct mark first, last, now;
	size_t n, windows = h->trial_ms / RATE_WINDOW_MS;
	int err = mark(h, flood, &first);

	last = first;
	for (n = 0; !err && n < windows && n < WINDOWS_MAX; n++) {
		usleep(RATE_WINDOW_MS * 1000);
		err = mark(h, flood, &now);
		at = clock_now_ns() / 1e9;
		sent = now.sent - last.sent;
		losses[n] = sent ? (now.lost - last.lost) / sent : 0;
		rates[n] = sent / (at - before);
		last = now;
		before = at;
	}
	if (err)
		return err;
	sent = last.sent - first.sent;
	ret->per_sec = median(rates, n);
	ret->loss = median(losses, n);
	ret->loss_of_all = sent ? (last.lost - first.lost) / sent : 0;
	return 0;
}

/* @per_sec 0: as fast as a CPU sends. */
int rate_try(struct rate_host *h, uint64_t per_sec, struct rate_trial *ret)
{
	_cleanup_(flood_freep) struct flood *flood = NULL;
	struct mark before, after;
	int err;

	h->trials++;
	err = rate_complain(h, answers(h, &before.answered), "cannot count answers");
	if (!err)
		err = mark(h, NULL, &before);
	if (!err)
		err = rate_flood(h, &flood, per_sec, START_MS + 2 * h->trial_ms);
	if (!err)
		err = watch(h, flood, ret);
	if (!err)
		err = rate_complain(h, flood_stop(flood), "the flood failed");
	if (!err)
		usleep(SETTLE_USEC); /* what is in the rings */
	if (!err)
		err = mark(h, flood, &after);
	if (!err)
		err = rate_complain(h, answers(h, &after.answered), "cannot count answers");
	if (err)
		return err;
	ret->answered = after.answered - before.answered >=
			(after.received - before.received) * (1 - RATE_LOSS_MOST);
	return 0;
}

bool rate_is_carried(const struct rate_trial *t)
{
	return t->loss <= RATE_LOSS_MOST && t->answered;
}

int rate_clients(struct rate_host *h, unsigned int ms, struct clients_result *ret)
{
	const struct clients_options o = {
		.port = RATE_PORT,
		.rate_per_sec = CLIENTS_PER_SEC,
		.duration_ms = ms,
		.deadline_ms = RATE_CLIENT_LAST_MS,
		.cpu_plus_1 = h->network_cpu + 1,
	};

	return rate_complain(h, clients_run(h->lab, LAB_CLIENT, &o, ret), "clients");
}

static int daemon_begin(struct rate_host *h)
{
	struct clients_result proof = { 0 };
	char tail[LAST_ERROR_ROOM];
	int err;

	err = lab_daemon_start(&h->daemon, h->lab, LAB_SERVER,
			       &(struct lab_daemon_options){
				       .mode = "auto",
				       /* all are to look like first-time clients */
				       .config = "[Defence]\nClientAllowance=0\n",
				       .cpu_plus_1 = h->host_cpu + 1,
			       },
			       tail, sizeof(tail));
	if (err) {
		fprintf(stderr, "%s", tail);
		return rate_complain(h, err, "cannot start synguardd");
	}
	err = rate_clients(h, PROOF_MS, &proof);
	clients_result_done(&proof);
	return err;
}

/* Polling goes before processes, as it does where an interrupt begins it. */
static int poll_first(struct rate_host *h)
{
	const struct sched_param first = { .sched_priority = 1 };
	int tid, err = lab_napi_thread(h->lab, LAB_SERVER, LAB_IFNAME, h->host_cpu, &tid);

	if (!err && sched_setscheduler(tid, SCHED_FIFO, &first) < 0)
		err = -errno;
	return rate_complain(h, err, "cannot give the interface a thread");
}

int rate_host_build(struct rate_host *h)
{
	const struct server_options o = {
		.port = RATE_PORT,
		.backlog = BACKLOG,
		.cpu_plus_1 = h->host_cpu + 1,
	};
	int err = rate_complain(h, lab_new(&h->lab), "cannot make network namespaces");

	if (!err)
		err = rate_complain(h, sink_new(&h->sink, h->lab, LAB_CLIENT, LAB_IFNAME),
				    "cannot attach the counting program");
	if (!err)
		err = rate_complain(h, server_new(&h->server, h->lab, LAB_SERVER, &o),
				    "cannot listen");
	if (!err && h->row->yardstick)
		err = rate_complain(h, yard_new(&h->yard, h->lab, LAB_SERVER, h->row->program),
				    "cannot attach the yardstick");
	if (!err && h->row->synguard)
		err = daemon_begin(h);
	return err ?: poll_first(h);
}
