/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queues of services: from the walk of the listeners, and where the kernel offers none from all
 * sockets.
 */
#include "daemon/services/services_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/addr.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/net/sockdiag.h"

static void services_add_queues(struct services_queues *q, const struct sg_listener *l)
{
	q->max += l->queue_max;
	q->syn += l->syn_queue;
	q->accept += l->accept_queue;
	/* without kernel cookies a full SYN queue drops as well, and that may be a flood's doing */
	if (l->syncookies)
		q->drops += l->drops;
	if (l->accept_queue > l->queue_max) /* sk_acceptq_is_full() */
		q->accept_full = true;
}

static void services_on_listener(void *userdata, const struct sg_listener *l)
{
	struct services *s = userdata;
	size_t i;

	s->half_open += l->syn_queue;
	for (i = 0; i < s->live_count; i++) {
		const struct sg_service *e = &s->entries[s->live[i]];
		struct services_memory *m = &s->memory[s->live[i]];

		if (e->port != l->port)
			continue;
		if (!memcmp(&e->addr, &l->addr, sizeof(l->addr))) {
			m->has_exact = true;
			services_add_queues(&m->exact, l);
		} else if (addr_is_any(&l->addr) &&
			   addr_any_takes(l->family == AF_INET6, l->v6only, &e->addr)) {
			services_add_queues(&m->any, l);
		}
	}
}

/* There may be very many: each is looked for where the programs would look for its service. */
static void services_on_half_open(struct services *s, const struct sockdiag_socket *socket)
{
	uint32_t first = sg_service_set(&socket->addr, socket->port) * SG_SERVICE_WAYS, i;

	s->half_open++;
	for (i = first; i < first + SG_SERVICE_WAYS; i++) {
		const struct sg_service *e = &s->entries[i];

		if (s->memory[i].live && e->port == socket->port &&
		    !memcmp(&e->addr, &socket->addr, sizeof(e->addr))) {
			s->memory[i].half_open++;
			return;
		}
	}
}

static void services_on_socket(void *userdata, const struct sockdiag_socket *socket)
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
		services_on_listener(userdata, &listener);
	else
		services_on_half_open(userdata, socket);
}

static void services_forget_queues(struct services *s)
{
	size_t i;

	s->half_open = 0;
	for (i = 0; i < s->live_count; i++) {
		struct services_memory *m = &s->memory[s->live[i]];

		m->exact = m->any = (struct services_queues){};
		m->has_exact = false;
		m->half_open = 0;
	}
}

/* Goes through every connection of the host, so it is not done whenever somebody asks. */
static int services_ask_sockets(struct services *s, uint64_t now_ns)
{
	uint64_t before_ns;
	int r;

	if (!pace_allows(&s->pace, now_ns))
		return 0;
	before_ns = pace_cpu_ns();
	services_forget_queues(s);
	r = sockdiag_walk(services_on_socket, s);
	pace_note(&s->pace, now_ns, pace_cpu_ns() - before_ns);
	s->walks++;
	return r;
}

/* The queues as the listeners have them, which costs nothing for the connections. */
int services_read_queues(struct services *s, uint64_t now_ns)
{
	int r;

	if (s->no_listeners)
		return services_ask_sockets(s, now_ns);
	services_forget_queues(s);
	r = listeners_walk(s->dp, services_on_listener, s);
	if (r != -EOPNOTSUPP)
		return r;
	s->no_listeners = true; /* and there will be none later */
	return services_ask_sockets(s, now_ns);
}
