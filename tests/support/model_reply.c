/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's challenge: cookie and SYN-ACK, byte by byte.
 */
#include <arpa/inet.h>
#include <string.h>

#include "frame.h"
#include "model_syn.h"

enum {
	MODEL_TCP = 6,
	MODEL_EPOCH_SHIFT = 36,
};

static __u64 model_rotate(__u64 x, int by)
{
	return x << by | x >> (64 - by);
}

static void model_sip_rounds(__u64 v[4], int count)
{
	while (count--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = model_rotate(v[1], 13) ^ v[0];
		v[3] = model_rotate(v[3], 16) ^ v[2];
		v[0] = model_rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = model_rotate(v[1], 17) ^ v[2];
		v[3] = model_rotate(v[3], 21) ^ v[0];
		v[2] = model_rotate(v[2], 32);
	}
}

static __u64 model_le64(const __u8 *b, size_t count)
{
	__u64 x = 0;

	while (count--)
		x = x << 8 | b[count];
	return x;
}

__u64 model_siphash(const __u8 key[16], const __u8 *bytes, size_t count)
{
	static const __u8 start[33] = "uespemosmodnarodarenegylsetybdet";
	__u64 v[4], word;
	size_t at;
	int i;

	for (i = 0; i < 4; i++)
		v[i] = model_le64(start + 8 * i, 8) ^ model_le64(key + i % 2 * 8, 8);
	for (at = 0; at <= count; at += 8) {
		bool last = count - at < 8;

		word = model_le64(bytes + at, last ? count - at : 8);
		if (last)
			word |= (__u64)count << 56;
		v[3] ^= word;
		model_sip_rounds(v, 2);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	model_sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct model_terms {
	bool ts, sack, wscale, ecn, lossy;
	__u16 mss;
	__u32 code, bits;
};

static void model_agree(const struct model_syn *s, __u8 offers, struct model_terms *t)
{
	static const __u16 table[2][16] = {
		{ 536, 1024, 1220, 1260, 1300, 1340, 1360, 1380, 1400, 1412, 1420, 1440, 1452, 1460,
		  4056, 8960 },
		{ 1220, 1240, 1260, 1280, 1300, 1320, 1340, 1360, 1380, 1392, 1400, 1420, 1432,
		  1440, 4036, 8940 },
	};
	int mss = s->mss_seen ? s->mss : model_least_mss(s), at = 15;
	bool sack = s->sack_seen && offers & SG_OFFER_SACK;
	bool wscale = s->wscale_seen && offers & SG_OFFER_WSCALE;
	bool ecn = (s->flags & 0xc0) == 0xc0 && s->tos % 4 == 0 && offers & SG_OFFER_ECN;

	*t = (struct model_terms){ .ts = s->ts_seen && offers & SG_OFFER_TS };
	if (t->ts) {
		while (at && table[s->version == 6][at] > mss)
			at--;
		t->mss = table[s->version == 6][at];
		t->code = at % 4;
		t->bits = at / 4 * 64 + ecn * 32 + sack * 16 + (wscale ? s->wscale : 15);
		t->sack = sack;
		t->wscale = wscale;
		t->ecn = ecn;
		return;
	}
	t->mss = mss >= 1440 ? 1440 : mss >= 1300 ? 1300 : model_least_mss(s);
	t->code = mss >= 1440 ? 2 : mss >= 1300;
	if (mss >= 1440 && sack && wscale && s->wscale == 8) {
		t->code = 3;
		t->sack = t->wscale = true;
	}
	t->lossy = ecn || sack != t->sack || wscale != t->wscale;
}

/* The connection as the bytes that the MAC covers: numbers little-endian, addresses as sent. */
static __u32 model_isn(const struct model *m, const struct model_syn *s, __u32 epoch,
		       const struct model_terms *t)
{
	const __u8 *sport = s->bytes + s->l4, *dport = sport + 2;
	__u32 terms = t->ts * 1024 + t->bits * 4 + t->code, ends = t->ts * 4 + t->code;
	__u8 text[47] = {}, *to = text;
	__u16 epoch_low = epoch, epoch_high = epoch >> 16;

	if (s->version == 4) {
		to = mempcpy(to, s->dst.bytes + 12, 4);
		to = mempcpy(to, dport, 2);
		to = mempcpy(to, &epoch_low, 2);
		to = mempcpy(to, s->src.bytes + 12, 4);
		to = mempcpy(to, &s->seq, 4);
		to = mempcpy(to, sport, 2);
		to = mempcpy(to, &terms, 2);
		to = mempcpy(to, &epoch_high, 2);
		to++;
	} else {
		to = mempcpy(to, s->dst.bytes, 16);
		to = mempcpy(to, dport, 2);
		to = mempcpy(to, &epoch, 4);
		to = mempcpy(to, &ends, 2);
		to = mempcpy(to, s->src.bytes, 16);
		to = mempcpy(to, sport, 2);
		to = mempcpy(to, &s->seq, 4);
		*to++ = t->bits;
	}
	return ((__u32)model_siphash(m->key, text, to - text) & ~7u) + epoch % 2 * 4 + t->code;
}

static __u8 *model_put16(__u8 *to, __u32 n)
{
	*to++ = n >> 8;
	*to++ = n;
	return to;
}

static __u8 *model_put32(__u8 *to, __u32 n)
{
	return model_put16(model_put16(to, n >> 16), n);
}

static __u8 *model_put_options(__u8 *to, const struct model_syn *s, const struct model_terms *t,
			       __u32 own, __u32 tsval, __u8 wscale)
{
	to = model_put32(to, 0x02040000 + own);
	if (t->ts) {
		to = model_put32(to, t->sack ? 0x0402080a : 0x0101080a);
		to = model_put32(to, tsval);
		to = model_put32(to, s->tsval);
	} else if (t->sack) {
		to = model_put32(to, 0x01010402);
	}
	return t->wscale ? model_put32(to, 0x01030300 + wscale) : to;
}

static __u32 model_label(const struct model_syn *s, __u8 offers, __u32 isn, __u32 tsval)
{
	__u32 told = (s->bytes[s->l3 + 1] & 15) << 16 | model_16(s->bytes + s->l3 + 2);
	__u32 own = (isn / 4096 ^ tsval / 256) & 0xfffff;

	if (told && offers & SG_OFFER_SYN_LABEL)
		return told;
	if (!(offers & SG_OFFER_LABEL))
		return 0;
	return offers & SG_OFFER_LABEL_RANGES ? own | 0x80000 : own;
}

static __u8 *model_put_ip(__u8 *ip, const struct model_syn *s, const struct sg_service *of,
			  __u32 label, int tcp_bytes)
{
	__u8 tos = of->tos;

	if (of->offers & SG_OFFER_SYN_TOS)
		tos |= s->tos;
	tos = tos / 4 * 4;
	if (s->version == 6) {
		model_put32(ip, 0x60000000 + (tos << 20) + label);
		model_put16(ip + 4, tcp_bytes);
		ip[6] = MODEL_TCP;
		ip[7] = of->ttl;
		memcpy(ip + 8, s->dst.bytes, 16);
		memcpy(ip + 24, s->src.bytes, 16);
		return ip + 40;
	}
	model_put16(ip, 0x4500 + tos);
	model_put16(ip + 2, 20 + tcp_bytes);
	model_put32(ip + 4, 0x4000);
	ip[8] = of->ttl;
	ip[9] = MODEL_TCP;
	memcpy(ip + 12, s->dst.bytes + 12, 4);
	memcpy(ip + 16, s->src.bytes + 12, 4);
	model_put16(ip + 10, frame_checksum(ip, 20, 0));
	return ip + 20;
}

/* Whole segments, as far as 16 bits go. */
static __u32 model_window(__u32 space, __u32 mss)
{
	if (mss && space > mss)
		space = space / mss * mss;
	return space > 65535 ? 65535 : space;
}

enum sg_verdict model_challenge(const struct model *m, const struct model_syn *s, __u64 now_ns,
				__u64 clock_ms, size_t linear, struct model_answer *a)
{
	__u32 epoch = (now_ns >> MODEL_EPOCH_SHIFT) + 2;
	__u64 *promised = &a->service.promised[epoch % 2];
	__u8 reply[160] = {}, *tcp, *end, *ip = reply + s->l3;
	__u32 own, isn, clock = clock_ms + m->tsval_offset, tsval, window;
	struct model_terms t;
	size_t length;
	int tcp_bytes;

	/* known from the last look, unless that was at another interface */
	if (!a->service.mtu || a->service.ifindex != m->ifindex) {
		model_mtu(m, s, &a->service);
		a->service.ifindex = m->ifindex;
	}
	model_agree(s, a->service.offers, &t);
	if (*promised / 256 != epoch)
		*promised = epoch * 256ULL + a->service.wscale;
	memcpy(reply, s->bytes + 6, 6);
	memcpy(reply + 6, s->bytes, 6);
	memcpy(reply + 12, s->bytes + 12, s->l3 - 12);

	isn = model_isn(m, s, epoch, &t);
	tsval = clock - clock % 256 + t.bits;
	if (t.bits > clock % 256)
		tsval -= 256;
	own = a->service.mtu - (s->version == 4 ? 40 : 60);
	if (a->service.user_mss && a->service.user_mss < own)
		own = a->service.user_mss;
	/* in the segments of the host's answer, then in those of the acceptance */
	window = a->service.window_space;
	if (window < 0x20000)
		window = model_window(model_window(window, own - (t.ts ? 12 : 0)), t.mss);
	else
		window = 0xffff;
	tcp = ip + (s->version == 4 ? 20 : 40);
	end = model_put_options(tcp + 20, s, &t, own, tsval, *promised % 256);
	tcp_bytes = end - tcp;
	model_put_ip(ip, s, &a->service, model_label(s, a->service.offers, isn, tsval), tcp_bytes);
	memcpy(tcp, s->bytes + s->l4 + 2, 2);
	memcpy(tcp + 2, s->bytes + s->l4, 2);
	model_put32(tcp + 4, isn);
	model_put32(tcp + 8, s->seq + 1);
	tcp[12] = tcp_bytes / 4 * 16;
	tcp[13] = FRAME_SYN | FRAME_ACK | (t.ecn ? FRAME_ECE : 0);
	model_put16(tcp + 14, window);
	model_put16(tcp + 16,
		    frame_checksum(tcp, tcp_bytes, frame_pseudo_sum(s->version, ip, tcp_bytes)));

	length = end - reply;
	if (length < 60 && a->length > length)
		length = a->length < 60 ? a->length : 60;
	/* what it takes of the frame has to be where it can be written to */
	if ((length < a->length ? length : a->length) > linear)
		return SG_V_NO_ROOM;
	memcpy(a->frame, reply, length);
	a->length = length;
	a->challenged = true;
	return t.lossy || (s->mss_seen && s->mss < model_least_mss(s)) ? SG_V_CHALLENGED_PLAIN :
									 SG_V_CHALLENGED;
}
