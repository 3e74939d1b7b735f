/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "caps.h"
#include "instance.h"
#include "log.h"
#include "mode.h"
#include "pace.h"
#include "rundir.h"
#include "sockdiag.h"
#include "sysctl.h"

#define MANAGER_TICK_USEC 1000000ULL
/* 0 would mean a quarter of a second, to save wake-ups */
#define MANAGER_TICK_ACCURACY_USEC 1000ULL

/* Time for the ACKs of challenges that are under way when the daemon is told to end. */
#define MANAGER_LEAVE_USEC 1000000ULL

/* A host of some hundred interfaces is told to be ready before the last one is attached to. */
#define MANAGER_SETTLE_USEC 10000000ULL

uint64_t manager_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* ---- interfaces ---------------------------------------------------------------------------- */

void manager_reconcile(void *userdata)
{
	struct manager *m = userdata;

	if (m->links) /* not while it is being made */
		ports_reconcile(m->ports, m->links,
				m->mode == SG_MODE_AUTO || m->mode == SG_MODE_ALWAYS ?
					m->settings.attach :
					WAY_WATCH);
}

static void manager_on_address(void *userdata, const struct sg_addr *addr, bool here)
{
	struct manager *m = userdata;
	int r;

	if (!m->dp)
		return;
	r = here ? dataplane_local_add(m->dp, addr) : dataplane_local_remove(m->dp, addr);
	if (!r)
		m->local_addrs += here ? 1 : -1;
	if (r < 0 && r != -ENOENT && r != -EEXIST)
		tell_look_failed(&m->teller, &m->address_limit, manager_now_ns(),
				 "the host's addresses", r);
}

/* ---- the tick ------------------------------------------------------------------------------ */

static uint64_t manager_per_sec(uint64_t now, uint64_t before, uint64_t elapsed_ns)
{
	return (unsigned __int128)detect_growth(now, before) * 1000000000 / elapsed_ns;
}

static void manager_count_half_open(void *userdata, const struct sockdiag_socket *s)
{
	struct services_total *total = userdata;

	total->half_open++;
}

/* Without programs: all sockets are asked, however many there are, and so not at every tick. */
static int manager_look_at_sockets(struct manager *m, uint64_t now_ns, struct services_total *total)
{
	uint64_t before_ns = pace_cpu_ns();
	bool partial;
	int r;

	*total = (struct services_total){ .half_open = m->total.half_open };
	if (!pace_allows(&m->pace, now_ns))
		return 0;
	total->half_open = 0;
	r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, manager_count_half_open, total, &partial);
	pace_note(&m->pace, now_ns, pace_cpu_ns() - before_ns);
	m->walks++;
	return r;
}

static void manager_look(struct manager *m, uint64_t now_ns, struct services_total *total)
{
	uint64_t rmem_max;
	int r;

	if (!m->services) {
		r = manager_look_at_sockets(m, now_ns, total);
	} else {
		if (!sysctl_read("net.core.rmem_max", &rmem_max))
			dataplane_control(m->dp)->rmem_max = rmem_max;
		r = services_look(m->services, now_ns, total);
		if (r >= 0)
			r = talkers_look(m->dp, now_ns, &m->sources);
	}
	if (r < 0)
		tell_look_failed(&m->teller, &m->look_limit, now_ns, "the host's sockets", r);
}

/* Without programs: what the kernel has counted of SYNs for which there was no room. */
static void manager_sample_kernel(struct manager *m, uint64_t now_ns, struct detect_sample *sample)
{
	struct netstat_syns is = m->overfull;
	int r = netstat_read(&is);

	if (r < 0)
		tell_look_failed(&m->teller, &m->look_limit, now_ns, "the kernel's counters", r);
	if (m->ticked_ns) {
		sample->syns = detect_growth(is.overfull, m->overfull.overfull);
		sample->handshakes = detect_growth(is.answered, m->overfull.answered);
	}
	m->overfull = is;
}

/* What the programs have counted of ACKs that belong to no connection. */
static void manager_sample_acks(struct manager *m, uint64_t now_ns, struct detect_sample *sample)
{
	const struct dataplane_acks seen = dataplane_acks(m->dp, now_ns);
	struct acks_counts now = { .bogus = seen.bogus, .dropped = m->acks.last.dropped };
	struct sg_counters xdp;

	if (!dataplane_counters(m->dp, SG_XDP, &xdp))
		now.dropped = xdp.verdicts[SG_V_BOGUS_ACK];
	acks_count(&m->acks, &now);
	sample->bogus_acks = m->acks.grew.bogus;
	sample->dropping = seen.flood && m->acks.grew.dropped;
}

static void manager_think(struct manager *m, uint64_t now_ns, const struct services_total *total)
{
	struct detect_sample sample = {
		.now_ns = now_ns,
		.syns = detect_growth(total->syns, m->total.syns),
		.handshakes = detect_growth(total->handshakes, m->total.handshakes),
		.defending = total->defending,
	};
	enum detect_state before = m->detector.state, state;
	uint64_t elapsed_ns = now_ns - m->ticked_ns;

	if (!m->services)
		manager_sample_kernel(m, now_ns, &sample);
	else
		manager_sample_acks(m, now_ns, &sample);
	state = detect_step(&m->detector, &m->detect, &sample);
	if (m->ticked_ns && elapsed_ns) {
		m->syns_per_sec = manager_per_sec(total->syns, m->total.syns, elapsed_ns);
		m->challenges_per_sec =
			manager_per_sec(total->challenged, m->total.challenged, elapsed_ns);
		m->acceptances_per_sec =
			manager_per_sec(total->accepted, m->total.accepted, elapsed_ns);
		m->dropped_acks_per_sec = manager_per_sec(m->acks.grew.dropped, 0, elapsed_ns);
	}
	m->ticked_ns = now_ns;
	m->total = *total;
	if (state != before) {
		TELL(&m->teller, SG_EVENT_STATE_CHANGED,
		     EVENT_TEXT("state", detect_state_name(state)),
		     EVENT_TEXT("before", detect_state_name(before)),
		     EVENT_TEXT("kind", detect_kind_name(m->detector.kind)),
		     EVENT_NUMBER("unanswered_per_second",
				  m->detector.floods[DETECT_SYN_FLOOD].per_sec),
		     EVENT_NUMBER("bogus_acks_per_second",
				  m->detector.floods[DETECT_ACK_FLOOD].per_sec));
		bus_tell_state(m->bus, detect_state_name(state), mode_name(m->mode));
	}
	tell_acks(&m->teller, acks_step(&m->acks, now_ns, &m->detector.floods[DETECT_ACK_FLOOD]),
		  &m->acks, m->detector.floods[DETECT_ACK_FLOOD].per_sec, m->dropped_acks_per_sec);
}

static void manager_climb(struct manager *m, uint64_t now_ns)
{
	const struct ladder_situation now = {
		.now_ns = now_ns,
		.mode = m->mode,
		/* no step of it is of use against ACKs */
		.state = m->detector.floods[DETECT_SYN_FLOOD].state,
		.engine = m->dp,
		.reaper = m->reap,
	};

	ladder_tick(m->ladder, &now, &m->settings);
	manager_reap(m, now_ns);
	if (m->services)
		services_hold(m->services, ladder_is_taken(m->ladder, SG_LADDER_LEASE));
}

static void manager_act(struct manager *m, uint64_t now_ns)
{
	const struct services_news news = { tell_blocked, tell_defence, &m->teller };

	if (m->services)
		services_act(m->services, now_ns, &news);
}

/* The tick goes first, so what comes in between is one turn of somebody else. */
static void manager_note_delay(struct manager *m, uint64_t now_usec, uint64_t scheduled_usec)
{
	uint64_t delay_usec = detect_growth(now_usec, scheduled_usec);

	if (m->ticks++ && delay_usec > m->tick_delay_max_usec)
		m->tick_delay_max_usec = delay_usec;
}

static void manager_tick_lists(struct manager *m)
{
	struct complaint c = {};

	if (keeper_tick(m->keeper, &c) < 0)
		log_warning("the lists of sources: %s", c.text);
}

static int manager_tick(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct manager *m = userdata;
	uint64_t now_ns = manager_now_ns();
	struct services_total total;

	manager_note_delay(m, now_ns / 1000, scheduled_usec);
	if (m->dp)
		__atomic_store_n(&dataplane_control(m->dp)->heartbeat_ns, now_ns, __ATOMIC_RELAXED);
	manager_look(m, now_ns, &total);
	manager_think(m, now_ns, &total);
	manager_climb(m, now_ns);
	manager_act(m, now_ns);
	ports_tick(m->ports, now_ns);
	manager_tick_lists(m);
	instance_tick(m->instance_fd);
	return sd_event_source_set_time_relative(source, MANAGER_TICK_USEC);
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

/* Without a datapath the daemon still watches and says what is missing. */
static int manager_load(struct manager *m, struct complaint *c)
{
	struct sg_control *control;
	int r;

	if (m->settings.engine == SETTINGS_ENGINE_KERNEL) {
		complain(&m->engine_reason, "[Daemon] Engine= says so");
		r = -ECANCELED;
	} else {
		r = dataplane_new(&m->dp, m->settings.epoch_shift, &m->engine_reason);
	}
	if (r >= 0)
		r = dataplane_attach_births(m->dp, &m->engine_reason);
	if (r < 0) {
		m->dp = dataplane_free(m->dp);
		if (r == -EPERM || r == -EACCES)
			caps_missing_to_load(&m->engine_reason);
		TELL(&m->teller, SG_EVENT_ENGINE, EVENT_TEXT("engine", "kernel"),
		     EVENT_TEXT("reason", m->engine_reason.text));
		return 0;
	}
	control = dataplane_control(m->dp);
	control->mode = m->mode;
	control->heartbeat_ns = manager_now_ns();
	manager_apply(m, NULL);
	r = services_new(&m->services, m->dp);
	if (r < 0)
		complain(c, "%s", strerror(-r));
	return r;
}

static int manager_open_bus(struct manager *m, struct complaint *c)
{
	const struct bus_handler handler = {
		.describe = manager_describe,
		.events = manager_events,
		.set_mode = manager_set_mode,
		.undo_ladder = manager_undo_ladder,
		.scalars = manager_scalars,
		.view = manager_view,
		.userdata = m,
		.list_add = keeper_add,
		.list_remove = keeper_remove,
		.list_show = keeper_show,
		.lists = m->keeper,
	};
	struct rundir_path path;
	int r;

	r = rundir_path(m->options->runtime_dir, SG_BUS_SOCKET, &path, c);
	if (r < 0)
		return r;
	r = bus_new(&m->bus, m->event, path.text, &handler);
	if (r < 0)
		complain(c, "%s: %s", path.text, strerror(-r));
	m->teller.bus = m->bus;
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

static int manager_start(struct manager *m, struct complaint *c)
{
	const struct links_handler handler = { manager_on_address, manager_reconcile, m };
	const struct ports_handler on_port = { tell_port, &m->teller };
	const struct ladder_handler climbing = { tell_ladder, manager_warn, &m->teller };
	int r;

	m->lock_fd = rundir_take(m->options->runtime_dir, c);
	r = m->lock_fd < 0 ? m->lock_fd : manager_be_alone(m, c);
	if (r < 0)
		return r;
	r = teller_init(&m->teller);
	if (r < 0) {
		complain(c, "%s", strerror(-r));
		return r;
	}
	r = ladder_new(&m->ladder, m->options->runtime_dir, &climbing);
	if (r < 0) {
		complain(c, "%s", strerror(-r));
		return r;
	}
	r = manager_load(m, c);
	manager_make_reap(m);
	if (r >= 0)
		r = manager_keep_lists(m, c);
	if (r < 0)
		return r;
	r = views_new(&m->views, m->event, m->dp);
	if (r < 0) {
		complain(c, "%s", strerror(-r));
		return r;
	}
	r = manager_open_bus(m, c);
	if (r < 0)
		return r;
	/* what follows needs no more; and if that is missing, no driver has been touched yet */
	r = caps_keep(m->settings.ladder_live_backlog);
	if (r < 0) {
		complain(c, "CAP_NET_ADMIN is needed: %s", strerror(-r));
		return r;
	}
	r = ports_new(&m->ports, m->event, m->dp, m->interfaces, m->settings.interfaces.count,
		      &on_port);
	if (r >= 0)
		r = links_new(&m->links, m->event, &handler);
	if (r < 0) {
		complain(c, "the interfaces: %s", strerror(-r));
		return r;
	}
	manager_reconcile(m);
	ports_settle(m->ports, MANAGER_SETTLE_USEC);
	ports_warn(m->ports, m->links);
	r = manager_start_ticking(m);
	if (r < 0) {
		complain(c, "%s", strerror(-r));
		return r;
	}
	if (m->options->config_fault[0])
		TELL(&m->teller, SG_EVENT_CONFIG_FAULTY,
		     EVENT_TEXT("reason", m->options->config_fault));
	TELL(&m->teller, SG_EVENT_STARTED, EVENT_TEXT("version", SG_VERSION),
	     EVENT_TEXT("mode", mode_name(m->mode)),
	     EVENT_TEXT("engine", m->dp ? "reqsk" : "kernel"));
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
	m->started_ns = manager_now_ns();
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
	TELL(&m->teller, SG_EVENT_STOPPING, EVENT_TEXT("version", SG_VERSION),
	     EVENT_NUMBER("seconds", (manager_now_ns() - m->started_ns) / 1000000000));
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
	m->ladder = ladder_free(m->ladder);
	reap_free(m->reap);
	m->teller.bus = bus_free(m->bus);
	views_free(m->views);
	ports_free(m->ports);
	links_free(m->links);
	services_free(m->services);
	keeper_free(m->keeper);
	dataplane_free(m->dp);
	carry_free(m->carry);
	teller_done(&m->teller);
	close_fd(m->instance_fd);
	close_fd(m->lock_fd);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}
