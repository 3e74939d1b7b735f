/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two files of the services share: services.c, which has the table, and services_queues.c.
 * Nobody else includes this.
 */
#pragma once

#include "daemon/base/pace.h"
#include "daemon/judge/detect_service.h"
#include "daemon/services/services.h"

struct services_queues {
	uint64_t max, syn, accept;
	uint64_t drops;	  /* for the want of room, since the listeners are there */
	bool accept_full; /* one of the listeners takes no more */
};

/* What is remembered of an entry from tick to tick. */
struct services_memory {
	bool live; /* it is among those that are looked at now */
	bool known;
	struct sg_tally last;
	struct sg_tally grew;
	uint64_t canary_accepted, canary_born, canary_since_ns; /* since it was last judged */
	uint64_t canary_stillborn; /* heard since the last tick with a birth */
	struct defence defence;
	/* queues: of listeners on the very address, and of those on any */
	struct services_queues exact, any;
	bool has_exact;
	uint64_t half_open; /* as the host's sockets say, where they had to be asked */
	struct detect_service judged;
	uint64_t drops; /* at the last look */
	/* the trouble that has been told, and when it began */
	enum sg_trouble told;
	uint64_t told_ns;
};

struct services {
	struct dataplane *dp;
	struct sg_service *entries;
	struct services_memory *memory;	  /* [SG_SERVICES_MAX] */
	struct services_evicted *evicted; /* [SG_SERVICES_MAX] */
	uint32_t *live;			  /* indices, ascending */
	size_t live_count;
	uint64_t half_open;
	bool no_listeners;  /* the kernel offers no walk of them: all sockets are asked */
	struct pace pace;   /* of that */
	uint64_t walks;	    /* how often that was done */
	bool hold;	    /* leases go on by themselves */
	uint64_t judged_ns; /* when that was done last, 0 = never */
	uint64_t somaxconn; /* of this host, while somebody's backlog is small */
};

/* ---- services_queues.c ---- */

/* Of the services that are live, into their memory. -errno; what was read stays usable. */
int services_read_queues(struct services *s, uint64_t now_ns);

/* ---- services_judge.c ---- */

/* Tells which trouble the service begins or ends to have. */
void services_tell_trouble(struct services *s, uint32_t index, uint64_t now_ns,
			   const struct services_news *news);
struct trouble_figures services_trouble_figures(const struct services *s,
						const struct services_memory *m);
void services_fill_trouble(const struct services *s, const struct services_memory *m,
			   struct report_service *row);
