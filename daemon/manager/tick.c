/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager's tick: sample (tallies, queues, counters), judge, act, and report what changed. */
#include "daemon/manager/state.h"

#include <sys/epoll.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mode.h"
#include "daemon/manager/instance.h"
#include "daemon/mitigation/plan.h"
#include "daemon/net/sockdiag.h"
#include "daemon/net/sysctl.h"

#define MANAGER_TICK_USEC 1000000ULL

/* How late the tick may be by which the timestamps change. */
#define MANAGER_SETTLE_NS 5000000000ULL

/* ---- sample -------------------------------------------------------------------------------- */

static int sample_services(struct manager *m, uint64_t now_ns, struct services_total *total)
{
	uint64_t rmem_max, bridged4 = 0, bridged6 = 0;
	int r;

	if (!sysctl_read("net.core.rmem_max", &rmem_max))
		control_set_rmem_max(m->host.dp, rmem_max);
	/* without the module there is neither */
	sysctl_read("net.bridge.bridge-nf-call-iptables", &bridged4);
	sysctl_read("net.bridge.bridge-nf-call-ip6tables", &bridged6);
	control_set_bridged(m->host.dp, bridged4, bridged6);
	r = services_sample(m->host.services, now_ns, total);
	if (r >= 0)
		r = hitters_sample(m->host.dp, now_ns, &m->sample.flow, &m->sample.sources);
	services_judge(m->host.services, now_ns, &m->policy.detect,
		       m->policy.detector.floods[DETECT_SYN_FLOOD].state, total);
	return r;
}

static void count_half_open(void *userdata, const struct sockdiag_socket *s)
{
	struct services_total *total = userdata;

	total->half_open++;
}

/* Without programs: a walk through all sockets, however many there are, and so not at every tick. */
static int sample_sockets(struct manager *m, uint64_t now_ns, struct services_total *total)
{
	uint64_t before_ns = pace_cpu_ns();
	bool partial;
	int r;

	*total = (struct services_total){ .half_open = m->sample.total.half_open };
	if (!pace_allows(&m->sample.pace, now_ns))
		return 0;
	total->half_open = 0;
	r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, count_half_open, total, &partial);
	pace_note(&m->sample.pace, now_ns, pace_cpu_ns() - before_ns);
	m->sample.walks++;
	return r;
}

/* SYNs for which there was no room, and cookies that came back, as the kernel has counted them. */
static struct netstat_syns sample_kernel(struct manager *m, uint64_t now_ns)
{
	struct netstat_syns before = m->sample.overfull, now = before;
	int r = netstat_read(&now);

	if (r < 0)
		emit_read_failed(&m->faces.emitter, &m->sample.failed_limit, now_ns,
				 "the kernel's counters", r);
	m->sample.overfull = now;
	if (!m->loop.ticked_ns)
		return (struct netstat_syns){};
	return (struct netstat_syns){
		.overfull = rate_growth(now.overfull, before.overfull),
		.answered = rate_growth(now.answered, before.answered),
	};
}

/* What no program defends: it counts as SYNs of a service, and a full queue calls for defence. */
static void sample_undefended(struct manager *m, uint64_t elapsed_ns, struct detect_sample *ret)
{
	struct netstat_syns grew = sample_kernel(m, ret->now_ns);
	struct undefended *u = &m->policy.undefended;
	struct undefended_sample sample = {
		.now_ns = ret->now_ns,
		.elapsed_ns = elapsed_ns,
		.overfull = rate_growth(grew.overfull, grew.answered),
		.passed = services_passed(m->host.services),
	};
	struct sg_stray strays[SG_STRAY_KINDS] = {};
	uint64_t syns;
	int i;

	for (i = 0; i < SG_STRAY_KINDS; i++) {
		if (dataplane_stray(m->host.dp, i, &strays[i]) < 0)
			continue;
		if (elapsed_ns)
			sample.strays[i] = rate_growth(strays[i].total, m->sample.strays[i]);
		m->sample.strays[i] = strays[i].total;
	}
	if (sample.strays[SG_STRAY_SERVICES_FULL])
		services_make_room(m->host.services, ret->now_ns);
	m->sample.undefended_per_sec = 0;
	/* what is switched off looks at no SYN */
	if (elapsed_ns && m->policy.mode != SG_MODE_OFF) {
		services_undefended(m->host.services, &m->policy.detect, &sample,
				    &strays[SG_STRAY_NO_LISTENER], u);
		syns = undefended_syns(&sample);
		ret->syns += syns;
		ret->defending = ret->defending || undefended_is_full(u);
		m->sample.undefended_per_sec = rate_per_sec(syns, elapsed_ns);
	}
	undefended_step(u, ret->now_ns, m->policy.detect.hold_ns, emit_undefended,
			&m->faces.emitter);
}

/* ACKs that belong to no connection, as the programs have counted them. */
static void sample_acks(struct manager *m, struct detect_sample *sample)
{
	const struct dataplane_acks acks = dataplane_acks(m->host.dp, sample->now_ns);
	struct ack_flood *a = &m->sample.ack_flood;
	struct ack_flood_counts now = { .bogus = acks.bogus, .dropped = a->last.dropped };
	struct sg_counters xdp;

	if (!dataplane_counters(m->host.dp, SG_XDP, &xdp))
		now.dropped = xdp.verdicts[SG_V_BOGUS_ACK];
	ack_flood_count(a, &now);
	sample->bogus_acks = a->grew.bogus;
	sample->dropping = acks.flood && a->grew.dropped;
}

static void manager_sample(struct manager *m, uint64_t now_ns, struct detect_sample *ret)
{
	const struct services_total before = m->sample.total;
	uint64_t elapsed_ns = m->loop.ticked_ns ? now_ns - m->loop.ticked_ns : 0;
	struct services_total *total = &m->sample.total, now;
	int r = m->host.services ? sample_services(m, now_ns, &now) :
				   sample_sockets(m, now_ns, &now);

	if (r < 0)
		emit_read_failed(&m->faces.emitter, &m->sample.failed_limit, now_ns,
				 "the host's sockets", r);
	*total = now;
	*ret = (struct detect_sample){
		.now_ns = now_ns,
		.syns = rate_growth(total->syns, before.syns),
		.handshakes = rate_growth(total->handshakes + total->declined,
					  before.handshakes + before.declined),
		.explained = total->explained,
		.defending = total->calls,
		.slow = total->slow,
		.sources = hitters_sources(&m->sample.sources),
	};
	if (m->host.services) {
		sample_acks(m, ret);
		sample_undefended(m, elapsed_ns, ret);
	} else {
		const struct netstat_syns grew = sample_kernel(m, now_ns);

		ret->syns = grew.overfull;
		ret->handshakes = grew.answered;
	}
	m->sample.syns_per_sec = rate_per_sec(rate_growth(total->syns, before.syns), elapsed_ns);
	m->sample.challenges_per_sec =
		rate_per_sec(rate_growth(total->challenged, before.challenged), elapsed_ns);
	m->sample.acceptances_per_sec =
		rate_per_sec(rate_growth(total->accepted, before.accepted), elapsed_ns);
	m->sample.handshakes_per_sec = rate_per_sec(
		rate_growth(ret->handshakes, rate_growth(total->declined, before.declined)),
		elapsed_ns);
	m->sample.dropped_acks_per_sec = rate_per_sec(m->sample.ack_flood.grew.dropped, elapsed_ns);
	m->loop.ticked_ns = now_ns;
}

/* ---- judge --------------------------------------------------------------------------------- */

/* Once per pattern, and once more where the advice to deny turns out to be wrong. */
static void report_pattern(struct manager *m, enum detect_pattern before)
{
	const struct hitters_figures *sources = &m->sample.sources;
	enum detect_pattern pattern = m->policy.detector.pattern;
	enum detect_deny deny = hitters_heaviest_deny(sources);
	bool is_new = pattern != before &&
		      (pattern == DETECT_SPOOFED || pattern == DETECT_CONCENTRATED);
	bool advised = pattern == DETECT_CONCENTRATED && deny != DETECT_DENY_COMPLETED &&
		       deny != DETECT_DENY_RESETS;

	if (is_new || (pattern == DETECT_CONCENTRATED && m->policy.deny_advised && !advised))
		emit_sources(&m->faces.emitter, pattern, sources);
	if (is_new || !advised)
		m->policy.deny_advised = advised;
}

/* Is it an attack? With the events of what has changed. */
static void manager_judge(struct manager *m, const struct detect_sample *sample)
{
	struct detector *d = &m->policy.detector;
	struct emitter *emitter = &m->faces.emitter;
	const struct detect_of_flood *acks = &d->floods[DETECT_ACK_FLOOD];
	enum detect_state before = d->state, told = m->policy.state_news.told;
	enum detect_pattern pattern = d->pattern;

	detect_step(d, &m->policy.detect, sample);
	if (d->state != before)
		bus_emit_state(m->faces.bus, detect_state_name(d->state),
			       mode_name(m->policy.mode));
	if (state_news_step(&m->policy.state_news, sample->now_ns, d->state))
		emit_state(emitter, d, told);
	report_pattern(m, pattern);
	emit_ack_flood(emitter, ack_flood_step(&m->sample.ack_flood, sample->now_ns, acks),
		       &m->sample.ack_flood, acks->per_sec, m->sample.dropped_acks_per_sec);
}

/* ---- the reaper ---------------------------------------------------------------------------- */

static void report_reaped(struct manager *m)
{
	struct manager_reaper *r = &m->reaper;

	if (r->reaped != r->reported)
		EMIT(&m->faces.emitter, SG_EVENT_REAPED,
		     EVENT_NUMBER("count", r->reaped - r->reported));
	r->reported = r->reaped;
}

/* After a round: an event now and then. */
static void on_reaped(void *userdata, const struct reap_round *round)
{
	struct manager *m = userdata;
	uint64_t now_ns = clock_now_ns(), unused;

	m->reaper.reaped += round->reaped;
	if (m->reaper.reaped != m->reaper.reported &&
	    event_limit_pass(&m->reaper.limit, now_ns, &unused))
		report_reaped(m);
	if (round->error)
		emit_read_failed(&m->faces.emitter, &m->reaper.failed_limit, now_ns,
				 "half-open connections, to reap them,", round->error);
}

void manager_load_reaper(struct manager *m)
{
	const struct reap_handler handler = { on_reaped, m };

	reap_new(&m->reaper.reap, m->loop.event, &handler, &m->reaper.reason);
}

/* While its step is taken. */
static void manager_reap(struct manager *m, uint64_t now_ns)
{
	uint64_t retries = m->policy.settings.mitigation_retries ?: MITIGATION_FEW_RETRIES;

	if (mitigation_is_taken(m->host.mitigation, SG_MITIGATION_REAP))
		reap_begin(m->reaper.reap, now_ns, mitigation_half_open_usec(retries));
	else
		report_reaped(m);
}

/* ---- act ----------------------------------------------------------------------------------- */

/* What decides whether a service has engine listener, and what that puts into its challenges. */
static int host_of_listener_engine(const struct manager *m)
{
	return mitigation_is_taken(m->host.mitigation, SG_MITIGATION_KERNEL_COOKIES) << 1 |
	       mitigation_is_taken(m->host.mitigation, SG_MITIGATION_TIMESTAMPS);
}

/*
 * Challenges of the next SYNs go by what the host is now, and no cookie has timestamps while those are
 * about to change, and until every program knows that they have.
 */
static void tell_listener_engine(struct manager *m, uint64_t now_ns, bool changed)
{
	uint64_t settle_ns = mitigation_settles(m->host.mitigation) ? MANAGER_SETTLE_NS :
			     changed				    ? 2 * SG_RECHECK_NS :
								      0;

	if (changed)
		services_inspect_again(m->host.services, now_ns);
	if (settle_ns)
		control_set_settle(m->host.dp, now_ns + settle_ns);
}

static void manager_mitigate(struct manager *m, uint64_t now_ns)
{
	int before = host_of_listener_engine(m);
	const struct mitigation_situation now = {
		.now_ns = now_ns,
		.mode = m->policy.mode,
		/* no step is of use against ACKs */
		.state = m->policy.detector.floods[DETECT_SYN_FLOOD].state,
		.engine = m->host.dp,
		.kernel_cookies = m->host.services &&
				  services_call_for_listener(m->host.services, now_ns),
		.reaper = m->reaper.reap,
	};

	mitigation_tick(m->host.mitigation, &now, &m->policy.settings);
	if (m->host.services)
		tell_listener_engine(m, now_ns, host_of_listener_engine(m) != before);
	manager_reap(m, now_ns);
}

static void manager_act(struct manager *m, uint64_t now_ns)
{
	const struct services_handler handler = { emit_blocked, emit_filtered, emit_defence,
						  emit_trouble, &m->faces.emitter };
	struct complaint c = {};

	manager_mitigate(m, now_ns);
	if (m->host.services) {
		services_hold(m->host.services,
			      mitigation_is_taken(m->host.mitigation, SG_MITIGATION_LEASE));
		services_act(m->host.services, now_ns, &handler);
	}
	ifaces_tick(m->host.ifaces, now_ns);
	if (list_store_tick(m->host.lists, &c) < 0)
		log_warning("the lists of sources: %s", c.text);
	instance_tick(m->host.instance_fd);
}

/* A service calls for what the mitigation has a step for; the rest of a tick has time. */
static int on_call(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct manager *m = userdata;

	dataplane_hear_calls(m->host.dp);
	manager_mitigate(m, clock_now_ns());
	return 0;
}

int manager_hear_calls(struct manager *m)
{
	int fd = m->host.dp ? dataplane_calls_fd(m->host.dp) : 0;

	if (!m->host.dp || fd < 0)
		return fd;
	return sd_event_add_io(m->loop.event, &m->loop.calls, fd, EPOLLIN, on_call, m);
}

/* The tick has priority, so whatever delays it is one turn of another source. */
static void note_delay(struct manager_loop *loop, uint64_t now_usec, uint64_t scheduled_usec)
{
	uint64_t delay_usec = rate_growth(now_usec, scheduled_usec);

	if (loop->ticks++ && delay_usec > loop->delay_max_usec)
		loop->delay_max_usec = delay_usec;
}

int manager_tick(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct manager *m = userdata;
	uint64_t now_ns = clock_now_ns();
	struct detect_sample sample;

	note_delay(&m->loop, now_ns / 1000, scheduled_usec);
	if (m->host.dp)
		control_set_heartbeat(m->host.dp, now_ns);
	manager_sample(m, now_ns, &sample);
	manager_judge(m, &sample);
	manager_act(m, now_ns);
	return sd_event_source_set_time_relative(source, MANAGER_TICK_USEC);
}
