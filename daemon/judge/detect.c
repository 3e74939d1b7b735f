/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/detect.h"

#include <assert.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"

/*
 * 1000 SYNs a second that are never completed are no accident at any server: a scan of the whole
 * Internet sends a few a day to each address, and lost clients come by the dozen. Where a queue has
 * filled, a tenth of that suffices. A restarted server gets many ACKs that belong to no connection
 * for a moment, since each of its former clients sends one or a few. 30 s of quiet outlast the
 * pauses between the waves of common flood tools.
 */
const struct detect_config detect_defaults = {
	.marks = { [DETECT_SYN_FLOOD] = { .attack_per_sec = 1000, .ebb_per_sec = 100 },
		   [DETECT_ACK_FLOOD] = { .attack_per_sec = 10000, .ebb_per_sec = 1000 } },
	.hold_ns = 30 * 1000000000ULL,
	.baseline_factor = 2,
};

/*
 * So many sources that completed nothing are too many for a list; a botnet of that size has the same
 * pattern, and cannot be denied host by host either. At the beginning of a flood it suffices that
 * every other SYN comes from a source of its own.
 */
#define DETECT_MANY_SOURCES 1000
/* Fewer SYNs than these have no pattern. */
#define DETECT_SYNS_MIN 64

static const char *const detect_state_names[] = {
	[DETECT_CALM] = "calm",
	[DETECT_ATTACK] = "attack",
	[DETECT_COOLING] = "cooling",
};
static_assert(ARRAY_SIZE(detect_state_names) == DETECT_STATE_COUNT, "every state has a name");

static const char *const detect_kind_names[] = {
	[DETECT_NO_KIND] = "none",
	[DETECT_KIND_SYN_FLOOD] = "syn_flood",
	[DETECT_KIND_ACK_FLOOD] = "ack_flood",
	[DETECT_KIND_SYN_FLOOD | DETECT_KIND_ACK_FLOOD] = "syn_and_ack_flood",
};
static_assert(ARRAY_SIZE(detect_kind_names) == DETECT_KIND_COUNT, "every kind has a name");

const char *detect_state_name(enum detect_state state)
{
	return state < DETECT_STATE_COUNT ? detect_state_names[state] : "unknown";
}

static const char *const detect_pattern_names[] = {
	[DETECT_NO_PATTERN] = "none",
	[DETECT_MIXED] = "mixed",
	[DETECT_SPOOFED] = "spoofed",
	[DETECT_CONCENTRATED] = "concentrated",
};
static_assert(ARRAY_SIZE(detect_pattern_names) == DETECT_PATTERN_COUNT, "every pattern has a name");

const char *detect_pattern_name(enum detect_pattern pattern)
{
	return pattern < DETECT_PATTERN_COUNT ? detect_pattern_names[pattern] : "unknown";
}

static const char *const detect_deny_names[] = {
	[DETECT_DENY_UNCLEAR] = "few_syns",
	[DETECT_DENY_SILENT] = "silent",
	[DETECT_DENY_COMPLETED] = "completed",
	[DETECT_DENY_RESETS] = "resets",
};
static_assert(ARRAY_SIZE(detect_deny_names) == DETECT_DENY_COUNT, "every reason has a name");

const char *detect_deny_name(enum detect_deny deny)
{
	return deny < DETECT_DENY_COUNT ? detect_deny_names[deny] : "unknown";
}

static bool detect_is_definite(enum detect_pattern pattern)
{
	return pattern == DETECT_SPOOFED || pattern == DETECT_CONCENTRATED;
}

const char *detect_kind_name(enum detect_kind kind, enum detect_pattern pattern)
{
	if (kind == DETECT_KIND_SYN_FLOOD && detect_is_definite(pattern))
		return detect_pattern_name(pattern);
	return kind < DETECT_KIND_COUNT ? detect_kind_names[kind] : "unknown";
}

/*
 * called: a queue calls for defence, so that the rate alone need not show a flood; slow: it is one at
 * any rate.
 */
static void detect_judge(struct detect_of_flood *f, const struct detect_marks *marks, bool called,
			 bool slow, uint64_t hold_ns, uint64_t now_ns)
{
	bool low = !marks->attack_per_sec || f->per_sec < marks->ebb_per_sec;
	bool ebbed = low && !slow;
	bool flood = slow || (!low && (f->per_sec >= marks->attack_per_sec || called));

	switch (f->state) {
	case DETECT_CALM:
		if (flood)
			f->state = DETECT_ATTACK;
		break;
	case DETECT_ATTACK:
		/* between the two marks an attack goes on: that gap is the hysteresis */
		if (ebbed) {
			f->state = DETECT_COOLING;
			f->quiet_ns = now_ns;
		}
		break;
	case DETECT_COOLING:
		if (flood)
			f->state = DETECT_ATTACK;
		else if (!ebbed)
			f->quiet_ns = now_ns;
		else if (now_ns - f->quiet_ns >= hold_ns)
			f->state = DETECT_CALM;
		break;
	case DETECT_STATE_COUNT:
		break;
	}
}

/* ---- the sources --------------------------------------------------------------------------- */

enum detect_pattern detect_sources_pattern(const struct detect_sources *s)
{
	uint64_t unanswered = rate_growth(s->syns, s->completed);
	/* sources that completed nothing; at most `completed` of them did */
	uint64_t strangers = rate_growth(s->distinct, s->completed);

	if (unanswered < DETECT_SYNS_MIN)
		return DETECT_MIXED;
	if (s->unanswered && s->of_few >= s->unanswered / 2 + s->unanswered % 2)
		return DETECT_CONCENTRATED;
	if (strangers >= DETECT_MANY_SOURCES || strangers >= unanswered / 2 + unanswered % 2)
		return DETECT_SPOOFED;
	return DETECT_MIXED;
}

/*
 * Handshakes and resets are counted one by one, SYNs by samples. One owner among the 256 addresses of
 * a forged /24 resets a 256th of what is sent there. A flood tool on a host whose own kernel resets is
 * taken for forged as well: no advice is better than one that cuts a client off.
 */
#define DETECT_RESETS_PART 256

enum detect_deny detect_deny(uint64_t syns, uint64_t completed, uint64_t resets)
{
	if (completed)
		return DETECT_DENY_COMPLETED;
	if (resets && resets >= syns / DETECT_RESETS_PART)
		return DETECT_DENY_RESETS;
	return syns < DETECT_SYNS_MIN ? DETECT_DENY_UNCLEAR : DETECT_DENY_SILENT;
}

/*
 * The first definite pattern counts at once, a later one when it has lasted as long as calm has to:
 * a flood between two patterns does not change its name each second.
 */
static void detect_pattern(struct detector *d, const struct detect_config *config,
			   const struct detect_sample *sample)
{
	enum detect_state state = d->floods[DETECT_SYN_FLOOD].state;
	enum detect_pattern pattern;

	if (state == DETECT_CALM) {
		d->pattern = DETECT_NO_PATTERN;
		d->pattern_since_ns = 0;
	}
	if (state != DETECT_ATTACK)
		return;
	pattern = detect_sources_pattern(&sample->sources);
	if (!detect_is_definite(d->pattern)) {
		d->pattern = pattern;
	} else if (pattern == DETECT_MIXED || pattern == d->pattern) {
		d->pattern_since_ns = 0;
	} else if (!d->pattern_since_ns) {
		d->pattern_since_ns = sample->now_ns;
	} else if (sample->now_ns - d->pattern_since_ns >= config->hold_ns) {
		d->pattern = pattern;
		d->pattern_since_ns = 0;
	}
}

/* An attack before what is cooling, and that before calm. */
static void detect_sum_up(struct detector *d)
{
	static const enum detect_state order[] = { DETECT_ATTACK, DETECT_COOLING };
	unsigned int kind = DETECT_NO_KIND;
	const enum detect_state before = d->state;
	size_t i, flood;

	d->state = DETECT_CALM;
	for (i = 0; i < ARRAY_SIZE(order) && !kind; i++)
		for (flood = 0; flood < DETECT_FLOOD_COUNT; flood++)
			if (d->floods[flood].state == order[i]) {
				kind |= 1u << flood;
				d->state = order[i];
			}
	d->kind = kind;
	if (d->state == DETECT_ATTACK && before != DETECT_ATTACK)
		d->pulses = before == DETECT_COOLING ? d->pulses + 1 : 0;
}

enum detect_state detect_step(struct detector *d, const struct detect_config *config,
			      const struct detect_sample *sample)
{
	uint64_t unanswered =
		rate_growth(rate_growth(sample->syns, sample->handshakes), sample->explained);
	uint64_t elapsed_ns = sample->now_ns - d->last_ns;
	bool is_first = !d->last_ns || sample->now_ns <= d->last_ns;
	const bool called[] = {
		[DETECT_SYN_FLOOD] = sample->defending,
		[DETECT_ACK_FLOOD] = sample->dropping,
	};
	size_t flood;

	d->last_ns = sample->now_ns;
	/* no time has passed, so there is no rate */
	if (is_first)
		return d->state;
	d->floods[DETECT_SYN_FLOOD].per_sec = rate_per_sec(unanswered, elapsed_ns);
	d->floods[DETECT_ACK_FLOOD].per_sec = rate_per_sec(sample->bogus_acks, elapsed_ns);
	for (flood = 0; flood < DETECT_FLOOD_COUNT; flood++)
		detect_judge(&d->floods[flood], &config->marks[flood], called[flood],
			     flood == DETECT_SYN_FLOOD && sample->slow &&
				     config->marks[flood].attack_per_sec,
			     config->hold_ns, sample->now_ns);
	detect_pattern(d, config, sample);
	detect_sum_up(d);
	return d->state;
}
