/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/services/services.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/dataplane/control.h"
#include "daemon/dataplane/counters.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/judge/detect.h"
#include "daemon/net/sysctl.h"
#include "daemon/services/queues.h"

/* As SERVICE_HALF_OPEN_SECONDS of the programs: how long an unanswered SYN would sit in a queue. */
#define SERVICES_HALF_OPEN_SECONDS 8

/* An entry that has been idle for this long may make room for another one. */
#define SERVICES_IDLE_NS (10 * 1000000000ULL)

/* An entry whose listener has been gone, and that no SYN has asked for, this long is freed. */
#define SERVICES_FORGET_NS (600 * 1000000000ULL)

/* So long a service counts as one whose challenges would go astray, when no SYN shows it any more. */
#define SERVICES_ASTRAY_NS (60 * 1000000000ULL)

/* The counters at its beginning are all 64 bits wide. */
#define SERVICES_TALLY_WORDS (offsetof(struct sg_tally, second_start_ns) / sizeof(__u64))

/* What is remembered of an entry from tick to tick. */
struct services_memory {
	bool known;
	struct sg_tally last;
	struct sg_tally grew;
	struct canary canary;
	uint64_t filtered;    /* sources, until none has become so for SG_FILTERED_NS */
	uint64_t filtered_ns; /* when the last one did */
	struct defence defence;
	struct detect_service judged;
	uint64_t drops;	    /* of its listeners, at the last sample */
	uint64_t active_ns; /* the last tick that saw a SYN or a handshake, or the first */
	uint64_t astray_ns; /* when most challenges would have gone astray, 0 = they go well */
	/* the trouble that has been reported, and when it began */
	enum sg_trouble reported;
	uint64_t reported_ns;
};

struct services {
	struct dataplane *dp;
	struct sg_service *entries;
	struct services_memory *memory;	  /* [SG_SERVICES_MAX] */
	struct services_evicted *evicted; /* [SG_SERVICES_MAX] */
	uint32_t *live;			  /* indices, ascending */
	size_t live_count;
	struct queues queues;
	bool hold;	    /* leases go on by themselves */
	uint64_t judged_ns; /* when that was done last, 0 = never */
	uint64_t somaxconn; /* of this host, while somebody's backlog is small */
};

static void services_list_live(struct services *s)
{
	uint32_t i;

	s->live_count = 0;
	for (i = 0; i < SG_SERVICES_MAX; i++) {
		if (__atomic_load_n(&s->entries[i].state, __ATOMIC_ACQUIRE) == SG_SERVICE_LIVE)
			s->live[s->live_count++] = i;
		else
			s->memory[i].known = false;
	}
	s->queues.live_count = s->live_count;
}

/* What was counted under the daemon before does not count as growth in this one. */
static int services_continue(struct services *s)
{
	size_t i;
	int r;

	services_list_live(s);
	for (i = 0; i < s->live_count; i++) {
		struct services_memory *m = &s->memory[s->live[i]];

		r = dataplane_tally(s->dp, s->live[i], &m->last);
		if (r < 0)
			return r;
		m->known = true;
	}
	return 0;
}

int services_new(struct services **ret, struct dataplane *dp)
{
	struct services *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->dp = dp;
	s->entries = dataplane_services(dp);
	s->memory = calloc(SG_SERVICES_MAX, sizeof(*s->memory));
	s->live = calloc(SG_SERVICES_MAX, sizeof(*s->live));
	s->evicted = calloc(SG_SERVICES_MAX, sizeof(*s->evicted));
	s->queues = (struct queues){
		.dp = dp,
		.entries = s->entries,
		.live = s->live,
		.rows = calloc(SG_SERVICES_MAX, sizeof(*s->queues.rows)),
	};
	if (!s->memory || !s->live || !s->evicted || !s->queues.rows)
		r = -ENOMEM;
	else if (dataplane_continues(dp))
		r = services_continue(s);
	if (r < 0) {
		services_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct services *services_free(struct services *s)
{
	if (!s)
		return NULL;
	free(s->memory);
	free(s->live);
	free(s->evicted);
	free(s->queues.rows);
	free(s);
	return NULL;
}

static uint64_t services_get(const __u64 *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static void services_set(__u64 *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

/* ---- sample -------------------------------------------------------------------------------- */

static int services_read_tally(struct services *s, uint32_t index)
{
	struct services_memory *m = &s->memory[index];
	struct sg_tally now;
	const __u64 *words = &now.syns, *last = &m->last.syns;
	__u64 *grew = &m->grew.syns;
	size_t i;
	int r;

	r = dataplane_tally(s->dp, index, &now);
	if (r < 0)
		return r;
	for (i = 0; i < SERVICES_TALLY_WORDS; i++)
		grew[i] = rate_growth(words[i], m->known ? last[i] : 0);
	m->known = true;
	m->last = now;
	return 0;
}

static int services_read_tallies(struct services *s)
{
	int r = 0, error;
	size_t i;

	for (i = 0; i < s->live_count; i++) {
		error = services_read_tally(s, s->live[i]);
		if (error < 0)
			r = error;
	}
	return r;
}

int services_sample(struct services *s, uint64_t now_ns, struct services_total *total)
{
	int r, error;
	size_t i;

	services_list_live(s);
	r = services_read_tallies(s);
	error = queues_read(&s->queues, now_ns);
	*total = (struct services_total){ .half_open = s->queues.half_open };
	for (i = 0; i < s->live_count; i++) {
		struct services_memory *m = &s->memory[s->live[i]];

		if (!m->active_ns || m->grew.syns || m->grew.handshakes)
			m->active_ns = now_ns;
		if (m->grew.astray > m->grew.challenged)
			m->astray_ns = now_ns;
		else if (m->grew.challenged)
			m->astray_ns = 0;
		total->syns += m->last.syns;
		total->challenged += m->last.challenged;
		total->accepted += m->last.accepted;
		total->handshakes += m->last.handshakes;
		total->declined += m->last.declined;
		if (services_get(&s->entries[s->live[i]].lease_until_ns) > now_ns)
			total->defending = true;
	}
	return r < 0 ? r : error;
}

/* The verdict that a SYN would get instead of a challenge, in the order of the XDP program. */
static enum sg_verdict services_hindrance(const struct services *s, const struct sg_service *e,
					  uint64_t now_ns)
{
	const struct services_memory *m = &s->memory[e - s->entries];
	uint16_t hindrance = __atomic_load_n(&e->hindrance, __ATOMIC_RELAXED);

	if (services_get(&e->blocked_until_ns) > now_ns)
		return SG_V_BLOCKED;
	if (services_get(&e->forwarded_until_ns) > now_ns)
		return services_get(&e->forwarded_until_ns) & SG_FORWARDED_SYNPROXY ?
			       SG_V_SYNPROXY :
			       SG_V_FORWARDED;
	if (!services_get(&e->proven_at_ns))
		return SG_V_UNPROVEN;
	if (hindrance && hindrance < SG_VERDICT_COUNT)
		return hindrance;
	return m->astray_ns && now_ns - m->astray_ns < SERVICES_ASTRAY_NS ? SG_V_ANOTHER_WAY_BACK :
									    SG_UNDECIDED;
}

/* Whether its SYNs are challenged now. */
static bool services_is_defending(const struct services *s, const struct sg_service *e,
				  uint64_t now_ns)
{
	uint32_t mode = control_mode(s->dp);

	return !services_hindrance(s, e, now_ns) &&
	       (mode == SG_MODE_ALWAYS ||
		(mode == SG_MODE_AUTO && services_get(&e->lease_until_ns) > now_ns));
}

/* Whether engine listener is what would defend it, or does. */
static bool services_is_for_listener(const struct services *s, const struct sg_service *e,
				     uint64_t now_ns)
{
	enum sg_verdict hindrance = services_hindrance(s, e, now_ns);

	if (e->bound_elsewhere)
		return false;
	if (sg_is_for_listener(hindrance))
		return true;
	return (e->host & SG_HOST_LISTENER) &&
	       (hindrance == SG_UNDECIDED || hindrance == SG_V_ACCEPT_FULL);
}

static const char *services_engine(const struct services *s, const struct sg_service *e,
				   uint64_t now_ns)
{
	return services_is_for_listener(s, e, now_ns) ? "listener" : "reqsk";
}

bool services_call_for_listener(const struct services *s, uint64_t now_ns)
{
	bool always = control_mode(s->dp) == SG_MODE_ALWAYS;
	uint32_t i;

	for (i = 0; i < SG_SERVICES_MAX; i++) {
		const struct sg_service *e = &s->entries[i];

		if (__atomic_load_n(&e->state, __ATOMIC_ACQUIRE) == SG_SERVICE_LIVE &&
		    (always || services_get(&e->lease_until_ns) > now_ns) &&
		    services_is_for_listener(s, e, now_ns))
			return true;
	}
	return false;
}

void services_inspect_again(struct services *s, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < SG_SERVICES_MAX; i++)
		if (services_get(&s->entries[i].checked_at_ns) + SG_RECHECK_NS > now_ns)
			services_set(&s->entries[i].checked_at_ns, now_ns - SG_RECHECK_NS - 1);
}

/* ---- judge --------------------------------------------------------------------------------- */

static void services_judge_one(struct services *s, uint32_t index,
			       const struct detect_config *config, enum detect_state state,
			       struct detect_service_sample *sample)
{
	struct services_memory *m = &s->memory[index];
	const struct queues_sum *q = queues_of(&s->queues, index);
	uint64_t lease_ns = services_get(&s->entries[index].lease_until_ns);

	sample->syns = m->grew.syns;
	/* whoever looks whether somebody answers has had his answer */
	sample->handshakes = m->grew.handshakes + m->grew.declined;
	sample->declined = m->grew.declined;
	sample->drops = rate_growth(q->drops, m->drops);
	sample->limit = q->max;
	sample->syn_full = q->max && q->syn >= q->max;
	sample->accept_full = q->accept_full;
	sample->aged = q->aged;
	sample->called = lease_ns > sample->now_ns;
	m->drops = q->drops;
	detect_service_step(&m->judged, config, state, sample);
}

void services_judge(struct services *s, uint64_t now_ns, const struct detect_config *config,
		    enum detect_state state, struct services_total *total)
{
	struct detect_service_sample sample = {
		.now_ns = now_ns,
		.elapsed_ns = now_ns - s->judged_ns,
	};
	bool first = !s->judged_ns, small = false;
	size_t i;

	s->judged_ns = now_ns;
	for (i = 0; i < s->live_count; i++) {
		struct services_memory *m = &s->memory[s->live[i]];

		if (first) { /* of what has grown since ever there is no rate */
			m->drops = queues_of(&s->queues, s->live[i])->drops;
			continue;
		}
		services_judge_one(s, s->live[i], config, state, &sample);
		total->explained += m->judged.explained;
		total->calls = total->calls || m->judged.calls;
		total->slow = total->slow || m->judged.slow;
		small = small || m->judged.trouble == SG_TROUBLE_SMALL_BACKLOG;
		total->trouble = trouble_worst(total->trouble, m->judged.trouble);
	}
	if (small)
		sysctl_read("net.core.somaxconn", &s->somaxconn);
}

static struct trouble_figures services_trouble_figures(const struct services *s,
						       const struct services_memory *m)
{
	return (struct trouble_figures){
		.limit = m->judged.limit,
		.rate = m->judged.rate,
		.somaxconn = s->somaxconn,
	};
}

static void services_report_trouble(struct services *s, uint32_t index, uint64_t now_ns,
				    const struct services_handler *handler)
{
	struct services_memory *m = &s->memory[index];
	const struct trouble_figures figures = services_trouble_figures(s, m);
	char text[400];

	if (m->judged.trouble == m->reported)
		return;
	if (m->reported)
		handler->trouble(handler->userdata, &s->entries[index], m->reported, "", true,
				 now_ns - m->reported_ns);
	m->reported = m->judged.trouble;
	m->reported_ns = now_ns;
	if (m->reported)
		handler->trouble(handler->userdata, &s->entries[index], m->reported,
				 trouble_text(m->reported, &figures, text, sizeof(text)), false, 0);
}

static void services_fill_trouble(const struct services *s, const struct services_memory *m,
				  struct report_service *row)
{
	const struct trouble_figures figures = services_trouble_figures(s, m);

	row->baseline_syns_per_second = m->judged.baseline_milli / 1000;
	row->trouble = trouble_word(m->judged.trouble);
	trouble_text(m->judged.trouble, &figures, row->trouble_text, sizeof(row->trouble_text));
}

/* ---- what suffers and is not defended ------------------------------------------------------ */

uint64_t services_passed(const struct services *s)
{
	uint64_t passed = 0;
	size_t i;

	for (i = 0; i < s->live_count; i++) {
		const struct sg_tally *grew = &s->memory[s->live[i]].grew;

		passed += rate_growth(grew->syns, grew->challenged);
	}
	return passed;
}

/* A listener with a full queue that is filled by what the programs do not see for it. */
static void services_show_unseen(const struct services *s, const struct sg_listener *l,
				 const struct undefended_sample *sample, struct undefended *u)
{
	uint64_t unseen = undefended_unseen(sample), seen = 0;
	size_t i;

	for (i = 0; i < s->live_count; i++)
		if (queues_serves(l, &s->entries[s->live[i]]))
			seen += s->memory[s->live[i]].grew.syns;
	if (unseen > seen)
		undefended_show(u,
				&(struct undefended_row){
					.kind = SG_UNDEFENDED_UNSEEN,
					.addr = l->addr,
					.port = l->port,
					.ipv6 = l->family == AF_INET6,
					.per_sec = rate_per_sec(unseen, sample->elapsed_ns),
					.queue = l->syn_queue,
					.limit = listeners_syn_queue_max(l),
					.verdict = undefended_cause(sample),
				},
				true);
}

/* A service that a verdict keeps from being defended, in a flood or with a full queue. */
static void services_show_hindered(const struct services *s, uint32_t index,
				   const struct detect_config *config,
				   const struct undefended_sample *sample, struct undefended *u)
{
	const struct detect_marks *marks = &config->marks[DETECT_SYN_FLOOD];
	const struct sg_service *e = &s->entries[index];
	const struct services_memory *m = &s->memory[index];
	const struct queues_sum *q = queues_of(&s->queues, index);
	enum sg_verdict hindrance = services_hindrance(s, e, sample->now_ns);
	uint64_t unanswered =
		rate_growth(rate_growth(m->grew.syns, m->grew.handshakes), m->judged.explained);
	uint64_t per_sec = rate_per_sec(unanswered, sample->elapsed_ns);
	bool called = services_get(&e->lease_until_ns) > sample->now_ns;

	/* that the application does not accept is a trouble, and told as one */
	if (!hindrance || hindrance == SG_V_ACCEPT_FULL || per_sec < marks->ebb_per_sec)
		return;
	undefended_show(u,
			&(struct undefended_row){
				.kind = SG_UNDEFENDED_SERVICE,
				.addr = e->addr,
				.port = e->port,
				.ipv6 = !addr_is_v4(&e->addr),
				.per_sec = per_sec,
				.queue = q->syn,
				.limit = q->max,
				.verdict = hindrance,
			},
			called || (marks->attack_per_sec && per_sec >= marks->attack_per_sec));
}

static void services_show_closed(const struct detect_config *config,
				 const struct undefended_sample *sample,
				 const struct sg_stray *closed, struct undefended *u)
{
	const struct detect_marks *marks = &config->marks[DETECT_SYN_FLOOD];
	uint64_t per_sec = rate_per_sec(sample->strays[SG_STRAY_NO_LISTENER], sample->elapsed_ns);

	/* redirected to a listener that suffers from them: that is told */
	if (!marks->attack_per_sec || per_sec < marks->ebb_per_sec ||
	    undefended_unseen(sample) >= sample->strays[SG_STRAY_NO_LISTENER] / 2)
		return;
	undefended_show(u,
			&(struct undefended_row){
				.kind = SG_UNDEFENDED_CLOSED_PORT,
				.addr = closed->addr,
				.port = closed->votes >= SG_STRAY_VOTES / 2 ? closed->port : 0,
				.ipv6 = !addr_is_v4(&closed->addr),
				.per_sec = per_sec,
				.verdict = SG_V_NO_LISTENER,
			},
			per_sec >= marks->attack_per_sec);
}

void services_undefended(const struct services *s, const struct detect_config *config,
			 const struct undefended_sample *sample, const struct sg_stray *closed,
			 struct undefended *u)
{
	size_t i;

	for (i = 0; i < s->queues.full_count; i++)
		services_show_unseen(s, &s->queues.full[i], sample, u);
	for (i = 0; i < s->live_count; i++)
		services_show_hindered(s, s->live[i], config, sample, u);
	services_show_closed(config, sample, closed, u);
}

/* ---- act ----------------------------------------------------------------------------------- */

void services_hold(struct services *s, bool hold)
{
	s->hold = hold;
}

/*
 * Would the SYNs that got no answer have overfilled the queue? Then a lease goes on. With
 * tcp_syncookies=2 no queue grows by which the programs could arm the service, so it begins here.
 */
static void services_renew(struct services *s, uint32_t index, uint64_t now_ns)
{
	struct sg_service *e = &s->entries[index];
	const struct services_memory *m = &s->memory[index];
	bool leased = services_get(&e->lease_until_ns) > now_ns;
	uint64_t unanswered = leased ? rate_growth(m->grew.challenged, m->grew.established) :
			      (e->host & SG_HOST_QUEUELESS) ?
				       rate_growth(m->grew.syns, m->grew.handshakes) :
				       0;

	if ((leased && s->hold) || unanswered * SERVICES_HALF_OPEN_SECONDS > e->threshold)
		services_set(&e->lease_until_ns, now_ns + control_lease_ns(s->dp));
}

static const char *services_cause(const struct services *s, uint32_t index, uint64_t now_ns)
{
	return canary_cause(&s->memory[index].canary, now_ns,
			    dataplane_input_hooks(s->dp, &s->entries[index].addr));
}

static void services_check_canary(struct services *s, uint32_t index, uint64_t now_ns,
				  const struct services_handler *handler)
{
	struct services_memory *m = &s->memory[index];
	const struct canary_growth grew = {
		.doubts = m->grew.canary_doubts,
		.cleared = m->grew.canary_cleared,
		.successes = m->grew.canary_successes,
		.relapses = m->grew.canary_relapses,
	};
	const struct canary_verdict v = canary_step(&m->canary, now_ns, &grew);

	if (v.block_ns) {
		services_set(&s->entries[index].blocked_until_ns, now_ns + v.block_ns);
		handler->blocked(handler->userdata, &s->entries[index], &v,
				 services_cause(s, index, now_ns));
	}
}

static void services_count_filtered(struct services *s, uint32_t index, uint64_t now_ns,
				    const struct services_handler *handler)
{
	struct services_memory *m = &s->memory[index];

	if (now_ns - m->filtered_ns > SG_FILTERED_NS)
		m->filtered = 0;
	if (!m->grew.canary_filtered)
		return;
	if (!m->filtered)
		handler->filtered(handler->userdata, &s->entries[index],
				  services_cause(s, index, now_ns));
	m->filtered += m->grew.canary_filtered;
	m->filtered_ns = now_ns;
}

static bool services_is_forgotten(const struct sg_service *e, uint64_t now_ns)
{
	uint16_t hindrance = __atomic_load_n(&e->hindrance, __ATOMIC_RELAXED);
	uint64_t checked_at_ns = services_get(&e->checked_at_ns);

	return (hindrance == SG_V_NO_LISTENER || hindrance == SG_V_NOT_LOCAL) &&
	       now_ns > checked_at_ns && now_ns - checked_at_ns > SERVICES_FORGET_NS;
}

/* What only handshakes have entered, and whose listener is gone: nothing will inspect it. */
static bool services_is_over(const struct services *s, uint32_t index, uint64_t now_ns)
{
	return !services_get(&s->entries[index].checked_at_ns) &&
	       !queues_of(&s->queues, index)->max && !s->queues.no_listeners &&
	       now_ns - s->memory[index].active_ns > SERVICES_IDLE_NS;
}

/* A second entry with the key of an earlier one, left by two CPUs that claimed at once. */
static bool services_is_duplicate(const struct services *s, uint32_t index)
{
	const struct sg_service *e = &s->entries[index];
	uint32_t first = index - index % SG_SERVICE_WAYS;
	uint32_t i;

	for (i = first; i < index; i++)
		if (s->entries[i].state == SG_SERVICE_LIVE && s->entries[i].port == e->port &&
		    !memcmp(&s->entries[i].addr, &e->addr, sizeof(e->addr)))
			return true;
	return false;
}

static const struct services_evicted *services_find_evicted(const struct services_evicted *rows,
							    uint32_t index,
							    const struct sg_service *e)
{
	uint32_t first = index - index % SG_SERVICE_WAYS, i;

	for (i = first; i < first + SG_SERVICE_WAYS; i++)
		if (rows[i].port == e->port && !memcmp(&rows[i].addr, &e->addr, sizeof(e->addr)))
			return &rows[i];
	return NULL;
}

struct services_evicted services_evicted(const struct services_evicted *rows, uint32_t index,
					 const struct sg_service *e)
{
	const struct services_evicted *found = services_find_evicted(rows, index, e);

	return found ? *found : (struct services_evicted){ .addr = e->addr, .port = e->port };
}

void services_evict(struct services_evicted *rows, uint32_t index, const struct sg_service *e,
		    const struct sg_tally *tally)
{
	const struct services_evicted *found = services_find_evicted(rows, index, e);
	struct services_evicted sum = services_evicted(rows, index, e);

	sum.syns += tally->syns;
	sum.challenged += tally->challenged;
	sum.accepted += tally->accepted;
	sum.established += tally->established;
	sum.handshakes += tally->handshakes;
	rows[found ? found - rows : index] = sum;
}

/* The state last: until then no program takes the entry for another service. */
static void services_forget(struct services *s, uint32_t index)
{
	struct sg_service *e = &s->entries[index];
	struct sg_tally tally;

	if (dataplane_tally(s->dp, index, &tally) < 0 || dataplane_tally_clear(s->dp, index) < 0)
		return;
	services_evict(s->evicted, index, e, &tally);
	__atomic_store_n(&e->state, SG_SERVICE_CLAIMED, __ATOMIC_RELEASE);
	memset((char *)e + sizeof(e->state), 0, sizeof(*e) - sizeof(e->state));
	memset(&s->memory[index], 0, sizeof(s->memory[index]));
	__atomic_store_n(&e->state, SG_SERVICE_FREE, __ATOMIC_RELEASE);
}

/* Whether nothing is lost if the entry is: no defence, nothing learned of others, no open cookie. */
static bool services_is_idle(const struct services *s, uint32_t index, uint64_t now_ns)
{
	const struct sg_service *e = &s->entries[index];
	uint64_t epoch = now_ns >> control_epoch_shift(s->dp);
	int i;

	for (i = 0; i < 2; i++)
		if (e->promised[i] && (services_get(&e->promised[i]) >> 8) + 1 >= epoch)
			return false;
	return now_ns - s->memory[index].active_ns > SERVICES_IDLE_NS &&
	       services_get(&e->lease_until_ns) <= now_ns &&
	       services_get(&e->blocked_until_ns) <= now_ns &&
	       services_get(&e->forwarded_until_ns) <= now_ns;
}

/* The idle entry of a full set that has been so for longest, or -1. */
static int services_oldest_idle(const struct services *s, uint32_t first, uint64_t now_ns)
{
	int oldest = -1;
	uint32_t i;

	for (i = first; i < first + SG_SERVICE_WAYS; i++) {
		if (__atomic_load_n(&s->entries[i].state, __ATOMIC_ACQUIRE) != SG_SERVICE_LIVE)
			return -1;
		if (s->memory[i].known && services_is_idle(s, i, now_ns) &&
		    (oldest < 0 || s->memory[i].active_ns < s->memory[oldest].active_ns))
			oldest = i;
	}
	return oldest;
}

void services_make_room(struct services *s, uint64_t now_ns)
{
	uint32_t first;
	int index;

	for (first = 0; first < SG_SERVICES_MAX; first += SG_SERVICE_WAYS) {
		index = services_oldest_idle(s, first, now_ns);
		if (index >= 0)
			services_forget(s, index);
	}
}

/* Returns whether there was something to report. */
static bool services_report_defence(struct services *s, uint32_t index, uint64_t now_ns,
				    const struct services_handler *handler, bool may_report)
{
	const struct sg_service *e = &s->entries[index];
	struct services_memory *m = &s->memory[index];
	const struct defence_totals grew = {
		.syns = m->grew.syns,
		.challenges = m->grew.challenged,
		.acceptances = m->grew.accepted,
	};
	enum defence_news what = defence_step(
		&m->defence, now_ns, services_is_defending(s, e, now_ns), &grew, may_report);

	if (what != DEFENCE_NO_NEWS)
		handler->defence(handler->userdata, e, what, &m->defence);
	return what != DEFENCE_NO_NEWS;
}

void services_act(struct services *s, uint64_t now_ns, const struct services_handler *handler)
{
	unsigned int reported = 0;
	size_t i;

	for (i = 0; i < s->live_count; i++) {
		uint32_t index = s->live[i];

		/* freed since the sample, to make room */
		if (!s->memory[index].known)
			continue;
		if (services_is_forgotten(&s->entries[index], now_ns) ||
		    services_is_over(s, index, now_ns) || services_is_duplicate(s, index)) {
			services_forget(s, index);
			continue;
		}
		services_renew(s, index, now_ns);
		services_check_canary(s, index, now_ns, handler);
		services_count_filtered(s, index, now_ns, handler);
		services_report_trouble(s, index, now_ns, handler);
		reported += services_report_defence(s, index, now_ns, handler,
						    reported < SERVICES_DEFENCES_MAX);
	}
}

/* ---- report -------------------------------------------------------------------------------- */

#define SERVICES_LABEL_(in, name, action, label, meaning) label,
static const char *const services_labels[] = { SG_VERDICTS(SERVICES_LABEL_) };

/* In words; what stands in the way of our own cookies is br_netfilter, NAT, or else MPTCP. */
static void services_fill_engine(const struct services *s, const struct sg_service *e,
				 uint64_t now_ns, struct report_service *row)
{
	bool nat = dataplane_input_hooks(s->dp, &e->addr) & SG_INPUT_NAT;
	const char *way = e->host & SG_HOST_BRIDGED ? "br_netfilter is in the way of ours" :
			  nat			    ? "NAT is in the way of ours" :
						      "MPTCP listeners do not take ours";
	bool listener = services_is_for_listener(s, e, now_ns);
	bool given = e->host & SG_HOST_LISTENER;

	row->engine = services_engine(s, e, now_ns);
	if (!listener)
		snprintf(row->engine_reason, sizeof(row->engine_reason),
			 "nothing is in the way of synguard's own cookies");
	else if (!given)
		snprintf(row->engine_reason, sizeof(row->engine_reason),
			 "left to the kernel's own cookies until it calls for defence: %s", way);
	else
		snprintf(row->engine_reason, sizeof(row->engine_reason),
			 "defended with the kernel's cookies: %s%s", way,
			 e->host & SG_HOST_RAW_TS ?
				 "" :
				 "; they keep an MSS alone as long as tcp_timestamps is not 2");
}

static void services_fill_row(struct services *s, uint32_t index, uint64_t now_ns,
			      struct report_service *row)
{
	const struct sg_service *e = &s->entries[index];
	const struct services_memory *m = &s->memory[index];
	enum sg_verdict hindrance = services_hindrance(s, e, now_ns);
	const struct queues_sum *q = queues_of(&s->queues, index);
	struct services_evicted before = services_evicted(s->evicted, index, e);
	struct sg_tally tally = m->last;

	dataplane_tally(s->dp, index, &tally); /* what is older will do if this fails */
	*row = (struct report_service){
		.addr = e->addr,
		.port = ntohs(e->port),
		.defending = services_is_defending(s, e, now_ns),
		.blocked = hindrance == SG_V_BLOCKED,
		.proven = services_get(&e->proven_at_ns),
		.hindrance = hindrance ? services_labels[hindrance] : NULL,
		.syns = before.syns + tally.syns,
		.challenged = before.challenged + tally.challenged,
		.accepted = before.accepted + tally.accepted,
		.established = before.established + tally.established,
		.handshakes = before.handshakes + tally.handshakes,
		.filtered = m->filtered,
		.syn_queue = s->queues.no_listeners ? s->queues.rows[index].half_open : q->syn,
		.syn_queue_max = q->max,
		.accept_queue = q->accept,
		.accept_queue_max = q->max,
	};
	if (row->blocked || row->filtered)
		snprintf(row->lost_text, sizeof(row->lost_text), "%s",
			 services_cause(s, index, now_ns));
	services_fill_trouble(s, m, row);
	services_fill_engine(s, e, now_ns, row);
}

size_t services_count(const struct services *s)
{
	return s->live_count;
}

uint64_t services_walks(const struct services *s)
{
	return s->queues.walks;
}

int services_report(struct services *s, uint64_t now_ns, struct report *report)
{
	struct report_service *rows;
	size_t i, count = 0;

	/* what is still missing of the queues then is reported as 0 */
	services_list_live(s);
	queues_read(&s->queues, now_ns);
	rows = calloc(s->live_count ?: 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (i = 0; i < s->live_count; i++)
		if (!services_is_duplicate(s, s->live[i])) /* no two rows for one service */
			services_fill_row(s, s->live[i], now_ns, &rows[count++]);
	report->services = rows;
	report->service_count = count;
	report->half_open = s->queues.half_open;
	return 0;
}

int services_rates(struct services *s, uint64_t now_ns, struct services_rate **ret, size_t *count)
{
	struct services_rate *rates = calloc(s->live_count ?: 1, sizeof(*rates));
	size_t i;

	if (!rates)
		return -ENOMEM;
	for (i = 0; i < s->live_count; i++) {
		const struct sg_service *e = &s->entries[s->live[i]];
		const struct services_memory *m = &s->memory[s->live[i]];
		const struct sg_tally *grew = &m->grew;

		rates[i] = (struct services_rate){
			.addr = e->addr,
			.port = e->port,
			.defending = services_is_defending(s, e, now_ns),
			.engine = services_engine(s, e, now_ns),
			.syns = grew->syns,
			.challenged = grew->challenged,
			.accepted = grew->accepted,
			.handshakes = grew->handshakes + grew->declined,
			.trouble = m->judged.trouble,
			.figures = services_trouble_figures(s, m),
		};
	}
	*ret = rates;
	*count = s->live_count;
	return 0;
}
