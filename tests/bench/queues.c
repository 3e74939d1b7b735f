/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "queues.h"

#include <arpa/inet.h>

#include "daemon/net/sockdiag.h"

static void queues_count(void *userdata, const struct sockdiag_socket *s)
{
	struct queues *q = userdata;
	int listener = ntohs(s->port) - q->first_port;

	if (listener >= 0 && listener < QUEUES_MAX)
		q->length[listener]++;
}

static int queues_walk(void *arg)
{
	bool partial;

	return sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, queues_count, arg, &partial);
}

int queues_look(struct lab *lab, int host, struct queues *queues)
{
	*queues = (struct queues){ .first_port = queues->first_port };
	return lab_call(lab, host, queues_walk, queues);
}
