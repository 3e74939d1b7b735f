/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/canary.h"

#include <stdbool.h>

#include "synguard/abi.h"

#include "daemon/base/clock.h"

#define NS_PER_SEC 1000000000ULL

/* So many sources fail before anybody else is thought of. */
#define CANARY_FAILING_MIN 8

/* So many that connect tell that the host drops what it drops for the sake of its source. */
#define CANARY_SEVERAL 2

/*
 * How long enough of them fail before it is a verdict: whoever else is there has the time to show
 * that he connects. Longer where several did lately and those that fail are others.
 */
#define CANARY_PATIENCE_NS	(2 * NS_PER_SEC)
#define CANARY_PATIENCE_LONG_NS (10 * NS_PER_SEC)
#define CANARY_SUCCESS_LASTS_NS (60 * NS_PER_SEC)

/* A block is as if it were the first after so long without one. */
#define CANARY_FORGET_NS (600 * NS_PER_SEC)

static void canary_begin(struct canary *c)
{
	c->failing = 0;
	c->connected = 0;
	c->relapsed = 0;
	c->enough_ns = 0;
}

/* Whether several sources have connected of late. */
static bool canary_others_connect(const struct canary *c, uint64_t now_ns)
{
	return c->success_ns && now_ns - c->success_ns < CANARY_SUCCESS_LASTS_NS;
}

static uint64_t canary_patience_ns(const struct canary *c, uint64_t now_ns)
{
	return canary_others_connect(c, now_ns) && c->relapsed < CANARY_SEVERAL ?
		       CANARY_PATIENCE_LONG_NS :
		       CANARY_PATIENCE_NS;
}

static uint64_t canary_block(struct canary *c, uint64_t now_ns)
{
	bool again = c->block_ns && now_ns - c->until_ns < CANARY_FORGET_NS;

	c->block_ns = again ? 2 * c->block_ns : CANARY_BLOCK_NS;
	if (c->block_ns > CANARY_BLOCK_MAX_NS)
		c->block_ns = CANARY_BLOCK_MAX_NS;
	c->until_ns = now_ns + c->block_ns;
	return c->block_ns;
}

struct canary_verdict canary_step(struct canary *c, uint64_t now_ns,
				  const struct canary_growth *grew)
{
	struct canary_verdict verdict = {};

	c->failing = rate_growth(c->failing + grew->doubts, grew->cleared);
	c->connected += grew->successes;
	c->relapsed += grew->relapses;
	if (c->connected >= CANARY_SEVERAL) {
		canary_begin(c);
		c->success_ns = now_ns;
		c->block_ns = 0;
	}
	/* nobody is challenged in a block: what still comes tells nothing new */
	if (now_ns < c->until_ns)
		canary_begin(c);
	if (c->failing < CANARY_FAILING_MIN)
		c->enough_ns = 0;
	else if (!c->enough_ns)
		c->enough_ns = now_ns;
	/* and it goes on */
	if (!grew->doubts || !c->enough_ns || now_ns - c->enough_ns < canary_patience_ns(c, now_ns))
		return verdict;
	verdict = (struct canary_verdict){ canary_block(c, now_ns), c->failing, c->connected };
	canary_begin(c);
	return verdict;
}

const char *canary_cause(const struct canary *c, uint64_t now_ns, uint32_t input_hooks)
{
	if (!(input_hooks & SG_INPUT_KNOWN))
		return "look for a firewall rule that drops ACKs, a security module, an IPsec "
		       "policy "
		       "or a filter on the socket";
	if (!(input_hooks & (SG_INPUT_CONNTRACK | SG_INPUT_RULES)))
		return "no firewall rule is in the input chains; look for one in other chains, a "
		       "security module, an IPsec policy or a filter on the socket";
	/* connection tracking makes no difference between sources */
	if (canary_others_connect(c, now_ns))
		return "others connect: look for a firewall rule for these sources";
	if (input_hooks & SG_INPUT_CONNTRACK)
		return "connection tracking is active: look for a firewall rule that drops ACKs "
		       "without a SYN before them, or for a rule for these sources";
	return "look for a firewall rule, without connection tracking, that drops them or their "
	       "ACKs";
}
