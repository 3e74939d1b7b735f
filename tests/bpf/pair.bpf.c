/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes two packets of a frame that is sent twice: the first time its end is cut off, the second
 * time its beginning. So two packets that differ arrive in one batch.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 first_bytes;
const volatile __u32 second_bytes;

__u64 runs;

SEC("xdp")
int pair(struct xdp_md *ctx)
{
	if (runs++)
		bpf_xdp_adjust_head(ctx, first_bytes);
	else
		bpf_xdp_adjust_tail(ctx, -(int)second_bytes);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
