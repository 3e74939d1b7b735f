/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a service is blocked, because what is accepted there does not become connections. Pure.
 *
 * Stateful firewalls, security modules, and what nobody thought of, drop acceptances, and then those
 * of nearly all clients. A filter drops those of some, and who wants a service blocked can have his
 * own dropped. So sources are judged and not acceptances: many must fail, and next to none may
 * connect, for a while. Each of those who fail is left to the kernel anyway (bpf/state/canary.bpf.h).
 * The first doubt is worth a short block, and one that comes back a longer one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CANARY_BLOCK_NS	    (5 * 1000000000ULL)
#define CANARY_BLOCK_MAX_NS (180 * 1000000000ULL)

/* What grew since the last look: the counters of struct sg_tally without their prefix. */
struct canary_growth {
	uint64_t doubts, cleared, successes, relapses;
};

struct canary {
	/* sources since the last success */
	uint64_t failing, connected, relapsed;
	uint64_t enough_ns;  /* since when enough are failing; 0 = they are not */
	uint64_t success_ns; /* when several sources had connected last; 0 = never */
	uint64_t block_ns;   /* how long the last block lasts; 0 = none since the last success */
	uint64_t until_ns;   /* its end */
};

/* And by how many sources it was decided. */
struct canary_verdict {
	uint64_t block_ns; /* 0: none */
	uint64_t failing, connected;
};

/* Once a second. */
struct canary_verdict canary_step(struct canary *c, uint64_t now_ns,
				  const struct canary_growth *grew);

/* What to look for, by the SG_INPUT_* of an inspection and by whether others connect; static. */
const char *canary_cause(const struct canary *c, uint64_t now_ns, uint32_t input_hooks);
