/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and the daemon share in memory.
 *
 * Both sides are compiled from this header and loaded together, so it is no promise to anybody
 * else. Times are nanoseconds of CLOCK_MONOTONIC (bpf/state/clock.bpf.h); 0 means never.
 *
 * One writer for each datum: a field says who writes it, "daemon" or "programs". The services are
 * an mmap()ed array; the daemon reads and writes single aligned fields with relaxed atomics.
 */
#pragma once

#include <linux/types.h>

#include "synguard/verdict.h"

enum sg_mode {
	SG_MODE_OFF,	 /* look at nothing; acceptances of earlier challenges go on */
	SG_MODE_OBSERVE, /* count what would be done, change nothing */
	SG_MODE_AUTO,	 /* challenge while a service's queue calls for it */
	SG_MODE_ALWAYS,	 /* challenge every SYN of every proven service */
	SG_MODE_COUNT,
};

/*
 * The service table: sets of SG_SERVICE_WAYS consecutive entries, the set chosen by a hash of
 * (address, port). A SYN of a defended service therefore costs one array access, usually.
 * An entry is never evicted by a packet; the daemon frees those whose listener has long gone.
 */
#define SG_SERVICE_SETS 512
#define SG_SERVICE_WAYS 8
#define SG_SERVICES_MAX (SG_SERVICE_SETS * SG_SERVICE_WAYS)

#define SG_LOCAL_ADDRS_MAX 16384

/* By the lower bits of a port: what tells an ACK that no challenge went before. */
#define SG_PORT_SLOTS 4096

/* How often a defended service's listener is looked at again: 130 ns that one SYN pays. */
#define SG_RECHECK_NS 50000000ULL

/* Without a heartbeat for this long nothing is challenged any more. */
#define SG_HEARTBEAT_LOST_NS (60 * 1000000000ULL)

/* A service that another host answers for stays that way this long after the last evidence. */
#define SG_FORWARDED_NS (300 * 1000000000ULL)

/*
 * The key epoch is 2^36 ns = 68.7 s: a shift, where 64 s would be a division per packet.
 * A cookie is accepted in its epoch and the next one, hence for 68.7 to 137.4 s. The
 * administrator may choose another power of two before the programs are loaded.
 */
#define SG_EPOCH_SHIFT	   36
#define SG_EPOCH_SHIFT_MIN 34 /* 17.2 s */
#define SG_EPOCH_SHIFT_MAX 38 /* 274.9 s */

/* An IPv4 address is kept v4-mapped (::ffff:a.b.c.d), as a dual-stack listener sees it. */
struct sg_addr {
	union {
		__u8 bytes[16];
		__be32 words[4];
		__u64 halves[2];
	};
};

/*
 * A service, or all of a prefix or of a port, that is to be left alone. In a trie that takes the
 * longest match: the port comes first, and 0 stands for all ports, so that two look-ups tell.
 */
#define SG_LEFT_ALONE_MAX	256
#define SG_LEFT_ALONE_PORT_BITS 16
struct sg_left_alone {
	__u32 prefix_bits; /* of what follows: the port's 16, then those of the address */
	__be16 port;	   /* 0 = all */
	__u8 addr[16];	   /* as struct sg_addr */
	__u16 pad;	   /* 0 */
};

/*
 * The addresses of this host as a Bloom filter, which most others miss: each has two bits of one
 * word. Of a host with 4096 addresses one SYN in twenty is looked up.
 */
#define SG_OWN_WORDS 512

struct sg_own {
	__u32 word;
	__u64 bits;
};

static inline __attribute__((always_inline)) struct sg_own sg_own(const struct sg_addr *a)
{
	__u64 h = (a->halves[0] ^ a->halves[1]) * 0x9e3779b97f4a7c15ULL;

	return (struct sg_own){ h >> 55, 1ULL << (h >> 49 & 63) | 1ULL << (h >> 43 & 63) };
}

/* Fibonacci hashing; nobody gains by collisions: entries exist for local addresses only. */
static inline __attribute__((always_inline)) __u64 sg_service_hash(const struct sg_addr *a,
								   __be16 port)
{
	return (a->halves[0] ^ a->halves[1] ^ ((__u64)port << 17)) * 0x9e3779b97f4a7c15ULL;
}

/* The set of a service. */
static inline __attribute__((always_inline)) __u32 sg_service_set(const struct sg_addr *a,
								  __be16 port)
{
	return sg_service_hash(a, port) >> 55; /* 9 bits: SG_SERVICE_SETS */
}

/* What of the hash is kept beside the table, and tells most entries of a set apart. */
static inline __attribute__((always_inline)) __u8 sg_service_tag(const struct sg_addr *a,
								 __be16 port)
{
	return sg_service_hash(a, port) >> 47; /* the next 8 bits */
}

/* A byte for each entry of a set, together so that one load has all; programs. */
struct sg_service_tags {
	union {
		__u8 of[SG_SERVICE_WAYS];
		__u64 all;
	};
};

/*
 * Sources that the administrator has named: what of them comes in is always passed, or its SYNs are
 * dropped. One trie for each list, so that a source on both is passed whichever prefix is longer.
 */
#define SG_LISTED_MAX 8192
struct sg_listed {
	__u32 prefix_bits;
	__u8 addr[16]; /* as struct sg_addr */
};

/* In sg_control.listed: the list is not empty. */
#define SG_LISTED_ALLOW (1u << 0)
#define SG_LISTED_DENY	(1u << 1)

/* One instance, in the programs' .bss. Written by the daemon. */
struct sg_control {
	__u64 key[2];	    /* SipHash key of the cookies; never shown to anybody */
	__u64 heartbeat_ns; /* stamped each second */
	__u64 lease_ns;	    /* how long a full queue defends its service */
	__u64 source_salt;  /* of the hashes of sources; random */
	__u32 tsval_offset; /* secret offset of the challenges' TSval, ms */
	__u32 mode;	    /* enum sg_mode */
	__u32 arm_percent;  /* of a SYN queue's limit: above it the service is defended */
	__u32 rmem_max;	    /* net.core.rmem_max, bytes */
	__u32 netns_inum;   /* whose handshakes are ours */
	__u32 cpus;	    /* over how many CPUs a service's SYNs may be spread */
	/* challenges without an answer that a source, a prefix may be sent per window; 0 = any */
	__u32 reply_budget;
	__u32 reply_budget_prefix;
	__u32 ack_flood_rate; /* bogus ACKs a second from which on they are dropped; 0 = never */
	__u32 client_allowance; /* SYNs without a handshake that a verified client may send per window */
	__u32 listed;		/* SG_LISTED_*, so that empty lists cost one comparison */
	/* the bits of each address of this host (sg_own()); of those that went they stay */
	__u64 own[SG_OWN_WORDS];
};

/* What a driver did with the frames that XDP answered on an interface. Per CPU; programs. */
#define SG_TX_MAX 1024
struct sg_tx {
	__u64 sent;   /* as far as the driver tells */
	__u64 failed; /* could not be sent, and are lost */
	__u64 told;   /* how often it told of all; where never, it tells of failures only */
};

enum sg_service_state {
	SG_SERVICE_FREE,
	SG_SERVICE_CLAIMED, /* its key is being written */
	SG_SERVICE_LIVE,
};

/* What a challenge may offer, as the host's sysctls stood at the last look. */
#define SG_OFFER_TS	(1u << 0)
#define SG_OFFER_SACK	(1u << 1)
#define SG_OFFER_WSCALE (1u << 2)
#define SG_OFFER_ECN	(1u << 3)

/*
 * vlan of a service: what its own SYN-ACKs carried. A SYN is challenged only where it carries the
 * same, because a reply in place has the tags of the SYN: a tag that the hardware stripped before
 * XDP saw it would be missing.
 */
#define SG_VLAN_PRESENT 0x10000u /* or'ed with the 12-bit VLAN id */

struct sg_service {
	/* the key; written once by the program that claimed the entry */
	__u32 state; /* enum sg_service_state; CLAIMED and LIVE: programs, FREE: daemon */
	__be16 port;
	__u16 mtu; /* programs: of the interface of the last look, 0 = not yet read */
	struct sg_addr addr;

	/* judgement */
	__u64 lease_until_ns;	  /* defended until then: programs arm, programs and daemon renew */
	__u64 blocked_until_ns;	  /* daemon: acceptances were not born */
	__u64 forwarded_until_ns; /* programs: another host answers for it */
	__u64 proven_at_ns;	  /* programs: our own SYN-ACK, or a birth */
	__u32 vlan;		  /* programs: of the proof */
	__u32 hindrance;	  /* programs: the verdict that stands against a challenge, or 0 */

	/* the look of a challenge, from the listener; programs */
	__u64 checked_at_ns;
	__s32 credit;	    /* SYNs that may pass before the queue is read again */
	__u32 threshold;    /* queue length above which the service is defended */
	__u32 window_space; /* bytes the listener may advertise */
	__u16 user_mss;	    /* TCP_MAXSEG of the listener, 0 = unset */
	__u8 wscale;
	__u8 offers; /* SG_OFFER_* */
	__u8 ttl;
	__u8 tos;
	__u8 bound_elsewhere; /* its sockets are bound to a device that packets meet later */
	__u8 keeps_time_wait; /* tcp_rfc1337: no reset of ours ends a TIME_WAIT */
	__u32 ifindex;	      /* of the last look */
	__u64 forged_at_ns;   /* a SYN-ACK came in that claims to be of this service */

	/*
	 * Per epoch parity: (epoch << 8 | window scale) of the last epoch with that parity in
	 * which the service was challenged. The scale promised in an epoch is fixed in it.
	 */
	__u64 promised[2];
	__u64 armed_count; /* programs: how many times the queue called for defence */
};

/* Per service and CPU; programs. Counters only grow. */
struct sg_tally {
	__u64 syns;
	__u64 challenged;
	__u64 accepted;
	__u64 born;	  /* acceptances that became sockets */
	__u64 handshakes; /* every handshake completed at this service, challenged or not */
	/* the canary: as accepted and born, but no source counts for much (SG_WITNESS_SHARE) */
	__u64 canary_accepted;
	__u64 canary_born;
	/* the second over which the programs judge on their own whether to renew the lease */
	__u64 second_start_ns;
	__u32 second_challenged;
	__u32 second_born;
	__u64 weight; /* of the SYN at hand, see hitters_abi.h */
};

/* What the coarse clock said when it was last asked (bpf/state/clock.bpf.h). Per CPU; programs. */
struct sg_tick {
	__u64 jiffies;
	__u64 now_ns;
};

/* Per program and CPU. */
struct sg_counters {
	__u64 packets;
	__u64 verdicts[SG_VERDICT_COUNT];
};

/*
 * Acceptances of this CPU that have not been born yet, by a hash of the connection. Packets come
 * through tcx in batches, so that the data of a client may be seen before the ACK in front of it
 * has become a socket; a promise as young as a batch can be (20 ms: its thread may be preempted)
 * says that it will.
 */
/*
 * Data that overtook its ACK is held back for as long as its sender may take to send what is
 * missing, then never again: whatever it belongs to shall not be starved.
 */
#define SG_EARLY_MAX 16384
#define SG_EARLY_NS  1500000000ULL

#define SG_PROMISE_SETS	    256
#define SG_PROMISE_WAYS	    4
#define SG_PROMISE_BATCH_NS 20000000ULL
struct sg_promise {
	__u64 tuple;	  /* 0 = none */
	__u64 made_at_ns; /* bpf_ktime_get_ns(), not the coarse clock; lowest bit: canary */
};

struct sg_promises {
	struct sg_promise of[SG_PROMISE_SETS][SG_PROMISE_WAYS]; /* a set is a cache line */
};

/*
 * Floods of ACKs (bpf/path/ack_flood.bpf.h): one in 64 is looked up, a window is 2^28 ns = 0.27 s, and
 * what they are taken for holds for two seconds. A connection is awaited for as long as the packets
 * behind its ACK may wait in a busy machine.
 */
#define SG_ACK_SAMPLE	    64
#define SG_ACK_WINDOW_SHIFT 28
#define SG_ACK_FLOOD_NS	    2000000000ULL
#define SG_AWAITED_MAX	    256
#define SG_AWAITED_NS	    1000000000ULL

/*
 * How many acceptances of one source (of IPv6 a /64) the canary of a service hears in 2^31 ns =
 * 2.1 s. One client that only he cannot complete, because a firewall has him filtered, shall not make
 * it look as if nobody got in where others do.
 */
#define SG_WITNESSES_MAX	16384
#define SG_WITNESS_SHARE	4
#define SG_WITNESS_WINDOW_SHIFT 31
struct sg_witness_key {
	__u64 source;
	__u64 service; /* index */
};
struct sg_witness {
	__u32 window;
	__u32 count;
};

/*
 * The reply budget (bpf/state/budget.bpf.h): a window is 2^30 ns = 1.07 s, each 16th challenge counts
 * 16 times, and where a CPU sends a service's more than SG_BUDGET_FLOOD in a second each 64th 64
 * times. 65536 buckets, of which a SYN meets two, keep
 * 30 million random SYNs a second below a budget of 1024.
 */
#define SG_BUDGET_WINDOW_SHIFT 30
#define SG_BUDGET_SAMPLE       16
#define SG_BUDGET_FLOOD	       32768
#define SG_BUDGET_FLOOD_SAMPLE 64
#define SG_BUDGET_LINES	       4096
#define SG_BUDGET_PER_LINE     16
struct sg_budget_bucket {
	__u16 window;
	__u16 unanswered; /* in 16ths */
};
struct sg_budget_line {
	struct sg_budget_bucket of[SG_BUDGET_PER_LINE]; /* a cache line */
};

/*
 * Verified clients (bpf/state/clients.bpf.h): whoever completed a handshake within an hour. A window is
 * that of the reply budget.
 */
#define SG_CLIENT_SETS	  4096
#define SG_CLIENT_WAYS	  4
#define SG_CLIENT_WINDOWS 3400
struct sg_client {
	__u64 key;  /* source_client(); 0 = none */
	__u32 seen; /* window of the last handshake */
	__u16 window;
	__u16 pending; /* SYNs let through in that window, less handshakes completed in it */
};
struct sg_client_set {
	struct sg_client of[SG_CLIENT_WAYS]; /* a cache line */
};

struct sg_client_tags {
	union {
		__u8 of[SG_CLIENT_WAYS];
		__u32 all;
	};
};

/* Sources and prefixes that are sent nothing more in this window. */
#define SG_SUPPRESSED_SETS 256
#define SG_SUPPRESSED_WAYS 4
struct sg_suppressed {
	__u64 key; /* hash of the source or prefix */
	__u64 until_ns;
};
struct sg_suppress {
	struct sg_suppressed of[SG_SUPPRESSED_SETS][SG_SUPPRESSED_WAYS]; /* a set is a cache line */
};

_Static_assert(sizeof(struct sg_addr) == 16, "an address is a map key");
_Static_assert(sizeof(struct sg_listed) == 20, "no padding that nobody wrote");
_Static_assert(sizeof(struct sg_left_alone) == 24, "no padding that nobody wrote");
_Static_assert(sizeof(struct sg_service) % 8 == 0, "mmap()ed array elements are 8-byte aligned");
_Static_assert(sizeof(struct sg_service) == 128, "two cache lines");
_Static_assert(sizeof(struct sg_tally) % 8 == 0, "tallies are added up as words");
