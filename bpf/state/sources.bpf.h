/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of a source: whether the administrator has listed it, whether it is a verified client,
 * and how many challenges it was sent that nobody answered.
 *
 * The tables are keyed by a 64-bit hash with a random salt, so that nobody outside can choose sources
 * that meet in one place, and two sources with the same hash are not to be expected. No address is
 * kept. Counts are kept without atomics: a lost one lets a SYN more or less through.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/state/sets.bpf.h"

/* The window of about a second in which the SYNs and challenges of a source are counted. */
static __always_inline __u32 source_window(__u64 now_ns)
{
	return now_ns >> SG_BUDGET_WINDOW_SHIFT;
}

/*
 * A product's bits depend on those below them only, so what differs between the addresses of one
 * network has to come to the bottom before it is multiplied: the tables take the bits from 32 on.
 */
static __always_inline __u64 source_hash(__u64 high, __u64 low)
{
	__u64 h = (high ^ control.source_salt) * 0x9e3779b97f4a7c15ULL;

	h ^= h >> 32;
	h = (h ^ (low << 32 | low >> 32)) * 0xbf58476d1ce4e5b9ULL;
	return h ^ h >> 32;
}

/* The lowest bit tells addresses from prefixes; a key of an address is therefore never 0. */
static __always_inline __u64 source_address(const struct sg_addr *a)
{
	return source_hash(a->halves[0], a->halves[1]) | 1;
}

/* The host part is zeroed: of the IPv4 /24, the IPv6 /64. */
static __always_inline void source_network(struct sg_addr *network, const struct sg_addr *a,
					   __u8 version)
{
	*network = *a;
	if (version == 4)
		network->bytes[15] = 0;
	else
		network->halves[1] = 0;
}

static __always_inline __u64 source_prefix(const struct sg_addr *a, __u8 version)
{
	struct sg_addr prefix;

	source_network(&prefix, a, version);
	return source_hash(prefix.halves[0], prefix.halves[1]) & ~1ULL;
}

/* One client: an IPv4 address, or an IPv6 /64, in which anybody has all addresses. */
static __always_inline __u64 source_client(const struct sg_addr *a, __u8 version)
{
	return version == 4 ? source_address(a) : source_prefix(a, version);
}

/* ---- the lists -------------------------------------------------------------------------------- */

/*
 * Sources on the allow list are passed whatever else is known, also where they are on both lists; of
 * those on the deny list SYNs for this host are dropped, except in mode observe. What is
 * established goes on. A global function, so that the verifier proves it once, by itself. An
 * enum sg_verdict.
 */
__noinline int source_look_up(const struct packet *p)
{
	struct sg_listed key = { .prefix_bits = 8 * sizeof(key.addr) };

	if (!p)
		return SG_UNDECIDED;
	__builtin_memcpy(key.addr, &p->saddr, sizeof(key.addr));
	if ((control.listed & SG_LISTED_ALLOW) && bpf_map_lookup_elem(&allowed, &key))
		return SG_V_ALLOWED;
	if ((control.listed & SG_LISTED_DENY) && control.mode != SG_MODE_OBSERVE &&
	    bpf_map_lookup_elem(&denied, &key) && addr_is_local(&p->daddr))
		return SG_V_DENIED;
	return SG_UNDECIDED;
}

/* Empty lists cost one comparison. */
static __always_inline enum sg_verdict source_listed(const struct packet *p)
{
	return control.listed ? source_look_up(p) : SG_UNDECIDED;
}

/* ---- verified clients: sources that completed a handshake with this host within an hour ------- */

/*
 * Their SYNs pass also while their service is defended, which keeps them Fast Open and what else a
 * challenge does not carry.
 *
 * Only a completed handshake enters a client, so a flood of forged sources enters nobody and evicts
 * nobody. The address of a verified client can be forged: so a client may have a few SYNs under way
 * that no handshake has followed, and is challenged like anybody beyond them.
 *
 * Nearly all SYNs of a flood are of nobody known, so a tag of each client is kept in a table small
 * enough to stay in the first cache. A lost tag makes a client anybody until its next handshake.
 */
MAP(clients, ARRAY, SG_CLIENT_SETS, 0, __u32, struct sg_client_set);

/* Of each set a byte for each way (sets.bpf.h), 0 = none. */
__u32 client_tags[SG_CLIENT_SETS];

static __always_inline __u32 client_place(__u64 key)
{
	return key >> 32 & (SG_CLIENT_SETS - 1);
}

static __always_inline struct sg_client *client_set(__u64 key)
{
	__u32 at = client_place(key);
	struct sg_client_set *set = bpf_map_lookup_elem(&clients, &at);

	return set ? set->of : NULL;
}

/* Never 0, which a place has that nobody took yet. Other bits than those of the place. */
static __always_inline __u8 client_tag(__u64 key)
{
	return key >> 56 | 1;
}

static __always_inline void client_set_tag(__u64 key, __u32 way)
{
	((__u8 *)&client_tags[client_place(key)])[way] = client_tag(key);
}

/* What is left of its hour, in windows; 0: it is over, or the place is free. */
static __always_inline __u32 client_worth(const void *entry, __u32 window)
{
	const struct sg_client *c = entry;
	__u32 age = window - c->seen;

	return c->key && age < SG_CLIENT_WINDOWS ? SG_CLIENT_WINDOWS - age : 0;
}

/* Whether a SYN of this source_client() may pass as that of a verified one: it is then under way. */
static __always_inline bool client_admits(__u64 key, __u64 now_ns)
{
	__u32 window = source_window(now_ns);
	struct sg_client *set, *c;

	/* of others, one in 32 where all places are taken */
	if (!set_match_tags(client_tags[client_place(key)], client_tag(key)))
		return false;
	set = client_set(key);
	c = set ? set_find(set, SG_CLIENT_WAYS, sizeof(*c), key) : NULL;
	if (!c || !client_worth(c, window))
		return false;
	if (c->window != (__u16)window) {
		c->window = window;
		c->pending = 0;
	}
	if (c->pending >= control.client_allowance)
		return false;
	c->pending++;
	return true;
}

/* A handshake was completed. Takes a free place, else that of the one not seen for longest. */
static __always_inline void client_verify(const struct sg_addr *a, __u8 version, __u64 now_ns)
{
	__u32 window = source_window(now_ns);
	__u64 key = source_client(a, version);
	struct sg_client *set = client_set(key);
	__u32 way;

	if (!set)
		return;
	sg_unroll
	for (way = 0; way < SG_CLIENT_WAYS; way++) {
		struct sg_client *c = &set[way];

		if (c->key != key)
			continue;
		client_set_tag(key, way);
		c->seen = window;
		c->pending -= c->window == (__u16)window && c->pending;
		return;
	}
	way = set_least(set, SG_CLIENT_WAYS, sizeof(*set), client_worth, window, ~0u) &
	      (SG_CLIENT_WAYS - 1);
	set[way] = (struct sg_client){ .key = key, .seen = window, .window = window };
	client_set_tag(key, way);
}

/* ---- the reply budget ------------------------------------------------------------------------- */

/*
 * How many challenges one source, or one prefix, may be sent that nobody answers. Sources are forged,
 * and the owner of a forged address gets our replies. A reply is larger than its SYN by no more
 * than the MSS option, where that had none, but there is no reason to send a stranger thousands.
 * What is completed does not count: a busy NAT gateway of real clients is not limited.
 *
 * Each 16th challenge counts 16 times, and where a CPU sends a service's more than BUDGET_FLOOD in a
 * second each 64th 64 times, as the two lines of the table are in nobody's cache: in a hashed
 * bucket of the source and one of its prefix. A bucket over the budget puts exactly this source
 * into a small table of the suppressed, for the rest of the window. While that table is empty a SYN
 * pays one comparison. 65536 buckets keep 30 million random SYNs a second below a budget of 1024.
 */
#define BUDGET_FLOOD	    32768
#define BUDGET_FLOOD_SAMPLE 64
#define BUDGET_LINES	    4096
#define BUDGET_PER_LINE	    16
#define SUPPRESSED_SETS	    256

struct budget_bucket {
	__u16 window;
	__u16 unanswered; /* in 16ths */
};

struct budget_line {
	struct budget_bucket of[BUDGET_PER_LINE]; /* a cache line */
};

struct suppressed {
	struct set_timed of[SUPPRESSED_SETS][SET_TIMED_WAYS];
};

MAP(budgets, ARRAY, BUDGET_LINES, 0, __u32, struct budget_line);
MAP(suppressed, ARRAY, 1, 0, __u32, struct suppressed);

/* When the last of the suppressed may be answered again; 0 = nobody was suppressed. */
__u64 suppressed_until_ns;

static __always_inline struct set_timed *budget_suppressed_set(__u64 key)
{
	struct suppressed *s = map_only_value(&suppressed);

	return s ? s->of[key >> 32 & (SUPPRESSED_SETS - 1)] : NULL;
}

static __always_inline bool budget_is_suppressed(__u64 key, __u64 now_ns)
{
	struct set_timed *set = budget_suppressed_set(key);
	const struct set_timed *s = set ? set_find_timed(set, key) : NULL;

	return s && s->until_ns > now_ns;
}

static __always_inline void budget_suppress(__u64 key, __u64 now_ns)
{
	__u64 until_ns = (__u64)(source_window(now_ns) + 1) << SG_BUDGET_WINDOW_SHIFT;
	struct set_timed *set = budget_suppressed_set(key);

	if (!set)
		return;
	set_claim(set, key, now_ns, until_ns);
	suppressed_until_ns = until_ns;
}

static __always_inline struct budget_bucket *budget_bucket(__u64 key, __u64 now_ns)
{
	__u32 at = key >> 48 & (BUDGET_LINES - 1);
	__u16 window = source_window(now_ns);
	struct budget_line *line = bpf_map_lookup_elem(&budgets, &at);
	struct budget_bucket *b;

	if (!line)
		return NULL;
	b = &line->of[key >> 32 & (BUDGET_PER_LINE - 1)];
	if (b->window != window) {
		b->window = window;
		b->unanswered = 0;
	}
	return b;
}

static __always_inline void budget_charge_one(__u64 key, __u32 sixteens, __u32 budget, __u64 now_ns)
{
	struct budget_bucket *b = budget ? budget_bucket(key, now_ns) : NULL;

	if (!b)
		return;
	b->unanswered = sg_min(b->unanswered + sixteens, 0xffff);
	if (b->unanswered * SG_BUDGET_SAMPLE >= budget)
		budget_suppress(key, now_ns);
}

/*
 * A challenge went to the source: by the numbers of this service's challenges before it, in all and
 * in this second, it is one of those that count, or not.
 */
static __always_inline void budget_charge(const struct packet *p, __u64 number, __u32 of_second,
					  __u64 now_ns)
{
	__u32 sample = of_second < BUDGET_FLOOD ? SG_BUDGET_SAMPLE : BUDGET_FLOOD_SAMPLE;
	__u32 sixteens = sample / SG_BUDGET_SAMPLE;

	if (number & (sample - 1))
		return;
	budget_charge_one(source_address(&p->saddr), sixteens, control.reply_budget, now_ns);
	budget_charge_one(source_prefix(&p->saddr, p->version), sixteens,
			  control.reply_budget_prefix, now_ns);
}

static __always_inline void budget_refund_one(__u64 key, __u64 now_ns)
{
	struct budget_bucket *b = budget_bucket(key, now_ns);

	/* not below 0, or handshakes of an accomplice would pay for the flood of the next moment */
	if (b && b->unanswered)
		b->unanswered--;
}

/* The source answered one. */
static __always_inline void budget_refund(const struct sg_addr *peer, __u8 version, __u64 now_ns)
{
	budget_refund_one(source_address(peer), now_ns);
	budget_refund_one(source_prefix(peer, version), now_ns);
}

static __always_inline bool budget_is_spent(const struct packet *p, __u64 now_ns)
{
	if (suppressed_until_ns <= now_ns)
		return false;
	return budget_is_suppressed(source_address(&p->saddr), now_ns) ||
	       budget_is_suppressed(source_prefix(&p->saddr, p->version), now_ns);
}
