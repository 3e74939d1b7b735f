/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parsers, on any bytes: they read nothing beyond what they are given (ASan, memory of the
 * exact size), always come to a verdict of theirs, and what they take for TCP is what the decoder
 * of frame.h finds there.
 */
#include "bpf/net/options.h"
#include "bpf/net/packet.h"
#include "frame.h"
#include "fuzz.h"
#include "parsed.h"

static void check_verdict(enum sg_verdict v)
{
	switch (v) {
	case SG_UNDECIDED:
	case SG_V_NOT_IP:
	case SG_V_NOT_TCP:
	case SG_V_TRUNCATED:
	case SG_V_FRAGMENT:
	case SG_V_EXT_CHAIN:
	case SG_V_VLAN_DEPTH:
	case SG_V_MALFORMED:
		return;
	default:
		FUZZ_CHECK(false, "verdict %d is not the parser's to give", v);
	}
}

/* The plain form takes nothing that the whole parser would not, and finds the same. */
static void check_plain(const void *copy, size_t readable, size_t frame_bytes,
			const struct packet *p, enum sg_verdict v)
{
	struct packet_cursor c = { .pos = copy, .end = copy + readable };
	struct packet plain = {};

	if (packet_find(&c, true, frame_bytes))
		return;
	FUZZ_CHECK(!v, "taken for a plain frame, verdict %d", v);
	FUZZ_CHECK(!packet_is_ack(&c) || packet_syn_only(p) == SG_V_NOT_SYN, "not a plain ACK");
	packet_read(&plain, &c);
	FUZZ_CHECK(!memcmp(&plain, p, offsetof(struct packet, multicast) + sizeof(p->multicast)),
		   "the plain form finds something else");
}

static void check_syn_only(const struct packet *p)
{
	enum sg_verdict v = packet_syn_only(p);

	FUZZ_CHECK(v == SG_UNDECIDED || v == SG_V_NOT_SYN || v == SG_V_MALFORMED ||
			   v == SG_V_MULTICAST,
		   "verdict %d is not packet_syn_only()'s to give", v);
	/* port 0 as the source is a connection request to the kernel; syn_packet_allows() answers none */
	if (!v)
		FUZZ_CHECK((p->flags & 0x17) == PACKET_SYN && p->dport && !p->multicast,
			   "taken for a SYN with flags %x", p->flags);
}

static void check_parsed(const struct packet *p, const struct tcp_options *o, const void *frame,
			 size_t frame_bytes)
{
	struct tcp_options wanted;
	struct frame_view view;
	const char *wrong = frame_parse(&view, frame, frame_bytes);

	/* the decoder refuses options that overrun, after it has noted those before them */
	FUZZ_CHECK(view.payload_offset, "taken for TCP: %s", wrong);
	wrong = parsed_packet_wrong(p, &view);
	FUZZ_CHECK(!wrong, "%s differ", wrong);
	wanted = parsed_options(&view);
	FUZZ_CHECK(parsed_options_same(o, &wanted), "options differ: seen %x, not %x", o->seen,
		   wanted.seen);
}

/* Options that end before the header says: the parser's own bounds, without packet_parse()'s. */
static void check_options_alone(const uint8_t *bytes, size_t count, __u32 told)
{
	struct tcp_options o;
	void *copy = malloc(count ? count : 1);

	memcpy(copy, bytes, count);
	options_parse(&o, copy, copy + count, told);
	free(copy);
	/* this also keeps the compiler from leaving out what it reads */
	FUZZ_CHECK((o.seen & OPTIONS_SEEN_TS) || (!o.tsval && !o.tsecr), "timestamps from nowhere");
	FUZZ_CHECK((o.seen & OPTIONS_SEEN_MSS) || !o.mss, "MSS from nowhere");
	FUZZ_CHECK(o.wscale <= OPTIONS_MAX_WSCALE, "window scale %u", o.wscale);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t frame_bytes, hidden, readable;
	struct packet_cursor c;
	struct tcp_options o;
	enum sg_verdict v;
	struct packet p;
	__u8 *copy;

	if (size < FUZZ_KNOBS)
		return 0;
	frame_bytes = size - FUZZ_KNOBS;
	if (data[12] & 2) {
		check_options_alone(data + FUZZ_KNOBS, frame_bytes, data[13] % 41);
		return 0;
	}
	/* of a frame in several buffers only the first can be read */
	hidden = data[12] & 1 ? data[13] : 0;
	readable = hidden < frame_bytes ? frame_bytes - hidden : 0;
	copy = frame_copy(data + FUZZ_KNOBS, readable);

	c = (struct packet_cursor){ .pos = copy, .end = copy + readable };
	v = packet_parse(&p, &c, frame_bytes);
	check_verdict(v);
	check_plain(copy, readable, frame_bytes, &p, v);
	if (!v) {
		FUZZ_CHECK(p.l4_offset + 20u + p.option_bytes <= readable, "headers out of reach");
		FUZZ_CHECK(c.pos == copy + p.l4_offset, "cursor not at the TCP header");
		options_parse(&o, c.pos + sizeof(struct tcphdr), c.end, p.option_bytes);
		check_syn_only(&p);
		check_parsed(&p, &o, data + FUZZ_KNOBS, frame_bytes);
	}
	frame_copy_free(copy);
	return 0;
}
