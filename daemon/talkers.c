/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "talkers.h"

#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "addrtext.h"
#include "crowd.h"
#include "dataplane.h"

#define TALKERS_SETS (SG_TALKER_KINDS * SG_TALKER_SETS)

static uint64_t talkers_key(const struct sg_talker_set *set, int way)
{
	return __atomic_load_n(&set->keys[way], __ATOMIC_ACQUIRE);
}

int talkers_look(struct dataplane *dp, uint64_t now_ns, struct talkers_figures *ret)
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
			uint64_t key = talkers_key(&sets[i], way);
			struct sg_talker is = sets[i].of[way];

			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (!key || key == SG_TALKER_BUSY || key != talkers_key(&sets[i], way))
				continue;
			if ((int64_t)(now_ns - is.last_ns) > (int64_t)TALKERS_FORGET_NS)
				continue;
			if (of_prefixes ? !prefixes && addrtext_is_v4(&is.addr) : prefixes)
				continue;
			is.recent = sg_talker_recent(&is, now_ns >> SG_TALKER_SHIFT);
			rows[count++] = (struct talkers_row){ .is = is };
		}
	}
	qsort(rows, count, sizeof(*rows), talkers_compare);
	return count;
}
