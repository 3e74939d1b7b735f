/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The views of listeners: of their queues and rates, and of the states of their connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/net/sockdiag.h"
#include "daemon/services/services.h"
#include "daemon/views/answered.h"
#include "daemon/views/json.h"
#include "daemon/views/view.h"

struct listener {
	struct sg_listener is;
	union {
		struct {
			uint64_t states[SOCKDIAG_STATES];
			uint64_t answered; /* of those in SYN_RECV */
		};
		struct {
			bool has_rate;
			struct services_rate rate;
			uint64_t half_open_milli; /* where all sockets had to be asked */
		};
	};
};

struct listeners {
	struct listener *of; /* sorted by port and address */
	size_t count, room;
	int error;
};

static void listeners_add(void *userdata, const struct sg_listener *is)
{
	struct listeners *l = userdata;
	size_t room = l->room ? l->room * 2 : 64;
	struct listener *grown;

	if (l->count == l->room) {
		grown = reallocarray(l->of, room, sizeof(*grown));
		if (!grown) {
			l->error = -ENOMEM;
			return;
		}
		l->of = grown;
		l->room = room;
	}
	l->of[l->count++] = (struct listener){ .is = *is };
}

static void listeners_on_socket(void *userdata, const struct sockdiag_socket *s)
{
	const struct sg_listener is = {
		.addr = s->addr,
		.port = s->port,
		.family = s->ipv6 ? AF_INET6 : AF_INET,
		.v6only = s->v6only,
		.ifindex = s->ifindex,
		.accept_queue = s->accept_queue,
		.queue_max = s->queue_max,
		.inode = s->inode,
		.cookie = s->cookie,
		.cgroup_id = s->cgroup_id,
	};

	listeners_add(userdata, &is);
}

/* ---- by port and address ------------------------------------------------------------------- */

static int listeners_compare_key(const struct sg_listener *x, __be16 port,
				 const struct sg_addr *addr)
{
	if (x->port != port)
		return ntohs(x->port) < ntohs(port) ? -1 : 1;
	return memcmp(&x->addr, addr, sizeof(*addr));
}

static int listeners_compare(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;

	return listeners_compare_key(&x->is, y->is.port, &y->is.addr) ?:
									x->is.family - y->is.family;
}

static void listeners_sort(struct listeners *l)
{
	if (l->count)
		qsort(l->of, l->count, sizeof(*l->of), listeners_compare);
}

/* Those of a reuseport group become one. */
static void listeners_merge(struct listeners *l)
{
	size_t i, kept = 0;

	for (i = 0; i < l->count; i++)
		if (!kept || listeners_compare(&l->of[kept - 1], &l->of[i]))
			l->of[kept++] = l->of[i];
	l->count = kept;
}

/* The first listener on this port and address; *count: how many there are. */
static struct listener *listeners_at(const struct listeners *l, __be16 port,
				     const struct sg_addr *addr, size_t *count)
{
	size_t low = 0, high = l->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (listeners_compare_key(&l->of[middle].is, port, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0; low + *count < l->count; ++*count)
		if (listeners_compare_key(&l->of[low + *count].is, port, addr))
			break;
	return l->of + low;
}

/*
 * Calls fn for each listener that a connection to this port and address belongs to: those on the
 * very address, and where there is none those on any address that take it.
 */
static void listeners_find(const struct listeners *l, __be16 port, const struct sg_addr *addr,
			   void (*fn)(struct listener *listener, const void *what),
			   const void *what)
{
	static const struct sg_addr any;
	struct listener *found;
	size_t count, i;

	found = listeners_at(l, port, addr, &count);
	for (i = 0; i < count; i++)
		fn(&found[i], what);
	if (count)
		return;
	found = listeners_at(l, port, &any, &count);
	for (i = 0; i < count; i++)
		if (addr_any_takes(found[i].is.family == AF_INET6, found[i].is.v6only, addr))
			fn(&found[i], what);
}

/* ---- queues and rates ---------------------------------------------------------------------- */

struct listeners_sharing {
	unsigned int count;
};

static void listeners_count_sharing(struct listener *l, const void *what)
{
	((struct listeners_sharing *)what)->count++;
}

static void listeners_add_half_open(struct listener *l, const void *what)
{
	l->half_open_milli += 1000 / ((const struct listeners_sharing *)what)->count;
}

/* Those of a reuseport group share them, as the kernel's hash spreads them. */
static void listeners_on_half_open(void *userdata, const struct sockdiag_socket *s)
{
	struct listeners_sharing sharing = {};

	listeners_find(userdata, s->port, &s->addr, listeners_count_sharing, &sharing);
	listeners_find(userdata, s->port, &s->addr, listeners_add_half_open, &sharing);
}

/* Without the walk of the programs: from all sockets, with the backlog as the limit. */
static int listeners_collect_sockets(struct listeners *l)
{
	bool partial;
	size_t i;
	int r = sockdiag_walk_states(1 << SOCKDIAG_LISTEN, listeners_on_socket, l, &partial);

	listeners_sort(l);
	if (r >= 0)
		r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, listeners_on_half_open, l,
					 &partial);
	for (i = 0; i < l->count; i++)
		l->of[i].is.syn_queue = (l->of[i].half_open_milli + 500) / 1000;
	return r;
}

/* *has_queues: what only the walk of the programs knows is known. */
static int listeners_collect(struct listeners *l, struct dataplane *dp, bool *has_queues)
{
	int r = listeners_walk(dp, listeners_add, l);

	*has_queues = r >= 0;
	if (r < 0) {
		l->count = 0;
		r = listeners_collect_sockets(l);
	}
	listeners_sort(l);
	return r < 0 ? r : l->error;
}

static void listeners_add_rate(struct listener *l, const void *what)
{
	const struct services_rate *rate = what;
	struct services_rate *sum = &l->rate;

	l->has_rate = true;
	/* of several services that of one that is defended */
	if (!sum->engine || (rate->defending && !sum->defending))
		sum->engine = rate->engine;
	sum->defending = sum->defending || rate->defending;
	sum->syns += rate->syns;
	sum->challenged += rate->challenged;
	sum->accepted += rate->accepted;
	sum->handshakes += rate->handshakes;
	if (trouble_worst(rate->trouble, sum->trouble) != sum->trouble) {
		sum->trouble = rate->trouble;
		sum->figures = rate->figures;
	}
}

static void listeners_put_rate(struct json_writer *j, const struct listener *l, bool has_queues)
{
	static const char *const keys[] = { "syns_per_second",
					    "challenges_per_second",
					    "acceptances_per_second",
					    "completing_ratio",
					    "trouble",
					    "trouble_text",
					    "engine",
					    NULL };
	const struct services_rate *rate = &l->rate;
	uint64_t done = rate->handshakes < rate->syns ? rate->handshakes : rate->syns;
	char text[400];

	if (!l->has_rate) {
		json_put_nulls(j, keys);
		if (has_queues)
			json_put_flag(j, "defending", false);
		else
			json_put_text(j, "defending", NULL);
		return;
	}
	json_put_count(j, keys[0], rate->syns);
	json_put_count(j, keys[1], rate->challenged);
	json_put_count(j, keys[2], rate->accepted);
	if (rate->syns)
		json_put_milli(j, keys[3], (done * 1000 + rate->syns / 2) / rate->syns);
	else
		json_put_text(j, keys[3], NULL);
	json_put_text(j, keys[4], trouble_word(rate->trouble));
	json_put_text(j, keys[5], trouble_text(rate->trouble, &rate->figures, text, sizeof(text)));
	json_put_text(j, keys[6], rate->engine);
	json_put_flag(j, "defending", rate->defending);
}

static void listeners_put_queues(struct json_writer *j, const struct sg_listener *l)
{
	json_put_count(j, "synack_retries", l->synack_retries);
	json_put_count(j, "drops", l->drops);
	json_put_count(j, "young", l->young);
	json_put_count(j, "defer_accept", l->defer_accept);
	json_put_flag(j, "mptcp", l->mptcp);
	json_put_flag(j, "reuseport", l->reuseport);
}

static void listeners_put_socket(struct json_writer *j, const struct sg_listener *l)
{
	json_put_text(j, "address", addr_text_of_listener(&l->addr, l->family == AF_INET6).text);
	json_put_count(j, "port", ntohs(l->port));
}

int listeners_write(FILE *to, struct dataplane *dp, const struct services_rate *rates,
		    size_t rate_count)
{
	static const char *const unknown[] = { "synack_retries", "drops", NULL };
	struct json_writer j = { .to = to };
	struct listeners all = {};
	bool has_queues;
	size_t i;
	int r;

	r = listeners_collect(&all, dp, &has_queues);
	for (i = 0; i < rate_count; i++)
		listeners_find(&all, rates[i].port, &rates[i].addr, listeners_add_rate, &rates[i]);
	json_open(&j, NULL, '[');
	for (i = 0; i < all.count; i++) {
		const struct sg_listener *l = &all.of[i].is;

		json_open(&j, NULL, '{');
		listeners_put_socket(&j, l);
		json_put_flag(&j, "v6only", l->v6only);
		json_put_count(&j, "ifindex", l->ifindex);
		json_put_count(&j, "syn_queue", l->syn_queue);
		json_put_count(&j, "syn_queue_max",
			       has_queues ? listeners_syn_queue_max(l) : l->queue_max);
		json_put_count(&j, "half_open", l->syn_queue);
		if (has_queues)
			listeners_put_queues(&j, l);
		else
			json_put_nulls(&j, unknown);
		listeners_put_rate(&j, &all.of[i], has_queues);
		json_put_count(&j, "accept_queue", l->accept_queue);
		json_put_count(&j, "accept_queue_max", l->queue_max);
		json_put_count(&j, "inode", l->inode);
		json_put_count(&j, "cgroup_id", l->cgroup_id);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	fputc('\n', to);
	free(all.of);
	return r;
}

/* ---- states -------------------------------------------------------------------------------- */

#define STATES_ALL (((1 << SOCKDIAG_STATES) - 1) & ~1)

/* enum in net/tcp_states.h; names as ss and netstat have them, with one underscore */
static const char *const states_names[SOCKDIAG_STATES] = {
	NULL,	     "ESTABLISHED", "SYN_SENT",	  "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
	"TIME_WAIT", "CLOSE",	    "CLOSE_WAIT", "LAST_ACK", "LISTEN",	   "CLOSING",
};

struct states {
	struct listeners listeners;
	uint64_t total[SOCKDIAG_STATES], answered;
	struct answered asked;
};

static void states_add_answered(struct listener *l, const void *what)
{
	l->answered++;
}

static void states_on_half_open(void *userdata, const struct sockdiag_socket *s, bool answered,
				uint64_t age_ms)
{
	struct states *st = userdata;

	st->answered += answered;
	if (answered)
		listeners_find(&st->listeners, s->port, &s->addr, states_add_answered, NULL);
}

static void states_add(struct listener *l, const void *what)
{
	const struct sockdiag_socket *s = what;

	l->states[s->state]++;
}

static void states_on_socket(void *userdata, const struct sockdiag_socket *s)
{
	struct states *st = userdata;

	if (s->state >= SOCKDIAG_STATES)
		return;
	st->total[s->state]++;
	if (s->state == SOCKDIAG_SYN_RECV)
		answered_add(&st->asked, s);
	listeners_find(&st->listeners, s->port, &s->addr, states_add, s);
}

static void states_put(struct json_writer *j, const char *key, const uint64_t *counts)
{
	int i;

	json_open(j, key, '{');
	for (i = 0; i < SOCKDIAG_STATES; i++)
		if (counts[i] && states_names[i])
			json_put_count(j, states_names[i], counts[i]);
	json_close(j, '}');
}

static void states_put_all(struct json_writer *j, const struct states *st, bool partial)
{
	const struct listeners *all = &st->listeners;
	size_t i;

	json_open(j, NULL, '{');
	states_put(j, "total", st->total);
	json_put_count(j, "answered", st->answered);
	/* no key of a complete answer */
	if (partial)
		json_put_flag(j, "partial", true);
	json_open(j, "listeners", '[');
	for (i = 0; i < all->count; i++) {
		json_open(j, NULL, '{');
		listeners_put_socket(j, &all->of[i].is);
		states_put(j, "states", all->of[i].states);
		json_put_count(j, "answered", all->of[i].answered);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
	fputc('\n', j->to);
}

int states_write(FILE *to, struct dataplane_requests *requests)
{
	bool partial_listeners = false, partial = false;
	struct json_writer j = { .to = to };
	struct states st = {};
	int r;

	st.asked = (struct answered){ requests, states_on_half_open, &st };
	r = sockdiag_walk_states(1 << SOCKDIAG_LISTEN, listeners_on_socket, &st.listeners,
				 &partial_listeners);
	if (r >= 0)
		r = st.listeners.error;
	if (r >= 0) {
		listeners_sort(&st.listeners);
		listeners_merge(&st.listeners);
		r = sockdiag_walk_states(STATES_ALL, states_on_socket, &st, &partial);
		answered_end(&st.asked);
	}
	if (r >= 0)
		states_put_all(&j, &st, partial || partial_listeners);
	free(st.listeners.of);
	return r;
}
