/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cookie as a promise: what was agreed in the challenge is what the ACK recalls, and nothing
 * but the answer to a challenge of ours recalls anything.
 */
#include "bpf/cookie/cookie.h"
#include "noise.h"
#include "suite.h"

#define EPOCH 1000u

static const __u64 key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* What a client may be offered, typed anew from design and RFCs, ascending. */
static const __u16 table_v4[] = { 536,	1024, 1220, 1260, 1300, 1340, 1360, 1380,
				  1400, 1412, 1420, 1440, 1452, 1460, 4056, 8960 };
static const __u16 table_v6[] = { 1220, 1240, 1260, 1280, 1300, 1320, 1340, 1360,
				  1380, 1392, 1400, 1420, 1432, 1440, 4036, 8940 };
static const __u16 profiles_v4[] = { 536, 1300, 1440 };
static const __u16 profiles_v6[] = { 1220, 1300, 1440 };

static __u16 nearest_below(const __u16 *table, int count, __u16 mss)
{
	while (--count > 0)
		if (table[count] <= mss)
			break;
	return table[count];
}

static __u16 mss_with_ts(int version, __u16 mss)
{
	return nearest_below(version == 4 ? table_v4 : table_v6, 16, mss);
}

static __u16 mss_without_ts(int version, __u16 mss)
{
	return nearest_below(version == 4 ? profiles_v4 : profiles_v6, 3, mss);
}

static struct packet syn_of(int version)
{
	struct packet p = {
		.version = version,
		.sport = bpf_htons(40000),
		.dport = bpf_htons(443),
		.seq = 0xfffffff0,
		.flags = PACKET_SYN,
	};

	if (version == 4) {
		packet_map_v4(&p.saddr, bpf_htonl(0xc6336401));
		packet_map_v4(&p.daddr, bpf_htonl(0xcb007101));
	} else {
		p.saddr.words[0] = p.daddr.words[0] = bpf_htonl(0x20010db8);
		p.saddr.words[3] = bpf_htonl(1);
		p.daddr.words[3] = bpf_htonl(2);
	}
	return p;
}

/* The challenge's numbers, and the ACK with which an honest client answers. */
static void answer(const struct packet *syn, const struct cookie_terms *t, __u32 epoch,
		   struct packet *ack, struct tcp_options *o)
{
	*ack = *syn;
	ack->flags = PACKET_ACK;
	ack->seq = syn->seq + 1;
	ack->ack_seq = cookie_isn(key, syn, syn->seq, epoch, t) + 1;
	*o = (struct tcp_options){};
	if (t->ts) {
		o->seen = OPTIONS_SEEN_TS;
		o->tsval = 12345;
		o->tsecr = cookie_tsval(0x00abcdef, t, COOKIE_TS_MASK);
	}
}

/* What ingress does with an ACK. */
static bool accepts(const struct packet *ack, const struct tcp_options *o, __u32 epoch,
		    struct cookie_terms *t)
{
	cookie_recall(t, ack, o);
	cookie_spell_out(t, ack->version);
	return cookie_holds(key, ack, cookie_epoch_of(ack->ack_seq - 1, epoch), t);
}

/* ---- the round trip ------------------------------------------------------------------------- */

static const __u16 mss_values[] = { 536,  537,	1023, 1024, 1219, 1220, 1279, 1299,  1300, 1359,
				    1380, 1400, 1401, 1432, 1439, 1440, 1441, 1451,  1452, 1459,
				    1460, 1461, 4055, 8939, 8940, 8960, 9000, 65495, 65535 };
#define MSS_COUNT ((int)(sizeof(mss_values) / sizeof(mss_values[0])))

enum ecn { ECN_NONE, ECN_ECE, ECN_CWR, ECN_ASKS, ECN_CAPABLE, ECN_COUNT };

static void ask_ecn(struct packet *syn, enum ecn ecn)
{
	if (ecn != ECN_NONE && ecn != ECN_CWR)
		syn->flags |= PACKET_ECE;
	if (ecn != ECN_NONE && ecn != ECN_ECE)
		syn->flags |= PACKET_CWR;
	/* a SYN that is ECN-capable itself is not RFC 3168's */
	if (ecn == ECN_CAPABLE)
		syn->dsfield = 2;
}

/* The terms that a SYN with these options has to get from a host that has `offers` on. */
static struct cookie_terms terms_wanted(const struct packet *syn, const struct tcp_options *o,
					__u8 offers, enum ecn ecn)
{
	__u16 mss = o->seen & OPTIONS_SEEN_MSS ? o->mss : syn->version == 4 ? 536 : 1220;
	struct cookie_terms t = {};

	if ((o->seen & OPTIONS_SEEN_SACK) && (offers & SG_OFFER_SACK))
		t.sack = true;
	if ((o->seen & OPTIONS_SEEN_WSCALE) && (offers & SG_OFFER_WSCALE)) {
		t.wscale = true;
		t.snd_wscale = o->wscale;
	}
	if (ecn == ECN_ASKS && (offers & SG_OFFER_ECN))
		t.ecn = true;
	if ((o->seen & OPTIONS_SEEN_TS) && (offers & SG_OFFER_TS)) {
		t.ts = true;
		t.mss = mss_with_ts(syn->version, mss);
		return t;
	}
	t.mss = mss_without_ts(syn->version, mss);
	if (mss >= 1440 && t.sack && t.wscale && t.snd_wscale == 8) {
		t.lossy = t.ecn;
	} else {
		t.lossy = t.sack || t.wscale || t.ecn;
		t.sack = t.wscale = false;
		t.snd_wscale = 0;
	}
	t.ecn = false;
	return t;
}

static bool same_terms(const struct cookie_terms *a, const struct cookie_terms *b)
{
	return a->mss == b->mss && a->snd_wscale == b->snd_wscale && a->wscale == b->wscale &&
	       a->sack == b->sack && a->ts == b->ts && a->ecn == b->ecn;
}

static void round_trip(int version, const struct tcp_options *o, __u8 offers, enum ecn ecn)
{
	struct cookie_terms agreed, wanted, recalled;
	struct packet syn = syn_of(version), ack;
	struct tcp_options ack_options;

	ask_ecn(&syn, ecn);
	cookie_agree(&agreed, &syn, o, offers);
	wanted = terms_wanted(&syn, o, offers, ecn);
	answer(&syn, &agreed, EPOCH, &ack, &ack_options);
	if (!same_terms(&agreed, &wanted) || agreed.lossy != wanted.lossy)
		ck_abort_msg("v%d seen %x mss %u wscale %u offers %x ecn %d: agreed on mss %u, "
			     "wscale %d %u, sack %d, ts %d, ecn %d, lossy %d",
			     version, o->seen, o->mss, o->wscale, offers, ecn, agreed.mss,
			     agreed.wscale, agreed.snd_wscale, agreed.sack, agreed.ts, agreed.ecn,
			     agreed.lossy);
	if (!accepts(&ack, &ack_options, EPOCH, &recalled))
		ck_abort_msg("v%d seen %x mss %u wscale %u offers %x: the cookie does not hold",
			     version, o->seen, o->mss, o->wscale, offers);
	if (!same_terms(&agreed, &recalled))
		ck_abort_msg("v%d seen %x mss %u wscale %u offers %x: recalled other terms",
			     version, o->seen, o->mss, o->wscale, offers);
}

START_TEST(cookie_keeps_the_terms)
{
	static const __u8 scales[] = { 0, 1, 7, 8, 9, 14 };
	int version, seen, offers, mss, scale;
	enum ecn ecn;

	for (version = 4; version <= 6; version += 2)
		for (seen = 0; seen < 16; seen++)
			for (offers = 0; offers < 16; offers++)
				for (mss = 0; mss < MSS_COUNT; mss++)
					for (scale = 0; scale < sizeof(scales); scale++)
						for (ecn = 0; ecn < ECN_COUNT; ecn++)
							round_trip(version,
								   &(struct tcp_options){
									   .seen = seen,
									   .mss = mss_values[mss],
									   .wscale = scales[scale],
								   },
								   offers, ecn);
}
END_TEST

/* ---- MSS ------------------------------------------------------------------------------------ */

static __u16 agreed_mss(int version, __u16 mss, __u8 seen)
{
	struct tcp_options o = { .seen = OPTIONS_SEEN_MSS | seen, .mss = mss };
	struct packet syn = syn_of(version);
	struct cookie_terms t;

	cookie_agree(&t, &syn, &o, 0xff);
	return t.mss;
}

START_TEST(cookie_mss_is_the_nearest_below)
{
	int mss;

	for (mss = 536; mss <= 65535; mss++) {
		__u16 with = agreed_mss(4, mss, OPTIONS_SEEN_TS), without = agreed_mss(4, mss, 0);

		if (with > mss || without > mss)
			ck_abort_msg("IPv4: more than the client's %d: %u, %u", mss, with, without);
		if (with != mss_with_ts(4, mss) || without != mss_without_ts(4, mss))
			ck_abort_msg("IPv4: %d became %u, %u", mss, with, without);
	}
	for (mss = 1220; mss <= 65535; mss++) {
		__u16 with = agreed_mss(6, mss, OPTIONS_SEEN_TS), without = agreed_mss(6, mss, 0);

		if (with > mss || without > mss)
			ck_abort_msg("IPv6: more than the client's %d: %u, %u", mss, with, without);
		if (with != mss_with_ts(6, mss) || without != mss_without_ts(6, mss))
			ck_abort_msg("IPv6: %d became %u, %u", mss, with, without);
	}
}
END_TEST

START_TEST(cookie_keeps_the_usual_mss)
{
	/* least; IPv6's least MTU; mobile; tunnels; PPPoE; Ethernet; jumbo frames */
	static const __u16 v4[] = { 536, 1220, 1360, 1400, 1420, 1440, 1452, 1460, 8960 };
	static const __u16 v6[] = { 1220, 1340, 1380, 1400, 1420, 1432, 1440, 8940 };
	int i;

	for (i = 0; i < sizeof(v4) / sizeof(v4[0]); i++)
		ck_assert_uint_eq(agreed_mss(4, v4[i], OPTIONS_SEEN_TS), v4[i]);
	for (i = 0; i < sizeof(v6) / sizeof(v6[0]); i++)
		ck_assert_uint_eq(agreed_mss(6, v6[i], OPTIONS_SEEN_TS), v6[i]);
	ck_assert_uint_eq(cookie_mss_min(4), 536);
	ck_assert_uint_eq(cookie_mss_min(6), 1220);
}
END_TEST

/* ---- clients without timestamps ------------------------------------------------------------- */

struct profile_case {
	const char *name;
	int version;
	struct tcp_options o;
	__u16 mss;
	bool full;
	bool lossy;
};

/* clang-format off */
#define SACK_WSCALE(n) .seen = OPTIONS_SEEN_MSS | OPTIONS_SEEN_SACK | OPTIONS_SEEN_WSCALE, .wscale = n
static const struct profile_case profiles[] = {
	{ "Windows", 4, { .mss = 1460, SACK_WSCALE(8) }, 1440, true, false },
	{ "Windows, IPv6", 6, { .mss = 1440, SACK_WSCALE(8) }, 1440, true, false },
	{ "Windows, PPPoE", 4, { .mss = 1452, SACK_WSCALE(8) }, 1440, true, false },
	{ "Windows, jumbo frames", 4, { .mss = 8960, SACK_WSCALE(8) }, 1440, true, false },
	{ "Windows in a tunnel", 4, { .mss = 1400, SACK_WSCALE(8) }, 1300, false, true },
	{ "window scale 7", 4, { .mss = 1460, SACK_WSCALE(7) }, 1440, false, true },
	{ "window scale 0", 4, { .mss = 1460, SACK_WSCALE(0) }, 1440, false, true },
	{ "SACK alone", 4, { .mss = 1460, .seen = OPTIONS_SEEN_MSS | OPTIONS_SEEN_SACK }, 1440, false, true },
	{ "window scale alone", 4, { .mss = 1460, .seen = OPTIONS_SEEN_MSS | OPTIONS_SEEN_WSCALE, .wscale = 8 }, 1440, false, true },
	{ "MSS alone", 4, { .mss = 1460, .seen = OPTIONS_SEEN_MSS }, 1440, false, false },
	{ "a small MSS", 4, { .mss = 1299, .seen = OPTIONS_SEEN_MSS }, 536, false, false },
	{ "nothing", 4, {}, 536, false, false },
	{ "nothing, IPv6", 6, {}, 1220, false, false },
};
/* clang-format on */

START_TEST(cookie_profiles_without_timestamps)
{
	const struct profile_case *c = &profiles[_i];
	struct packet syn = syn_of(c->version), ack;
	struct cookie_terms t, recalled;
	struct tcp_options o;

	cookie_agree(&t, &syn, &c->o, SG_OFFER_TS | SG_OFFER_SACK | SG_OFFER_WSCALE | SG_OFFER_ECN);
	ck_assert_msg(t.mss == c->mss, "%s: mss %u", c->name, t.mss);
	ck_assert_msg(t.sack == c->full && t.wscale == c->full, "%s: sack %d wscale %d", c->name,
		      t.sack, t.wscale);
	ck_assert_msg(t.snd_wscale == (c->full ? 8 : 0), "%s: scale %u", c->name, t.snd_wscale);
	ck_assert_msg(t.lossy == c->lossy, "%s: lossy %d", c->name, t.lossy);
	ck_assert(!t.ts && !t.ecn);
	answer(&syn, &t, EPOCH, &ack, &o);
	ck_assert(accepts(&ack, &o, EPOCH, &recalled));
	ck_assert(same_terms(&t, &recalled));
}
END_TEST

/* The host's sysctls rule: without tcp_timestamps, Linux gets what Windows gets. */
START_TEST(cookie_offers_only_what_the_host_has_on)
{
	struct tcp_options o = { .seen = 15, .mss = 1460, .wscale = 8 };
	struct packet syn = syn_of(4);
	struct cookie_terms t;

	cookie_agree(&t, &syn, &o, SG_OFFER_SACK | SG_OFFER_WSCALE);
	ck_assert(!t.ts && t.sack && t.wscale && !t.lossy);
	cookie_agree(&t, &syn, &o, SG_OFFER_TS);
	ck_assert(t.ts && !t.sack && !t.wscale && !t.snd_wscale && !t.lossy);
	cookie_agree(&t, &syn, &o, 0);
	ck_assert(!t.ts && !t.sack && !t.wscale && !t.lossy);
	ck_assert_uint_eq(t.mss, 1440);
}
END_TEST

/* ---- replays -------------------------------------------------------------------------------- */

struct promise {
	struct packet ack;
	struct tcp_options o;
	struct cookie_terms t;
};

/* A challenge that was answered; number 1 has no timestamps. */
static struct promise promise(int version, int number)
{
	struct tcp_options o = { .seen = number ? 7 : 15, .mss = 1452, .wscale = 8, .tsval = 99 };
	struct packet syn = syn_of(version);
	struct promise made = {};

	cookie_agree(&made.t, &syn, &o, 0xff);
	answer(&syn, &made.t, EPOCH, &made.ack, &made.o);
	return made;
}

static bool still_accepted(const struct promise *p, __u32 epoch)
{
	struct cookie_terms t;

	return accepts(&p->ack, &p->o, epoch, &t);
}

START_TEST(cookie_of_another_connection)
{
	struct promise made, other;
	int version, number, byte;

	for (version = 4; version <= 6; version += 2)
		for (number = 0; number < 2; number++) {
			made = promise(version, number);
			ck_assert(still_accepted(&made, EPOCH));
			other = made;
			other.ack.sport ^= bpf_htons(1);
			ck_assert_msg(!still_accepted(&other, EPOCH), "client port");
			other = made;
			other.ack.dport ^= bpf_htons(1);
			ck_assert_msg(!still_accepted(&other, EPOCH), "our port");
			other = made;
			other.ack.sport = made.ack.dport;
			other.ack.dport = made.ack.sport;
			ck_assert_msg(!still_accepted(&other, EPOCH), "ports swapped");
			other = made;
			other.ack.saddr = made.ack.daddr;
			other.ack.daddr = made.ack.saddr;
			ck_assert_msg(!still_accepted(&other, EPOCH), "addresses swapped");
			for (byte = version == 4 ? 12 : 0; byte < 16; byte++) {
				other = made;
				other.ack.saddr.bytes[byte] ^= 1;
				ck_assert_msg(!still_accepted(&other, EPOCH), "client, %d", byte);
				other = made;
				other.ack.daddr.bytes[byte] ^= 1;
				ck_assert_msg(!still_accepted(&other, EPOCH), "server, %d", byte);
			}
			other = made;
			other.ack.seq++;
			ck_assert_msg(!still_accepted(&other, EPOCH), "another client ISN");
			other = made;
			other.ack.ack_seq++;
			ck_assert_msg(!still_accepted(&other, EPOCH), "one byte too many");
			other = made;
			other.ack.ack_seq--;
			ck_assert_msg(!still_accepted(&other, EPOCH), "one byte too few");
		}
}
END_TEST

START_TEST(cookie_of_another_family)
{
	struct promise made;
	int number;

	for (number = 0; number < 2; number++) {
		/* the same 32 bytes of addresses, as IPv6 packets would carry them */
		made = promise(4, number);
		made.ack.version = 6;
		ck_assert(!still_accepted(&made, EPOCH));
		made.ack.version = 4;
		ck_assert(still_accepted(&made, EPOCH));
	}
}
END_TEST

START_TEST(cookie_with_other_options)
{
	int version = _i ? 6 : 4, bits;
	struct promise made = promise(version, 0), other;

	/* the client may echo what it likes: only the truth holds */
	for (bits = 0; bits < 256; bits++) {
		other = made;
		other.o.tsecr = (made.o.tsecr & ~0xffu) | bits;
		ck_assert_msg(still_accepted(&other, EPOCH) == (bits == (made.o.tsecr & 0xff)),
			      "option bits %x", bits);
		/* the high bits are the clock: they are nobody's promise */
		other.o.tsecr ^= 0x1234ab00;
		ck_assert_msg(still_accepted(&other, EPOCH) == (bits == (made.o.tsecr & 0xff)),
			      "option bits %x, another time", bits);
	}
	/* the code, which is the low half of the MSS, in the ISN itself */
	for (bits = 1; bits < 4; bits++) {
		other = made;
		other.ack.ack_seq = ((made.ack.ack_seq - 1) ^ bits) + 1;
		ck_assert_msg(!still_accepted(&other, EPOCH), "code %d", bits);
	}
	/* a timestamp left out, or added */
	other = made;
	other.o = (struct tcp_options){};
	ck_assert(!still_accepted(&other, EPOCH));
	made = promise(version, 1);
	ck_assert(still_accepted(&made, EPOCH));
	for (bits = 0; bits < 256; bits++) {
		other = made;
		other.o.seen = OPTIONS_SEEN_TS;
		other.o.tsecr = bits;
		ck_assert_msg(!still_accepted(&other, EPOCH), "echo %x", bits);
	}
}
END_TEST

START_TEST(cookie_lives_for_two_epochs)
{
	int version, number, later;

	for (version = 4; version <= 6; version += 2)
		for (number = 0; number < 2; number++) {
			struct promise made = promise(version, number);

			ck_assert(still_accepted(&made, EPOCH));
			ck_assert(still_accepted(&made, EPOCH + 1));
			for (later = 2; later < 300; later++)
				ck_assert_msg(!still_accepted(&made, EPOCH + later),
					      "IPv%d, %d later", version, later);
			for (later = 1; later < 300; later++)
				ck_assert_msg(!still_accepted(&made, EPOCH - later),
					      "IPv%d, %d earlier", version, later);
		}
}
END_TEST

START_TEST(cookie_of_another_key)
{
	struct promise made = promise(4, 0);
	__u64 other[2];
	int bit;

	for (bit = 0; bit < 128; bit++) {
		other[0] = key[0];
		other[1] = key[1];
		other[bit / 64] ^= 1ULL << bit % 64;
		ck_assert_msg(!cookie_holds(other, &made.ack, EPOCH, &made.t), "key bit %d", bit);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(cookie_keeps_the_terms, 60),
	SUITE_TEST(cookie_mss_is_the_nearest_below, 10),
	SUITE_TEST(cookie_keeps_the_usual_mss, 10),
	SUITE_LOOP(cookie_profiles_without_timestamps, sizeof(profiles) / sizeof(profiles[0]), 10),
	SUITE_TEST(cookie_offers_only_what_the_host_has_on, 10),
	SUITE_TEST(cookie_of_another_connection, 10),
	SUITE_TEST(cookie_of_another_family, 10),
	SUITE_LOOP(cookie_with_other_options, 2, 10),
	SUITE_TEST(cookie_lives_for_two_epochs, 10),
	SUITE_TEST(cookie_of_another_key, 10),
	{}
};
/* clang-format on */
