/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/caps.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mode.h"
#include "daemon/manager/instance.h"
#include "daemon/manager/rundir.h"

/* 0 would mean a quarter of a second, to save wake-ups */
#define MANAGER_TICK_ACCURACY_USEC 1000ULL

/* Time for the ACKs of challenges that are under way when the daemon is told to end. */
#define MANAGER_LEAVE_USEC 1000000ULL

/* A host of some hundred interfaces is told to be ready before the last one is attached to. */
#define MANAGER_SETTLE_USEC 10000000ULL

/* ---- interfaces ---------------------------------------------------------------------------- */

void manager_reconcile(void *userdata)
{
	struct manager *m = userdata;

	if (m->links) /* not while it is being made */
		ifaces_reconcile(m->ports, m->links,
				 m->mode == SG_MODE_AUTO || m->mode == SG_MODE_ALWAYS ?
					 m->settings.attach :
					 ATTACH_MODE_WATCH);
}

static void manager_on_address(void *userdata, const struct sg_addr *addr, bool here)
{
	struct manager *m = userdata;
	int r;

	if (!m->dp)
		return;
	r = here ? control_add_local(m->dp, addr) : control_remove_local(m->dp, addr);
	if (!r)
		m->local_addrs += here ? 1 : -1;
	if (r < 0 && r != -ENOENT && r != -EEXIST)
		announce_read_failed(&m->announcer, &m->address_limit, clock_now_ns(),
				     "the host's addresses", r);
}

/* ---- life ---------------------------------------------------------------------------------- */

/* And one per network namespace, whatever its runtime directory is. */
static int manager_be_alone(struct manager *m, struct complaint *c)
{
	struct complaint warning = {};

	m->instance_fd = instance_take(c, &warning);
	if (m->instance_fd != -EADDRINUSE)
		return m->instance_fd < 0 ? m->instance_fd : 0;
	log_warning("%s", warning.text);
	return 0;
}

/* ---- what outlives this process ------------------------------------------------------------- */

static int manager_take(void *userdata, const char *name)
{
	const struct manager *m = userdata;

	return m->store ? fdstore_take(m->store, name) : -ENOENT;
}

static void manager_keep(void *userdata, const char *name, int fd)
{
	fdstore_keep(name, fd);
}

static void manager_drop(void *userdata, const char *name)
{
	fdstore_drop(name);
}

/* Hands on what went wrong, in the words of errno. */
static int manager_said(struct complaint *c, int r)
{
	if (r < 0)
		complain(c, "%s", strerror(-r));
	return r;
}

/* Without a datapath the daemon still watches and says what is missing. */
static int manager_load(struct manager *m, struct complaint *c)
{
	int r;

	if (m->settings.engine == SETTINGS_ENGINE_KERNEL) {
		complain(&m->engine_reason, "[Daemon] Engine= says so");
		r = -ECANCELED;
	} else {
		m->kept = (struct dataplane_store){ manager_take, manager_keep, manager_drop, m };
		r = dataplane_new(&m->dp, m->settings.epoch_shift, &m->kept, &m->engine_reason);
	}
	if (r >= 0)
		r = dataplane_attach_births(m->dp, &m->engine_reason);
	if (r < 0) {
		m->dp = dataplane_free(m->dp);
		if (r == -EPERM || r == -EACCES)
			caps_missing_to_load(&m->engine_reason);
		ANNOUNCE(&m->announcer, SG_EVENT_ENGINE, EVENT_TEXT("engine", "kernel"),
			 EVENT_TEXT("reason", m->engine_reason.text));
		return 0;
	}
	control_set_mode(m->dp, m->mode);
	control_set_heartbeat(m->dp, clock_now_ns());
	manager_apply(m, NULL);
	return manager_said(c, services_new(&m->services, m->dp));
}

static int manager_open_bus(struct manager *m, struct complaint *c)
{
	const struct bus_handler handler = {
		.describe = manager_describe,
		.events = manager_events,
		.set_mode = manager_set_mode,
		.undo_mitigation = manager_undo_mitigation,
		.scalars = manager_scalars,
		.view = manager_view,
		.userdata = m,
		.list_add = list_store_add,
		.list_remove = list_store_remove,
		.list_show = list_store_show,
		.lists = m->list_store,
	};
	struct rundir_path path;
	int r;

	r = rundir_path(m->options->runtime_dir, SG_BUS_SOCKET, &path, c);
	if (r < 0)
		return r;
	r = bus_new(&m->bus, m->event, path.text, &handler);
	if (r < 0)
		complain(c, "%s: %s", path.text, strerror(-r));
	m->announcer.bus = m->bus;
	return r;
}

static int manager_start_ticking(struct manager *m)
{
	int r;

	r = sd_event_add_time_relative(m->event, &m->ticker, CLOCK_MONOTONIC, 0,
				       MANAGER_TICK_ACCURACY_USEC, manager_tick, m);
	/* before anybody who asks, and anything that changes */
	if (r >= 0)
		r = sd_event_source_set_priority(m->ticker, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = sd_event_source_set_enabled(m->ticker, SD_EVENT_ON);
	/* a source that fails would otherwise be switched off, and leave a daemon that is blind */
	return r < 0 ? r : sd_event_source_set_exit_on_failure(m->ticker, true);
}

static void manager_warn(void *userdata, const char *text)
{
	log_warning("%s", text);
}

/* What needs the rights to load programs; afterwards they are given up. */
static int manager_prepare(struct manager *m, struct complaint *c)
{
	const struct mitigation_handler mitigating = { announce_ladder, manager_warn,
						       &m->announcer };
	int r;

	m->lock_fd = rundir_take(m->options->runtime_dir, c);
	r = m->lock_fd < 0 ? m->lock_fd : manager_be_alone(m, c);
	if (r < 0)
		return r;
	r = manager_said(c, fdstore_new(&m->store));
	if (r >= 0)
		r = manager_said(c, announcer_init(&m->announcer));
	if (r >= 0)
		r = manager_said(c, mitigation_new(&m->mitigation, m->options->runtime_dir,
						   &mitigating));
	if (r < 0)
		return r;
	r = manager_load(m, c);
	manager_make_reap(m);
	if (r >= 0)
		r = manager_keep_lists(m, c);
	if (r >= 0)
		r = manager_said(c, views_new(&m->views, m->event, m->dp));
	if (r >= 0)
		r = manager_open_bus(m, c);
	if (r < 0)
		return r;
	/* what follows needs no more; and if that is missing, no driver has been touched yet */
	r = caps_keep(m->settings.mitigation_live_backlog);
	if (r < 0)
		complain(c, "CAP_NET_ADMIN is needed: %s", strerror(-r));
	return r;
}

static int manager_start(struct manager *m, struct complaint *c)
{
	const struct rtnl_handler handler = { manager_on_address, manager_reconcile, m };
	const struct ifaces_handler on_port = { announce_port, &m->announcer };
	int r = manager_prepare(m, c);

	if (r < 0)
		return r;
	r = ifaces_new(&m->ports, m->event, m->dp, m->interfaces, m->settings.interfaces.count,
		       &on_port);
	if (r >= 0)
		r = rtnl_new(&m->links, m->event, &handler);
	if (r < 0) {
		complain(c, "the interfaces: %s", strerror(-r));
		return r;
	}
	manager_reconcile(m);
	/* on interfaces that are not meant any more it ends here */
	m->store = fdstore_free(m->store);
	ifaces_settle(m->ports, MANAGER_SETTLE_USEC);
	ifaces_warn(m->ports, m->links);
	r = manager_said(c, manager_start_ticking(m));
	if (r < 0)
		return r;
	if (m->options->config_fault[0])
		ANNOUNCE(&m->announcer, SG_EVENT_CONFIG_FAULTY,
			 EVENT_TEXT("reason", m->options->config_fault));
	ANNOUNCE(&m->announcer, SG_EVENT_STARTED, EVENT_TEXT("version", SG_VERSION),
		 EVENT_TEXT("mode", mode_name(m->mode)),
		 EVENT_TEXT("engine", m->dp ? "reqsk" : "kernel"));
	if (m->dp && dataplane_continues(m->dp))
		ANNOUNCE(&m->announcer, SG_EVENT_CONTINUED,
			 EVENT_NUMBER("services", services_count(m->services)));
	return 0;
}

int manager_new(struct manager **ret, sd_event *event, const struct manager_options *options,
		struct complaint *c)
{
	struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->options = options;
	manager_take_settings(m, &options->settings);
	m->mode = m->settings.mode;
	m->config_ok = options->config_ok;
	m->event = sd_event_ref(event);
	m->lock_fd = -EBADF;
	m->instance_fd = -EBADF;
	m->started_ns = clock_now_ns();
	r = carry_new(&m->carry);
	if (r >= 0)
		r = manager_start(m, c);
	if (r < 0) {
		manager_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

static int manager_on_left(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct manager *m = userdata;

	return sd_event_exit(m->event, 0);
}

int manager_leave(struct manager *m)
{
	ANNOUNCE(&m->announcer, SG_EVENT_STOPPING, EVENT_TEXT("version", SG_VERSION),
		 EVENT_NUMBER("seconds", (clock_now_ns() - m->started_ns) / 1000000000));
	if (!m->dp || !m->challenges_per_sec || m->mode == SG_MODE_OFF)
		return sd_event_exit(m->event, 0);
	manager_change_mode(m, SG_MODE_OFF);
	return sd_event_add_time_relative(m->event, NULL, CLOCK_MONOTONIC, MANAGER_LEAVE_USEC, 0,
					  manager_on_left, m);
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	sd_event_source_disable_unref(m->ticker);
	m->mitigation = mitigation_free(m->mitigation);
	reap_free(m->reap);
	m->announcer.bus = bus_free(m->bus);
	views_free(m->views);
	ifaces_free(m->ports);
	rtnl_free(m->links);
	services_free(m->services);
	list_store_free(m->list_store);
	dataplane_free(m->dp);
	fdstore_free(m->store);
	carry_free(m->carry);
	announcer_done(&m->announcer);
	close_fd(m->instance_fd);
	close_fd(m->lock_fd);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}
