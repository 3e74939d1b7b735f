/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the manager share: its body, and what one of them does for another. manager.c
 * has its life, manager_tick.c what it does each second, manager_settings.c what the administrator
 * wants, manager_reap.c the reaper's work, manager_tell.c what is said of it all. Nobody else includes
 * this.
 */
#pragma once

#include "daemon/base/pace.h"
#include "daemon/bus/bus.h"
#include "daemon/dataplane/carry.h"
#include "daemon/dataplane/control.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/dataplane/fdstore.h"
#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/ifaces/ifaces.h"
#include "daemon/judge/ack_flood.h"
#include "daemon/judge/detect.h"
#include "daemon/lists/store.h"
#include "daemon/manager/announce.h"
#include "daemon/manager/manager.h"
#include "daemon/mitigation/mitigation.h"
#include "daemon/mitigation/reap.h"
#include "daemon/net/netstat.h"
#include "daemon/net/rtnl.h"
#include "daemon/report/report.h"
#include "daemon/services/services.h"
#include "daemon/views/views.h"

struct manager {
	const struct manager_options *options;
	sd_event *event;
	sd_event_source *ticker;
	int lock_fd, instance_fd;
	struct fdstore *store; /* until what is of use of it has been taken */
	struct dataplane_store kept;
	struct dataplane *dp; /* NULL in engine "kernel" */
	struct rtnl *links;
	struct services *services; /* NULL in engine "kernel" */
	struct bus *bus;
	struct carry *carry;
	struct list_store *list_store;
	struct views *views;
	struct complaint engine_reason;
	struct settings settings;
	const char *interfaces[SETTINGS_NAMES_MAX]; /* of settings */
	bool config_ok;
	enum sg_mode mode;
	bool mode_by_hand;
	struct detect_config detect;
	struct detector detector;
	struct ifaces *ports;
	struct services_total total; /* of the last tick */
	struct ack_flood ack_flood;
	struct hitters_figures sources; /* of the last tick */
	struct hitters_flow flow;
	uint64_t started_ns, ticked_ns;
	uint64_t ticks, tick_delay_max_usec;
	uint64_t local_addrs;
	struct pace pace; /* of asking all sockets, in engine "kernel" */
	uint64_t walks;	  /* how often they were asked */
	struct mitigation *mitigation;
	struct reap *reap; /* NULL where it cannot be had, for this reason: */
	struct complaint no_reap_reason;
	uint64_t reaped, reaped_told;
	struct event_limit reap_limit, reap_failed_limit;
	struct netstat_syns overfull; /* of the last tick, in engine "kernel" */
	struct announcer announcer;
	struct event_limit look_limit, address_limit;
	uint64_t syns_per_sec, challenges_per_sec, acceptances_per_sec, dropped_acks_per_sec;
};

/* Attaches to and detaches from interfaces as names, links and mode want it now. */
void manager_reconcile(void *userdata);

/* ---- manager_tick.c: an event loop's handler ---- */

int manager_tick(sd_event_source *source, uint64_t scheduled_usec, void *userdata);

/* ---- manager_settings.c ---- */

/* Copies what is asked for; what the programs need of it goes to them by manager_apply(). */
void manager_take_settings(struct manager *m, const struct settings *s);
/* before: what the programs have been given, or NULL. */
void manager_apply(struct manager *m, const struct settings *before);
/* Makes the list store, with what is kept and what files say. -errno. */
int manager_keep_lists(struct manager *m, struct complaint *c);
void manager_change_mode(struct manager *m, enum sg_mode mode);
/* By hand: that holds until the daemon ends. -EINVAL: there is no such mode. */
int manager_set_mode(void *userdata, const char *name);

/* ---- manager_tell.c: a bus_handler's ---- */

/* What is known without looking anywhere. */
void manager_scalars(void *userdata, struct report *ret);
/* JSON; the caller frees it. NULL: no memory. */
char *manager_describe(void *userdata);
char *manager_events(void *userdata, uint64_t since);
int manager_undo_mitigation(void *userdata, const char *step);
int manager_view(void *userdata, const struct views_request *request);

/* ---- manager_reap.c ---- */

/* Makes the reaper, while there is still the right to; without one the rest goes on. */
void manager_make_reap(struct manager *m);
/* Has it go to work while its step is taken, and tells at the end what it has done. */
void manager_reap(struct manager *m, uint64_t now_ns);
/* What its step of the mitigation has done so far. */
void manager_report_reap(const struct manager *m, struct report_step *row);
