/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/reap.h"

#include <errno.h>
#include <stdlib.h>

#include "synguard/cleanup.h"

#include "daemon/base/pace.h"
#include "daemon/base/worker.h"
#include "daemon/dataplane/dataplane_requests.h"
#include "daemon/net/sockdiag.h"

struct reap_hand {
	struct dataplane_requests *requests;
	struct sockdiag_ender *ender;
};

/* A round under way. */
struct reap_work {
	struct reap_hand *hand;
	struct reap_round *round;
	struct sockdiag_socket *listed; /* REAP_MAX have room */
	size_t count;
};

/* ---- a round ------------------------------------------------------------------------------- */

/* idiag_retrans counts answers to repeated SYNs, too: it is the program that decides. */
static void reap_list(void *userdata, const struct sockdiag_socket *s)
{
	struct reap_work *w = userdata;

	w->round->half_open++;
	if (!s->retransmits)
		return;
	if (w->count < REAP_MAX)
		w->listed[w->count++] = *s;
	else
		w->round->full = true;
}

static struct sg_request reap_question(const struct sockdiag_socket *s)
{
	return (struct sg_request){
		.addr = s->addr,
		.peer = s->peer,
		.cookie = s->cookie,
		.port = s->port,
		.peer_port = s->peer_port,
	};
}

/* Judges so many of those that were listed, and ends the ripe ones at once. -errno. */
static int reap_batch(struct reap_work *w, const struct sockdiag_socket *batch, uint32_t count)
{
	struct sg_requests *asked = dataplane_requests(w->hand->requests);
	struct sockdiag_socket ripe[SG_REQUESTS_MAX];
	size_t ripe_count = 0;
	uint32_t i;
	int r;

	for (i = 0; i < count; i++)
		asked->items[i] = reap_question(&batch[i]);
	asked->count = count;
	r = dataplane_requests_judge(w->hand->requests, batch->ifindex);
	if (r < 0)
		return r == -ENODEV ? 0 : r; /* with the interface they went, too */
	for (i = 0; i < count; i++) {
		unsigned int v = asked->items[i].verdict;

		if (v == SG_REQUEST_RIPE)
			ripe[ripe_count++] = batch[i];
		if (v < SG_REQUEST_VERDICTS)
			w->round->verdicts[v]++;
	}
	r = sockdiag_end(w->hand->ender, ripe, ripe_count);
	if (r >= 0)
		w->round->reaped += r;
	return r;
}

/* As many as one question takes, and of one interface. */
static uint32_t reap_batch_count(const struct reap_work *w, size_t at)
{
	uint32_t n = 1;

	while (n < SG_REQUESTS_MAX && at + n < w->count &&
	       w->listed[at + n].ifindex == w->listed[at].ifindex)
		n++;
	return n;
}

static int reap_go(struct reap_work *w)
{
	uint64_t began_ns = pace_cpu_ns();
	bool partial; /* what is missing is for the next round */
	size_t at = 0;
	uint32_t n;
	int r;

	r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, reap_list, w, &partial);
	w->round->list_cpu_ns = pace_cpu_ns() - began_ns;
	for (; r >= 0 && at < w->count; at += n) {
		n = reap_batch_count(w, at);
		r = reap_batch(w, &w->listed[at], n);
	}
	return r;
}

void reap_once(struct reap_hand *hand, uint64_t life_usec, struct reap_round *ret)
{
	_cleanup_free_ struct sockdiag_socket *listed = calloc(REAP_MAX, sizeof(*listed));
	struct reap_work w = { .hand = hand, .round = ret, .listed = listed };
	int r = -ENOMEM;

	*ret = (struct reap_round){};
	dataplane_requests(hand->requests)->life_usec = life_usec;
	if (listed)
		r = reap_go(&w);
	ret->error = r < 0 ? r : 0;
}

int reap_hand_new(struct reap_hand **ret, struct complaint *c)
{
	struct reap_hand *hand = calloc(1, sizeof(*hand));
	int r;

	if (!hand)
		return -ENOMEM;
	r = dataplane_requests_new(&hand->requests, c);
	if (r >= 0) {
		r = sockdiag_ender_new(&hand->ender);
		if (r < 0)
			complain(c, "sock_diag is not to be had");
	}
	if (r < 0) {
		reap_hand_free(hand);
		return r;
	}
	*ret = hand;
	return 0;
}

struct reap_hand *reap_hand_free(struct reap_hand *hand)
{
	if (!hand)
		return NULL;
	dataplane_requests_free(hand->requests);
	sockdiag_ender_free(hand->ender);
	free(hand);
	return NULL;
}

/* ---- the thread ---------------------------------------------------------------------------- */

struct reap {
	struct worker_job job; /* first: one is cast to the other */
	struct worker *worker;
	struct reap_hand *hand;
	struct reap_handler handler;
	bool running;
	struct pace pace;
	uint64_t began_ns;
	uint64_t life_usec;
	struct reap_round round;
};

static void reap_work(struct worker_job *job)
{
	struct reap *r = (struct reap *)job;

	reap_once(r->hand, r->life_usec, &r->round);
}

static void reap_done(struct worker_job *job)
{
	struct reap *r = (struct reap *)job;

	r->running = false;
	pace_note(&r->pace, r->began_ns, r->round.list_cpu_ns);
	r->handler.done(r->handler.userdata, &r->round);
}

int reap_new(struct reap **ret, sd_event *event, const struct reap_handler *handler,
	     struct complaint *c)
{
	struct reap *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->handler = *handler;
	err = reap_hand_new(&r->hand, c);
	if (err >= 0)
		err = worker_new(&r->worker, event);
	if (err < 0) {
		reap_free(r);
		return err;
	}
	*ret = r;
	return 0;
}

struct reap *reap_free(struct reap *r)
{
	if (!r)
		return NULL;
	worker_free(r->worker);
	reap_hand_free(r->hand);
	free(r);
	return NULL;
}

void reap_begin(struct reap *r, uint64_t now_ns, uint64_t life_usec)
{
	if (r->running || !pace_allows(&r->pace, now_ns))
		return;
	r->running = true;
	r->began_ns = now_ns;
	r->life_usec = life_usec;
	r->job = (struct worker_job){ reap_work, reap_done };
	worker_add(r->worker, &r->job);
}
