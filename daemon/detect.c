/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "detect.h"

#include <assert.h>

#include "synguard/cleanup.h"

/*
 * 1000 SYNs a second that nobody completes are no accident at any server: a scan of the whole
 * Internet sends a few a day to each address, and clients that lose their way come by the dozen.
 * Where a queue has filled, a tenth of that suffices. 30 s of quiet outlast the pauses between
 * the waves of the tools in use.
 */
const struct detect_config detect_defaults = {
	.attack_per_sec = 1000,
	.ebb_per_sec = 100,
	.hold_ns = 30 * 1000000000ULL,
};

static const char *const detect_state_names[] = {
	[DETECT_CALM] = "calm",
	[DETECT_ATTACK] = "attack",
	[DETECT_COOLING] = "cooling",
};
static_assert(ARRAY_SIZE(detect_state_names) == DETECT_STATE_COUNT, "every state has a name");

const char *detect_state_name(enum detect_state state)
{
	return state < DETECT_STATE_COUNT ? detect_state_names[state] : "unknown";
}

static uint64_t detect_unanswered_per_sec(const struct detector *d,
					  const struct detect_sample *sample)
{
	uint64_t unanswered = detect_growth(sample->syns, sample->handshakes);
	uint64_t elapsed_ns = sample->now_ns - d->last_ns;

	return (unsigned __int128)unanswered * 1000000000 / elapsed_ns;
}

enum detect_state detect_step(struct detector *d, const struct detect_config *config,
			      const struct detect_sample *sample)
{
	bool flood, ebbed;

	/* no time has passed, so there is no rate */
	if (!d->last_ns || sample->now_ns <= d->last_ns) {
		d->last_ns = sample->now_ns;
		return d->state;
	}
	d->unanswered_per_sec = detect_unanswered_per_sec(d, sample);
	d->last_ns = sample->now_ns;
	ebbed = d->unanswered_per_sec < config->ebb_per_sec;
	flood = d->unanswered_per_sec >= config->attack_per_sec || (sample->defending && !ebbed);

	switch (d->state) {
	case DETECT_CALM:
		if (flood)
			d->state = DETECT_ATTACK;
		break;
	case DETECT_ATTACK:
		/* between the two marks an attack goes on: that gap is the hysteresis */
		if (ebbed) {
			d->state = DETECT_COOLING;
			d->quiet_ns = sample->now_ns;
		}
		break;
	case DETECT_COOLING:
		if (flood)
			d->state = DETECT_ATTACK;
		else if (!ebbed)
			d->quiet_ns = sample->now_ns;
		else if (sample->now_ns - d->quiet_ns >= config->hold_ns)
			d->state = DETECT_CALM;
		break;
	case DETECT_STATE_COUNT:
		break;
	}
	return d->state;
}
