/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's tick: look (tallies, queues, counters), think (detect), act (mitigation, leases,
 * interfaces, lists).
 */
#include "daemon/manager/state.h"

#include "daemon/base/log.h"
#include "daemon/base/mode.h"
#include "daemon/base/pace.h"
#include "daemon/manager/instance.h"
#include "daemon/net/sockdiag.h"
#include "daemon/net/sysctl.h"

#define MANAGER_TICK_USEC 1000000ULL

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
static int manager_sample_sockets(struct manager *m, uint64_t now_ns, struct services_total *total)
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

static void manager_sample(struct manager *m, uint64_t now_ns, struct services_total *total)
{
	uint64_t rmem_max;
	int r;

	if (!m->services) {
		r = manager_sample_sockets(m, now_ns, total);
	} else {
		if (!sysctl_read("net.core.rmem_max", &rmem_max))
			control_set_rmem_max(m->dp, rmem_max);
		r = services_sample(m->services, now_ns, total);
		if (r >= 0)
			r = hitters_look(m->dp, now_ns, &m->flow, &m->sources);
		services_judge(m->services, now_ns, &m->detect,
			       m->detector.floods[DETECT_SYN_FLOOD].state, total);
	}
	if (r < 0)
		announce_read_failed(&m->announcer, &m->look_limit, now_ns, "the host's sockets",
				     r);
}

/* Without programs: what the kernel has counted of SYNs for which there was no room. */
static void manager_sample_kernel(struct manager *m, uint64_t now_ns, struct detect_sample *sample)
{
	struct netstat_syns is = m->overfull;
	int r = netstat_read(&is);

	if (r < 0)
		announce_read_failed(&m->announcer, &m->look_limit, now_ns, "the kernel's counters",
				     r);
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
	struct ack_flood_counts now = { .bogus = seen.bogus, .dropped = m->ack_flood.last.dropped };
	struct sg_counters xdp;

	if (!dataplane_counters(m->dp, SG_XDP, &xdp))
		now.dropped = xdp.verdicts[SG_V_BOGUS_ACK];
	ack_flood_count(&m->ack_flood, &now);
	sample->bogus_acks = m->ack_flood.grew.bogus;
	sample->dropping = seen.flood && m->ack_flood.grew.dropped;
}

static void manager_think(struct manager *m, uint64_t now_ns, const struct services_total *total)
{
	struct detect_sample sample = {
		.now_ns = now_ns,
		.syns = detect_growth(total->syns, m->total.syns),
		.handshakes = detect_growth(total->handshakes, m->total.handshakes),
		.explained = total->explained,
		.defending = total->calls,
		.sources = hitters_sources(&m->sources),
	};
	enum detect_state before = m->detector.state, state;
	enum detect_pattern look = m->detector.look;
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
		m->dropped_acks_per_sec = manager_per_sec(m->ack_flood.grew.dropped, 0, elapsed_ns);
	}
	m->ticked_ns = now_ns;
	m->total = *total;
	if (state != before) {
		ANNOUNCE(&m->announcer, SG_EVENT_STATE_CHANGED,
			 EVENT_TEXT("state", detect_state_name(state)),
			 EVENT_TEXT("before", detect_state_name(before)),
			 EVENT_TEXT("kind", detect_kind_name(m->detector.kind, m->detector.look)),
			 EVENT_NUMBER("unanswered_per_second",
				      m->detector.floods[DETECT_SYN_FLOOD].per_sec),
			 EVENT_NUMBER("bogus_acks_per_second",
				      m->detector.floods[DETECT_ACK_FLOOD].per_sec));
		bus_emit_state(m->bus, detect_state_name(state), mode_name(m->mode));
	}
	if (m->detector.look != look && m->detector.look > DETECT_MIXED)
		announce_sources(&m->announcer, m->detector.look, &m->sources);
	announce_ack_flood(&m->announcer,
			   ack_flood_step(&m->ack_flood, now_ns,
					  &m->detector.floods[DETECT_ACK_FLOOD]),
			   &m->ack_flood, m->detector.floods[DETECT_ACK_FLOOD].per_sec,
			   m->dropped_acks_per_sec);
}

static void manager_mitigate(struct manager *m, uint64_t now_ns)
{
	const struct mitigation_situation now = {
		.now_ns = now_ns,
		.mode = m->mode,
		/* no step of it is of use against ACKs */
		.state = m->detector.floods[DETECT_SYN_FLOOD].state,
		.engine = m->dp,
		.reaper = m->reap,
	};

	mitigation_tick(m->mitigation, &now, &m->settings);
	manager_reap(m, now_ns);
	if (m->services)
		services_hold(m->services, mitigation_is_taken(m->mitigation, SG_MITIGATION_LEASE));
}

static void manager_act(struct manager *m, uint64_t now_ns)
{
	const struct services_news news = { announce_blocked, announce_defence, announce_trouble,
					    &m->announcer };

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

	if (list_store_tick(m->list_store, &c) < 0)
		log_warning("the lists of sources: %s", c.text);
}

int manager_tick(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct manager *m = userdata;
	uint64_t now_ns = clock_now_ns();
	struct services_total total;

	manager_note_delay(m, now_ns / 1000, scheduled_usec);
	if (m->dp)
		control_set_heartbeat(m->dp, now_ns);
	manager_sample(m, now_ns, &total);
	manager_think(m, now_ns, &total);
	manager_mitigate(m, now_ns);
	manager_act(m, now_ns);
	ifaces_tick(m->ports, now_ns);
	manager_tick_lists(m);
	instance_tick(m->instance_fd);
	return sd_event_source_set_time_relative(source, MANAGER_TICK_USEC);
}
