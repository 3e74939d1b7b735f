/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/states.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/addr.h"
#include "daemon/net/sockdiag.h"

#define STATES_ALL (((1 << SOCKDIAG_STATES) - 1) & ~1)

/* enum in net/tcp_states.h; names as ss and netstat have them, with one underscore */
static const char *const states_names[SOCKDIAG_STATES] = {
	NULL,	     "ESTABLISHED", "SYN_SENT",	  "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
	"TIME_WAIT", "CLOSE",	    "CLOSE_WAIT", "LAST_ACK", "LISTEN",	   "CLOSING",
};

struct states_listener {
	struct sg_addr addr;
	__be16 port;
	bool ipv6, v6only;
	uint64_t counts[SOCKDIAG_STATES];
};

struct states {
	struct states_listener *listeners; /* by port */
	size_t count, room;
	uint64_t total[SOCKDIAG_STATES];
	int error;
};

static int states_compare(const void *a, const void *b)
{
	const struct states_listener *x = a, *y = b;

	if (x->port != y->port)
		return ntohs(x->port) < ntohs(y->port) ? -1 : 1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr)) ?: x->ipv6 - y->ipv6;
}

static void states_on_listener(void *userdata, const struct sockdiag_socket *s)
{
	struct states *st = userdata;
	size_t room = st->room ? st->room * 2 : 64;
	struct states_listener *grown;

	if (st->count == st->room) {
		grown = reallocarray(st->listeners, room, sizeof(*grown));
		if (!grown) {
			st->error = -ENOMEM;
			return;
		}
		st->listeners = grown;
		st->room = room;
	}
	st->listeners[st->count++] = (struct states_listener){
		.addr = s->addr, .port = s->port, .ipv6 = s->ipv6, .v6only = s->v6only
	};
}

/* Sorted; those of a reuseport group are one. */
static void states_sort_listeners(struct states *st)
{
	size_t i, kept = 0;

	if (!st->count)
		return;
	qsort(st->listeners, st->count, sizeof(*st->listeners), states_compare);
	for (i = 1; i < st->count; i++)
		if (states_compare(&st->listeners[kept], &st->listeners[i]))
			st->listeners[++kept] = st->listeners[i];
	st->count = kept + 1;
}

/* The listener on the very address, else one on any. */
static struct states_listener *states_find(struct states *st, const struct sockdiag_socket *s)
{
	struct states_listener *any = NULL, *l;
	size_t low = 0, high = st->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (ntohs(st->listeners[middle].port) < ntohs(s->port))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < st->count && st->listeners[low].port == s->port; low++) {
		l = &st->listeners[low];
		if (addr_is_any(&l->addr) && addr_any_takes(l->ipv6, l->v6only, &s->addr))
			any = l;
		else if (!memcmp(&l->addr, &s->addr, sizeof(l->addr)))
			return l;
	}
	return any;
}

static void states_on_socket(void *userdata, const struct sockdiag_socket *s)
{
	struct states *st = userdata;
	struct states_listener *l;

	if (s->state >= SOCKDIAG_STATES)
		return;
	st->total[s->state]++;
	l = states_find(st, s);
	if (l)
		l->counts[s->state]++;
}

static void states_write_counts(FILE *to, const uint64_t *counts)
{
	const char *comma = "";
	int i;

	for (i = 0; i < SOCKDIAG_STATES; i++) {
		if (!counts[i] || !states_names[i])
			continue;
		fprintf(to, "%s\"%s\":%" PRIu64, comma, states_names[i], counts[i]);
		comma = ",";
	}
}

static void states_write_all(FILE *to, const struct states *st, bool partial)
{
	size_t i;

	fputs("{\"total\":{", to);
	states_write_counts(to, st->total);
	/* no key of a whole answer */
	fprintf(to, "},%s\"listeners\":[", partial ? "\"partial\":true," : "");
	for (i = 0; i < st->count; i++) {
		const struct states_listener *l = &st->listeners[i];

		fprintf(to, "%s{\"address\":\"%s\",\"port\":%u,\"states\":{", i ? ",\n" : "",
			addr_text_of_listener(&l->addr, l->ipv6).text, ntohs(l->port));
		states_write_counts(to, l->counts);
		fputs("}}", to);
	}
	fputs("]}\n", to);
}

int states_write(FILE *to)
{
	bool partial_listeners = false, partial = false;
	struct states st = {};
	int r;

	r = sockdiag_walk_states(1 << SOCKDIAG_LISTEN, states_on_listener, &st, &partial_listeners);
	if (r >= 0)
		r = st.error;
	if (r >= 0) {
		states_sort_listeners(&st);
		r = sockdiag_walk_states(STATES_ALL, states_on_socket, &st, &partial);
	}
	if (r >= 0)
		states_write_all(to, &st, partial || partial_listeners);
	free(st.listeners);
	return r;
}
