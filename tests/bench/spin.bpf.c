/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes the same frame again before each run of the program under measurement, with another
 * source and, if asked, another destination, and tail-calls it: BPF_PROG_RUN repeats with what the
 * run before left in the buffer, which after a challenge is a SYN-ACK. The same with a program
 * that only drops is the yardstick.
 *
 * The words are laid so that no field of the headers lies in two of them. A CPU stalls where it
 * reads at once what has just been written in pieces, and the frames of a network card are not.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SPIN_WORDS	  11
#define SPIN_DESTINATIONS 4096

/* Set by the bench. */
__u32 lead;		 /* bytes before the first word: 2 for IPv4, 6 for IPv6 */
__u32 head[2];		 /* those bytes */
__u64 frame[SPIN_WORDS]; /* the rest */
__u32 sources;		 /* how many there are: 1 to 2^28 */
__u32 source_net;	 /* the bits that they all have, in host order; the lowest 28 are theirs */
__u32 destination_mask;	 /* one less than how many of destinations[] are in use: a power of 2 */
__u32 destinations[SPIN_DESTINATIONS]; /* of IPv4, in network order */
__u32 turn, source;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

/* No two alike: an odd factor permutes the numbers of 28 bits. */
static __always_inline __u32 next_source(void)
{
	__u32 s = source + 1 < sources ? source + 1 : 0;

	source = s;
	return bpf_htonl(source_net | (s * 2654435761u & 0x0fffffff));
}

static __always_inline void write_words(void *data, void *end, int at, int vary, __u64 varied,
					int ports)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < SPIN_WORDS; i++) {
		__u64 word = i == vary	? varied :
			     i == ports ? (frame[i] & ~0xffffULL) | (turn & 0x7fff) | 0x80 :
					  frame[i];

		void *to = data + at + i * 8;

		/* or clang joins the bounds of two words in a way that the verifier cannot follow */
		asm volatile("" : "+r"(to));
		if (to + 8 > end) {
			if (to + 4 <= end)
				*(__u32 *)to = word;
			break;
		}
		*(__u64 *)to = word;
	}
}

/* Source and destination are the word at 26; the ports begin that at 34. */
static __always_inline void write_ipv4(void *data, void *end)
{
	__u64 to = destinations[turn & destination_mask & (SPIN_DESTINATIONS - 1)];

	*(__u16 *)data = head[0];
	write_words(data, end, 2, 3, to << 32 | next_source(), 4);
}

/* The source is the words at 22 and 30, of which the first is the /64; the ports begin that at 54. */
static __always_inline void write_ipv6(void *data, void *end)
{
	*(__u32 *)data = head[0];
	*(__u16 *)(data + 4) = head[1];
	write_words(data, end, 6, 2, (frame[2] & 0xffffffff) | (__u64)next_source() << 32, 6);
}

SEC("xdp.frags")
int spin(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	turn++;
	if (data + 14 <= end) {
		if (lead == 2)
			write_ipv4(data, end);
		else
			write_ipv6(data, end);
	}
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
