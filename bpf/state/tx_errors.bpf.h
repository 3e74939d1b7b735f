/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of XDP's answers: a driver takes XDP_TX for done and may still fail to send. Some
 * tell of each frame that they could not queue (xdp_exception), some of each bundle (xdp_bulk_tx).
 * Counted by interface; whether it is too much is for the daemon to say.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"

static __always_inline void tx_errors_count(const struct net_device *dev, __u64 sent_frames,
					    __u64 failed_frames, __u64 told)
{
	struct sg_tx first = { .sent = sent_frames, .failed = failed_frames, .told = told };
	__u32 ifindex = dev->ifindex;
	struct sg_tx *tx;

	/* fires for every network namespace of the machine */
	if (dev->nd_net.net->ns.inum != control.netns_inum)
		return;
	tx = bpf_map_lookup_elem(&sent, &ifindex);
	if (!tx) {
		bpf_map_update_elem(&sent, &ifindex, &first, BPF_NOEXIST);
		return;
	}
	tx->sent += sent_frames;
	tx->failed += failed_frames;
	tx->told += told;
}
