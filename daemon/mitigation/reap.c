/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/reap.h"

#include <errno.h>
#include <stdlib.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/worker.h"
#include "daemon/dataplane/requests.h"
#include "daemon/net/sockdiag.h"

struct reap {
	struct dataplane_requests *requests;
	struct sockdiag_ender *ender;
	struct reap_handler handler;
	struct worker *worker;
	struct worker_job job;
	bool running;
	struct pace pace;
	uint64_t began_ns;
	uint64_t life_usec;
	struct reap_round round;
};

/* ---- a round ------------------------------------------------------------------------------- */

struct reap_list {
	struct reap_round *round;
	struct sockdiag_socket *items; /* REAP_MAX have room */
	size_t count;
};

/* idiag_retrans also counts answers to repeated SYNs: it is the program that decides. */
static void reap_add(void *userdata, const struct sockdiag_socket *s)
{
	struct reap_list *list = userdata;

	list->round->half_open++;
	if (s->retransmits && list->count < REAP_MAX)
		list->items[list->count++] = *s;
}

/* As many as one question takes, and of one interface. */
static uint32_t reap_batch_count(const struct reap_list *list, size_t at)
{
	uint32_t n = 1;

	while (n < SG_REQUESTS_MAX && at + n < list->count &&
	       list->items[at + n].ifindex == list->items[at].ifindex)
		n++;
	return n;
}

/* Has so many of those that were listed judged, and ends the ripe ones at once. -errno. */
static int reap_batch(struct reap *r, const struct sockdiag_socket *batch, uint32_t count,
		      struct reap_round *round)
{
	struct sg_requests *asked = dataplane_requests(r->requests);
	struct sockdiag_socket ripe[SG_REQUESTS_MAX];
	size_t ripe_count = 0;
	uint32_t i;
	int n;

	for (i = 0; i < count; i++)
		asked->items[i] = (struct sg_request){
			.addr = batch[i].addr,
			.peer = batch[i].peer,
			.cookie = batch[i].cookie,
			.port = batch[i].port,
			.peer_port = batch[i].peer_port,
		};
	asked->count = count;
	n = dataplane_requests_judge(r->requests, batch->ifindex);
	if (n < 0)
		return n == -ENODEV ? 0 : n; /* they went with the interface */
	for (i = 0; i < count; i++) {
		unsigned int verdict = asked->items[i].verdict;

		if (verdict == SG_REQUEST_RIPE)
			ripe[ripe_count++] = batch[i];
		if (verdict < SG_REQUEST_VERDICTS)
			round->verdicts[verdict]++;
	}
	n = sockdiag_end(r->ender, ripe, ripe_count);
	if (n >= 0)
		round->reaped += n;
	return n;
}

void reap_once(struct reap *r, uint64_t life_usec, struct reap_round *ret)
{
	_cleanup_free_ struct sockdiag_socket *items = calloc(REAP_MAX, sizeof(*items));
	struct reap_list list = { .round = ret, .items = items };
	uint64_t began_ns = pace_cpu_ns();
	bool partial; /* the rest is for the next round */
	size_t at = 0;
	uint32_t n;
	int err;

	*ret = (struct reap_round){};
	if (!items) {
		ret->error = -ENOMEM;
		return;
	}
	dataplane_requests(r->requests)->life_usec = life_usec;
	err = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, reap_add, &list, &partial);
	ret->list_cpu_ns = pace_cpu_ns() - began_ns;
	for (; err >= 0 && at < list.count; at += n) {
		n = reap_batch_count(&list, at);
		err = reap_batch(r, &items[at], n, ret);
	}
	ret->error = err < 0 ? err : 0;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void reap_work(struct worker_job *job)
{
	struct reap *r = container_of(job, struct reap, job);

	reap_once(r, r->life_usec, &r->round);
}

static void reap_done(struct worker_job *job)
{
	struct reap *r = container_of(job, struct reap, job);

	r->running = false;
	pace_note(&r->pace, r->began_ns, r->round.list_cpu_ns);
	r->handler.done(r->handler.userdata, &r->round);
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

/* ---- life ---------------------------------------------------------------------------------- */

DEFINE_CLEANUP(struct reap, reap_free)

int reap_new(struct reap **ret, sd_event *event, const struct reap_handler *handler,
	     struct complaint *c)
{
	_cleanup_(reap_free_at) struct reap *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	if (handler)
		r->handler = *handler;
	err = dataplane_requests_new(&r->requests, c);
	if (err < 0)
		return err;
	err = sockdiag_ender_new(&r->ender);
	if (err < 0) {
		complain(c, "sock_diag is not to be had");
		return err;
	}
	err = event ? worker_new(&r->worker, event) : 0;
	if (err < 0)
		return err;
	*ret = TAKE_PTR(r);
	return 0;
}

struct reap *reap_free(struct reap *r)
{
	if (!r)
		return NULL;
	worker_free(r->worker);
	dataplane_requests_free(r->requests);
	sockdiag_ender_free(r->ender);
	free(r);
	return NULL;
}
