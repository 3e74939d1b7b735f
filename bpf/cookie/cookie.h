/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cookie: the terms of a connection, kept by the client instead of by us.
 *
 * A challenge's initial sequence number (ISN) is
 *
 *     31                            3   2    1 0
 *     [ 29 bits of MAC               | parity | code ]
 *
 * MAC = SipHash-2-4 over addresses, ports, the client's ISN, the epoch, and the option bits.
 * The parity is the lowest bit of the epoch and tells which of the two epochs that are accepted
 * (the current one and the one before) to try: one hash per ACK, not two.
 *
 * Odds of a blind ACK: for one connection and one client ISN there is one MAC for each of 2
 * epochs and 4 codes, so 8 of 2^32 ISNs are accepted: 2^-29 per ACK, as with the kernel's cookies.
 * The timestamp echo does not help an attacker: its option bits are covered by the MAC, so that
 * each ACK still meets exactly 8 of 2^32. test_cookie counts them.
 *
 * With timestamps the options ride in the low bits of TSval and come back as TSecr:
 *
 *     7 6          5     4      3 2 1 0
 *     [ MSS high  | ECN | SACK | window scale, 15 = none ]
 *
 * and the code is the low half of the index into a table of 16 MSS values. Without timestamps the
 * code alone stands for one of four profiles.
 */
#pragma once

#include "bpf/compat.h"
#include "bpf/net/options.h"
#include "bpf/net/packet.h"
#include "bpf/net/siphash.h"
#include "synguard/abi.h"

#define COOKIE_CODE_MASK  0x3u
#define COOKIE_PARITY_BIT 0x4u
#define COOKIE_MAC_MASK	  (~0x7u)

#define COOKIE_TS_BITS	      8
#define COOKIE_TS_MASK	      ((1u << COOKIE_TS_BITS) - 1)
#define COOKIE_TS_WSCALE_NONE 15u
#define COOKIE_TS_SACK	      (1u << 4)
#define COOKIE_TS_ECN	      (1u << 5)
#define COOKIE_TS_MSS_SHIFT   6

/* The longest round trip that is measured: RFC 6298, 2.1, assumes as much where nothing was. */
#define COOKIE_RTT_MAX_MS 1000
/* Of the rounding of TSval, what a least timeout (TCP_RTO_MIN, 200 ms) makes up for. */
#define COOKIE_RTT_SPARE_MS 192

#define COOKIE_MSS_COUNT 16

/* The kernel takes no acceptance below these: RFC 9293 3.7.1, and RFC 8200's 1280 - 60. */
#define COOKIE_MSS_MIN_V4 536
#define COOKIE_MSS_MIN_V6 1220

/* The profile that keeps what Windows offers by default: SACK and window scale 8. */
#define COOKIE_PROFILE_FULL	   3u
#define COOKIE_PROFILE_FULL_WSCALE 8

/* What both ends will have. */
struct cookie_terms {
	__u16 mss;	 /* the client's, rounded down to a value that the cookie can carry */
	__u8 snd_wscale; /* the client's */
	bool wscale;
	bool sack;
	bool ts;
	bool ecn;
	bool lossy; /* the client offered more than is kept */
	__u8 code;
	__u8 ts_bits;
};

/* Never 0 or 1: a service that was never challenged has 0 where the epoch would stand. */
static __always_inline __u32 cookie_epoch(__u64 now_ns, __u8 shift)
{
	return (now_ns >> shift) + 2;
}

/* The epoch that an ACK's cookie would be of: the one of the last two with its parity. */
static __always_inline __u32 cookie_epoch_of(__u32 isn, __u32 epoch_now)
{
	return epoch_now - ((epoch_now ^ isn >> 2) & 1);
}

static __always_inline __u16 cookie_mss_min(__u8 version)
{
	return version == 4 ? COOKIE_MSS_MIN_V4 : COOKIE_MSS_MIN_V6;
}

/*
 * The nearest value not above the client's. The upper ones are what Ethernet, PPPoE, tunnels and
 * jumbo frames come to; below, steps of about 5 %.
 */
/* clang-format off */
#define COOKIE_MSS_V4(X) X(536)  X(1024) X(1220) X(1260) X(1300) X(1340) X(1360) X(1380) \
			 X(1400) X(1412) X(1420) X(1440) X(1452) X(1460) X(4056) X(8960)
#define COOKIE_MSS_V6(X) X(1220) X(1240) X(1260) X(1280) X(1300) X(1320) X(1340) X(1360) \
			 X(1380) X(1392) X(1400) X(1420) X(1432) X(1440) X(4036) X(8940)
/* clang-format on */

#define COOKIE_MSS_ETHERNET 13 /* index of what an MTU of 1500 comes to */

#define COOKIE_MSS_LIST_(v) v,

/* By family; after the MSS values those of the four profiles. */
static const __u16 cookie_mss[2][COOKIE_MSS_COUNT + 4] = {
	{ COOKIE_MSS_V4(COOKIE_MSS_LIST_) 536, 1300, 1440, 1440 },
	{ COOKIE_MSS_V6(COOKIE_MSS_LIST_) 1220, 1300, 1440, 1440 },
};

/* The last value that is not above mss, or the first. Four comparisons, halving the table. */
static __always_inline __u8 cookie_mss_index(__u8 version, __u16 mss)
{
	const __u16 *values = cookie_mss[version == 6];
	__u32 index = 0;

	/* nearly everybody's */
	if (mss == values[COOKIE_MSS_ETHERNET])
		return COOKIE_MSS_ETHERNET;

	sg_unroll
	for (__u32 half = COOKIE_MSS_COUNT / 2; half; half /= 2)
		if (mss >= values[(index + half) & (COOKIE_MSS_COUNT - 1)])
			index += half;
	return index;
}

static __always_inline void cookie_terms_of_profile(struct cookie_terms *t, __u8 version)
{
	bool full = t->code == COOKIE_PROFILE_FULL;

	t->mss = cookie_mss[version == 6][COOKIE_MSS_COUNT + (t->code & COOKIE_CODE_MASK)];
	t->sack = full;
	t->wscale = full;
	t->snd_wscale = full ? COOKIE_PROFILE_FULL_WSCALE : 0;
}

static __always_inline void cookie_terms_of_bits(struct cookie_terms *t, __u8 version)
{
	__u8 index = t->ts_bits >> COOKIE_TS_MSS_SHIFT << 2 | t->code;
	__u8 wscale = t->ts_bits & 15;

	t->mss = cookie_mss[version == 6][index & (COOKIE_MSS_COUNT - 1)];
	t->sack = t->ts_bits & COOKIE_TS_SACK;
	t->ecn = t->ts_bits & COOKIE_TS_ECN;
	t->wscale = wscale != COOKIE_TS_WSCALE_NONE;
	t->snd_wscale = t->wscale ? wscale : 0;
}

/* The terms for a SYN, of what it offers and what the host has on (SG_OFFER_*). */
static __always_inline void cookie_agree(struct cookie_terms *t, const struct packet *p,
					 const struct tcp_options *o, __u8 offers)
{
	__u16 mss = o->seen & OPTIONS_SEEN_MSS ? o->mss : cookie_mss_min(p->version);
	bool sack = (o->seen & OPTIONS_SEEN_SACK) && (offers & SG_OFFER_SACK);
	bool wscale = (o->seen & OPTIONS_SEEN_WSCALE) && (offers & SG_OFFER_WSCALE);
	/* RFC 3168 6.1.1: a SYN asks with both flags and is itself not ECN-capable */
	bool ecn = (p->flags & PACKET_ECE) && (p->flags & PACKET_CWR) && !(p->dsfield & 3) &&
		   (offers & SG_OFFER_ECN);

	*t = (struct cookie_terms){};
	t->ts = (o->seen & OPTIONS_SEEN_TS) && (offers & SG_OFFER_TS);
	if (t->ts) {
		__u8 index = cookie_mss_index(p->version, mss);

		t->code = index & COOKIE_CODE_MASK;
		t->ts_bits = (wscale ? o->wscale : COOKIE_TS_WSCALE_NONE) |
			     (sack ? COOKIE_TS_SACK : 0) | (ecn ? COOKIE_TS_ECN : 0) |
			     index >> 2 << COOKIE_TS_MSS_SHIFT;
		cookie_terms_of_bits(t, p->version);
		return;
	}
	if (mss >= 1440)
		t->code = sack && wscale && o->wscale == COOKIE_PROFILE_FULL_WSCALE ?
				  COOKIE_PROFILE_FULL :
				  2;
	else
		t->code = mss >= 1300;
	cookie_terms_of_profile(t, p->version);
	t->lossy = sack != t->sack || wscale != t->wscale || ecn;
}

/* What the cookie of an ACK covers of the terms that it claims; they hold only if the cookie does. */
static __always_inline void cookie_recall(struct cookie_terms *t, const struct packet *p,
					  const struct tcp_options *o)
{
	*t = (struct cookie_terms){};
	t->code = (p->ack_seq - 1) & COOKIE_CODE_MASK;
	t->ts = o->seen & OPTIONS_SEEN_TS;
	if (t->ts)
		t->ts_bits = o->tsecr & COOKIE_TS_MASK;
}

/* Fills in the rest of the terms, once the cookie is known to be valid. */
static __always_inline void cookie_spell_out(struct cookie_terms *t, __u8 version)
{
	if (t->ts)
		cookie_terms_of_bits(t, version);
	else
		cookie_terms_of_profile(t, version);
}

/*
 * What the MAC covers begins with what the challenges of a service have in common for an epoch, the
 * midstate, so that who sends many of them hashes it once: a third of the work, of IPv6 more. Its words
 * have values of their own for each family; an IPv4 service has one, and two that are 0, where an
 * IPv6 service has its port.
 */
struct cookie_midstate {
	__u64 words[3];
};

/* p is the client's packet, SYN or ACK: its destination is the service. */
static __always_inline void cookie_midstate_of(struct cookie_midstate *midstate,
					       const struct packet *p, __u32 epoch,
					       const struct cookie_terms *t)
{
	if (p->version == 4) {
		midstate->words[0] = (__u64)(epoch & 0xffff) << 48 | (__u64)p->dport << 32 |
				     p->daddr.words[3];
		midstate->words[1] = 0;
		midstate->words[2] = 0;
	} else {
		midstate->words[0] = p->daddr.halves[0];
		midstate->words[1] = p->daddr.halves[1];
		/* the terms' three bits that the rest has no room for */
		midstate->words[2] = (__u64)(t->ts << 2 | t->code) << 48 | (__u64)epoch << 16 |
				     p->dport;
	}
}

/* The hash as far as the midstate goes. */
static __always_inline void cookie_hash_midstate(struct siphash_state *s, const __u64 key[2],
						 const struct cookie_midstate *midstate,
						 __u8 version)
{
	siphash_begin(s, key);
	siphash_word(s, midstate->words[0]);
	if (version == 4)
		return;
	siphash_word(s, midstate->words[1]);
	siphash_word(s, midstate->words[2]);
}

/* The ISN, of the hash as far as the midstate goes. client_isn in host order. */
static __always_inline __u32 cookie_isn_of(struct siphash_state *s, const struct packet *p,
					   __u32 client_isn, __u32 epoch,
					   const struct cookie_terms *t)
{
	__u64 mac, tail;

	/* the two lengths keep an IPv4 connection and its v4-mapped twin apart */
	if (p->version == 4) {
		tail = (__u64)(epoch >> 16) << 32 |
		       (__u32)(t->ts << 10 | t->ts_bits << 2 | t->code) << 16 | p->sport;
		siphash_word(s, (__u64)client_isn << 32 | p->saddr.words[3]);
		mac = siphash_end(s, tail, 2 * 8 + 7);
	} else {
		tail = (__u64)t->ts_bits << 48 | (__u64)client_isn << 16 | p->sport;
		siphash_word(s, p->saddr.halves[0]);
		siphash_word(s, p->saddr.halves[1]);
		mac = siphash_end(s, tail, 5 * 8 + 7);
	}
	return ((__u32)mac & COOKIE_MAC_MASK) | (epoch & 1) * COOKIE_PARITY_BIT | t->code;
}

/* p is the client's packet, SYN or ACK: its source is the client. client_isn in host order. */
static __always_inline __u32 cookie_isn(const __u64 key[2], const struct packet *p,
					__u32 client_isn, __u32 epoch, const struct cookie_terms *t)
{
	struct cookie_midstate midstate;
	struct siphash_state s;

	cookie_midstate_of(&midstate, p, epoch, t);
	cookie_hash_midstate(&s, key, &midstate, p->version);
	return cookie_isn_of(&s, p, client_isn, epoch, t);
}

/* Whether the ACK's acknowledgment number is the cookie of the terms that it claims. */
static __always_inline bool cookie_holds(const __u64 key[2], const struct packet *p, __u32 epoch,
					 const struct cookie_terms *t)
{
	return cookie_isn(key, p, p->seq - 1, epoch, t) == p->ack_seq - 1;
}

/*
 * Milliseconds of a nanosecond clock, without a 64-bit division (10 ns where a SYN costs 150):
 * 2^20 ns are 1.048576 ms, and 17592186 / 2^24 is that to 2.5e-9, always below.
 */
static __always_inline __u32 cookie_clock_ms(__u64 now_ns)
{
	return (now_ns >> 20) * 17592186 >> 24;
}

/*
 * The TSval of a challenge: the clock rounded down to a value that ends in the option bits, so
 * never ahead of the clock and never running back for the same options (kernel:
 * cookie_init_timestamp()). From the acceptance on the kernel continues the clock.
 */
static __always_inline __u32 cookie_tsval(__u32 clock_ms, const struct cookie_terms *t, __u32 mask)
{
	__u32 tsval = (clock_ms & ~mask) | t->ts_bits;

	return (__s32)(tsval - clock_ms) > 0 ? tsval - mask - 1 : tsval;
}

/*
 * What the kernel is to continue an echoed TSval as, where it is not known when the challenge was sent
 * (state/sent.bpf.h). By the difference to the echo it measures the
 * first round trip (tcp_synack_rtt_meas()). Continued as the echo itself, a connection would take it
 * for 1 ms, and send its first data again before a client farther than its least timeout, 200 ms, can
 * have acknowledged it. Continued as the clock of now, a near client would be taken for one as far as
 * TSval was rounded down, up to 255 ms, and be sent little at a time until many ACKs have corrected it.
 * Less COOKIE_RTT_SPARE_MS the round trip is too long by 63 ms at most, as with the kernel's own
 * cookies, or too short by no more than a least timeout covers. An echo older than COOKIE_RTT_MAX_MS
 * tells of an ACK that was lost, and one from the future of nothing.
 */
static __always_inline __u32 cookie_tsval_now(__u32 tsecr, __u32 clock_ms)
{
	__s32 age = clock_ms - tsecr;

	return tsecr + sg_max(sg_min(age, COOKIE_RTT_MAX_MS) - COOKIE_RTT_SPARE_MS, 0);
}
