/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/detect_service.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#define DETECT_LEARN_SECONDS 600

/* A trouble begins when so many of so many samples show it: one odd second is none. */
#define DETECT_SEEN_OF	  0xf
#define DETECT_SEEN_LEAST 3

/*
 * A client repeats a SYN that is not answered, six times by default (tcp_syn_retries): where this
 * host dropped SYNs of clients, so many times the ordinary number of SYNs may still be theirs.
 */
#define DETECT_REPEATS 8

/* A queue that fills and empties more often than this in a second overflows at any pause. */
#define DETECT_TURNS 4

/* The backlogs that are advised: the least is the default of net.core.somaxconn before Linux 5.4. */
#define DETECT_BACKLOG_MAX 65536
#define DETECT_BACKLOG_MIN 128

/* Whether at least so much of the SYNs became connections. */
static bool detect_completes(const struct detect_service_sample *sample, uint64_t part, uint64_t of)
{
	return sample->handshakes && sample->handshakes * of >= sample->syns * part;
}

/* At least factor_halves / 2 times the ordinary rate. */
static bool detect_exceeds(uint64_t ordinary_milli, uint64_t syns_per_sec, uint64_t factor_halves)
{
	return (unsigned __int128)syns_per_sec * 2000 >=
	       (unsigned __int128)ordinary_milli * factor_halves;
}

static void detect_learn(struct detect_service *s, const struct detect_service_sample *sample)
{
	uint64_t syns = rate_per_sec(sample->syns, sample->elapsed_ns);
	uint64_t most = 2 * rate_per_sec(sample->handshakes, sample->elapsed_ns);
	int64_t seen_milli = 1000 * (syns < most ? syns : most);

	if (s->learned < DETECT_LEARN_SECONDS)
		s->learned++;
	s->baseline_milli += (seen_milli - (int64_t)s->baseline_milli) / (int64_t)s->learned;
}

/* ---- does a flood explain it? --------------------------------------------------------------- */

/*
 * Which of the unanswered SYNs are no flood's. In an attack they have to come further down to be
 * none than they had to come up: half-way from the baseline to what was out of the ordinary.
 */
static void detect_explain(struct detect_service *s, const struct detect_config *config,
			   enum detect_state state, const struct detect_service_sample *sample)
{
	uint64_t unanswered = rate_growth(sample->syns, sample->handshakes);
	uint64_t factor = config->baseline_factor;
	bool attack = state == DETECT_ATTACK;
	bool turned_away = sample->accept_full ||
			   (sample->drops && sample->drops >= unanswered / 2);
	bool excused = s->troubles[SG_TROUBLE_SLOW_ACCEPT].on || (!attack && turned_away);
	uint64_t halves = attack ? 1 + factor : 2 * factor;
	bool called = sample->called && !excused;
	uint64_t ordinary_milli = s->baseline_milli;
	uint64_t done_milli = 1000 * rate_per_sec(sample->handshakes, sample->elapsed_ns);

	if (!factor)
		halves = 0;
	if (excused) {
		/* the handshakes of now are those of clients, too */
		if (done_milli > ordinary_milli)
			ordinary_milli = done_milli;
		halves = 2 * DETECT_REPEATS;
	}
	s->calls = called && !detect_completes(sample, 3, 4);
	if (s->slow || s->calls || (attack && called && !detect_completes(sample, 7, 8)) ||
	    detect_exceeds(ordinary_milli, rate_per_sec(sample->syns, sample->elapsed_ns), halves))
		s->explained = 0;
	else
		s->explained = unanswered;
}

/* ---- slow floods --------------------------------------------------------------------------- */

/*
 * With the usual five SYN-ACK retries an unanswered SYN stays in the queue for so long
 * (mitigation_half_open_usec()). So one that nobody would call a flood by its rate fills it.
 */
#define DETECT_STAYS_SECONDS 63

/* As many as these take room from clients: an eighth of the queue, of a short one half. */
#define DETECT_AGED_MIN 32

/* SYN/s, in thousandths; what a faster flood leaves in the queue is none of a slow one. */
#define DETECT_SLOW_MILLI 100000

static uint64_t detect_aged_mark(uint64_t limit)
{
	uint64_t mark = limit / 8 > DETECT_AGED_MIN ? limit / 8 : DETECT_AGED_MIN;

	return mark < limit / 2 ? mark : limit / 2;
}

/* Of four seconds or so; a fast flood that has ended does not look like a slow one for half a minute. */
static uint64_t detect_average(uint64_t milli, int64_t now_milli)
{
	milli += (now_milli - (int64_t)milli) / 4;
	return milli < 4 * now_milli + 16000 ? milli : 4 * now_milli + 16000;
}

/*
 * It begins with what is in the queue. While it lasts the queue may be short, since SYNs are
 * challenged or half-open connections live for seconds: then what would be in there tells. What an
 * application does not accept stays half-open as well, and is no flood.
 */
static void detect_slow(struct detect_service *s, const struct detect_service_sample *sample)
{
	uint64_t syns = s->syns_milli, done = s->done_milli;
	uint64_t unanswered = rate_growth(syns, done), mark = detect_aged_mark(sample->limit);
	int64_t now_syns = 1000 * rate_per_sec(sample->syns, sample->elapsed_ns);
	int64_t now_done = 1000 * rate_per_sec(sample->handshakes, sample->elapsed_ns);

	s->syns_milli = detect_average(syns, now_syns);
	s->done_milli = detect_average(done, now_done);
	if (!mark || sample->accept_full || s->troubles[SG_TROUBLE_SLOW_ACCEPT].on)
		s->slow = false;
	else if (s->slow)
		s->slow = done * 8 < syns * 7 && unanswered * DETECT_STAYS_SECONDS >= mark * 1000;
	else
		s->slow = sample->aged >= mark && done * 4 < syns * 3 && now_syns &&
			  now_syns < DETECT_SLOW_MILLI && syns < DETECT_SLOW_MILLI;
}

/* ---- troubles ------------------------------------------------------------------------------ */

void detect_hold(struct detect_held *h, bool begins, bool stays, uint64_t hold_ns, uint64_t now_ns)
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
	uint64_t per_sec = rate_per_sec(sample->syns, sample->elapsed_ns);
	uint64_t factor = config->baseline_factor ?: detect_defaults.baseline_factor;
	uint64_t many = config->marks[DETECT_SYN_FLOOD].attack_per_sec;

	if (sample->declined > sample->handshakes / 2)
		return false;
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
	uint64_t done = rate_growth(sample->handshakes, sample->declined);
	uint64_t per_sec = rate_per_sec(done, sample->elapsed_ns);
	/* a repeated SYN of a client counts as a drop, although there is room */
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
			s->trouble = trouble_worst(s->trouble, i);
}

/* What the backlog has to suffice for, while it is small. */
static void detect_measure(struct detect_service *s, const struct detect_service_sample *sample)
{
	uint64_t per_sec = rate_per_sec(sample->handshakes, sample->elapsed_ns);

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
	/* the first rate of a service is taken for ordinary, as far as it completes */
	if (!s->learned)
		detect_learn(s, sample);
	detect_troubles(s, config, state, sample);
	detect_slow(s, sample);
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

/* ---- words --------------------------------------------------------------------------------- */

#define TROUBLE_ROW_(name, word_, label_, sentence_) { .word = word_, .sentence = sentence_ },
static const struct {
	const char *word, *sentence;
} trouble_rows[] = { SG_TROUBLES(TROUBLE_ROW_) };
static_assert(ARRAY_SIZE(trouble_rows) == SG_TROUBLE_COUNT, "every trouble has a row");

const char *trouble_word(enum sg_trouble trouble)
{
	return trouble < SG_TROUBLE_COUNT ? trouble_rows[trouble].word : "unknown";
}

enum sg_trouble trouble_worst(enum sg_trouble a, enum sg_trouble b)
{
	return a > b ? a : b;
}

struct trouble_fields {
	const struct trouble_figures *figures;
	char value[96];
};

static const char *trouble_field(void *userdata, const char *field)
{
	struct trouble_fields *t = userdata;
	const struct trouble_figures *f = t->figures;
	uint64_t wanted = detect_backlog_wanted(f->limit, f->rate);

	if (!strcmp(field, "limit")) {
		snprintf(t->value, sizeof(t->value), "%" PRIu64, f->limit);
	} else if (!strcmp(field, "rate")) {
		snprintf(t->value, sizeof(t->value), "%" PRIu64, f->rate);
	} else if (!strcmp(field, "wanted")) {
		snprintf(t->value, sizeof(t->value), "%" PRIu64, wanted);
	} else if (!strcmp(field, "somaxconn")) {
		/* the kernel caps the backlog of listen(): __sys_listen() */
		if (!f->somaxconn || f->somaxconn >= wanted)
			return NULL;
		snprintf(t->value, sizeof(t->value),
			 ", and before that set net.core.somaxconn, now %" PRIu64 ", to the same",
			 f->somaxconn);
	} else {
		return "{unknown field}";
	}
	return t->value;
}

const char *trouble_text(enum sg_trouble trouble, const struct trouble_figures *figures, char *text,
			 size_t size)
{
	struct trouble_fields fields = { .figures = figures };

	text_fill(text, size, trouble < SG_TROUBLE_COUNT ? trouble_rows[trouble].sentence : "",
		  trouble_field, &fields);
	return text;
}
