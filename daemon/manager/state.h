/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The body of the manager, a struct for each concern, and what its files do for each other:
 * manager.c has its life, tick.c what it does each second, policy.c the settings, the mode and the
 * lists, faces.c the answers to clients. Nobody else includes this.
 */
#pragma once

#include "daemon/base/clock.h"
#include "daemon/bus/bus.h"
#include "daemon/dataplane/control.h"
#include "daemon/dataplane/counters.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/dataplane/fdstore.h"
#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/ifaces/ifaces.h"
#include "daemon/judge/detect.h"
#include "daemon/judge/episodes.h"
#include "daemon/lists/store.h"
#include "daemon/manager/emit.h"
#include "daemon/mitigation/mitigation.h"
#include "daemon/mitigation/reap.h"
#include "daemon/net/local_routes.h"
#include "daemon/net/netstat.h"
#include "daemon/net/rtnl.h"
#include "daemon/report/report.h"
#include "daemon/services/services.h"
#include "daemon/views/views.h"
#include "daemon/ways/ways.h"

struct manager_options;

/* The loop, and the clock of the ticks. */
struct manager_loop {
	sd_event *event;
	sd_event_source *ticker, *calls;
	uint64_t started_ns, ticked_ns;
	uint64_t ticks, delay_max_usec;
	unsigned int leave_turns;
};

/* What the administrator wants, and how the host is judged by it. */
struct manager_policy {
	struct settings settings;
	const char *interfaces[SETTINGS_NAMES_MAX]; /* of settings */
	bool config_ok;
	enum sg_mode mode;
	bool mode_by_hand;
	struct detect_config detect;
	struct detector detector;
	struct state_news state_news;
	bool deny_advised; /* by the last event of the sources */
	struct undefended undefended;
};

/* The host, and what is changed on it. */
struct manager_host {
	int lock_fd, instance_fd;
	struct fdstore *store;
	struct dataplane *dp; /* NULL in engine "kernel", for this reason: */
	struct complaint engine_reason;
	struct services *services; /* NULL in engine "kernel" */
	struct rtnl *rtnl;
	struct ways *ways;		   /* NULL in engine "kernel" */
	struct local_routes *local_routes; /* NULL in engine "kernel" */
	struct ifaces *ifaces;
	struct list_store *lists;
	struct mitigation *mitigation;
	uint64_t local_addrs;
	struct event_limit address_limit, ways_limit;
	bool ways_told; /* that there are more than the table has room for */
};

/* As of the last tick. */
struct manager_sample {
	struct services_total total;
	struct ack_flood ack_flood;
	struct hitters_figures sources;
	struct hitters_flow flow;
	uint64_t syns_per_sec, challenges_per_sec, acceptances_per_sec, dropped_acks_per_sec;
	uint64_t handshakes_per_sec;
	struct netstat_syns overfull;
	uint64_t strays[SG_STRAY_KINDS];
	uint64_t undefended_per_sec;
	/* in engine "kernel": */
	struct pace pace; /* of the walk through all sockets */
	uint64_t walks;
	struct event_limit failed_limit;
};

struct manager_reaper {
	struct reap *reap; /* NULL where it cannot be had, for this reason: */
	struct complaint reason;
	uint64_t reaped, reported;
	struct event_limit limit, failed_limit;
};

struct manager_faces {
	struct emitter emitter;
	struct bus *bus;
	struct views *views;
};

struct manager {
	const struct manager_options *options;
	struct manager_loop loop;
	struct manager_policy policy;
	struct manager_host host;
	struct manager_sample sample;
	struct manager_reaper reaper;
	struct manager_faces faces;
};

/* ---- tick.c ---- */

/* Each second; the handler of an sd_event_source. */
int manager_tick(sd_event_source *source, uint64_t scheduled_usec, void *userdata);
/* From now on the mitigation is asked as soon as a program calls. -errno. */
int manager_hear_calls(struct manager *m);
/* Loads the reaper, while there is still the right to; the daemon runs without it, too. */
void manager_load_reaper(struct manager *m);

/* ---- policy.c ---- */

/* Attaches to and detaches from interfaces as names, rtnetlink and mode want it now. */
void manager_reconcile(void *userdata);
/* Copies the settings; manager_apply() gives the programs what they need of them. */
void manager_set_settings(struct manager *m, const struct settings *s);
/* before: what the programs have been given, or NULL. */
void manager_apply(struct manager *m, const struct settings *before);
/* Opens the lists of sources, with what is kept in the state directory and in files. -errno. */
int manager_open_lists(struct manager *m, struct complaint *c);
void manager_change_mode(struct manager *m, enum sg_mode mode);
/* By hand: it holds until the daemon ends. -EINVAL: there is no such mode. */
int manager_set_mode(void *userdata, const char *name);

/* ---- faces.c ---- */

/* Opens the bus, for which everything else has to be there. -errno, with *c filled. */
int manager_open_bus(struct manager *m, struct complaint *c);
