/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/undefended.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"

uint64_t undefended_unseen(const struct undefended_sample *sample)
{
	return rate_growth(sample->overfull, sample->passed);
}

enum sg_verdict undefended_cause(const struct undefended_sample *sample)
{
	static const enum sg_verdict verdicts[SG_STRAY_KINDS] = {
		[SG_STRAY_NOT_LOCAL] = SG_V_NOT_LOCAL,
		[SG_STRAY_NO_LISTENER] = SG_V_NO_LISTENER,
		[SG_STRAY_SERVICES_FULL] = SG_V_SERVICES_FULL,
	};
	uint64_t unseen = undefended_unseen(sample);
	int i, most = 0;

	for (i = 1; i < SG_STRAY_KINDS; i++)
		if (sample->strays[i] > sample->strays[most])
			most = i;
	return sample->strays[most] && sample->strays[most] >= unseen / 2 ? verdicts[most] :
									    SG_UNDECIDED;
}

uint64_t undefended_syns(const struct undefended_sample *sample)
{
	uint64_t unseen = undefended_unseen(sample);
	uint64_t strays =
		sample->strays[SG_STRAY_NO_LISTENER] + sample->strays[SG_STRAY_SERVICES_FULL];

	/* a SYN that a rule redirects is both */
	return unseen > strays ? unseen : strays;
}

/* ---- those that suffer --------------------------------------------------------------------- */

/* A flood at a closed port is one, whichever port is hit most in this second. */
static bool undefended_same(const struct undefended_row *a, const struct undefended_row *b)
{
	return a->kind == b->kind && (a->kind == SG_UNDEFENDED_CLOSED_PORT ||
				      (a->port == b->port && a->ipv6 == b->ipv6 &&
				       !memcmp(&a->addr, &b->addr, sizeof(a->addr))));
}

static struct undefended_row *undefended_find(struct undefended *u,
					      const struct undefended_row *row)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		if (undefended_same(&u->rows[i], row))
			return &u->rows[i];
	return NULL;
}

void undefended_show(struct undefended *u, const struct undefended_row *row, bool begins)
{
	struct undefended_row *at = undefended_find(u, row);

	if (!at) {
		if (!begins || u->count == UNDEFENDED_MAX)
			return;
		at = &u->rows[u->count++];
		*at = (struct undefended_row){ .kind = row->kind };
	}
	/* a listener of a reuseport group that was shown before adds nothing */
	if (at->shown && at->per_sec >= row->per_sec)
		return;
	at->addr = row->addr;
	at->port = row->port;
	at->ipv6 = row->ipv6;
	at->per_sec = row->per_sec;
	at->queue = row->queue;
	at->limit = row->limit;
	at->verdict = row->verdict;
	at->shown = begins;
	at->stays = true;
}

void undefended_step(struct undefended *u, uint64_t now_ns, uint64_t hold_ns,
		     void (*fn)(void *userdata, const struct undefended_row *row, bool ended,
				uint64_t for_ns),
		     void *userdata)
{
	size_t i, kept = 0;

	for (i = 0; i < u->count; i++) {
		struct undefended_row *row = &u->rows[i];

		detect_hold(&row->held, row->shown, row->stays, hold_ns, now_ns);
		row->shown = row->stays = false;
		if (row->held.on && !row->told) {
			row->began_ns = now_ns;
			fn(userdata, row, false, 0);
			row->told = true;
		} else if (!row->held.on && row->told) {
			fn(userdata, row, true, now_ns - row->began_ns);
		}
		if (row->held.on || row->held.seen)
			u->rows[kept++] = *row;
	}
	u->count = kept;
}

bool undefended_is_full(const struct undefended *u)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		if (u->rows[i].kind == SG_UNDEFENDED_UNSEEN && u->rows[i].shown)
			return true;
	return false;
}

enum sg_undefended undefended_worst(const struct undefended *u)
{
	enum sg_undefended worst = SG_UNDEFENDED_NONE;
	size_t i;

	for (i = 0; i < u->count; i++)
		if (u->rows[i].held.on && u->rows[i].kind > worst)
			worst = u->rows[i].kind;
	return worst;
}

/* ---- words --------------------------------------------------------------------------------- */

#define UNDEFENDED_ROW_(name, word_, sentence_) { .word = word_, .sentence = sentence_ },
static const struct {
	const char *word, *sentence;
} undefended_kinds[] = { SG_UNDEFENDED(UNDEFENDED_ROW_) };
static_assert(ARRAY_SIZE(undefended_kinds) == SG_UNDEFENDED_COUNT, "every kind has a row");

#define UNDEFENDED_REMEDY_(verdict, text) [SG_V_##verdict] = (text),
static const char *const undefended_remedies[SG_VERDICT_COUNT] = { SG_REMEDIES(
	UNDEFENDED_REMEDY_) };

#define UNDEFENDED_VERDICT_(in, name, action, label_, meaning_)                                    \
	{ .label = label_, .meaning = meaning_ },
static const struct {
	const char *label, *meaning;
} undefended_verdicts[] = { SG_VERDICTS(UNDEFENDED_VERDICT_) };

const char *undefended_word(enum sg_undefended kind)
{
	return kind < SG_UNDEFENDED_COUNT ? undefended_kinds[kind].word : "unknown";
}

const char *undefended_verdict(const struct undefended_row *row)
{
	return row->verdict && row->verdict < SG_VERDICT_COUNT ?
		       undefended_verdicts[row->verdict].label :
		       "";
}

struct addr_text undefended_name(const struct undefended_row *row)
{
	struct addr_text name;

	if (row->kind != SG_UNDEFENDED_CLOSED_PORT)
		return addr_text_listener(&row->addr, row->ipv6, row->port);
	if (row->port)
		snprintf(name.text, sizeof(name.text), "port %u", ntohs(row->port));
	else
		snprintf(name.text, sizeof(name.text), "many ports");
	return name;
}

struct undefended_fields {
	const struct undefended_row *row;
	char value[24];
};

static const char *undefended_field(void *userdata, const char *field)
{
	struct undefended_fields *f = userdata;
	const struct undefended_row *row = f->row;
	uint64_t number;

	if (!strcmp(field, "verdict"))
		return undefended_verdict(row);
	if (!strcmp(field, "meaning"))
		return row->verdict < SG_VERDICT_COUNT ? undefended_verdicts[row->verdict].meaning :
							 "";
	if (!strcmp(field, "remedy"))
		return row->verdict < SG_VERDICT_COUNT && undefended_remedies[row->verdict] ?
			       undefended_remedies[row->verdict] :
			       "";
	if (!strcmp(field, "rate"))
		number = row->per_sec;
	else if (!strcmp(field, "queue"))
		number = row->queue;
	else if (!strcmp(field, "limit"))
		number = row->limit;
	else
		return "{unknown field}";
	snprintf(f->value, sizeof(f->value), "%" PRIu64, number);
	return f->value;
}

const char *undefended_text(const struct undefended_row *row, char *text, size_t size)
{
	struct undefended_fields fields = { .row = row };

	text_fill(text, size,
		  row->kind < SG_UNDEFENDED_COUNT ? undefended_kinds[row->kind].sentence : "",
		  undefended_field, &fields);
	return text;
}
