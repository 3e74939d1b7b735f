/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/carry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/abi.h"

/* Open addressing: twice the entries that there can be, so that searches end soon. */
#define CARRY_SLOTS (2 * SG_SERVICES_MAX)

#define CARRY_COUNTER_WORDS (sizeof(struct sg_counters) / sizeof(uint64_t))

enum {
	CARRY_SYNS,
	CARRY_CHALLENGED,
	CARRY_ACCEPTED,
	CARRY_BORN,
	CARRY_SERVICE_WORDS,
};

struct carry_service {
	uint64_t round; /* the last one that it was there in; 0: the slot is free */
	struct sg_addr addr;
	uint16_t port;
	uint64_t base[CARRY_SERVICE_WORDS], last[CARRY_SERVICE_WORDS];
};

struct carry {
	uint64_t base[SG_PROGRAM_COUNT][CARRY_COUNTER_WORDS];
	uint64_t last[SG_PROGRAM_COUNT][CARRY_COUNTER_WORDS];
	struct carry_service *slots; /* [CARRY_SLOTS] */
	size_t used;
	uint64_t round;
};

void carry_step(uint64_t *base, uint64_t *last, const uint64_t *now, uint64_t *totals, size_t count)
{
	bool anew = false;
	size_t i;

	for (i = 0; i < count; i++)
		anew = anew || now[i] < last[i];
	for (i = 0; i < count; i++) {
		if (anew)
			base[i] += last[i];
		last[i] = now[i];
		totals[i] = base[i] + now[i];
	}
}

int carry_new(struct carry **ret)
{
	struct carry *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->slots = calloc(CARRY_SLOTS, sizeof(*c->slots));
	if (!c->slots) {
		carry_free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

struct carry *carry_free(struct carry *c)
{
	if (!c)
		return NULL;
	free(c->slots);
	free(c);
	return NULL;
}

void carry_counters(struct carry *c, enum sg_program program, struct sg_counters *counters)
{
	uint64_t *words = (uint64_t *)counters;

	carry_step(c->base[program], c->last[program], words, words, CARRY_COUNTER_WORDS);
}

/* ---- services ------------------------------------------------------------------------------ */

/* The multiplier is 2^64 / the golden ratio (Knuth): it spreads addresses that are in a row. */
static size_t carry_hash(const struct sg_addr *addr, uint16_t port)
{
	uint64_t h = addr->halves[0];

	h = (h ^ addr->halves[1]) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ (h >> 32) ^ port) * 0x9e3779b97f4a7c15ULL;
	return (h >> 32) % CARRY_SLOTS;
}

/* The slot of the service, or the free one where it belongs. */
static struct carry_service *carry_slot(struct carry_service *slots, const struct sg_addr *addr,
					uint16_t port)
{
	size_t i = carry_hash(addr, port);

	while (slots[i].round &&
	       (slots[i].port != port || memcmp(&slots[i].addr, addr, sizeof(*addr))))
		i = (i + 1) % CARRY_SLOTS;
	return &slots[i];
}

/*
 * Forgets those that were not there in this round or the one before. There are at most
 * SG_SERVICES_MAX in a round, so at least half of the slots are free then, save where all changed
 * at once; what finds no room is not carried.
 */
static void carry_make_room(struct carry *c)
{
	struct carry_service *old = c->slots, *slots = calloc(CARRY_SLOTS, sizeof(*slots));
	size_t i;

	if (!slots)
		return;
	c->used = 0;
	for (i = 0; i < CARRY_SLOTS; i++) {
		if (old[i].round + 1 < c->round || !old[i].round)
			continue;
		*carry_slot(slots, &old[i].addr, old[i].port) = old[i];
		c->used++;
	}
	c->slots = slots;
	free(old);
}

/* False: a row of this service has been seen in this round. */
static bool carry_service(struct carry *c, struct report_service *row)
{
	const uint64_t now[] = {
		[CARRY_SYNS] = row->syns,
		[CARRY_CHALLENGED] = row->challenged,
		[CARRY_ACCEPTED] = row->accepted,
		[CARRY_BORN] = row->born,
	};
	struct carry_service *s = carry_slot(c->slots, &row->addr, row->port);
	uint64_t totals[CARRY_SERVICE_WORDS];

	if (s->round == c->round)
		return false;
	if (!s->round) {
		/* one slot stays free, so that every search ends */
		if (c->used == CARRY_SLOTS - 1)
			return true;
		s->addr = row->addr;
		s->port = row->port;
		c->used++;
	}
	s->round = c->round;
	carry_step(s->base, s->last, now, totals, CARRY_SERVICE_WORDS);
	row->syns = totals[CARRY_SYNS];
	row->challenged = totals[CARRY_CHALLENGED];
	row->accepted = totals[CARRY_ACCEPTED];
	row->born = totals[CARRY_BORN];
	return true;
}

void carry_services(struct carry *c, struct report_service *services, uint64_t *count)
{
	uint64_t i, kept = 0;

	c->round++;
	if (c->used > CARRY_SLOTS - SG_SERVICES_MAX)
		carry_make_room(c);
	for (i = 0; i < *count; i++) {
		if (!carry_service(c, &services[i]))
			continue;
		if (kept != i)
			services[kept] = services[i];
		kept++;
	}
	*count = kept;
}
