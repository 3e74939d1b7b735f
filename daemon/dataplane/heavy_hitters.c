/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/heavy_hitters.h"

#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/dataplane/counters.h"
#include "daemon/judge/cardinality.h"

#define HITTERS_SETS (SG_HITTER_KINDS * SG_HITTER_SETS)

static uint64_t hitters_key(const struct sg_hitter_set *set, int way)
{
	return __atomic_load_n(&set->keys[way], __ATOMIC_ACQUIRE);
}

/* ---- heaviest sources ----------------------------------------------------------------------- */

/* A copy of the heavy hitter, or false where there is none or a program is just writing it. */
static bool hitters_get(const struct sg_hitter_set *set, int way, uint64_t now_ns,
			struct sg_hitter *ret)
{
	uint64_t key = hitters_key(set, way);
	struct sg_hitter is = set->of[way];

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!key || key == SG_HITTER_BUSY || key != hitters_key(set, way))
		return false;
	if ((int64_t)(now_ns - is.last_ns) > (int64_t)HITTERS_FORGET_NS)
		return false;
	is.recent = sg_hitter_recent(&is, now_ns >> SG_HITTER_SHIFT);
	*ret = is;
	return true;
}

/* SYNs of late that were not completed; 0 where a quarter was: a proxy is not to be denied. */
static uint64_t hitters_unanswered(const struct sg_hitter *t)
{
	if (t->completed >= t->syns / 4)
		return 0;
	return (unsigned __int128)t->recent * (t->syns - t->completed) / t->syns;
}

struct hitters_heavy {
	uint64_t unanswered;
	struct sg_hitter is;
};

/* The heaviest of a kind, in descending order. */
static void hitters_heaviest(const struct sg_hitter_set *sets, uint64_t now_ns,
			     struct hitters_heavy heavy[DETECT_FEW])
{
	int i, way, at;

	for (i = 0; i < SG_HITTER_SETS; i++)
		for (way = 0; way < SG_HITTER_WAYS; way++) {
			struct hitters_heavy is;

			if (!hitters_key(&sets[i], way) ||
			    !hitters_get(&sets[i], way, now_ns, &is.is))
				continue;
			is.unanswered = hitters_unanswered(&is.is);
			for (at = DETECT_FEW; at && heavy[at - 1].unanswered < is.unanswered; at--)
				if (at < DETECT_FEW)
					heavy[at] = heavy[at - 1];
			if (at < DETECT_FEW)
				heavy[at] = is;
		}
}

/* An IPv4 /20, an IPv6 /60: what is wider is no network that somebody would deny. */
#define HITTERS_WIDER_BITS 4

/* What is in the table of a prefix, also of those in it that are no heavy hitters of a flood. */
static struct sg_hitter hitters_sum(const struct sg_hitter_set *sets, uint64_t now_ns,
				    const struct addr_prefix *p)
{
	struct sg_hitter sum = { .addr = p->addr }, is;
	int i, way;

	for (i = 0; i < SG_HITTER_SETS; i++)
		for (way = 0; way < SG_HITTER_WAYS; way++) {
			if (!hitters_get(&sets[i], way, now_ns, &is) ||
			    !addr_prefix_contains(p, &is.addr))
				continue;
			sum.syns += is.syns;
			sum.challenged += is.challenged;
			sum.completed += is.completed;
			sum.resets += is.resets;
			sum.recent += is.recent;
		}
	return sum;
}

/*
 * A network is often larger than a prefix of the table. A wider one is the heaviest where half of what it
 * consists of is among the few, and they send half as much again as the one before.
 */
static void hitters_widen(const struct sg_hitter_set *sets, uint64_t now_ns,
			  const struct hitters_heavy few[DETECT_FEW], struct hitters_figures *f)
{
	uint8_t bits = f->heaviest_bits;
	int wider, i;

	for (wider = 1; wider <= HITTERS_WIDER_BITS; wider++) {
		struct addr_prefix p = { f->heaviest.addr, bits - wider };
		uint64_t unanswered = 0;
		int inside = 0;

		addr_prefix_mask(&p);
		for (i = 0; i < DETECT_FEW && few[i].unanswered; i++)
			if (addr_prefix_contains(&p, &few[i].is.addr)) {
				unanswered += few[i].unanswered;
				inside++;
			}
		if (2 * inside < 1 << wider || 2 * unanswered < 3 * f->of_heaviest)
			continue;
		f->heaviest = hitters_sum(sets, now_ns, &p);
		f->heaviest_bits = p.bits;
		f->of_heaviest = unanswered;
	}
}

static void hitters_rank(const struct sg_hitter_set *sets, uint64_t now_ns,
			 struct hitters_figures *f)
{
	struct hitters_heavy sources[DETECT_FEW] = {}, prefixes[DETECT_FEW] = {};
	struct sg_addr network;
	int i;

	hitters_heaviest(sets + SG_HITTER_SOURCE * SG_HITTER_SETS, now_ns, sources);
	hitters_heaviest(sets + SG_HITTER_PREFIX * SG_HITTER_SETS, now_ns, prefixes);
	for (i = 0; i < DETECT_FEW; i++)
		f->of_few += prefixes[i].unanswered;
	f->heaviest = prefixes[0].is;
	f->of_heaviest = prefixes[0].unanswered;
	f->heaviest_bits = addr_network_bits(&f->heaviest.addr);
	network = addr_network(&sources[0].is.addr);
	if (sources[0].unanswered >= f->of_heaviest / 10 * 9 && sources[0].unanswered &&
	    !memcmp(&network, &f->heaviest.addr, sizeof(network))) {
		f->heaviest = sources[0].is;
		f->heaviest_bits = ADDR_BITS;
	} else if (f->of_heaviest) {
		hitters_widen(sets + SG_HITTER_PREFIX * SG_HITTER_SETS, now_ns, prefixes, f);
	}
}

/* Decays from window to window as sg_hitter_recent() does for one source. */
static uint64_t hitters_flow(struct hitters_flow *flow, const struct cardinality *all,
			     uint32_t window)
{
	uint64_t unanswered = rate_growth(all->syns, all->completed);
	uint64_t now = rate_growth(all->syns_now, all->completed_now);
	uint32_t gone = window - flow->window;

	if (gone == 1)
		flow->before = (flow->before + rate_growth(unanswered, now)) / 2;
	else if (gone)
		flow->before = rate_growth(unanswered, now) / 2 +
			       (gone < 32 ? (flow->before + flow->last) >> gone : 0);
	flow->window = window;
	flow->last = now;
	return now + flow->before;
}

struct detect_sources hitters_sources(const struct hitters_figures *f)
{
	return (struct detect_sources){
		.syns = f->syns,
		.completed = f->completed,
		.distinct = f->distinct,
		.unanswered = f->unanswered,
		.of_few = f->of_few,
	};
}

static double hitters_share(uint64_t part, uint64_t of)
{
	return !of ? 0 : part < of ? (double)part / of : 1;
}

double hitters_few_share(const struct hitters_figures *f)
{
	return hitters_share(f->of_few, f->unanswered);
}

double hitters_heaviest_share(const struct hitters_figures *f)
{
	return hitters_share(f->of_heaviest, f->unanswered);
}

enum detect_deny hitters_deny(const struct sg_hitter *hitter)
{
	return detect_deny(hitter->syns, hitter->completed, hitter->resets);
}

enum detect_deny hitters_heaviest_deny(const struct hitters_figures *f)
{
	return f->of_heaviest ? hitters_deny(&f->heaviest) : DETECT_DENY_UNCLEAR;
}

/* ---- figures ------------------------------------------------------------------------------- */

int hitters_sample(struct dataplane *dp, uint64_t now_ns, struct hitters_flow *flow,
		   struct hitters_figures *ret)
{
	const struct sg_hitter_set *sets = dataplane_heavy_hitters(dp);
	struct hitters_figures f = {};
	struct cardinality all;
	int r, i, way;

	r = dataplane_cardinality(dp, now_ns, &all);
	if (r < 0)
		return r;
	f.distinct = cardinality_distinct(&all);
	/* it is an estimate, and what sent no SYN is no source */
	if (f.distinct > all.syns)
		f.distinct = all.syns;
	f.syns = all.syns;
	f.completed = all.completed;
	f.since_ns = all.since_ns;
	f.randomness = cardinality_randomness(f.distinct, f.syns);
	f.unanswered = flow ? hitters_flow(flow, &all, now_ns >> SG_HITTER_SHIFT) :
			      rate_growth(all.syns, all.completed);
	hitters_rank(sets, now_ns, &f);
	for (i = 0; i < HITTERS_SETS; i++)
		for (way = 0; way < SG_HITTER_WAYS; way++)
			f.entries += hitters_key(&sets[i], way) != 0;
	*ret = f;
	return 0;
}

static int hitters_compare(const void *a, const void *b)
{
	const struct sg_hitter *x = &((const struct hitters_row *)a)->is;
	const struct sg_hitter *y = &((const struct hitters_row *)b)->is;

	if (x->recent != y->recent)
		return x->recent < y->recent ? 1 : -1;
	if (x->syns != y->syns)
		return x->syns < y->syns ? 1 : -1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

size_t hitters_copy(const struct sg_hitter_set *sets, bool prefixes, uint64_t now_ns,
		    struct hitters_row *rows)
{
	size_t count = 0;
	int i, way;

	for (i = 0; i < HITTERS_SETS; i++) {
		bool of_prefixes = i / SG_HITTER_SETS == SG_HITTER_PREFIX;

		for (way = 0; way < SG_HITTER_WAYS; way++) {
			struct sg_hitter is;

			if (!hitters_get(&sets[i], way, now_ns, &is))
				continue;
			if (of_prefixes ? !prefixes && addr_is_v4(&is.addr) : prefixes)
				continue;
			rows[count++] = (struct hitters_row){ .is = is };
		}
	}
	qsort(rows, count, sizeof(*rows), hitters_compare);
	return count;
}

static bool hitters_is_inside(const struct sg_addr *addr, bool is_prefix,
			      const struct addr_prefix *p)
{
	bool v4 = addr_is_v4(addr);
	struct addr_prefix row = { .addr = *addr, .bits = ADDR_MAPPED_BITS + 32 };

	if (is_prefix || !v4)
		row.bits = v4 ? ADDR_MAPPED_BITS + 24 : 64;
	if (v4 != addr_prefix_is_v4(p))
		return false;
	if (p->bits <= row.bits)
		return addr_prefix_contains(p, addr);
	return !v4 && addr_prefix_contains(&row, &p->addr);
}

uint64_t hitters_completed(const struct hitters_row *rows, size_t count, bool prefixes,
			   const struct addr_prefix *p)
{
	uint64_t completed = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (rows[i].is.completed && hitters_is_inside(&rows[i].is.addr, prefixes, p))
			completed += rows[i].is.completed;
	return completed;
}
