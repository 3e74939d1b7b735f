/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sources that the administrator has named: those on the allow list are passed whatever else is
 * known, those on the deny list send no SYN to this host. What is established goes on.
 *
 * Who is on both is passed. What only passes through this host is not ours to drop, and in mode
 * observe nothing is. Empty lists cost one comparison.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/state/listener.bpf.h"

/* A global function, so that the verifier proves it once, by itself. An enum sg_verdict. */
__noinline int listed_lookup(const struct packet *p)
{
	struct sg_listed key = { .prefix_bits = 8 * sizeof(key.addr) };

	if (!p)
		return SG_UNDECIDED;
	__builtin_memcpy(key.addr, &p->saddr, sizeof(key.addr));
	if ((control.listed & SG_LISTED_ALLOW) && bpf_map_lookup_elem(&allowed, &key))
		return SG_V_ALLOWED;
	if ((control.listed & SG_LISTED_DENY) && control.mode != SG_MODE_OBSERVE &&
	    bpf_map_lookup_elem(&denied, &key) && listener_is_here(&p->daddr))
		return SG_V_DENIED;
	return SG_UNDECIDED;
}

static __always_inline enum sg_verdict listed_source(const struct packet *p)
{
	return control.listed ? listed_lookup(p) : SG_UNDECIDED;
}
