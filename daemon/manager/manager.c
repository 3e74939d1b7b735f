/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/manager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mode.h"
#include "daemon/base/process.h"
#include "daemon/manager/instance.h"
#include "daemon/manager/state.h"

/* 0 would mean a quarter of a second, to save wake-ups */
#define MANAGER_TICK_ACCURACY_USEC 1000ULL

/* Time for the ACKs of challenges that are under way when the daemon is told to end. */
#define MANAGER_LEAVE_USEC 1000000ULL
/* Then, as long as tcp_timestamps has not been put back: by a tick, which is here in time. */
#define MANAGER_LEAVE_TURN_USEC 100000ULL
#define MANAGER_LEAVE_TURNS	50

/* A host of some hundred interfaces is reported ready before the last one is attached to. */
#define MANAGER_SETTLE_USEC 10000000ULL

/* Puts an error into the words of errno. */
static int explain(struct complaint *c, int r)
{
	if (r < 0)
		complain(c, "%s", strerror(-r));
	return r;
}

/* ---- interfaces ---------------------------------------------------------------------------- */

static void on_address(void *userdata, const struct sg_addr *addr, bool here)
{
	struct manager *m = userdata;
	int r;

	if (!m->host.dp)
		return;
	r = here ? control_add_local(m->host.dp, addr) : control_remove_local(m->host.dp, addr);
	if (!r)
		m->host.local_addrs += here ? 1 : -1;
	if (r < 0 && r != -ENOENT && r != -EEXIST)
		emit_read_failed(&m->faces.emitter, &m->host.address_limit, clock_now_ns(),
				 "the host's addresses", r);
}

static void on_routes_failed(void *userdata, int error)
{
	struct manager *m = userdata;

	emit_read_failed(&m->faces.emitter, &m->host.address_limit, clock_now_ns(),
			 "the local routing table", error);
}

static void on_local_routes(void *userdata, const struct addr_prefix *prefixes, size_t count)
{
	struct manager *m = userdata;
	int r = control_set_local_prefixes(m->host.dp, prefixes, count);

	if (r < 0)
		on_routes_failed(m, r);
}

/* The programs go by the table of before where the new one could not be read or written. */
static void tell_ways(void *userdata)
{
	struct manager *m = userdata;
	struct ways_figures f = ways_figures(m->host.ways);

	if (f.error < 0)
		emit_read_failed(&m->faces.emitter, &m->host.ways_limit, clock_now_ns(),
				 "the host's routes", f.error);
	if (f.left_out && !m->host.ways_told)
		emit_ways_left_out(&m->faces.emitter, f.left_out);
	m->host.ways_told = f.left_out;
}

static int start_interfaces(struct manager *m, struct complaint *c)
{
	const struct rtnl_handler on_change = { on_address, manager_reconcile, m };
	const struct ifaces_handler handler = { emit_iface, &m->faces.emitter };
	const struct ways_handler on_ways = { tell_ways, m };
	const struct manager_policy *p = &m->policy;
	int r = ifaces_new(&m->host.ifaces, m->loop.event, m->host.dp, p->interfaces,
			   p->settings.interfaces.count, &handler);

	if (r >= 0 && m->host.dp) {
		const struct local_routes_handler routes = { on_local_routes, on_routes_failed, m };

		control_set_local_prefixes(m->host.dp, NULL, 0); /* of a daemon before */
		r = local_routes_new(&m->host.local_routes, m->loop.event, &routes);
	}
	if (r >= 0)
		r = rtnl_new(&m->host.rtnl, m->loop.event, &on_change);
	/* before any interface is attached to, so that no challenge goes the wrong way */
	if (r >= 0 && m->host.dp)
		r = ways_new(&m->host.ways, m->loop.event, m->host.dp, m->host.rtnl, &on_ways);
	if (r >= 0 && m->host.ways)
		tell_ways(m);
	if (r < 0)
		complain(c, "the interfaces: %s", strerror(-r));
	return r;
}

/* ---- the programs -------------------------------------------------------------------------- */

static int load_programs(struct manager *m, struct complaint *c)
{
	int r;

	if (m->policy.settings.engine == SETTINGS_ENGINE_KERNEL) {
		complain(c, "[Daemon] Engine= says so");
		return -ECANCELED;
	}
	r = dataplane_new(&m->host.dp, m->policy.settings.epoch_shift, m->host.store, c);
	if (r >= 0)
		r = dataplane_attach_tracing(m->host.dp, c);
	if (r == -EPERM || r == -EACCES)
		caps_missing_to_load(c);
	return r;
}

/* Without programs the daemon still watches, and says what is missing. */
static int start_engine(struct manager *m)
{
	if (load_programs(m, &m->host.engine_reason) < 0) {
		m->host.dp = dataplane_free(m->host.dp);
		EMIT(&m->faces.emitter, SG_EVENT_ENGINE, EVENT_TEXT("engine", "kernel"),
		     EVENT_TEXT("reason", m->host.engine_reason.text));
		return 0;
	}
	control_set_mode(m->host.dp, m->policy.mode);
	control_set_heartbeat(m->host.dp, clock_now_ns());
	manager_apply(m, NULL);
	return services_new(&m->host.services, m->host.dp);
}

/* ---- life ---------------------------------------------------------------------------------- */

/* One daemon per runtime directory, and one per network namespace, whatever its directory is. */
static int be_alone(struct manager *m, struct complaint *c)
{
	struct complaint warning = {};

	m->host.lock_fd = instance_lock(m->options->runtime_dir, c);
	if (m->host.lock_fd < 0)
		return m->host.lock_fd;
	m->host.instance_fd = instance_mark(c, &warning);
	if (m->host.instance_fd == -EADDRINUSE) {
		log_warning("%s", warning.text);
		return 0;
	}
	return m->host.instance_fd < 0 ? m->host.instance_fd : 0;
}

static void warn(void *userdata, const char *text)
{
	log_warning("%s", text);
}

/* What comes before the programs: the places that they and their events go to. */
static int start_bookkeeping(struct manager *m)
{
	const struct mitigation_handler handler = { emit_mitigation, warn, &m->faces.emitter };
	int r = fdstore_new(&m->host.store) ?: emitter_init(&m->faces.emitter);

	if (r < 0)
		return r;
	return mitigation_new(&m->host.mitigation, m->options->runtime_dir, &handler);
}

/* What needs the rights to load programs; afterwards they are given up. */
static int start_privileged(struct manager *m, struct complaint *c)
{
	int r = explain(c, start_bookkeeping(m) ?: start_engine(m));

	if (r < 0)
		return r;
	manager_load_reaper(m);
	r = manager_open_lists(m, c);
	if (r < 0)
		return r;
	r = explain(c, views_new(&m->faces.views, m->loop.event, m->host.dp));
	if (r < 0)
		return r;
	r = manager_open_bus(m, c);
	if (r < 0)
		return r;
	/* what follows needs no more; and if that is missing, no driver has been touched yet */
	r = caps_keep(m->policy.settings.mitigation_live_backlog);
	if (r < 0)
		complain(c, "CAP_NET_ADMIN is needed: %s", strerror(-r));
	return r;
}

static int start_ticking(struct manager *m)
{
	int r = sd_event_add_time_relative(m->loop.event, &m->loop.ticker, CLOCK_MONOTONIC, 0,
					   MANAGER_TICK_ACCURACY_USEC, manager_tick, m);

	if (r < 0)
		return r;
	/* before requests, and anything that changes */
	r = sd_event_source_set_priority(m->loop.ticker, SD_EVENT_PRIORITY_IMPORTANT);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(m->loop.ticker, SD_EVENT_ON);
	if (r < 0)
		return r;
	/* a source that fails would otherwise be switched off, and leave a daemon that is blind */
	return sd_event_source_set_exit_on_failure(m->loop.ticker, true);
}

static void emit_started(struct manager *m)
{
	struct emitter *e = &m->faces.emitter;

	if (m->options->config_fault[0])
		EMIT(e, SG_EVENT_CONFIG_FAULTY, EVENT_TEXT("reason", m->options->config_fault));
	EMIT(e, SG_EVENT_STARTED, EVENT_TEXT("version", SG_VERSION),
	     EVENT_TEXT("mode", mode_name(m->policy.mode)),
	     EVENT_TEXT("engine", m->host.dp ? "reqsk" : "kernel"));
	if (m->host.dp && dataplane_continues(m->host.dp))
		EMIT(e, SG_EVENT_CONTINUED,
		     EVENT_NUMBER("services", services_count(m->host.services)));
}

static int manager_start(struct manager *m, struct complaint *c)
{
	int r = be_alone(m, c) ?: start_privileged(m, c) ?: start_interfaces(m, c);

	if (r < 0)
		return r;
	manager_reconcile(m);
	/* what the daemon before had on other interfaces is detached here */
	fdstore_drop_rest(m->host.store);
	ifaces_settle(m->host.ifaces, MANAGER_SETTLE_USEC);
	ifaces_warn(m->host.ifaces, m->host.rtnl);
	r = start_ticking(m);
	if (r >= 0)
		r = manager_hear_calls(m);
	r = explain(c, r);
	if (r < 0)
		return r;
	emit_started(m);
	return 0;
}

DEFINE_CLEANUP(struct manager, manager_free)

int manager_new(struct manager **ret, sd_event *event, const struct manager_options *options,
		struct complaint *c)
{
	_cleanup_(manager_free_at) struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->options = options;
	manager_set_settings(m, &options->settings);
	m->policy.mode = options->settings.mode;
	m->policy.config_ok = options->config_ok;
	m->loop.event = sd_event_ref(event);
	m->loop.started_ns = clock_now_ns();
	m->host.lock_fd = m->host.instance_fd = m->faces.emitter.journal = -EBADF;
	r = manager_start(m, c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

static int on_left(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct manager *m = userdata;
	bool settles = mitigation_is_taken(m->host.mitigation, SG_MITIGATION_TIMESTAMPS);

	if (!settles || ++m->loop.leave_turns >= MANAGER_LEAVE_TURNS)
		return sd_event_exit(m->loop.event, 0);
	return sd_event_add_time_relative(m->loop.event, NULL, CLOCK_MONOTONIC,
					  MANAGER_LEAVE_TURN_USEC, 0, on_left, m);
}

int manager_leave(struct manager *m)
{
	EMIT(&m->faces.emitter, SG_EVENT_STOPPING, EVENT_TEXT("version", SG_VERSION),
	     EVENT_NUMBER("seconds", (clock_now_ns() - m->loop.started_ns) / 1000000000));
	if (!mitigation_is_taken(m->host.mitigation, SG_MITIGATION_TIMESTAMPS) &&
	    (!m->host.dp || !m->sample.challenges_per_sec || m->policy.mode == SG_MODE_OFF))
		return sd_event_exit(m->loop.event, 0);
	manager_change_mode(m, SG_MODE_OFF);
	sd_event_source_set_time_relative(m->loop.ticker, 0);
	return sd_event_add_time_relative(m->loop.event, NULL, CLOCK_MONOTONIC, MANAGER_LEAVE_USEC,
					  0, on_left, m);
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	sd_event_source_disable_unref(m->loop.ticker);
	sd_event_source_disable_unref(m->loop.calls);
	m->host.mitigation = mitigation_free(m->host.mitigation);
	reap_free(m->reaper.reap);
	m->faces.emitter.bus = bus_free(m->faces.bus);
	views_free(m->faces.views);
	ifaces_free(m->host.ifaces);
	local_routes_free(m->host.local_routes);
	ways_free(m->host.ways);
	rtnl_free(m->host.rtnl);
	services_free(m->host.services);
	list_store_free(m->host.lists);
	dataplane_free(m->host.dp);
	fdstore_free(m->host.store);
	emitter_done(&m->faces.emitter);
	close_fd(m->host.instance_fd);
	close_fd(m->host.lock_fd);
	sd_event_unref(m->loop.event);
	free(m);
	return NULL;
}
