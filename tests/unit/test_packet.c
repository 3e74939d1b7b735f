/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser: tables of frames and their verdicts, every truncation, and noise held against the
 * decoder of frame.h. Frames lie in memory of exactly their size, so ASan sees the first byte
 * read past them.
 */
#include "bpf/net/packet.h"
#include "frame.h"
#include "noise.h"
#include "parsed.h"
#include "suite.h"

#include <stdlib.h>

/* How many of the frames were plain, and of these ACKs, in this test. */
static unsigned int plain_seen, plain_acks_seen;

/* The plain form takes nothing that the whole parser would not, and finds the same. */
static void check_plain(const void *copy, size_t readable, size_t frame_bytes,
			const struct packet *p, enum sg_verdict v)
{
	struct packet_cursor c = { .pos = copy, .end = copy + readable };
	struct packet plain;

	if (packet_find(&c, true, frame_bytes))
		return;
	plain_seen++;
	plain_acks_seen += packet_is_ack(&c);
	if (v)
		ck_abort_msg("taken for a plain frame, verdict %d", v);
	if (packet_is_ack(&c) && packet_syn_only(p) != SG_V_NOT_SYN)
		ck_abort_msg("taken for a plain ACK");
	if (c.pos != copy + p->l4_offset)
		ck_abort_msg("its TCP header is elsewhere");
	/* what is not written shows; of the padding behind the last field nobody writes anything */
	memset(&plain, 0xa5, sizeof(plain));
	packet_read(&plain, &c);
	if (memcmp(&plain, p, offsetof(struct packet, multicast) + sizeof(p->multicast)))
		ck_abort_msg("the plain form finds something else");
}

/* Parses what can be read, of a frame that may be longer. */
static enum sg_verdict parse_part(struct packet *p, const void *bytes, size_t readable,
				  size_t frame_bytes)
{
	__u8 *copy = frame_copy(bytes, readable);
	struct packet_cursor c = { .pos = copy, .end = copy + readable };
	enum sg_verdict v = packet_parse(p, &c, frame_bytes);

	check_plain(copy, readable, frame_bytes, p, v);
	if (!v && c.pos != copy + p->l4_offset)
		ck_abort_msg("the cursor is not at the TCP header");
	frame_copy_free(copy);
	return v;
}

static enum sg_verdict parse(struct packet *p, const void *bytes, size_t count)
{
	return parse_part(p, bytes, count, count);
}

static enum sg_verdict parse_spec(struct packet *p, const struct frame_spec *spec)
{
	__u8 bytes[FRAME_ROOM * 8];

	return parse(p, bytes, frame_build(bytes, sizeof(bytes), spec));
}

/* ---- a table of frames ---------------------------------------------------------------------- */

#define OK SG_UNDECIDED

struct packet_case {
	const char *name;
	struct frame_spec spec;
	enum sg_verdict wanted;
};

/* clang-format off */
#define EXTENSIONS(...)                                               \
	.extensions = { __VA_ARGS__ },                                \
	.extension_count = sizeof((struct frame_extension[]){ __VA_ARGS__ }) / \
			   sizeof(struct frame_extension)
#define HOPOPTS	       { .kind = IPPROTO_HOPOPTS }
#define DSTOPTS	       { .kind = IPPROTO_DSTOPTS }
#define ROUTING(left)  { .kind = IPPROTO_ROUTING, .words = 2, .segments_left = left }
#define BIG_DSTOPTS(n) { .kind = IPPROTO_DSTOPTS, .words = n }
/* clang-format on */

static const __u8 zeros[64];

/* clang-format off */
static const struct packet_case cases[] = {
	{ "IPv4", {}, OK },
	{ "IPv6", { .version = 6 }, OK },
	{ "IPv4 with everything", { .tags = { { .vid = 4095, .priority = 7 } }, .tos = 0xb8,
		.ip_options = zeros, .ip_option_bytes = 12, .seq = 0xfedcba98, .ack = 0x89abcdef,
		.flags = FRAME_IS(0xff), .options = { FRAME_LINUX_SYN(1460, 1, 7) },
		.payload_bytes = 100 }, OK },
	{ "IPv6 with everything", { .version = 6, .tags = { { .tpid = ETH_P_8021AD, .vid = 1 }, { .vid = 2 } },
		.tos = 0xb9, .flow_label = 0xfffff, EXTENSIONS(HOPOPTS, ROUTING(0)),
		.options = { FRAME_LINUX_SYN(1440, 1, 7) }, .payload_bytes = 100 }, OK },
	{ "a traffic class in both nibbles", { .version = 6, .tos = 0x5a, .flow_label = 0x12345 }, OK },
	{ "a group frame", { .destination_mac = { 0x33, 0x33, 0, 0, 0, 1 } }, OK },

	{ "one tag", { .tags = { { .vid = 7 } } }, OK },
	{ "one service tag", { .tags = { { .tpid = ETH_P_8021AD, .vid = 7 } } }, OK },
	{ "priority tag, VLAN 0", { .tag_count = 1 }, OK },
	{ "two tags", { .tags = { { .tpid = ETH_P_8021AD, .vid = 7 }, { .vid = 8 } } }, OK },
	{ "two tags of a kind", { .tags = { { .vid = 7 }, { .vid = 8 } } }, OK },
	{ "three tags", { .tags = { { .vid = 7 }, { .vid = 8 }, { .vid = 9 } } }, SG_V_VLAN_DEPTH },
	{ "two tags on IPv6", { .version = 6, .tags = { { .vid = 7 }, { .vid = 8 } } }, OK },
	{ "a tag and then no IP", { .tags = { { .vid = 7 } }, .ethertype = ETH_P_ARP }, SG_V_NOT_IP },

	{ "ARP", { .ethertype = ETH_P_ARP }, SG_V_NOT_IP },
	{ "PPPoE", { .ethertype = ETH_P_PPP_SES }, SG_V_NOT_IP },
	{ "MPLS", { .ethertype = ETH_P_MPLS_UC }, SG_V_NOT_IP },
	{ "802.3 length", { .ethertype = 46 }, SG_V_NOT_IP },
	{ "UDP", { .protocol = IPPROTO_UDP }, SG_V_NOT_TCP },
	{ "ICMP", { .protocol = IPPROTO_ICMP }, SG_V_NOT_TCP },
	{ "protocol 0", { .protocol = FRAME_IS(0) }, SG_V_NOT_TCP },
	{ "UDP on IPv6", { .version = 6, .protocol = IPPROTO_UDP }, SG_V_NOT_TCP },
	{ "ICMPv6", { .version = 6, .protocol = IPPROTO_ICMPV6 }, SG_V_NOT_TCP },

	{ "IPv4 that says 5", { .version_field = 5 }, SG_V_MALFORMED },
	{ "IPv4 that says 6", { .version_field = 6 }, SG_V_MALFORMED },
	{ "IPv4 that says 0", { .version_field = FRAME_IS(0) }, SG_V_MALFORMED },
	{ "IPv6 that says 4", { .version = 6, .version_field = 4 }, SG_V_MALFORMED },
	{ "IPv6 that says 7", { .version = 6, .version_field = 7 }, SG_V_MALFORMED },
	{ "IPv4 behind IPv6's type", { .ethertype = ETH_P_IPV6, .payload_bytes = 40 }, SG_V_MALFORMED },

	{ "may be fragmented", { .frag_off = FRAME_IS(0) }, OK },
	{ "first fragment", { .frag_off = 0x2000 }, SG_V_FRAGMENT },
	{ "middle fragment", { .frag_off = 0x2010 }, SG_V_FRAGMENT },
	{ "last fragment", { .frag_off = 0x0001 }, SG_V_FRAGMENT },
	{ "fragment at the highest offset", { .frag_off = 0x1000 }, SG_V_FRAGMENT },
	{ "fragment that must not be one", { .frag_off = 0x6000 }, SG_V_FRAGMENT },
	{ "fragment of UDP", { .frag_off = 0x2000, .protocol = IPPROTO_UDP }, SG_V_FRAGMENT },
	{ "the reserved bit", { .frag_off = 0x8000 }, OK },

	{ "tot_len 0", { .tot_len = FRAME_IS(0) }, SG_V_MALFORMED },
	{ "tot_len 19", { .tot_len = 19 }, SG_V_MALFORMED },
	{ "tot_len without TCP", { .tot_len = 20 }, SG_V_MALFORMED },
	{ "tot_len one short", { .tot_len = 39 }, SG_V_MALFORMED },
	{ "tot_len without the options", { .tot_len = 40, .options = { FRAME_MSS(1) } }, SG_V_MALFORMED },
	{ "tot_len without IP options", { .tot_len = 20, .ip_options = zeros, .ip_option_bytes = 4 }, SG_V_MALFORMED },
	{ "tot_len one too long", { .tot_len = 41 }, SG_V_TRUNCATED },
	{ "tot_len 65535", { .tot_len = 65535 }, SG_V_TRUNCATED },
	{ "tot_len up to the padding's end", { .tot_len = 46, .pad_to = 60 }, OK },
	{ "tot_len beyond the padding", { .tot_len = 47, .pad_to = 60 }, SG_V_TRUNCATED },
	{ "padding", { .pad_to = 60 }, OK },
	{ "payload and padding", { .pad_to = 60, .payload_bytes = 3 }, OK },
	{ "no padding, payload", { .payload_bytes = 1460 }, OK },
	{ "TCP in the padding", { .tot_len = 20, .pad_to = 100 }, SG_V_MALFORMED },

	{ "payload_len 0", { .version = 6, .tot_len = FRAME_IS(0) }, SG_V_MALFORMED },
	{ "payload_len 19", { .version = 6, .tot_len = 19 }, SG_V_MALFORMED },
	{ "payload_len without the options", { .version = 6, .tot_len = 20, .options = { FRAME_MSS(1) } }, SG_V_MALFORMED },
	{ "payload_len one too long", { .version = 6, .tot_len = 21 }, SG_V_TRUNCATED },
	{ "payload_len 65535", { .version = 6, .tot_len = 65535 }, SG_V_TRUNCATED },
	{ "payload_len ends in an extension header", { .version = 6, .tot_len = 7, EXTENSIONS(HOPOPTS) }, SG_V_MALFORMED },
	{ "payload_len ends after it", { .version = 6, .tot_len = 8, EXTENSIONS(HOPOPTS) }, SG_V_MALFORMED },
	{ "IPv6 with padding", { .version = 6, .pad_to = 100 }, OK },

	{ "hop-by-hop options", { .version = 6, EXTENSIONS(HOPOPTS) }, OK },
	{ "destination options", { .version = 6, EXTENSIONS(DSTOPTS) }, OK },
	{ "routing, at its end", { .version = 6, EXTENSIONS(ROUTING(0)) }, OK },
	{ "routing, on its way", { .version = 6, EXTENSIONS(ROUTING(1)) }, SG_V_EXT_CHAIN },
	{ "routing, 255 to go", { .version = 6, EXTENSIONS(HOPOPTS, ROUTING(255)) }, SG_V_EXT_CHAIN },
	{ "segments_left is not for others", { .version = 6, EXTENSIONS({ .kind = IPPROTO_DSTOPTS, .words = 1 }) }, OK },
	{ "a fragment header", { .version = 6, EXTENSIONS({ .kind = IPPROTO_FRAGMENT }) }, SG_V_FRAGMENT },
	{ "a fragment header after others", { .version = 6, EXTENSIONS(HOPOPTS, DSTOPTS, { .kind = IPPROTO_FRAGMENT }) }, SG_V_FRAGMENT },
	{ "authentication header", { .version = 6, EXTENSIONS({ .kind = IPPROTO_AH }) }, SG_V_EXT_CHAIN },
	{ "mobility header", { .version = 6, EXTENSIONS({ .kind = IPPROTO_MH }) }, SG_V_EXT_CHAIN },
	{ "encrypted", { .version = 6, .protocol = IPPROTO_ESP }, SG_V_NOT_TCP },
	{ "no next header", { .version = 6, .protocol = IPPROTO_NONE }, SG_V_NOT_TCP },
	{ "no next header after others", { .version = 6, .protocol = IPPROTO_NONE, EXTENSIONS(DSTOPTS) }, SG_V_NOT_TCP },
	{ "UDP after others", { .version = 6, .protocol = IPPROTO_UDP, EXTENSIONS(HOPOPTS, ROUTING(0), DSTOPTS) }, SG_V_NOT_TCP },
	{ "host identity protocol", { .version = 6, EXTENSIONS({ .kind = 139 }) }, SG_V_NOT_TCP },
	{ "six", { .version = 6, EXTENSIONS(HOPOPTS, DSTOPTS, ROUTING(0), DSTOPTS, DSTOPTS, DSTOPTS) }, OK },
	{ "seven", { .version = 6, EXTENSIONS(HOPOPTS, DSTOPTS, ROUTING(0), DSTOPTS, DSTOPTS, DSTOPTS, DSTOPTS) }, SG_V_EXT_CHAIN },
	{ "a long one", { .version = 6, EXTENSIONS(BIG_DSTOPTS(255)) }, OK },
	{ "six long ones and three tags less one", { .version = 6, .tags = { { .vid = 1 }, { .vid = 2 } },
		EXTENSIONS(BIG_DSTOPTS(255), BIG_DSTOPTS(255), BIG_DSTOPTS(255), BIG_DSTOPTS(255),
			   BIG_DSTOPTS(255), BIG_DSTOPTS(255)) }, OK },
	{ "one that overruns the packet", { .version = 6, EXTENSIONS({ .kind = IPPROTO_DSTOPTS, .told_words = 9 }) }, SG_V_MALFORMED },
	{ "one that ends within TCP", { .version = 6, EXTENSIONS({ .kind = IPPROTO_DSTOPTS, .told_words = 1 }) }, SG_V_TRUNCATED },
	{ "one that ends within TCP, padded", { .version = 6, .pad_to = 200, EXTENSIONS({ .kind = IPPROTO_DSTOPTS, .told_words = 1 }) }, SG_V_MALFORMED },

	{ "partial checksum", { .partial_tcp_checksum = true }, OK },
	{ "wrong checksums", { .bad_tcp_checksum = true, .bad_ip_checksum = true }, OK },
};
/* clang-format on */

START_TEST(packet_verdicts_of_the_table)
{
	const struct packet_case *c = &cases[_i];
	enum sg_verdict v;
	struct packet p;

	v = parse_spec(&p, &c->spec);
	ck_assert_msg(v == c->wanted, "%s: verdict %d, not %d", c->name, v, c->wanted);
}
END_TEST

START_TEST(packet_fields_of_the_table)
{
	const struct packet_case *c = &cases[_i];
	__u8 bytes[FRAME_ROOM * 8];
	struct frame_view view;
	const char *wrong;
	struct packet p;
	size_t count;

	if (c->wanted != OK)
		return;
	count = frame_build(bytes, sizeof(bytes), &c->spec);
	ck_assert(!parse(&p, bytes, count));
	wrong = frame_parse(&view, bytes, count);
	ck_assert_msg(!wrong, "%s: %s", c->name, wrong);
	wrong = parsed_packet_wrong(&p, &view);
	ck_assert_msg(!wrong, "%s: %s", c->name, wrong);
}
END_TEST

/* ---- header lengths ------------------------------------------------------------------------- */

START_TEST(packet_ihl_of_every_value)
{
	int ihl = _i;
	struct frame_spec lie = { .ihl = FRAME_IS(ihl) };
	struct frame_spec truth = { .ip_options = zeros,
				    .ip_option_bytes = ihl > 5 ? ihl * 4 - 20 : 0 };
	/* a TCP header at every offset that ihl can tell: ports 0x5050, doff 5 */
	struct frame_spec payload = { .ihl = FRAME_IS(ihl), .payload_bytes = 100 };
	__u8 fives[100];
	struct packet p;

	memset(fives, 0x50, sizeof(fives));
	payload.payload = fives;
	if (ihl < 5) {
		ck_assert_int_eq(parse_spec(&p, &lie), SG_V_MALFORMED);
		ck_assert_int_eq(parse_spec(&p, &payload), SG_V_MALFORMED);
		return;
	}
	ck_assert_int_eq(parse_spec(&p, &truth), OK);
	ck_assert_uint_eq(p.l4_offset, 14 + ihl * 4);
	ck_assert_uint_eq(ntohs(p.dport), 80);
	/* 20 bytes of TCP behind the header: what ihl takes away, TCP lacks; over 10 nothing is left */
	if (ihl > 10)
		ck_assert_int_eq(parse_spec(&p, &lie), SG_V_MALFORMED);
	else
		ck_assert_int_eq(parse_spec(&p, &lie), ihl == 5 ? OK : SG_V_TRUNCATED);
	if (ihl >= 10) {
		ck_assert_int_eq(parse_spec(&p, &payload), OK);
		ck_assert_uint_eq(ntohs(p.dport), 0x5050);
		ck_assert_uint_eq(p.payload_bytes, 100 - (ihl - 10) * 4 - 20);
	}
}
END_TEST

START_TEST(packet_doff_of_every_value)
{
	int doff = _i, version;
	__u8 nops[100];
	struct packet p;

	memset(nops, 1, sizeof(nops));
	for (version = 4; version <= 6; version += 2) {
		struct frame_spec lie = { .version = version, .doff = FRAME_IS(doff) };
		struct frame_spec truth = { .version = version,
					    .raw_options = nops,
					    .raw_option_bytes = doff > 5 ? doff * 4 - 20 : 0 };
		struct frame_spec payload = { .version = version,
					      .doff = FRAME_IS(doff),
					      .payload = nops,
					      .payload_bytes = 100 };
		/* the header goes on behind the IP packet, where padding is */
		struct frame_spec padded = { .version = version,
					     .doff = FRAME_IS(doff),
					     .pad_to = 200 };

		if (doff < 5) {
			ck_assert_int_eq(parse_spec(&p, &lie), SG_V_MALFORMED);
			ck_assert_int_eq(parse_spec(&p, &payload), SG_V_MALFORMED);
			continue;
		}
		ck_assert_int_eq(parse_spec(&p, &truth), OK);
		ck_assert_uint_eq(p.option_bytes, doff * 4 - 20);
		ck_assert_uint_eq(p.payload_bytes, 0);
		ck_assert_int_eq(parse_spec(&p, &lie), doff == 5 ? OK : SG_V_MALFORMED);
		ck_assert_int_eq(parse_spec(&p, &padded), doff == 5 ? OK : SG_V_MALFORMED);
		ck_assert_int_eq(parse_spec(&p, &payload), OK);
		ck_assert_uint_eq(p.option_bytes, doff * 4 - 20);
		ck_assert_uint_eq(p.payload_bytes, 100 - (doff * 4 - 20));
	}
}
END_TEST

/* ---- truncation ----------------------------------------------------------------------------- */

static const struct frame_spec whole[] = {
	{ .options = { FRAME_LINUX_SYN(1460, 1, 7) } }, /* 74 bytes */
	{},
	{ .version = 6, .options = { FRAME_LINUX_SYN(1440, 1, 7) } },
	{ .tags = { { .vid = 1 }, { .vid = 2 } }, .options = { FRAME_MSS(1460) } },
	{ .ip_options = zeros, .ip_option_bytes = 40, .raw_options = zeros, .raw_option_bytes = 40 },
	{ .version = 6,
	  .raw_options = zeros,
	  .raw_option_bytes = 40,
	  .tags = { { .vid = 1 } },
	  EXTENSIONS(HOPOPTS, ROUTING(0), DSTOPTS, BIG_DSTOPTS(3)) },
};
#define WHOLE_COUNT (sizeof(whole) / sizeof(whole[0]))

/* The wire lost the end: lengths stay as they were. */
START_TEST(packet_truncated_at_every_byte)
{
	__u8 bytes[FRAME_ROOM];
	size_t count = frame_build(bytes, sizeof(bytes), &whole[_i]);
	struct packet p;
	size_t there;

	for (there = 0; there < count; there++)
		ck_assert_msg(parse(&p, bytes, there) == SG_V_TRUNCATED, "%zu of %zu bytes", there,
			      count);
	ck_assert_int_eq(parse(&p, bytes, count), OK);
}
END_TEST

/* The frame goes on where it cannot be read: headers have to be readable, a payload need not. */
START_TEST(packet_readable_up_to_every_byte)
{
	struct frame_spec spec = whole[_i];
	__u8 bytes[FRAME_ROOM];
	size_t headers, count, there;
	struct packet p;

	headers = frame_build(bytes, sizeof(bytes), &spec);
	spec.payload_bytes = 50;
	count = frame_build(bytes, sizeof(bytes), &spec);
	for (there = 0; there <= count; there++) {
		enum sg_verdict v = parse_part(&p, bytes, there, count);

		ck_assert_msg(v == (there < headers ? SG_V_TRUNCATED : OK), "%zu of %zu bytes: %d",
			      there, count, v);
		if (!v)
			ck_assert_uint_eq(p.payload_bytes, 50);
	}
}
END_TEST

/* The length field follows the truncation: now it is the headers that contradict each other. */
START_TEST(packet_cut_short_by_its_sender)
{
	struct frame_spec spec = whole[_i];
	size_t ip_end = 14 + 4 * (!!spec.tags[0].vid + !!spec.tags[1].vid) +
			(spec.version == 6 ? 40 : 20 + spec.ip_option_bytes);
	__u8 bytes[FRAME_ROOM];
	size_t count = frame_build(bytes, sizeof(bytes), &spec), tcp, there;
	struct packet p;

	ck_assert(!parse(&p, bytes, count));
	tcp = p.l4_offset;
	for (there = ip_end + 1; there < count; there++) {
		enum sg_verdict v, wanted = there < tcp + 20 ? SG_V_TRUNCATED : SG_V_MALFORMED;

		spec.tot_len = spec.version == 6 ? there - ip_end :
						   there - ip_end + 20 + spec.ip_option_bytes;
		frame_build(bytes, sizeof(bytes), &spec);
		v = parse(&p, bytes, there);
		/* within the extension headers it depends on whether the next one can be read */
		ck_assert_msg(v == wanted || (there < tcp && v == SG_V_MALFORMED),
			      "%zu of %zu bytes: %d", there, count, v);
		/* the same packet in a longer frame: what is missing is there, and is padding */
		ck_assert_msg(parse(&p, bytes, count) == SG_V_MALFORMED, "%zu, padded", there);
	}
}
END_TEST

/* BIG TCP: more than a 16-bit field can tell. Only the front of such a packet can be read. */
START_TEST(packet_of_more_than_64_kib)
{
	struct frame_spec v4 = { .tot_len = FRAME_IS(0), .flags = FRAME_ACK };
	struct frame_spec v6 = { .version = 6, .tot_len = FRAME_IS(0), .flags = FRAME_ACK };
	__u8 bytes[FRAME_ROOM];
	struct packet p;
	size_t count;

	count = frame_build(bytes, sizeof(bytes), &v4);
	ck_assert_int_eq(parse_part(&p, bytes, count, 14 + 65535), SG_V_MALFORMED);
	ck_assert_int_eq(parse_part(&p, bytes, count, 14 + 65536), OK);
	ck_assert_uint_eq(p.payload_bytes, 65536 - 40);
	ck_assert_int_eq(parse_part(&p, bytes, count, 14 + 180000), OK);
	ck_assert_uint_eq(p.payload_bytes, 180000 - 40);
	count = frame_build(bytes, sizeof(bytes), &v6);
	ck_assert_int_eq(parse_part(&p, bytes, count, 14 + 65535), SG_V_MALFORMED);
	ck_assert_int_eq(parse_part(&p, bytes, count, 14 + 180000), OK);
	ck_assert_uint_eq(p.payload_bytes, 180000 - 60);
}
END_TEST

/* ---- noise ---------------------------------------------------------------------------------- */

/* What can be said of any frame, whatever stands in it. Returns the verdict. */
static enum sg_verdict check_any(const void *bytes, size_t count)
{
	struct frame_view view;
	const char *wrong;
	struct packet p;
	enum sg_verdict v = parse(&p, bytes, count);

	switch (v) {
	case SG_UNDECIDED:
		break;
	case SG_V_NOT_IP:
	case SG_V_NOT_TCP:
	case SG_V_TRUNCATED:
	case SG_V_FRAGMENT:
	case SG_V_EXT_CHAIN:
	case SG_V_VLAN_DEPTH:
	case SG_V_MALFORMED:
		return v;
	default:
		ck_abort_msg("verdict %d is not the parser's to give", v);
	}
	wrong = frame_parse(&view, bytes, count);
	if (!view.payload_offset)
		ck_abort_msg("taken for TCP: %s", wrong);
	wrong = parsed_packet_wrong(&p, &view);
	if (wrong)
		ck_abort_msg("%s differ", wrong);
	return v;
}

START_TEST(packet_noise_equals_the_oracle)
{
	int i, round, rounds = suite_full() ? 10000000 : 400000, understood = 0;
	__u8 bytes[FRAME_ROOM], changed[FRAME_ROOM];
	__u64 state = 6;

	for (round = 0; round < rounds; round++) {
		size_t count = frame_build(bytes, sizeof(bytes), &whole[round % WHOLE_COUNT]);

		memcpy(changed, bytes, count);
		/* a few bytes of the headers, and sometimes the length */
		for (i = noise_below(&state, 4); i >= 0; i--)
			changed[noise_below(&state, count)] = noise(&state);
		if (!noise_below(&state, 8))
			count = noise_below(&state, count + 1);
		if (check_any(changed, count) == SG_UNDECIDED)
			understood++;
	}
	/* both kinds have to be common, or the test says little */
	ck_assert_int_gt(understood, rounds / 5);
	ck_assert_int_lt(understood, rounds * 4 / 5);
	ck_assert_int_gt(plain_acks_seen, rounds / 1000);
	ck_assert_int_gt(plain_seen, rounds / 100);
}
END_TEST

/* Without this the plain form could refuse everything, and no test would notice. */
START_TEST(packet_plain_frames)
{
	const struct frame_spec spec = { .version = _i ? 6 : 4,
					 .options = { FRAME_LINUX_SYN(1440, 1, 7) } };
	struct packet p;

	ck_assert_int_eq(parse_spec(&p, &spec), SG_UNDECIDED);
	ck_assert_uint_eq(plain_seen, 1);
}
END_TEST

static bool is_plain_ack(const void *copy, size_t count)
{
	struct packet_cursor c = { .pos = copy, .end = copy + count };

	return !packet_find(&c, true, count) && packet_is_ack(&c);
}

/* What is taken for a plain ACK, and what is left to the whole parser; of both versions. */
START_TEST(packet_plain_acks)
{
	static const struct {
		const char *what;
		struct frame_spec spec;
		bool plain;
	} table[] = {
		{ "an ACK", { .flags = FRAME_ACK }, true },
		{ "data", { .flags = FRAME_ACK | FRAME_PSH, .payload_bytes = 100 }, true },
		{ "FIN", { .flags = FRAME_ACK | FRAME_FIN }, true },
		{ "RST", { .flags = FRAME_ACK | FRAME_RST }, true },
		{ "SYN", { .flags = FRAME_SYN }, false },
		{ "SYN-ACK", { .flags = FRAME_SYN | FRAME_ACK }, false },
		{ "a bare RST", { .flags = FRAME_RST }, false },
		{ "a tag", { .flags = FRAME_ACK, .tags = { { .vid = 7 } } }, false },
	};
	__u8 bytes[FRAME_ROOM], *copy;
	size_t i, count;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct frame_spec spec = table[i].spec;

		spec.version = _i ? 6 : 4;
		count = frame_build(bytes, sizeof(bytes), &spec);
		copy = frame_copy(bytes, count);
		if (is_plain_ack(copy, count) != table[i].plain)
			ck_abort_msg("%s of version %d", table[i].what, spec.version);
		/* shorter than its header says */
		ck_assert(!is_plain_ack(copy, count - 1));
		frame_copy_free(copy);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(packet_verdicts_of_the_table, sizeof(cases) / sizeof(cases[0]), 10),
	SUITE_LOOP(packet_fields_of_the_table, sizeof(cases) / sizeof(cases[0]), 10),
	SUITE_LOOP(packet_ihl_of_every_value, 16, 10),
	SUITE_LOOP(packet_doff_of_every_value, 16, 10),
	SUITE_LOOP(packet_truncated_at_every_byte, WHOLE_COUNT, 10),
	SUITE_LOOP(packet_readable_up_to_every_byte, WHOLE_COUNT, 10),
	SUITE_LOOP(packet_cut_short_by_its_sender, WHOLE_COUNT, 10),
	SUITE_TEST(packet_of_more_than_64_kib, 10),
	SUITE_LOOP(packet_plain_acks, 2, 10),
	SUITE_LOOP(packet_plain_frames, 2, 10),
	SUITE_TEST(packet_noise_equals_the_oracle, 60, .full_seconds = 600),
	{}
};
/* clang-format on */
