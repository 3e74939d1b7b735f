/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and the daemon share in memory.
 *
 * Both sides are compiled from this header and loaded together, so it is no promise to anybody
 * else. Times are nanoseconds of CLOCK_MONOTONIC (clock_read() in bpf/maps.bpf.h); 0 means never.
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

#define SG_LOCAL_ADDRS_MAX    16384
#define SG_LOCAL_PREFIXES_MAX 1024 /* of which every address is this host's */

/* By the lower bits of a port: what tells an ACK that no challenge went before. */
#define SG_PORT_SLOTS 4096

/* How often a defended service's listener is looked at again: 130 ns that one SYN pays. */
#define SG_RECHECK_NS 50000000ULL

/* Without a heartbeat for this long nothing is challenged any more. */
#define SG_HEARTBEAT_LOST_NS (60 * 1000000000ULL)

/* A service that another host answers for stays that way this long after the last evidence. */
#define SG_FORWARDED_NS (300 * 1000000000ULL)
/* The lowest bit of that time: it is no host, but SYNPROXY in this host's firewall. */
#define SG_FORWARDED_SYNPROXY 1ULL

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

/* A MAC address. Interfaces that are above each other mostly share theirs. */
#define SG_MACS_MAX 16384
struct sg_mac {
	__u8 bytes[6];
	__u8 pad[2]; /* 0 */
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
#define SG_LOCAL_BLOOM_WORDS 512

struct sg_local_bits {
	__u32 word;
	__u64 bits;
};

static inline __attribute__((always_inline)) struct sg_local_bits
sg_local_bits(const struct sg_addr *a)
{
	__u64 h = (a->halves[0] ^ a->halves[1]) * 0x9e3779b97f4a7c15ULL;

	return (struct sg_local_bits){ h >> 55, 1ULL << (h >> 49 & 63) | 1ULL << (h >> 43 & 63) };
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

/*
 * The host's way back to its clients, as its rules and routes have it. In a trie that takes the
 * longest match: the class comes first, which is that of the service's address (0, or what the
 * second trie says of it) where rules ask for the source of what is sent.
 */
#define SG_WAYS_MAX	   8192
#define SG_WAY_CLASSES_MAX 256
#define SG_WAY_CLASS_BITS  32
struct sg_way_key {
	__u32 prefix_bits; /* of what follows: the class' 32, then those of the address */
	__u32 class;
	__u8 addr[16]; /* as struct sg_addr */
};

/* A route's metrics count where they promise less than the interface and the listener do. */
struct sg_way {
	__u64 groups; /* a bit for each group of interfaces that it leads out of; 0 = there is none */
	__u32 ifindex;	/* by which to send what came in by none of them; 0 = by none */
	__u32 window;	/* RTAX_WINDOW, bytes; 0 = unset, as those that follow */
	__u16 mss;	/* the largest to be announced: dst_metric_advmss() */
	__u16 initrwnd; /* RTAX_INITRWND, segments */
	__u8 hop_limit; /* RTAX_HOPLIMIT */
	__u8 pad[3];	/* 0 */
};

/*
 * Of an interface: those that are above each other (bridge, bond, VLAN, macvlan) are a group, since
 * what comes in by one of them may be answered by it. Groups beyond the last share its bit.
 */
#define SG_WAY_GROUPS_MAX 64
#define SG_WAY_IFACES_MAX 4096
struct sg_way_iface {
	__u8 group;
	__u8 strict; /* rp_filter=1: IPv4 from whom the way back is another is dropped by the kernel */
	__u16 pad;
	__u32 top; /* the interface that has its addresses: a bond, a bridge, or itself; 0 = none */
};

/* In sg_control.ways. Where those of an IP version do not differ, nothing is looked up: every way
 * back is the interface of the SYN. */
#define SG_WAYS_DIFFER(version) (1u << (version))
#define SG_WAYS_BY_SOURCE	(1u << 0) /* there are classes */
/* Rules ask for a mark, a port, a user or TOS, so that the table may be wrong for a service. */
#define SG_WAYS_BY_OTHERS(version) (2u << (version))

/* What tcx ingress of an interface does with SYNs. */
#define SG_INGRESS_ROLES_MAX 4096
enum sg_ingress_role {
	SG_INGRESS_BEHIND_XDP, /* which judges them; only those that it hands over are judged here */
	SG_INGRESS_COUNTS,     /* there is no XDP, and none is answered */
	SG_INGRESS_ANSWERS,    /* there is no XDP, and they are judged here */
};

/*
 * One instance, in the programs' .bss. Its one writer is daemon/dataplane/control.c, with relaxed
 * atomic stores; the programs read it. Each group has a setter there, in this order.
 */
struct sg_control {
	/* secrets: written once, before the programs are attached, and never shown to anybody */
	__u64 key[2];	    /* SipHash key of the cookies */
	__u64 source_salt;  /* of the hashes of sources */
	__u32 tsval_offset; /* of the challenges' TSval, ms */

	/* the host */
	__u32 netns_inum;     /* whose handshakes are ours */
	__u32 cpus;	      /* over how many CPUs a service's SYNs may be spread */
	__u32 rmem_max;	      /* net.core.rmem_max, bytes */
	__u32 local_prefixes; /* how many are in the trie: without any it is not asked */
	__u32 bridged; /* 1 << IP version: netfilter sees what a bridge passes up (br_netfilter) */

	/* the daemon's state */
	__u64 heartbeat_ns; /* stamped each second */
	/* until then no cookie carries timestamps, because the kernel is about to read them otherwise */
	__u64 settle_until_ns;
	__u32 mode;   /* enum sg_mode */
	__u32 listed; /* SG_LISTED_*, so that empty lists cost one comparison */
	__u32 ways;   /* SG_WAYS_*, so that a host with one way back pays one comparison */

	/* settings */
	__u64 lease_ns;	   /* how long a full queue defends its service */
	__u32 arm_percent; /* of a SYN queue's limit: above it the service is defended */
	/* challenges without an answer that a source, a prefix may be sent per window; 0 = any */
	__u32 reply_budget;
	__u32 reply_budget_prefix;
	__u32 ack_flood_rate; /* bogus ACKs a second from which on they are dropped; 0 = never */
	__u32 client_allowance; /* SYNs without a handshake that a verified client may send per window */

	/* the bits of each address of this host (sg_local_bits()); of removed ones they stay */
	__u64 local_bloom[SG_LOCAL_BLOOM_WORDS];
};

/* What a driver did with the frames that XDP answered on an interface. Per CPU; programs. */
#define SG_TX_MAX 1024
struct sg_tx {
	__u64 sent;    /* as far as the driver reports */
	__u64 failed;  /* could not be sent, and are lost */
	__u64 bundles; /* that it reported; where none, it reports failures only */
};

enum sg_service_state {
	SG_SERVICE_FREE,
	SG_SERVICE_CLAIMED, /* its key is being written */
	SG_SERVICE_LIVE,
};

/* What a challenge may offer, by the host's sysctls at the last inspection. */
#define SG_OFFER_TS	(1u << 0)
#define SG_OFFER_SACK	(1u << 1)
#define SG_OFFER_WSCALE (1u << 2)
#define SG_OFFER_ECN	(1u << 3)
/* The same of its IP header: a flow label of its own, one of the SYN's, the SYN's TOS. */
#define SG_OFFER_LABEL	      (1u << 4)
#define SG_OFFER_LABEL_RANGES (1u << 5) /* with the bit of those that are not managed: RFC 6437 */
#define SG_OFFER_SYN_LABEL    (1u << 6)
#define SG_OFFER_SYN_TOS      (1u << 7)

/* What else the last inspection said of the host. */
#define SG_HOST_RFC1337	  (1u << 0) /* tcp_rfc1337: no reset of ours ends a TIME_WAIT */
#define SG_HOST_QUEUELESS (1u << 1) /* tcp_syncookies is 2: no queue grows */
#define SG_HOST_RAW_TS	  (1u << 2) /* tcp_timestamps is 2: TSvals have no secret offset */
/*
 * Engine listener: the service's challenges carry the kernel's own cookie, for what stands between our
 * request and the listener. Without it engine reqsk: they carry ours.
 */
#define SG_HOST_LISTENER (1u << 3)
#define SG_HOST_TTL	 (1u << 4) /* the listener has a TTL of its own, whatever routes say */
#define SG_HOST_BOUND	 (1u << 5) /* it is bound to its device, and answers by that one */
#define SG_HOST_BRIDGED	 (1u << 6) /* br_netfilter is in the way of engine reqsk */

/*
 * vlan of a service: what its own SYN-ACKs carried. A SYN is challenged only where it carries the
 * same, because a reply in place has the tags of the SYN: a tag that the hardware stripped before
 * XDP saw it would be missing.
 */
#define SG_VLAN_PRESENT 0x1000u /* or'ed with the 12-bit VLAN id */

/*
 * Of a service's own SYN-ACKs is learned what the host does to them after they are made. Each is
 * compared with what TCP made, so that a client's route does not count. Times are in units of
 * 2^34 ns = 17 s. A clamp is forgotten when for SG_CLAMP_UNITS no SYN-ACK was clamped as low.
 */
#define SG_HEARD_SHIFT 34
#define SG_CLAMP_UNITS 18 /* five minutes */
/* Without a SYN-ACK for so long one SYN of a defended service is let through, to see another. */
#define SG_HEARD_UNITS 4
#define SG_TOS_SET     1u

struct sg_service {
	/* the key; written once by the program that claimed the entry */
	__u32 state; /* enum sg_service_state; CLAIMED and LIVE: programs, FREE: daemon */
	__be16 port;
	__u16 mtu; /* programs: of the interface of the last inspection, 0 = not yet read */
	struct sg_addr addr;

	/* whether it is defended */
	__u64 lease_until_ns;	  /* defended until then: programs arm, programs and daemon renew */
	__u64 blocked_until_ns;	  /* daemon: acceptances did not become connections */
	__u64 forwarded_until_ns; /* programs: another one answers for it */
	__u64 proven_at_ns;	  /* programs: our own SYN-ACK, or a handshake */
	__u16 vlan;		  /* programs: of the proof */
	__u16 hindrance;	  /* programs: the verdict that stands against a challenge, or 0 */
	/* programs: what becomes of the service's own SYN-ACKs after TCP has made them */
	__u16 heard;   /* when the last one left */
	__u16 clamped; /* when one was clamped to mss_clamp */

	/* by the last inspection of the listener; programs */
	__u64 checked_at_ns;
	__s32 quota;	    /* SYNs that may pass before the queue is read again */
	__u32 threshold;    /* queue length above which the service is defended */
	__u32 window_space; /* bytes the listener may advertise */
	__u16 user_mss;	    /* TCP_MAXSEG of the listener, 0 = unset */
	__u8 wscale;
	__u8 offers; /* SG_OFFER_* */
	__u8 ttl;
	__u8 tos;
	__u8 bound_elsewhere; /* its sockets are bound to a device that packets meet later */
	__u8 host;	      /* SG_HOST_* */
	__u32 ifindex;	      /* of the last inspection */
	__u64 forged_at_ns;   /* a SYN-ACK came in that claims to be of this service */

	/*
	 * Per epoch parity: (epoch << 8 | window scale) of the last epoch with that parity in
	 * which the service was challenged. The scale promised in an epoch is fixed in it.
	 */
	__u64 promised[2];
	__u32 armed_count; /* programs: how many times the queue called for defence */
	__u16 mss_clamp;   /* the least MSS that a rule left in one; 0 = none below TCP's */
	__u8 ttl_set;	   /* 0 = as TCP made it */
	__u8 tos_set;	   /* SG_TOS_SET and the upper six bits; 0 = as TCP made it */
};

/*
 * Where SYNs go that belong to no service in the table, by verdict and CPU; programs. One port by
 * majority vote (Boyer and Moore): its votes, SG_STRAY_VOTES at most, go up with each SYN for it and
 * down with each other one.
 */
enum sg_stray_kind {
	SG_STRAY_NOT_LOCAL,
	SG_STRAY_NO_LISTENER,
	SG_STRAY_SERVICES_FULL,
	SG_STRAY_KINDS,
};
#define SG_STRAY_VOTES 64
struct sg_stray {
	struct sg_addr addr; /* that the last SYN for the port was for */
	__be16 port;
	__u16 pad;
	__u32 votes;
	__u64 total; /* SYNs, for whichever port */
};

/* Per service and CPU; programs. Counters only grow. */
struct sg_tally {
	__u64 syns;
	__u64 challenged;
	__u64 accepted;
	__u64 established; /* acceptances that became connections */
	__u64 handshakes;  /* every handshake completed at this service, challenged or not */
	/* SYN-ACKs and challenges that were answered by a reset that knows their number */
	__u64 declined;
	/* the canary (bpf/state/canary.bpf.h): sources of which an acceptance is no connection yet, ... */
	__u64 canary_doubts;
	__u64 canary_cleared;	/* ... of these, those of which one has become a connection since */
	__u64 canary_successes; /* sources with connections, each once in 2.1 s */
	__u64 canary_relapses;	/* sources that had connections and lose acceptances now */
	__u64 canary_filtered;	/* sources that became filtered */
	__u64 astray;		/* SYNs left to the stack, whose challenge would not go its way */
	/* the second over which the programs judge on their own whether to renew the lease */
	__u64 second_start_ns;
	__u32 second_challenged;
	__u32 second_established;
};

/* Per program and CPU. */
struct sg_counters {
	__u64 packets;
	__u64 verdicts[SG_VERDICT_COUNT];
};

/*
 * A source is filtered, for a service, after so many acceptances in a row that became no connection
 * before the next one, and for so long. Of its SYNs as many pass in 1.07 s.
 */
#define SG_FILTERED_LOST 2
#define SG_FILTERED_NS	 (180 * 1000000000ULL)
#define SG_FILTERED_SYNS 32

/* What of netfilter an inspection saw on the way of what comes in for this host. */
#define SG_INPUT_KNOWN	   (1u << 0)
#define SG_INPUT_NAT	   (1u << 1)
#define SG_INPUT_CONNTRACK (1u << 2)
#define SG_INPUT_RULES	   (1u << 3)

/* How long the sender of data that overtook its ACK may take to send what is missing. */
#define SG_EARLY_NS 1500000000ULL

/* One bogus ACK in so many is looked up, and a flood of them lasts so long after its last sign. */
#define SG_ACK_SAMPLE	64
#define SG_ACK_FLOOD_NS 2000000000ULL

/* The reply budget (bpf/state/sources.bpf.h): a window is 2^30 ns = 1.07 s, a sample of challenges counts. */
#define SG_BUDGET_WINDOW_SHIFT 30
#define SG_BUDGET_SAMPLE       16

/* Verified clients (bpf/state/sources.bpf.h), in windows of the reply budget: an hour. */
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

_Static_assert(sizeof(struct sg_addr) == 16, "an address is a map key");
_Static_assert(sizeof(struct sg_mac) == 8, "no padding that nobody wrote");
_Static_assert(sizeof(struct sg_listed) == 20, "no padding that nobody wrote");
_Static_assert(sizeof(struct sg_left_alone) == 24, "no padding that nobody wrote");
_Static_assert(sizeof(struct sg_way_key) == 24, "no padding that nobody wrote");
_Static_assert(sizeof(struct sg_way) == 24, "no padding that nobody wrote");
_Static_assert(sizeof(struct sg_service) % 8 == 0, "mmap()ed array elements are 8-byte aligned");
_Static_assert(sizeof(struct sg_service) == 128, "two cache lines");
_Static_assert(sizeof(struct sg_stray) % 8 == 0, "the elements of each CPU are as large");
_Static_assert(sizeof(struct sg_tally) % 8 == 0, "tallies are added up as words");
