/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/heavy_hitters.h"

#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/judge/cardinality.h"

#define TALKERS_SETS (SG_TALKER_KINDS * SG_TALKER_SETS)

static uint64_t talkers_key(const struct sg_talker_set *set, int way)
{
	return __atomic_load_n(&set->keys[way], __ATOMIC_ACQUIRE);
}

/* ---- who sends most ------------------------------------------------------------------------ */

/* A copy of the talker, or false where there is none or a program is just writing it. */
static bool talkers_get(const struct sg_talker_set *set, int way, uint64_t now_ns,
			struct sg_talker *ret)
{
	uint64_t key = talkers_key(set, way);
	struct sg_talker is = set->of[way];

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!key || key == SG_TALKER_BUSY || key != talkers_key(set, way))
		return false;
	if ((int64_t)(now_ns - is.last_ns) > (int64_t)TALKERS_FORGET_NS)
		return false;
	is.recent = sg_talker_recent(&is, now_ns >> SG_TALKER_SHIFT);
	*ret = is;
	return true;
}

/* What of it nobody completes; 0 of whoever completes a quarter: a proxy is not to be denied. */
static uint64_t talkers_unanswered(const struct sg_talker *t)
{
	if (t->completed >= t->syns / 4)
		return 0;
	return (unsigned __int128)t->recent * (t->syns - t->completed) / t->syns;
}

struct talkers_heavy {
	uint64_t unanswered;
	struct sg_addr addr;
};

/* The heaviest of a kind, the first of them first. */
static void talkers_heaviest(const struct sg_talker_set *sets, uint64_t now_ns,
			     struct talkers_heavy heavy[DETECT_FEW])
{
	int i, way, at;

	for (i = 0; i < SG_TALKER_SETS; i++)
		for (way = 0; way < SG_TALKER_WAYS; way++) {
			struct talkers_heavy is;
			struct sg_talker talker;

			if (!talkers_key(&sets[i], way) ||
			    !talkers_get(&sets[i], way, now_ns, &talker))
				continue;
			is.unanswered = talkers_unanswered(&talker);
			is.addr = talker.addr;
			for (at = DETECT_FEW; at && heavy[at - 1].unanswered < is.unanswered; at--)
				if (at < DETECT_FEW)
					heavy[at] = heavy[at - 1];
			if (at < DETECT_FEW)
				heavy[at] = is;
		}
}

static void talkers_weigh(const struct sg_talker_set *sets, uint64_t now_ns,
			  struct talkers_figures *f)
{
	struct talkers_heavy sources[DETECT_FEW] = {}, prefixes[DETECT_FEW] = {};
	struct sg_addr network;
	int i;

	talkers_heaviest(sets + SG_TALKER_SOURCE * SG_TALKER_SETS, now_ns, sources);
	talkers_heaviest(sets + SG_TALKER_PREFIX * SG_TALKER_SETS, now_ns, prefixes);
	for (i = 0; i < DETECT_FEW; i++)
		f->of_few += prefixes[i].unanswered;
	f->heaviest = prefixes[0].addr;
	f->of_heaviest = prefixes[0].unanswered;
	f->is_prefix = true;
	network = addrtext_network(&sources[0].addr);
	if (sources[0].unanswered >= f->of_heaviest / 10 * 9 && sources[0].unanswered &&
	    !memcmp(&network, &f->heaviest, sizeof(network))) {
		f->heaviest = sources[0].addr;
		f->is_prefix = false;
	}
}

/* As sg_talker_recent() has it for one. */
static uint64_t talkers_flow(struct talkers_flow *flow, const struct crowd *crowd, uint32_t window)
{
	uint64_t unanswered = detect_growth(crowd->syns, crowd->completed);
	uint64_t now = detect_growth(crowd->syns_now, crowd->completed_now);
	uint32_t gone = window - flow->window;

	if (gone == 1)
		flow->before = (flow->before + detect_growth(unanswered, now)) / 2;
	else if (gone)
		flow->before = detect_growth(unanswered, now) / 2 +
			       (gone < 32 ? (flow->before + flow->last) >> gone : 0);
	flow->window = window;
	flow->last = now;
	return now + flow->before;
}

struct detect_sources talkers_sources(const struct talkers_figures *f)
{
	return (struct detect_sources){
		.syns = f->syns,
		.completed = f->completed,
		.distinct = f->distinct,
		.unanswered = f->unanswered,
		.of_few = f->of_few,
	};
}

static double talkers_share(uint64_t part, uint64_t of)
{
	return !of ? 0 : part < of ? (double)part / of : 1;
}

double talkers_few_share(const struct talkers_figures *f)
{
	return talkers_share(f->of_few, f->unanswered);
}

double talkers_heaviest_share(const struct talkers_figures *f)
{
	return talkers_share(f->of_heaviest, f->unanswered);
}

/* ---- figures ------------------------------------------------------------------------------- */

int talkers_look(struct dataplane *dp, uint64_t now_ns, struct talkers_flow *flow,
		 struct talkers_figures *ret)
{
	const struct sg_talker_set *sets = dataplane_talkers(dp);
	struct talkers_figures f = {};
	struct crowd crowd;
	int r, i, way;

	r = dataplane_crowd(dp, now_ns, &crowd);
	if (r < 0)
		return r;
	f.distinct = crowd_distinct(&crowd);
	/* it is an estimate, and what sent no SYN is no source */
	if (f.distinct > crowd.syns)
		f.distinct = crowd.syns;
	f.syns = crowd.syns;
	f.completed = crowd.completed;
	f.since_ns = crowd.since_ns;
	f.randomness = crowd_randomness(f.distinct, f.syns);
	f.unanswered = flow ? talkers_flow(flow, &crowd, now_ns >> SG_TALKER_SHIFT) :
			      detect_growth(crowd.syns, crowd.completed);
	talkers_weigh(sets, now_ns, &f);
	for (i = 0; i < TALKERS_SETS; i++)
		for (way = 0; way < SG_TALKER_WAYS; way++)
			f.entries += talkers_key(&sets[i], way) != 0;
	*ret = f;
	return 0;
}

static int talkers_compare(const void *a, const void *b)
{
	const struct sg_talker *x = &((const struct talkers_row *)a)->is;
	const struct sg_talker *y = &((const struct talkers_row *)b)->is;

	if (x->recent != y->recent)
		return x->recent < y->recent ? 1 : -1;
	if (x->syns != y->syns)
		return x->syns < y->syns ? 1 : -1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

size_t talkers_copy(const struct sg_talker_set *sets, bool prefixes, uint64_t now_ns,
		    struct talkers_row *rows)
{
	size_t count = 0;
	int i, way;

	for (i = 0; i < TALKERS_SETS; i++) {
		bool of_prefixes = i / SG_TALKER_SETS == SG_TALKER_PREFIX;

		for (way = 0; way < SG_TALKER_WAYS; way++) {
			struct sg_talker is;

			if (!talkers_get(&sets[i], way, now_ns, &is))
				continue;
			if (of_prefixes ? !prefixes && addrtext_is_v4(&is.addr) : prefixes)
				continue;
			rows[count++] = (struct talkers_row){ .is = is };
		}
	}
	qsort(rows, count, sizeof(*rows), talkers_compare);
	return count;
}
