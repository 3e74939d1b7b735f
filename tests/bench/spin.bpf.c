/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes the same frame again before each run of the program under measurement, with another
 * source, and tail-calls it: BPF_PROG_RUN repeats with what the run before left in the buffer,
 * which after a challenge is a SYN-ACK. The same with a program that only drops is the yardstick.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SPIN_WORDS 12 /* 96 bytes: an IPv6 SYN as Linux sends it has 94 */

/* Set by the bench. */
__u64 frame[SPIN_WORDS];
__u32 source_offset; /* of the 32 bits of the source that change each time */
__u32 source_net;    /* what they all have, in network order */
__u32 turn;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

static __always_inline void write_frame(void *data, void *end)
{
	__u32 *source;

#pragma clang loop unroll(full)
	for (int i = 0; i < SPIN_WORDS; i++) {
		if (data + (i + 1) * 8 <= end)
			*(__u64 *)(data + i * 8) = frame[i];
		else if (data + i * 8 + 2 <= end)
			*(__u16 *)(data + i * 8) = frame[i];
	}
	source = data + (source_offset & 63);
	if ((void *)(source + 1) <= end)
		*source = source_net | bpf_htonl(turn++ * 2654435761u >> 4);
}

SEC("xdp.frags")
int spin(struct xdp_md *ctx)
{
	write_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("tc")
int next(struct __sk_buff *skb)
{
	return -1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
