/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/services/queues.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/addr.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/net/sockdiag.h"

static void queues_add(struct queues_sum *sum, const struct sg_listener *l)
{
	sum->max += l->queue_max;
	sum->syn += l->syn_queue;
	sum->accept += l->accept_queue;
	/* with TCP_DEFER_ACCEPT clients that have answered wait in there, for data */
	if (!l->defer_accept)
		sum->aged += rate_growth(l->syn_queue, l->young);
	/* without kernel cookies a full SYN queue drops as well, and that may be a flood's doing */
	if (l->syncookies)
		sum->drops += l->drops;
	if (l->accept_queue > l->queue_max) /* sk_acceptq_is_full() */
		sum->accept_full = true;
}

bool queues_serves(const struct sg_listener *l, const struct sg_service *e)
{
	return e->port == l->port && (!memcmp(&e->addr, &l->addr, sizeof(l->addr)) ||
				      (addr_is_any(&l->addr) &&
				       addr_any_takes(l->family == AF_INET6, l->v6only, &e->addr)));
}

static void queues_on_listener(void *userdata, const struct sg_listener *l)
{
	struct queues *q = userdata;
	size_t i;

	q->half_open += l->syn_queue;
	if (l->syn_queue && l->syn_queue >= listeners_syn_queue_max(l) &&
	    q->full_count < QUEUES_FULL_MAX)
		q->full[q->full_count++] = *l;
	for (i = 0; i < q->live_count; i++) {
		const struct sg_service *e = &q->entries[q->live[i]];
		struct queues_row *row = &q->rows[q->live[i]];

		if (e->port != l->port)
			continue;
		if (!memcmp(&e->addr, &l->addr, sizeof(l->addr))) {
			row->has_exact = true;
			queues_add(&row->exact, l);
		} else if (addr_is_any(&l->addr) &&
			   addr_any_takes(l->family == AF_INET6, l->v6only, &e->addr)) {
			queues_add(&row->any, l);
		}
	}
}

/* There may be very many: each is searched for in the set that the programs would search. */
static void queues_on_half_open(struct queues *q, const struct sockdiag_socket *socket)
{
	uint32_t first = sg_service_set(&socket->addr, socket->port) * SG_SERVICE_WAYS, i;

	q->half_open++;
	for (i = first; i < first + SG_SERVICE_WAYS; i++) {
		const struct sg_service *e = &q->entries[i];

		if (__atomic_load_n(&e->state, __ATOMIC_ACQUIRE) == SG_SERVICE_LIVE &&
		    e->port == socket->port && !memcmp(&e->addr, &socket->addr, sizeof(e->addr))) {
			q->rows[i].half_open++;
			return;
		}
	}
}

static void queues_on_socket(void *userdata, const struct sockdiag_socket *socket)
{
	const struct sg_listener listener = {
		.addr = socket->addr,
		.port = socket->port,
		.family = socket->ipv6 ? AF_INET6 : AF_INET,
		.v6only = socket->v6only,
		.accept_queue = socket->accept_queue,
		.queue_max = socket->queue_max,
	};

	if (socket->listening)
		queues_on_listener(userdata, &listener);
	else
		queues_on_half_open(userdata, socket);
}

static void queues_clear(struct queues *q)
{
	size_t i;

	q->half_open = 0;
	q->full_count = 0;
	for (i = 0; i < q->live_count; i++)
		q->rows[q->live[i]] = (struct queues_row){};
}

/* Goes through every connection of the host, so it is not done whenever somebody asks. */
static int queues_ask_sockets(struct queues *q, uint64_t now_ns)
{
	uint64_t before_ns;
	int r;

	if (!pace_allows(&q->pace, now_ns))
		return 0;
	before_ns = pace_cpu_ns();
	queues_clear(q);
	r = sockdiag_walk(queues_on_socket, q);
	pace_note(&q->pace, now_ns, pace_cpu_ns() - before_ns);
	q->walks++;
	return r;
}

int queues_read(struct queues *q, uint64_t now_ns)
{
	int r;

	if (q->no_listeners)
		return queues_ask_sockets(q, now_ns);
	queues_clear(q);
	r = listeners_walk(q->dp, queues_on_listener, q);
	if (r != -EOPNOTSUPP)
		return r;
	q->no_listeners = true; /* and there will be none later */
	return queues_ask_sockets(q, now_ns);
}
