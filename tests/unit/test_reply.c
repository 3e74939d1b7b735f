/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The challenge as bytes: whatever SYN is accepted, the frame that goes back is right. Judged by
 * synack.h, which knows the two frames and nothing of reply.h, and against the terms.
 */
#include "bpf/cookie/reply.h"
#include "frame.h"
#include "noise.h"
#include "suite.h"
#include "synack.h"

#include <stdlib.h>

#define OFFERS_ALL (SG_OFFER_TS | SG_OFFER_SACK | SG_OFFER_WSCALE | SG_OFFER_ECN)

/* A SYN and the challenge that answers it, both as frames. */
struct exchange {
	__u8 syn[FRAME_ROOM * 8];
	size_t syn_bytes;
	struct packet p;
	struct tcp_options o;
	struct cookie_terms t;
	struct reply_fields fields;
	struct reply r;
	__u8 *reply; /* of exactly reply_bytes */
	size_t reply_bytes;
};

static const struct reply_fields plain_fields = {
	.isn = 0xdeadbeef,
	.tsval = 0x01020304,
	.window = 0xfaf0,
	.mss = 1460,
	.wscale = 7,
	.ttl = 64,
};

/* Reads the SYN as the XDP program does. */
static void receive(struct exchange *x, const struct frame_spec *spec, __u8 offers)
{
	struct packet_cursor c;
	enum sg_verdict v;
	__u8 *copy;

	x->syn_bytes = frame_build(x->syn, sizeof(x->syn), spec);
	copy = frame_copy(x->syn, x->syn_bytes);
	c = (struct packet_cursor){ .pos = copy, .end = copy + x->syn_bytes };
	v = packet_parse(&x->p, &c, x->syn_bytes) ?: packet_syn_only(&x->p);
	if (v)
		ck_abort_msg("a SYN of the test's own has verdict %d", v);
	options_parse(&x->o, c.pos + sizeof(struct tcphdr), c.end, x->p.option_bytes);
	cookie_agree(&x->t, &x->p, &x->o, offers);
	frame_copy_free(copy);
}

/* As the driver leaves the frame: the SYN's bytes as far as they reach, then anything. */
static __u8 *resized(const struct exchange *x, size_t bytes)
{
	__u8 room[FRAME_ROOM * 8];

	memset(room, 0xa5, sizeof(room));
	memcpy(room, x->syn, x->syn_bytes);
	return frame_copy(room, bytes);
}

static void respond(struct exchange *x, const struct reply_fields *fields)
{
	x->fields = *fields;
	reply_build(&x->r, &x->p, &x->o, &x->t, fields);
	x->reply_bytes = reply_frame_bytes(&x->p, &x->r, x->syn_bytes);
	x->reply = resized(x, x->reply_bytes);
	if (!reply_write(x->reply, x->reply + x->reply_bytes, &x->p, &x->r, fields))
		ck_abort_msg("not written into %zu bytes", x->reply_bytes);
}

static void end(struct exchange *x)
{
	frame_copy_free(x->reply);
	x->reply = NULL;
}

/* Returns NULL, or what is wrong. */
static const char *judge(const struct exchange *x)
{
	const char *wrong = synack_wrong(x->syn, x->syn_bytes, x->reply, x->reply_bytes);
	const struct cookie_terms *t = &x->t;
	struct frame_view a;

	if (wrong)
		return wrong;
	frame_parse(&a, x->reply, x->reply_bytes);
	if (a.seq != x->fields.isn || a.window != x->fields.window || a.ttl != x->fields.ttl)
		return "not the given ISN, window or TTL";
	if (a.tos != (x->fields.tos & 0xfc))
		return "not the given TOS";
	if (a.mss != x->fields.mss)
		return "not the given MSS";
	if (a.has_ts != t->ts || a.has_sack != t->sack || a.has_wscale != t->wscale)
		return "options that were not agreed on";
	if (!!(a.flags & FRAME_ECE) != t->ecn)
		return "ECN that was not agreed on";
	if (a.has_ts && a.tsval != x->fields.tsval)
		return "not the given timestamp";
	if (a.has_wscale && a.wscale != x->fields.wscale)
		return "not the given window scale";
	return NULL;
}

/* ---- any SYN -------------------------------------------------------------------------------- */

static const __u8 zeros[40];

/* A SYN that may be answered; no two alike. */
static struct frame_spec any_syn(__u64 *state)
{
	static const struct frame_option known[] = {
		FRAME_MSS(1460),   FRAME_SACK, FRAME_TS(0xfedcba98, 0), FRAME_WSCALE(8),
		FRAME_TFO_REQUEST, FRAME_NOP,  FRAME_RAW(77, 3, 1),	FRAME_MSS(8960),
	};
	struct frame_spec s = {
		.version = noise_below(state, 2) ? 6 : 4,
		.tag_count = noise_below(state, 3),
		.tos = noise(state),
		.seq = noise(state),
		.sport = FRAME_IS(1 + noise_below(state, 65535)),
		.dport = FRAME_IS(1 + noise_below(state, 65535)),
		.flags = FRAME_SYN |
			 (noise(state) & (FRAME_ECE | FRAME_CWR | FRAME_PSH | FRAME_URG)),
		.ip_options = zeros,
		.ip_option_bytes = noise_below(state, 2) ? 4 * noise_below(state, 11) : 0,
		.extension_count = noise_below(state, 2) ? noise_below(state, 4) : 0,
		.payload_bytes = noise_below(state, 3) ? 0 : noise_below(state, 1400),
		.pad_to = noise_below(state, 2) ? 60 + noise_below(state, 10) : 0,
	};
	int i, bytes = 0, count = 0;

	for (i = 0; i < 3; i++) {
		s.tags[i].vid = i < s.tag_count ? noise_below(state, 4096) : 0;
		s.extensions[i].kind = noise_below(state, 2) ? IPPROTO_DSTOPTS : IPPROTO_ROUTING;
		s.extensions[i].words = noise_below(state, 5);
	}
	noise_fill(state, s.source_mac, 6);
	noise_fill(state, s.destination_mac, 6);
	s.source_mac[0] &= 0xfe;
	s.destination_mac[0] = (s.destination_mac[0] & 0xfe) | 2;
	for (i = noise_below(state, 8); i > 0; i--) {
		const struct frame_option *o = &known[noise_below(state, 8)];

		if (bytes + o->bytes > 40)
			break;
		bytes += o->bytes;
		s.options[count++] = *o;
	}
	if (s.version == 6) {
		s.src_addr.words[0] = bpf_htonl(0x20010db8);
		noise_fill(state, s.src_addr.bytes + 4, 12);
	} else {
		s.src_addr.words[3] = bpf_htonl(0x0a000000 | (noise(state) & 0xffffff));
	}
	return s;
}

START_TEST(reply_to_any_syn)
{
	int round, rounds = suite_full() ? 5000000 : 150000;
	struct exchange x;
	__u64 state = 10;

	for (round = 0; round < rounds; round++) {
		struct frame_spec spec = any_syn(&state);
		struct reply_fields fields = {
			.isn = noise(&state),
			.tsval = noise(&state),
			.window = noise(&state),
			.mss = noise(&state),
			.wscale = noise_below(&state, 15),
			.ttl = 1 + noise_below(&state, 255),
			.tos = noise(&state),
		};
		const char *wrong;

		receive(&x, &spec, noise_below(&state, OFFERS_ALL + 1));
		respond(&x, &fields);
		wrong = judge(&x);
		if (wrong)
			ck_abort_msg("round %d, SYN of %zu bytes: %s", round, x.syn_bytes, wrong);
		end(&x);
	}
}
END_TEST

/* Sums at which a checksum is 0 or ffff come once in 65536: go through all of them. */
START_TEST(reply_with_every_checksum)
{
	struct frame_spec spec = { .options = { FRAME_LINUX_SYN(1460, 1, 7) } };
	bool seen[65536] = {};
	struct exchange x;
	int isn, count = 0;

	receive(&x, &spec, OFFERS_ALL);
	for (isn = 0; isn < 65536; isn++) {
		struct reply_fields fields = plain_fields;
		__u16 check;

		fields.isn = isn;
		respond(&x, &fields);
		if (!frame_checksums_ok(x.reply, x.reply_bytes))
			ck_abort_msg("ISN %d", isn);
		check = x.reply[50] << 8 | x.reply[51];
		count += !seen[check];
		seen[check] = true;
		end(&x);
	}
	/* of 65536 ones' complement values one has no use: 0 and ffff are the same number */
	ck_assert_int_ge(count, 65535);
}
END_TEST

/* ---- frame lengths -------------------------------------------------------------------------- */

struct length_case {
	const char *name;
	struct frame_spec spec;
	size_t syn_bytes;
	size_t reply_bytes;
};

/* clang-format off */
static const struct length_case lengths[] = {
	{ "no options, no padding", {}, 54, 58 },
	{ "MSS, no padding", { .options = { FRAME_MSS(1460) } }, 58, 58 },
	{ "no options, padded", { .pad_to = 60 }, 60, 60 },
	{ "MSS, padded", { .options = { FRAME_MSS(1460) }, .pad_to = 60 }, 60, 60 },
	{ "one byte less than the minimum", { .options = { FRAME_MSS(1460) }, .pad_to = 59 }, 59, 59 },
	{ "one byte more than the minimum", { .options = { FRAME_MSS(1460) }, .pad_to = 61 }, 61, 60 },
	{ "no options, two bytes of padding", { .pad_to = 56 }, 56, 58 },
	{ "Linux", { .options = { FRAME_LINUX_SYN(1460, 1, 7) } }, 74, 74 },
	{ "Linux without window scaling", { .options = { FRAME_MSS(1460), FRAME_SACK, FRAME_TS(1, 0) } }, 70, 70 },
	{ "Windows", { .options = { FRAME_WINDOWS_SYN(1460) } }, 66, 66 },
	{ "timestamps alone", { .options = { FRAME_MSS(1460), FRAME_LINUX_ACK(1, 0) } }, 70, 70 },
	{ "forty bytes of options", { .options = { FRAME_LINUX_SYN(1460, 1, 7), FRAME_TFO_COOKIE,
		FRAME_TFO_COOKIE } }, 94, 74 },
	{ "data", { .options = { FRAME_LINUX_SYN(1460, 1, 7) }, .payload_bytes = 1000 }, 1074, 74 },
	{ "data and no options", { .payload_bytes = 1000 }, 1054, 60 },
	{ "data that ends before the minimum", { .payload_bytes = 5 }, 59, 59 },
	{ "IP options", { .ip_options = zeros, .ip_option_bytes = 40 }, 94, 60 },
	{ "a tag", { .tags = { { .vid = 7 } }, .pad_to = 60 }, 60, 62 },
	{ "two tags", { .tags = { { .vid = 7 }, { .vid = 8 } } }, 62, 66 },
	{ "IPv6", { .version = 6 }, 74, 78 },
	{ "IPv6 Linux", { .version = 6, .options = { FRAME_LINUX_SYN(1440, 1, 7) } }, 94, 94 },
	{ "IPv6 with extension headers", { .version = 6, .options = { FRAME_LINUX_SYN(1440, 1, 7) },
		.extensions = { { .kind = IPPROTO_DSTOPTS, .words = 100 } }, .extension_count = 1 }, 902, 94 },
	{ "IPv6 Linux, two tags", { .version = 6, .options = { FRAME_LINUX_SYN(1440, 1, 7) },
		.tags = { { .vid = 7 }, { .vid = 8 } } }, 102, 102 },
};
/* clang-format on */

START_TEST(reply_has_the_right_length)
{
	const struct length_case *c = &lengths[_i];
	struct exchange x;
	const char *wrong;

	receive(&x, &c->spec, OFFERS_ALL);
	respond(&x, &plain_fields);
	ck_assert_msg(x.syn_bytes == c->syn_bytes, "%s: the SYN has %zu bytes", c->name,
		      x.syn_bytes);
	ck_assert_msg(x.reply_bytes == c->reply_bytes, "%s: the reply has %zu bytes", c->name,
		      x.reply_bytes);
	wrong = judge(&x);
	ck_assert_msg(!wrong, "%s: %s", c->name, wrong);
	end(&x);
}
END_TEST

START_TEST(reply_to_syns_of_every_length)
{
	static const struct frame_option options[][6] = {
		{},
		{ FRAME_MSS(1460) },
		{ FRAME_WINDOWS_SYN(1460) },
		{ FRAME_LINUX_SYN(1460, 1, 7) },
	};
	struct exchange x;
	int bytes, i;

	for (i = 0; i < 8; i++) {
		struct frame_spec spec = { .version = i & 1 ? 6 : 4 };

		memcpy(spec.options, options[i >> 1], sizeof(options[0]));
		for (bytes = 0; bytes < 120; bytes++) {
			const char *wrong;

			/* as data, and as padding */
			spec.payload_bytes = bytes;
			spec.pad_to = 0;
			receive(&x, &spec, OFFERS_ALL);
			respond(&x, &plain_fields);
			wrong = judge(&x);
			ck_assert_msg(!wrong, "%d bytes of data: %s", bytes, wrong);
			end(&x);
			spec.payload_bytes = 0;
			spec.pad_to = bytes;
			receive(&x, &spec, OFFERS_ALL);
			respond(&x, &plain_fields);
			wrong = judge(&x);
			ck_assert_msg(!wrong, "padded to %d bytes: %s", bytes, wrong);
			end(&x);
		}
	}
}
END_TEST

/* ---- frames without room -------------------------------------------------------------------- */

static const struct frame_spec roomless[] = {
	{},
	{ .options = { FRAME_LINUX_SYN(1460, 1, 7) } },
	{ .tags = { { .vid = 7 }, { .vid = 8 } }, .options = { FRAME_WINDOWS_SYN(1460) } },
	{ .version = 6 },
	{ .version = 6, .tags = { { .vid = 7 } }, .options = { FRAME_LINUX_SYN(1440, 1, 7) } },
};
#define ROOMLESS_COUNT (sizeof(roomless) / sizeof(roomless[0]))

/* Half an answer is worse than none: such a frame is refused and left as it is. */
START_TEST(reply_into_too_short_a_frame)
{
	size_t bytes, headers;
	struct exchange x;

	receive(&x, &roomless[_i], OFFERS_ALL);
	respond(&x, &plain_fields);
	headers = x.p.l3_offset + (x.p.version == 4 ? 20 : 40) + x.r.words * 4;
	end(&x);
	for (bytes = 0; bytes < headers; bytes++) {
		__u8 *frame = resized(&x, bytes), *before = resized(&x, bytes);

		ck_assert_msg(!reply_write(frame, frame + bytes, &x.p, &x.r, &x.fields),
			      "written into %zu of %zu bytes", bytes, headers);
		ck_assert_msg(!memcmp(frame, before, bytes), "%zu of %zu bytes: changed", bytes,
			      headers);
		frame_copy_free(frame);
		frame_copy_free(before);
	}
}
END_TEST

/* ---- ECN ------------------------------------------------------------------------------------ */

START_TEST(reply_echoes_ecn)
{
	static const struct {
		__u32 flags;
		__u8 tos;
		__u8 offers;
		bool echo;
	} cases[] = {
		{ FRAME_SYN | FRAME_ECE | FRAME_CWR, 0, OFFERS_ALL, true },
		{ FRAME_SYN | FRAME_ECE | FRAME_CWR, 0xb8, OFFERS_ALL, true },
		{ FRAME_SYN | FRAME_ECE | FRAME_CWR, 0, OFFERS_ALL & ~SG_OFFER_ECN, false },
		{ FRAME_SYN | FRAME_ECE | FRAME_CWR, 1, OFFERS_ALL, false },
		{ FRAME_SYN | FRAME_ECE | FRAME_CWR, 2, OFFERS_ALL, false },
		{ FRAME_SYN | FRAME_ECE | FRAME_CWR, 3, OFFERS_ALL, false },
		{ FRAME_SYN | FRAME_ECE, 0, OFFERS_ALL, false },
		{ FRAME_SYN | FRAME_CWR, 0, OFFERS_ALL, false },
		{ FRAME_SYN, 0, OFFERS_ALL, false },
		{ FRAME_SYN | FRAME_ECE | FRAME_CWR, 0, OFFERS_ALL & ~SG_OFFER_TS, false },
	};
	int i, version;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (version = 4; version <= 6; version += 2) {
			struct frame_spec spec = {
				.version = version,
				.flags = cases[i].flags,
				.tos = cases[i].tos,
				.options = { FRAME_LINUX_SYN(1460, 1, 7) },
			};
			struct reply_fields fields = plain_fields;
			struct frame_view a;
			struct exchange x;

			fields.tos = 0xff;
			receive(&x, &spec, cases[i].offers);
			respond(&x, &fields);
			ck_assert(!frame_parse(&a, x.reply, x.reply_bytes));
			ck_assert_msg(a.flags == (FRAME_SYN | FRAME_ACK |
						  (cases[i].echo ? FRAME_ECE : 0)),
				      "case %d: flags %x", i, a.flags);
			ck_assert_uint_eq(a.tos, 0xfc);
			end(&x);
		}
}
END_TEST

/* ---- byte by byte --------------------------------------------------------------------------- */

/* One answer in full, so that a person can read what goes out. */
START_TEST(reply_to_linux_in_full)
{
	/* clang-format off */
	static const __u8 wanted[] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0xe0, 7, 0x08, 0,
		0x45, 0x10, 0, 60, 0, 0, 0x40, 0, 64, 6, 0xd4, 0x75, 203, 0, 113, 1, 198, 51, 100, 1,
		0, 80, 0x9c, 0x40, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0x03, 0xe9, 0xa0, 0x12, 0xfa, 0xf0,
		0x91, 0x23, 0, 0,
		2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0x13, 0x88, 1, 3, 3, 7,
	};
	/* clang-format on */
	struct frame_spec spec = {
		.tags = { { .vid = 7, .priority = 7 } },
		.seq = 1000,
		.options = { FRAME_LINUX_SYN(1460, 5000, 9) },
		.payload_bytes = 30,
	};
	struct reply_fields fields = plain_fields;
	struct exchange x;
	int i;

	fields.tos = 0x10;
	receive(&x, &spec, OFFERS_ALL);
	respond(&x, &fields);
	ck_assert_uint_eq(x.reply_bytes, sizeof(wanted));
	for (i = 0; i < sizeof(wanted); i++)
		ck_assert_msg(x.reply[i] == wanted[i], "byte %d is %02x", i, x.reply[i]);
	end(&x);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(reply_to_any_syn, 60, .full_seconds = 600),
	SUITE_TEST(reply_with_every_checksum, 30),
	SUITE_LOOP(reply_has_the_right_length, sizeof(lengths) / sizeof(lengths[0]), 10),
	SUITE_TEST(reply_to_syns_of_every_length, 10),
	SUITE_LOOP(reply_into_too_short_a_frame, ROOMLESS_COUNT, 10),
	SUITE_TEST(reply_echoes_ecn, 10),
	SUITE_TEST(reply_to_linux_in_full, 10),
	{}
};
/* clang-format on */
