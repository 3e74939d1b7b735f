/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queues of services: from the iterator over listeners, which costs nothing for the
 * connections, and where the kernel offers none from all sockets, no more often than pace.h allows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/clock.h"
#include "daemon/dataplane/dataplane.h"
#include "synguard/listener_abi.h"

struct queues_sum {
	uint64_t max, syn, accept;
	uint64_t aged;	  /* of syn: their SYN-ACK was sent again, and they may still be answered */
	uint64_t drops;	  /* because a queue was full, since the listeners are there */
	bool accept_full; /* one of the listeners takes no more */
};

/* Of a service: of listeners on its very address, and of those on any. */
struct queues_row {
	struct queues_sum exact, any;
	bool has_exact;
	uint64_t half_open; /* as the host's sockets say, where they had to be asked */
};

/* Listeners with a full SYN queue: more are not kept. */
#define QUEUES_FULL_MAX 16

struct queues {
	struct dataplane *dp;
	const struct sg_service *entries;
	struct queues_row *rows; /* [SG_SERVICES_MAX], by index of the entry */
	const uint32_t *live;	 /* indices of those to read */
	size_t live_count;
	uint64_t half_open; /* of the host */
	struct sg_listener full[QUEUES_FULL_MAX];
	size_t full_count;
	bool no_listeners; /* the kernel offers no iterator: all sockets are asked */
	struct pace pace;  /* of that */
	uint64_t walks;	   /* how often that was done */
};

/* Fills the rows of those that are live. -errno; what was read stays usable. */
int queues_read(struct queues *q, uint64_t now_ns);

/* Whether a connection to the service is the listener's. */
bool queues_serves(const struct sg_listener *l, const struct sg_service *e);

static inline const struct queues_sum *queues_of(const struct queues *q, uint32_t index)
{
	return q->rows[index].has_exact ? &q->rows[index].exact : &q->rows[index].any;
}
