/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/answered.h"

#include <errno.h>

#include "daemon/dataplane/requests.h"
#include "daemon/views/view.h"

static int answered_ask(struct answered *a)
{
	struct sg_requests *asked;
	uint32_t i;

	if (!a->requests)
		return -EOPNOTSUPP;
	asked = dataplane_requests(a->requests);
	for (i = 0; i < a->count; i++)
		asked->items[i] = (struct sg_request){
			.addr = a->of[i].addr,
			.peer = a->of[i].peer,
			.cookie = a->of[i].cookie,
			.port = a->of[i].port,
			.peer_port = a->of[i].peer_port,
		};
	asked->count = a->count;
	return dataplane_requests_judge(a->requests, a->of[0].ifindex);
}

/*
 * The kernel sends the SYN-ACK again each time the timer fires, until it has been answered. So one
 * whose timer runs for longer than its retransmissions explain has been.
 */
static bool answered_by_timer(const struct sockdiag_socket *s)
{
	uint32_t doubled = s->retransmits < 7 ? s->retransmits : 7; /* TCP_RTO_MAX */

	return s->expires_ms > 1000u << doubled;
}

void answered_end(struct answered *a)
{
	const struct sg_request *items;
	bool known = a->count && answered_ask(a) >= 0;
	uint32_t i;

	items = known ? dataplane_requests(a->requests)->items : NULL;
	for (i = 0; i < a->count; i++) {
		const struct sockdiag_socket *s = &a->of[i];

		if (known && items[i].verdict != SG_REQUEST_GONE)
			a->fn(a->userdata, s, items[i].answered, items[i].age_ms);
		else
			a->fn(a->userdata, s, answered_by_timer(s),
			      halfopen_age_ms(s->retransmits, s->expires_ms));
	}
	a->count = 0;
}

void answered_add(struct answered *a, const struct sockdiag_socket *s)
{
	if (a->count == SG_REQUESTS_MAX || (a->count && a->of[0].ifindex != s->ifindex))
		answered_end(a);
	a->of[a->count++] = *s;
}
