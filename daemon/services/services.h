/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon makes of the service table: what grew since the last tick, which leases to
 * renew, which services to block, which entries to free.
 *
 * The programs defend without it. It adds what one CPU alone cannot see: sums over CPUs, whether
 * acceptances become connections, and that a listener has been gone for long.
 */
#pragma once

#include "daemon/dataplane/dataplane.h"
#include "daemon/judge/canary.h"
#include "daemon/judge/detect_service.h"
#include "daemon/judge/episodes.h"
#include "daemon/judge/undefended.h"
#include "daemon/report/report.h"

struct services;

/*
 * What entries had counted that were freed, so that the totals of a service that comes back go on.
 * Of SG_SERVICES_MAX rows those of one set of the service table are searched: a service has its
 * entry in any of them. One row is for one freed entry, and the next one in its place replaces it.
 */
struct services_evicted {
	struct sg_addr addr;
	__be16 port; /* 0: none */
	uint64_t syns, challenged, accepted, established, handshakes;
};
void services_evict(struct services_evicted *rows, uint32_t index, const struct sg_service *e,
		    const struct sg_tally *tally);
/* All zero where nothing of the service is remembered. */
struct services_evicted services_evicted(const struct services_evicted *rows, uint32_t index,
					 const struct sg_service *e);

/* Over all services: counters since start, and what is so now. */
struct services_total {
	uint64_t syns, challenged, accepted, handshakes;
	uint64_t declined; /* of the SYNs: answered, and the connection not wanted */
	bool defending;
	uint64_t half_open;
	/* by services_judge(): of what grew, and what calls for defence (detect_service.h) */
	uint64_t explained;
	bool calls, slow;
	enum sg_trouble trouble; /* the last in the table of those that they have */
};

/* Borrows dp. -errno. */
int services_new(struct services **ret, struct dataplane *dp);
struct services *services_free(struct services *s);

/*
 * Reads tallies, and the queues as the listeners have them. Where the kernel offers no walk of the
 * listeners all sockets are asked instead, and not more often than pace.h allows. -errno; what was
 * read stays usable.
 */
int services_sample(struct services *s, uint64_t now_ns, struct services_total *total);

/*
 * Judges each service by the last sample; state is of the floods of SYNs before it. Adds to the
 * total.
 */
void services_judge(struct services *s, uint64_t now_ns, const struct detect_config *config,
		    enum detect_state state, struct services_total *total);

/*
 * SYNs found no room in the table: of each set that is full the entry is freed that has been idle for
 * longest. An entry is idle that nothing has come for in 10 s, that is not defended, blocked or
 * forwarded, and for which no cookie is good any more.
 */
void services_make_room(struct services *s, uint64_t now_ns);

/*
 * Shows u what of the services and listeners suffers in the sample and is not defended
 * (undefended.h), and what comes for ports where nobody listens: closed. Before that, how many SYNs
 * of services were passed to the kernel.
 */
uint64_t services_passed(const struct services *s);
void services_undefended(const struct services *s, const struct detect_config *config,
			 const struct undefended_sample *sample, const struct sg_stray *closed,
			 struct undefended *u);

/*
 * Whether a service calls for defence that engine listener is for: its lease runs, or the mode is
 * always, and what is in the way of engine reqsk is not in its way. Of now, without a sample.
 */
bool services_call_for_listener(const struct services *s, uint64_t now_ns);

/* What the programs know of the host is old: they look again at each service's next SYN. */
void services_inspect_again(struct services *s, uint64_t now_ns);

/* Whether leases are renewed whatever the floods of their services do. */
void services_hold(struct services *s, bool hold);

/*
 * Renews leases and blocks services, by the last sample, and calls the handler for each. Of
 * defences no more than SERVICES_DEFENCES_MAX are reported in a tick; the others wait for the next (defence.h).
 */
#define SERVICES_DEFENCES_MAX 16
struct services_handler {
	/* the service becomes blocked; cause: canary_cause() */
	void (*blocked)(void *userdata, const struct sg_service *service,
			const struct canary_verdict *verdict, const char *cause);
	/* the first of its sources became filtered */
	void (*filtered)(void *userdata, const struct sg_service *service, const char *cause);
	/* its defence begins, or has ended */
	void (*defence)(void *userdata, const struct sg_service *service, enum defence_news news,
			const struct defence *defence);
	/* the trouble begins, or (ended) has gone on for so long; text: trouble.h */
	void (*trouble)(void *userdata, const struct sg_service *service, enum sg_trouble trouble,
			const char *text, bool ended, uint64_t for_ns);
	void *userdata;
};
void services_act(struct services *s, uint64_t now_ns, const struct services_handler *handler);

/* What a service had in the second before the last sample. */
struct services_rate {
	struct sg_addr addr;
	__be16 port;
	bool defending;
	const char *engine; /* "reqsk", "listener" */
	uint64_t syns, challenged, accepted, handshakes;
	enum sg_trouble trouble;
	struct trouble_figures figures;
};

/* The caller frees *ret. -errno. */
int services_rates(struct services *s, uint64_t now_ns, struct services_rate **ret, size_t *count);

/* How many are known. */
size_t services_count(const struct services *s);

/* How often all sockets had to be asked. */
uint64_t services_walks(const struct services *s);

/* Fills services and half_open, read afresh as services_sample() does; the caller frees report->services. -errno. */
int services_report(struct services *s, uint64_t now_ns, struct report *report);
