/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/addr.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/net/sockdiag.h"
#include "daemon/services/services.h"

struct listeners {
	struct sg_listener *of;
	size_t count, room;
	bool raw; /* what only the walk of the programs knows is known */
	int error;
};

static void listeners_keep(void *userdata, const struct sg_listener *listener)
{
	struct listeners *l = userdata;
	size_t room = l->room ? l->room * 2 : 64;
	struct sg_listener *grown;

	if (l->count == l->room) {
		grown = reallocarray(l->of, room, sizeof(*grown));
		if (!grown) {
			l->error = -ENOMEM;
			return;
		}
		l->of = grown;
		l->room = room;
	}
	l->of[l->count++] = *listener;
}

static void listeners_on_socket(void *userdata, const struct sockdiag_socket *s)
{
	const struct sg_listener listener = {
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

	listeners_keep(userdata, &listener);
}

static int listeners_collect(struct listeners *l, struct dataplane *dp)
{
	int r = listeners_walk(dp, listeners_keep, l);
	bool partial;

	l->raw = r >= 0;
	if (r < 0) {
		l->count = 0;
		r = sockdiag_walk_states(1 << SOCKDIAG_LISTEN, listeners_on_socket, l, &partial);
	}
	return r < 0 ? r : l->error;
}

static bool listeners_covers(const struct sg_listener *l, const struct services_rate *rate)
{
	if (l->port != rate->port)
		return false;
	if (!addr_is_any(&l->addr))
		return !memcmp(&l->addr, &rate->addr, sizeof(l->addr));
	return addr_any_takes(l->family == AF_INET6, l->v6only, &rate->addr);
}

/* A service belongs to the listener on its very address, where there is one. */
static bool listeners_is_taken(const struct listeners *all, const struct services_rate *rate)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		if (!addr_is_any(&all->of[i].addr) && listeners_covers(&all->of[i], rate))
			return true;
	return false;
}

/* What is not known is null. */
static void listeners_write_rates(FILE *to, const struct listeners *all,
				  const struct sg_listener *l, const struct services_rate *rates,
				  size_t rate_count)
{
	struct services_rate sum = {};
	bool known = false;
	char text[400];
	size_t i;

	for (i = 0; i < rate_count; i++) {
		if (!listeners_covers(l, &rates[i]) ||
		    (addr_is_any(&l->addr) && listeners_is_taken(all, &rates[i])))
			continue;
		known = true;
		sum.defending = sum.defending || rates[i].defending;
		sum.syns += rates[i].syns;
		sum.challenged += rates[i].challenged;
		sum.accepted += rates[i].accepted;
		sum.handshakes += rates[i].handshakes;
		if (rates[i].trouble > sum.trouble) {
			sum.trouble = rates[i].trouble;
			sum.figures = rates[i].figures;
		}
	}
	if (!known) {
		fputs("\"syns_per_second\":null,\"challenges_per_second\":null,"
		      "\"acceptances_per_second\":null,\"completing_ratio\":null,",
		      to);
		fprintf(to, "\"defending\":%s,\"trouble\":null,\"trouble_text\":null,",
			all->raw ? "false" : "null");
		return;
	}
	fprintf(to, "\"trouble\":\"%s\",\"trouble_text\":\"%s\",", trouble_word(sum.trouble),
		trouble_text(sum.trouble, &sum.figures, text, sizeof(text)));
	fprintf(to,
		"\"syns_per_second\":%" PRIu64 ",\"challenges_per_second\":%" PRIu64
		",\"acceptances_per_second\":%" PRIu64 ",\"defending\":%s,",
		sum.syns, sum.challenged, sum.accepted, sum.defending ? "true" : "false");
	if (sum.syns)
		fprintf(to, "\"completing_ratio\":%.3f,",
			sum.handshakes < sum.syns ? (double)sum.handshakes / sum.syns : 1.0);
	else
		fputs("\"completing_ratio\":null,", to);
}

static void listeners_write_raw(FILE *to, const struct listeners *all, const struct sg_listener *l)
{
	if (!all->raw) {
		fputs("\"syn_queue\":null,\"syn_queue_max\":null,\"half_open\":null,"
		      "\"synack_retries\":null,\"drops\":null,",
		      to);
		return;
	}
	fprintf(to,
		"\"syn_queue\":%u,\"syn_queue_max\":%u,\"half_open\":%u,\"synack_retries\":%u,"
		"\"drops\":%u,\"young\":%u,\"defer_accept\":%u,\"mptcp\":%s,\"reuseport\":%s,",
		l->syn_queue, listeners_syn_queue_max(l), l->syn_queue, l->synack_retries, l->drops,
		l->young, l->defer_accept, l->mptcp ? "true" : "false",
		l->reuseport ? "true" : "false");
}

int listeners_write(FILE *to, struct dataplane *dp, const struct services_rate *rates,
		    size_t rate_count)
{
	struct listeners all = {};
	size_t i;
	int r;

	r = listeners_collect(&all, dp);
	fputs("[", to);
	for (i = 0; i < all.count; i++) {
		const struct sg_listener *l = &all.of[i];

		fprintf(to, "%s{\"address\":\"%s\",\"port\":%u,\"v6only\":%s,\"ifindex\":%u,",
			i ? ",\n" : "", addr_text_of_listener(&l->addr, l->family == AF_INET6).text,
			ntohs(l->port), l->v6only ? "true" : "false", l->ifindex);
		listeners_write_raw(to, &all, l);
		listeners_write_rates(to, &all, l, rates, rate_count);
		fprintf(to,
			"\"accept_queue\":%u,\"accept_queue_max\":%u,\"inode\":%" PRIu64
			",\"cgroup_id\":%" PRIu64 "}",
			l->accept_queue, l->queue_max, (uint64_t)l->inode, (uint64_t)l->cgroup_id);
	}
	fputs("]\n", to);
	free(all.of);
	return r;
}
