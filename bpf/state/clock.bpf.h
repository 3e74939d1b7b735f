/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The clock of the programs: the kernel's coarse CLOCK_MONOTONIC, asked once per tick and CPU.
 *
 * The coarse clock moves on only with a tick, which also counts jiffies, and jiffies are read
 * without a call; asking the clock is two, of which each return is mispredicted on a CPU that does
 * not trust its prediction of returns. What this says is what bpf_ktime_get_coarse_ns() says.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"

static __always_inline __u64 clock_now(void)
{
	__u32 zero = 0;
	struct sg_tick *t = bpf_map_lookup_elem(&ticks, &zero);
	__u64 jiffies = bpf_jiffies64(), now_ns;

	if (t && t->jiffies == jiffies)
		return t->now_ns;
	now_ns = bpf_ktime_get_coarse_ns();
	/*
	 * Jiffies are counted a moment before the clock is set (tick_do_update_jiffies64()): in
	 * between, the old time must not be kept for the new tick.
	 */
	if (t && t->now_ns != now_ns) {
		t->now_ns = now_ns;
		t->jiffies = jiffies;
	}
	return now_ns;
}
