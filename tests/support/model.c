/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model_syn.h"

#include <arpa/inet.h>
#include <string.h>

#include "frame.h"

enum {
	MODEL_TCP = 6,
	MODEL_EXTENSIONS = 6,
	MODEL_RECHECK_NS = 50000000,
};

#define MODEL_HEARTBEAT_NS 60000000000ULL

/* RFC 4291 2.5.5.2 */
static const __u8 model_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* ---- reading ------------------------------------------------------------------------------- */

/* RFC 8200 4: which headers may stand between; *at moves to the TCP header. */
static enum sg_verdict model_extensions(const __u8 *f, size_t linear, int *at, int next)
{
	int walked;

	for (walked = 0; next != MODEL_TCP && walked <= MODEL_EXTENSIONS; walked++) {
		bool routing = next == 43;

		if (next == 44)
			return SG_V_FRAGMENT;
		if (next == 51 || next == 135)
			return SG_V_EXT_CHAIN;
		if (next != 0 && next != 60 && !routing)
			return SG_V_NOT_TCP;
		if (*at + 4u > linear)
			return SG_V_TRUNCATED;
		if (routing && f[*at + 3])
			return SG_V_EXT_CHAIN;
		next = f[*at];
		*at += 8 + 8 * f[*at + 1];
	}
	return walked > MODEL_EXTENSIONS ? SG_V_EXT_CHAIN : SG_UNDECIDED;
}

/* The bytes of the IP packet; 0 stands for a merged packet that no 16 bits can tell. */
static enum sg_verdict model_ip_length(__u32 field, __u32 told, __u32 room, int *ret)
{
	if (!field && room < 65536)
		return SG_V_MALFORMED;
	*ret = field ? told : room;
	return *ret > (int)room ? SG_V_TRUNCATED : SG_UNDECIDED;
}

static enum sg_verdict model_read_ipv4(struct model_syn *s, size_t bytes, size_t linear, int *left)
{
	const __u8 *ip = s->bytes + s->l3;
	enum sg_verdict v;
	int total, header;

	if (s->l3 + 20u > linear)
		return SG_V_TRUNCATED;
	header = (ip[0] & 15) * 4;
	if (ip[0] >> 4 != 4 || header < 20)
		return SG_V_MALFORMED;
	if (model_16(ip + 6) % 0x4000)
		return SG_V_FRAGMENT;
	if (ip[9] != MODEL_TCP)
		return SG_V_NOT_TCP;
	v = model_ip_length(model_16(ip + 2), model_16(ip + 2), bytes - s->l3, &total);
	if (v)
		return v;
	if (total < header)
		return SG_V_MALFORMED;
	s->version = 4;
	s->tos = ip[1];
	memcpy(s->src.bytes, model_mapped, 12);
	memcpy(s->dst.bytes, model_mapped, 12);
	memcpy(s->src.bytes + 12, ip + 12, 4);
	memcpy(s->dst.bytes + 12, ip + 16, 4);
	s->l4 = s->l3 + header;
	*left = total - header;
	return SG_UNDECIDED;
}

static enum sg_verdict model_read_ipv6(struct model_syn *s, size_t bytes, size_t linear, int *left)
{
	const __u8 *ip = s->bytes + s->l3;
	enum sg_verdict v;
	int total;

	if (s->l3 + 40u > linear)
		return SG_V_TRUNCATED;
	if (ip[0] >> 4 != 6)
		return SG_V_MALFORMED;
	v = model_ip_length(model_16(ip + 4), 40 + model_16(ip + 4), bytes - s->l3, &total);
	s->l4 = s->l3 + 40;
	if (!v)
		v = model_extensions(s->bytes, linear, &s->l4, ip[6]);
	if (v)
		return v;
	*left = s->l3 + total - s->l4;
	if (*left < 0)
		return SG_V_MALFORMED;
	s->version = 6;
	s->tos = (model_16(ip) >> 4) & 0xff;
	memcpy(s->src.bytes, ip + 8, 16);
	memcpy(s->dst.bytes, ip + 24, 16);
	return SG_UNDECIDED;
}

static enum sg_verdict model_read(struct model_syn *s, size_t bytes, size_t linear)
{
	const __u8 *tcp;
	enum sg_verdict v;
	__u32 type;
	int left, header;

	if (linear < 14)
		return SG_V_TRUNCATED;
	for (s->l3 = 14; type = model_16(s->bytes + s->l3 - 2), type == 0x8100 || type == 0x88a8;
	     s->l3 += 4) {
		if (s->tags == 2)
			return SG_V_VLAN_DEPTH;
		if (s->l3 + 4u > linear)
			return SG_V_TRUNCATED;
		if (!s->tags++)
			s->vlan = SG_VLAN_PRESENT + model_16(s->bytes + s->l3) % 4096;
	}
	if (type != 0x0800 && type != 0x86dd)
		return SG_V_NOT_IP;
	v = type == 0x0800 ? model_read_ipv4(s, bytes, linear, &left) :
			     model_read_ipv6(s, bytes, linear, &left);
	if (v)
		return v;
	if (s->l4 + 20u > linear)
		return SG_V_TRUNCATED;
	tcp = s->bytes + s->l4;
	header = tcp[12] / 16 * 4;
	if (header < 20 || header > left)
		return SG_V_MALFORMED;
	if (s->l4 + header > (int)linear)
		return SG_V_TRUNCATED;
	s->sport = model_16(tcp);
	s->dport = model_16(tcp + 2);
	s->seq = model_32(tcp + 4);
	s->flags = tcp[13];
	s->options = s->l4 + 20;
	s->option_bytes = header - 20;
	return SG_UNDECIDED;
}

/* RFC 9293 3.2: kind and length; what does not fit its kind is no option. */
static void model_read_options(struct model_syn *s)
{
	int at = s->options, end = at + s->option_bytes;

	while (at < end && s->bytes[at] != 0) {
		const __u8 *o = s->bytes + at;
		int length;

		if (*o == 1) {
			at++;
			continue;
		}
		length = at + 1 < end ? o[1] : 0;
		if (length < 2 || at + length > end)
			return;
		if (o[0] == 2 && length == 4)
			s->mss_seen = true, s->mss = model_16(o + 2);
		if (o[0] == 3 && length == 3)
			s->wscale_seen = true, s->wscale = o[2] > 14 ? 14 : o[2];
		if (o[0] == 4 && length == 2)
			s->sack_seen = true;
		if (o[0] == 8 && length == 10)
			s->ts_seen = true, s->tsval = model_32(o + 2);
		if (o[0] == 19 || o[0] == 29)
			s->is_signed = true;
		at += length;
	}
}

/* RFC 791 3.1: a record begins at its pointer, and a place that is left in it is whole. */
static bool model_record(const __u8 *o, int head, int place)
{
	return o[1] >= head && o[2] > head && (o[2] > o[1] || o[2] - 1 + place <= o[1]);
}

static bool model_ip_option(const __u8 *o, int left, bool again)
{
	if (left < 2 || o[1] < 2 || o[1] > left)
		return false;
	switch (o[0]) {
	case 131: /* source routes, and a label of CIPSO, are for the host to allow */
	case 137:
	case 134:
		return false;
	case 148:
		return o[1] > 3;
	case 7:
		return !again && model_record(o, 3, 4);
	case 68:
		return !again && model_record(o, 4, o[3] % 2 ? 8 : 4) &&
		       (o[2] <= o[1] || o[3] % 16 == 3 || o[3] < 0xf0);
	}
	return true;
}

/* Of the options of an IPv6 header the first one: RFC 8200 4.2. */
static bool model_discards(const __u8 *o, int left)
{
	static const __u8 zeros[4];

	if (*o >= 0x40)
		return true;
	if (!*o)
		return false;
	return 2 + o[1] > left || (*o == 1 && (o[1] > 5 || (o[1] == 4 && memcmp(o + 2, zeros, 4))));
}

/* What the stack judges of a SYN between IP and TCP. */
static enum sg_verdict model_between(const struct model_syn *s)
{
	int at = s->l3 + (s->version == 4 ? 20 : 40), next = s->bytes[s->l3 + 6];
	bool met[256] = {};

	while (s->version == 4 && at < s->l4 && s->bytes[at]) {
		const __u8 *o = s->bytes + at;

		if (*o > 1 && !model_ip_option(o, s->l4 - at, met[*o]))
			return SG_V_MALFORMED;
		met[*o] = true;
		at += *o > 1 ? o[1] : 1;
	}
	while (s->version == 6 && at < s->l4) {
		const __u8 *h = s->bytes + at;

		if (next == 43 ? h[2] == 3 || h[2] == 4 : model_discards(h + 2, 6 + 8 * h[1]))
			return SG_V_EXT_CHAIN;
		if (!next && at > s->l3 + 40)
			return SG_V_EXT_CHAIN;
		next = h[0];
		at += 8 + 8 * h[1];
	}
	return SG_UNDECIDED;
}

/* RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7: whom nobody may answer. */
static bool model_unanswerable(const struct model_syn *s)
{
	static const __u8 zeros[16];
	const __u8 *a = s->src.bytes;

	if (s->version == 4) {
		a += 12;
		return !memcmp(a, zeros, 4) || a[0] == 127 || (a[0] >= 224 && a[0] <= 239) ||
		       model_32(a) == 0xffffffff;
	}
	return a[0] == 0xff || !memcmp(a, model_mapped, 12) ||
	       (!memcmp(a, zeros, 15) && a[15] <= 1);
}

/* The last bit of the first byte tells a group, IEEE 802. */
static enum sg_verdict model_frame_is_for(const struct model *m, const __u8 *mac)
{
	if (mac[0] & 1)
		return SG_V_MULTICAST;
	return memcmp(mac, m->macs[0], 6) && memcmp(mac, m->macs[1], 6) ? SG_V_OTHER_HOST :
									  SG_UNDECIDED;
}

static enum sg_verdict model_request_only(const struct model *m, const struct model_syn *s)
{
	bool syn = s->flags & FRAME_SYN, ack = s->flags & FRAME_ACK;
	bool rst = s->flags & FRAME_RST, fin = s->flags & FRAME_FIN;

	if (!syn)
		return ack || rst ? SG_V_NOT_SYN : SG_V_MALFORMED;
	if (fin || rst)
		return SG_V_MALFORMED;
	if (ack)
		return SG_V_NOT_SYN;
	if (!s->dport || (s->version == 6 && !memcmp(&s->dst, model_mapped, 12)) ||
	    !memcmp(&s->src, &s->dst, 16) || model_unanswerable(s))
		return SG_V_MALFORMED;
	return model_frame_is_for(m, s->bytes);
}

/* ---- the service --------------------------------------------------------------------------- */

static bool model_listens(const struct model_place *at, const struct model_syn *s)
{
	return at->listener && !(at->listener->v6only && s->version == 4);
}

void model_mtu(const struct model *m, const struct model_syn *s, struct sg_service *of)
{
	__u32 clamp = of->mss_clamp + (s->version == 4 ? 40 : 60);

	of->mtu = of->mss_clamp && clamp < m->mtu ? clamp : m->mtu;
}

static void model_look(const struct model *m, const struct model_place *at,
		       const struct model_syn *s, __u64 now_ns, struct sg_service *to)
{
	const struct model_listener *l = at->listener;
	int threshold, room;

	to->checked_at_ns = now_ns;
	to->ifindex = m->ifindex;
	model_mtu(m, s, to);
	if (!at->local || !model_listens(at, s)) {
		to->hindrance = at->local ? SG_V_NO_LISTENER : SG_V_NOT_LOCAL;
		return;
	}
	threshold = l->backlog * (int)m->arm_percent / 100;
	room = threshold - l->half_open + 1;
	if (room < 1) {
		to->armed_count += to->lease_until_ns <= now_ns;
		to->lease_until_ns = now_ns + m->lease_ns;
		room = 0;
	}
	to->threshold = threshold;
	if (room > 0)
		room = l->in_group ? (room > 8 ? 8 : room) : (room > 64 ? 32 : (room + 1) / 2);
	to->quota = room;
	to->window_space = l->window_space;
	to->user_mss = l->user_mss;
	to->wscale = l->wscale;
	to->offers = l->offers;
	/* those options of the socket are of IPv4, and the sysctls as they are by default */
	to->ttl = s->version == 4 ? l->ttl : 64;
	if (s->version == 4 && l->own_ttl)
		to->host |= SG_HOST_TTL;
	to->tos = s->version == 4 ? l->tos : 0;
	if (s->version == 6)
		to->offers |= SG_OFFER_LABEL;
	to->ttl = to->ttl_set ? to->ttl_set : to->ttl;
	to->tos = to->tos_set ? to->tos_set : to->tos;
	to->hindrance = l->hindrance;
}

static bool model_defended(const struct model *m, const struct sg_service *to, __u64 now_ns)
{
	return m->mode == SG_MODE_ALWAYS || to->lease_until_ns > now_ns;
}

/* A SYN-ACK of the service within a minute; waiting for one begins where there was none. */
static bool model_has_heard(struct sg_service *to, __u64 now_ns)
{
	__u16 before = to->heard, now = now_ns / (1ULL << 34);

	if (before && (__u16)(now - before) < 4)
		return true;
	to->heard = now;
	return !before;
}

static enum sg_verdict model_find(const struct model *m, const struct model_syn *s,
				  struct model_answer *a)
{
	const struct model_place *at = m->places;
	bool local = false;
	int i;

	for (i = 0; i < m->place_count; i++) {
		at = &m->places[i];
		if (memcmp(&at->addr, &s->dst, 16))
			continue;
		local = at->local;
		if (at->port == s->dport)
			break;
	}
	if (i == m->place_count)
		return local ? SG_V_NO_LISTENER : SG_V_NOT_LOCAL;
	if (at->service.state == SG_SERVICE_FREE) {
		if (!at->local)
			return SG_V_NOT_LOCAL;
		if (!model_listens(at, s))
			return SG_V_NO_LISTENER;
		if (at->no_room)
			return SG_V_SERVICES_FULL;
	}
	a->place = i;
	a->asked = true;
	a->service = at->service;
	a->service.state = SG_SERVICE_LIVE;
	a->service.port = htons(at->port);
	a->service.addr = at->addr;
	return SG_UNDECIDED;
}

static enum sg_verdict model_admit(const struct model *m, const struct model_syn *s, __u64 now_ns,
				   struct model_answer *a)
{
	enum sg_verdict v = model_find(m, s, a);
	struct sg_service *to = &a->service;
	bool stale, defended;

	if (v)
		return v;
	stale = now_ns - to->checked_at_ns > MODEL_RECHECK_NS;
	defended = model_defended(m, to, now_ns);
	if (!defended && to->quota > 0) {
		to->quota--;
		return SG_V_SYN_ADMITTED;
	}
	if (!defended && to->hindrance == SG_V_NO_LISTENER && !stale)
		return SG_V_NO_LISTENER;
	if (!defended || stale)
		model_look(m, &m->places[a->place], s, now_ns, to);
	if (defended && stale && !model_has_heard(to, now_ns))
		return SG_V_SYN_SAMPLED;
	if (defended)
		return SG_UNDECIDED;
	if (to->hindrance == SG_V_NO_LISTENER || to->hindrance == SG_V_NOT_LOCAL)
		return to->hindrance;
	return model_defended(m, to, now_ns) ? SG_UNDECIDED : SG_V_SYN_ADMITTED;
}

/* ---- who is not challenged ----------------------------------------------------------------- */

static bool model_is_client(const struct model *m, const struct model_syn *s)
{
	int i;

	/* an IPv4 address, an IPv6 /64 */
	for (i = 0; i < m->client_count; i++) {
		const struct sg_addr *c = &m->clients[i];
		bool four = !memcmp(c, model_mapped, sizeof(model_mapped));

		if (four == (s->version == 4) && !memcmp(c, &s->src, four ? 16 : 8))
			return true;
	}
	return false;
}

int model_least_mss(const struct model_syn *s)
{
	return s->version == 4 ? 536 : 1220;
}

static enum sg_verdict model_spared(const struct model *m, struct model_syn *s,
				    struct sg_service *to, __u64 now_ns)
{
	if (m->heartbeat_ns < now_ns && now_ns - m->heartbeat_ns > MODEL_HEARTBEAT_NS)
		return SG_V_HEARTBEAT_LOST;
	if (to->blocked_until_ns > now_ns)
		return SG_V_BLOCKED;
	if (to->forwarded_until_ns > now_ns)
		return to->forwarded_until_ns & SG_FORWARDED_SYNPROXY ? SG_V_SYNPROXY :
									SG_V_FORWARDED;
	if (to->proven_at_ns == 0)
		return SG_V_UNPROVEN;
	if (s->version == 6 && (model_16(s->dst.bytes) & 0xffc0) == 0xfe80)
		return SG_V_LINK_LOCAL;
	if (to->bound_elsewhere)
		return SG_V_BOUND_ELSEWHERE;
	if (to->hindrance && to->hindrance != SG_V_ACCEPT_FULL)
		return to->hindrance;
	if (!s->sport && m->mode != SG_MODE_OBSERVE)
		return SG_V_PORT_ZERO;
	if (s->is_signed)
		return SG_V_SIGNED;
	if (s->tags == 2)
		return SG_V_QINQ;
	if (s->vlan != to->vlan)
		return SG_V_VLAN_DIFFERS;
	if (to->user_mss && s->mss > to->user_mss)
		s->mss = to->user_mss;
	if (s->mss_seen && s->mss < model_least_mss(s)) {
		bool always = to->user_mss && to->user_mss < model_least_mss(s);

		if (always || to->quota > 0) {
			to->quota -= !always;
			return SG_V_MSS_LOW;
		}
	}
	if (m->mode == SG_MODE_OBSERVE)
		return SG_V_OBSERVED;
	if (to->hindrance)
		return SG_V_ACCEPT_FULL;
	if (m->mode == SG_MODE_AUTO && m->clients_admitted && model_is_client(m, s))
		return SG_V_SYN_VERIFIED;
	return SG_UNDECIDED;
}

/* -------------------------------------------------------------------------------------------- */

void model_judge(const struct model *m, const __u8 *frame, size_t bytes, size_t linear,
		 __u64 now_ns, __u64 clock_ms, struct model_answer *a)
{
	struct model_syn s = { .bytes = frame };

	*a = (struct model_answer){ .length = bytes, .place = -1, .verdict = SG_V_MODE_OFF };
	memcpy(a->frame, frame, bytes);
	if (m->mode == SG_MODE_OFF)
		return;
	a->verdict = model_read(&s, bytes, linear);
	if (!a->verdict && (s.flags & FRAME_SYN))
		a->verdict = model_between(&s);
	if (!a->verdict)
		a->verdict = model_request_only(m, &s);
	if (a->verdict)
		return;
	model_read_options(&s);
	a->verdict = model_admit(m, &s, now_ns, a);
	if (!a->verdict)
		a->verdict = model_spared(m, &s, &a->service, now_ns);
	if (!a->verdict)
		a->verdict = model_challenge(m, &s, now_ns, clock_ms, linear, a);
}
