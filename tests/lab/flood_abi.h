/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the flood's BPF program and flood.c share in memory. Loaded together, so no promise to
 * anybody else.
 */
#pragma once

#include <linux/types.h>

/* Ethernet 14 + IPv6 40 + TCP 20 + options 20, rounded up to words. */
#define FLOOD_FRAME_BYTES_4 74
#define FLOOD_FRAME_BYTES_6 94
#define FLOOD_FRAME_ROOM    96

/*
 * A frame with zeros where each packet differs: source, ports, sequence number, TSval, IPv4
 * identification, checksums. The sums are those of the rest (RFC 1071, unfolded, in the byte order
 * of memory), the pseudo header included, so that the program adds what it fills in.
 */
struct flood_template {
	__u64 words[FLOOD_FRAME_ROOM / 8];
	__u32 ip_sum;
	__u32 tcp_sum;
};

/* Constant from the load on. All in host byte order. */
struct flood_config {
	struct flood_template v4;
	struct flood_template v6;
	__u64 interval;	  /* between two SYNs, 2^-10 ns; 0 = as fast as it goes */
	__u64 catch_up;	  /* so far behind the schedule it may be, 2^-10 ns */
	__u64 count;	  /* SYNs at most */
	__u32 ipv6_share; /* of 256 */
	__u32 ports;	  /* this many from @port on */
	__u32 port;
	__u32 src4_mask; /* the bits of the source that are random */
	__u32 src6_mask[4];
};

#define FLOOD_TIME_SHIFT 10

/* Times are CLOCK_MONOTONIC. One writer: the program, but for end_ns. */
struct flood_state {
	__u64 end_ns;	/* set by the runner before it starts */
	__u64 start_ns; /* of the first frame */
	__u64 next;	/* when the next SYN is due, ns << FLOOD_TIME_SHIFT */
	__u64 offered;
	__u64 skipped; /* SYNs that were due while the CPU had no time for them */
};
