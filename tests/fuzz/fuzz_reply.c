/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to any SYN that is accepted: checksums and lengths hold, by the judgement of
 * synack.h, and the ACK that follows carries the terms back.
 */
#include "bpf/cookie/reply.h"
#include "fuzz.h"
#include "synack.h"

static const __u64 key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* What the program would take from a service, from the knobs. */
static struct reply_fields fields_of(const uint8_t *knobs)
{
	return (struct reply_fields){
		.window = knobs[1] << 8 | knobs[2],
		.mss = knobs[3] << 8 | knobs[4],
		.wscale = knobs[5] % 15,
		.ttl = knobs[6] ? knobs[6] : 64,
		.tos = knobs[7],
	};
}

/* Returns whether the SYN is one to be answered. */
static bool receive(const uint8_t *frame, size_t bytes, struct packet *p, struct tcp_options *o)
{
	__u8 *copy = frame_copy(frame, bytes);
	struct packet_cursor c = { .pos = copy, .end = copy + bytes };
	enum sg_verdict v = packet_parse(p, &c, bytes) ?: packet_syn_only(p);

	if (!v)
		options_parse(o, c.pos + sizeof(struct tcphdr), c.end, p->option_bytes);
	frame_copy_free(copy);
	return !v && !(o->seen & OPTIONS_SEEN_SIGNED);
}

static void check_answer(const struct packet *syn, const struct cookie_terms *agreed,
			 const struct reply_fields *fields, __u32 epoch)
{
	struct tcp_options o = { .seen = agreed->ts ? OPTIONS_SEEN_TS : 0, .tsecr = fields->tsval };
	struct cookie_terms t;
	struct packet ack = *syn;

	ack.seq = syn->seq + 1;
	ack.ack_seq = fields->isn + 1;
	cookie_recall(&t, &ack, &o);
	FUZZ_CHECK(cookie_holds(key, &ack, cookie_epoch_of(fields->isn, epoch + 1), &t),
		   "the cookie does not hold");
	cookie_spell_out(&t, ack.version);
	FUZZ_CHECK(t.mss == agreed->mss && t.sack == agreed->sack && t.ts == agreed->ts &&
			   t.wscale == agreed->wscale && t.snd_wscale == agreed->snd_wscale &&
			   t.ecn == agreed->ecn,
		   "other terms than agreed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *syn = data + FUZZ_KNOBS;
	size_t syn_bytes, reply_bytes, kept;
	struct tcp_options o = {};
	struct reply_fields fields;
	struct cookie_terms t;
	const char *wrong;
	struct reply r;
	struct packet p;
	__u8 *room, *reply;
	__u32 now;

	if (size < FUZZ_KNOBS)
		return 0;
	syn_bytes = size - FUZZ_KNOBS;
	if (!receive(syn, syn_bytes, &p, &o))
		return 0;
	now = (__u32)data[8] << 24 | data[9] << 16 | data[10] << 8 | data[11];
	fields = fields_of(data);
	cookie_agree(&t, &p, &o, data[0]);
	/* of a smaller one than the least the program makes no challenge */
	FUZZ_CHECK(!(o.seen & OPTIONS_SEEN_MSS) || o.mss < cookie_mss_min(p.version) ||
			   t.mss <= o.mss,
		   "MSS %u became %u", o.mss, t.mss);
	fields.isn = cookie_isn(key, &p, p.seq, now, &t);
	fields.tsval = cookie_tsval(now, &t, COOKIE_TS_MASK);
	reply_build(&r, &p, &o, &t, &fields);

	/* the frame that the driver makes of it: longer ones end in anything */
	reply_bytes = reply_frame_bytes(&p, &r, syn_bytes);
	kept = reply_bytes < syn_bytes ? reply_bytes : syn_bytes;
	room = malloc(reply_bytes);
	memset(room, 0xa5, reply_bytes);
	memcpy(room, syn, kept);
	reply = frame_copy(room, reply_bytes);
	free(room);
	FUZZ_CHECK(reply_write(reply, reply + reply_bytes, &p, &r, &fields), "not written");
	wrong = synack_wrong(syn, syn_bytes, reply, reply_bytes);
	FUZZ_CHECK(!wrong, "%s", wrong);
	check_answer(&p, &t, &fields, now);
	frame_copy_free(reply);
	return 0;
}
