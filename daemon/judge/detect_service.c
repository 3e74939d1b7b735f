/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/detect_service.h"

#define DETECT_LEARN_SECONDS 600

/* A trouble begins when it was seen in so many of so many looks, or one odd second would do. */
#define DETECT_SEEN_OF	  0xf
#define DETECT_SEEN_LEAST 3

/*
 * A client whose SYN gets no answer repeats it, six times by default (tcp_syn_retries): where this
 * host itself turned clients away, so many times the ordinary number of SYNs are still theirs.
 */
#define DETECT_REPEATS 8

/* A queue that is filled and emptied more often than this in a second has no room for a pause. */
#define DETECT_TURNS 4

/* The largest backlog that somebody is advised to have, and the default of net.core.somaxconn before
 * Linux 5.4 as the least. */
#define DETECT_BACKLOG_MAX 65536
#define DETECT_BACKLOG_MIN 128

static uint64_t detect_rate(uint64_t count, uint64_t elapsed_ns)
{
	return elapsed_ns ? (unsigned __int128)count * 1000000000 / elapsed_ns : 0;
}

/* Whether at least so much of the SYNs became connections. */
static bool detect_completes(const struct detect_service_sample *sample, uint64_t part, uint64_t of)
{
	return sample->handshakes && sample->handshakes * of >= sample->syns * part;
}

/* Whether that is so many halves of the ordinary, which is in thousandths, or more. */
static bool detect_exceeds(uint64_t ordinary_milli, uint64_t syns_per_sec, uint64_t factor_halves)
{
	return (unsigned __int128)syns_per_sec * 2000 >=
	       (unsigned __int128)ordinary_milli * factor_halves;
}

static void detect_learn(struct detect_service *s, const struct detect_service_sample *sample)
{
	uint64_t syns = detect_rate(sample->syns, sample->elapsed_ns);
	uint64_t most = 2 * detect_rate(sample->handshakes, sample->elapsed_ns);
	int64_t seen_milli = 1000 * (syns < most ? syns : most);

	if (s->learned < DETECT_LEARN_SECONDS)
		s->learned++;
	s->baseline_milli += (seen_milli - (int64_t)s->baseline_milli) / (int64_t)s->learned;
}

/* ---- is it a flood's? ---------------------------------------------------------------------- */

/*
 * Which of the unanswered SYNs are no flood's. In an attack they have to come further down to be
 * none than they had to come up: half-way from the baseline to what was out of the ordinary.
 */
static void detect_explain(struct detect_service *s, const struct detect_config *config,
			   enum detect_state state, const struct detect_service_sample *sample)
{
	uint64_t unanswered = detect_growth(sample->syns, sample->handshakes);
	uint64_t factor = config->baseline_factor;
	bool attack = state == DETECT_ATTACK;
	bool turned_away = sample->accept_full ||
			   (sample->drops && sample->drops >= unanswered / 2);
	bool excused = s->troubles[SG_TROUBLE_SLOW_ACCEPT].on || (!attack && turned_away);
	uint64_t halves = attack ? 1 + factor : 2 * factor;
	bool called = sample->called && !excused;
	uint64_t ordinary_milli = s->baseline_milli;
	uint64_t done_milli = 1000 * detect_rate(sample->handshakes, sample->elapsed_ns);

	if (!factor)
		halves = 0;
	if (excused) {
		/* who gets through now is a client as well, and no flood's */
		if (done_milli > ordinary_milli)
			ordinary_milli = done_milli;
		halves = 2 * DETECT_REPEATS;
	}
	s->calls = called && !detect_completes(sample, 3, 4);
	if (s->calls || (attack && called && !detect_completes(sample, 7, 8)) ||
	    detect_exceeds(ordinary_milli, detect_rate(sample->syns, sample->elapsed_ns), halves))
		s->explained = 0;
	else
		s->explained = unanswered;
}

/* ---- troubles ------------------------------------------------------------------------------ */

/* begins, stays: whether this look is one at which it would. */
static void detect_hold(struct detect_held *h, bool begins, bool stays, uint64_t hold_ns,
			uint64_t now_ns)
{
	if (!h->on) {
		h->seen = (h->seen << 1 | begins) & DETECT_SEEN_OF;
		h->on = __builtin_popcount(h->seen) >= DETECT_SEEN_LEAST;
		h->quiet_ns = 0;
	} else if (stays) {
		h->quiet_ns = 0;
	} else if (!h->quiet_ns) {
		h->quiet_ns = now_ns;
	} else if (now_ns - h->quiet_ns >= hold_ns) {
		*h = (struct detect_held){};
	}
}

static bool detect_is_flash_crowd(const struct detect_service *s,
				  const struct detect_config *config,
				  const struct detect_service_sample *sample, bool already)
{
	uint64_t per_sec = detect_rate(sample->syns, sample->elapsed_ns);
	uint64_t factor = config->baseline_factor ?: detect_defaults.baseline_factor;
	uint64_t many = config->marks[DETECT_SYN_FLOOD].attack_per_sec;

	if (already)
		return detect_completes(sample, 1, 2) &&
		       (sample->called || (per_sec * 2 >= many &&
					   detect_exceeds(s->baseline_milli, per_sec, 1 + factor)));
	return detect_completes(sample, 3, 4) &&
	       (sample->called ||
		(per_sec >= many && detect_exceeds(s->baseline_milli, per_sec, 2 * factor)));
}

static bool detect_is_small(const struct detect_service_sample *sample, bool already)
{
	uint64_t per_sec = detect_rate(sample->handshakes, sample->elapsed_ns);
	/* a client that repeats its SYN is a drop, too, though there is room */
	bool dropped = sample->drops * 100 > sample->handshakes;
	bool pressed = dropped || sample->syn_full || sample->accept_full || sample->called;

	return pressed && sample->limit && per_sec >= sample->limit * DETECT_TURNS / (1 + already);
}

static void detect_troubles(struct detect_service *s, const struct detect_config *config,
			    enum detect_state state, const struct detect_service_sample *sample)
{
	struct detect_held *slow = &s->troubles[SG_TROUBLE_SLOW_ACCEPT];
	struct detect_held *small = &s->troubles[SG_TROUBLE_SMALL_BACKLOG];
	struct detect_held *crowd = &s->troubles[SG_TROUBLE_FLASH_CROWD];
	uint64_t hold_ns = config->hold_ns, now_ns = sample->now_ns;
	bool calm = state == DETECT_CALM;
	int i;

	detect_hold(slow, sample->accept_full, sample->accept_full, hold_ns, now_ns);
	detect_hold(small, calm && detect_is_small(sample, false), detect_is_small(sample, true),
		    hold_ns, now_ns);
	detect_hold(crowd, calm && detect_is_flash_crowd(s, config, sample, false),
		    detect_is_flash_crowd(s, config, sample, true), hold_ns, now_ns);
	if (state == DETECT_ATTACK) {
		*small = (struct detect_held){};
		*crowd = (struct detect_held){};
	}
	s->trouble = SG_TROUBLE_NONE;
	for (i = 0; i < SG_TROUBLE_COUNT; i++)
		if (s->troubles[i].on)
			s->trouble = i;
}

/* What the backlog would have to be for, as long as it is small. */
static void detect_measure(struct detect_service *s, const struct detect_service_sample *sample)
{
	uint64_t per_sec = detect_rate(sample->handshakes, sample->elapsed_ns);

	if (!s->troubles[SG_TROUBLE_SMALL_BACKLOG].on &&
	    !s->troubles[SG_TROUBLE_SMALL_BACKLOG].seen)
		s->rate = 0;
	if (sample->limit)
		s->limit = sample->limit;
	if (per_sec > s->rate)
		s->rate = per_sec;
}

void detect_service_step(struct detect_service *s, const struct detect_config *config,
			 enum detect_state state, const struct detect_service_sample *sample)
{
	/* what a service has when it is first seen is ordinary, as far as it completes */
	if (!s->learned)
		detect_learn(s, sample);
	detect_troubles(s, config, state, sample);
	detect_explain(s, config, state, sample);
	detect_measure(s, sample);
	if (state == DETECT_CALM && !sample->accept_full)
		detect_learn(s, sample);
}

uint64_t detect_backlog_wanted(uint64_t limit, uint64_t rate)
{
	uint64_t wanted = DETECT_BACKLOG_MIN;

	while (wanted < DETECT_BACKLOG_MAX && (wanted < rate || wanted < 2 * limit))
		wanted *= 2;
	return wanted;
}
