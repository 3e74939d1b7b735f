/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames built byte by byte, without a line of the code under test.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <err.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_PADDING 0xee

struct frame_writer {
	__u8 *start;
	__u8 *pos;
	__u8 *end;
};

static __u8 *frame_claim(struct frame_writer *w, size_t bytes)
{
	__u8 *at = w->pos;

	if (bytes > (size_t)(w->end - w->pos))
		errx(1, "a frame needs more than %zu bytes", (size_t)(w->end - w->start));
	memset(at, 0, bytes);
	w->pos += bytes;
	return at;
}

static void frame_put16(__u8 *at, __u32 n)
{
	at[0] = n >> 8;
	at[1] = n;
}

static void frame_put32(__u8 *at, __u32 n)
{
	frame_put16(at, n >> 16);
	frame_put16(at + 2, n);
}

/* The number of a field: as told, or its default. */
static __u32 frame_number(__u32 told, __u32 otherwise)
{
	if (told & 0x80000000u)
		return told & 0x7fffffffu;
	return told ? told : otherwise;
}

__u32 frame_sum(const void *bytes, size_t count, __u32 sum)
{
	const __u8 *at = bytes;
	size_t i;

	for (i = 0; i < count; i++) {
		sum += i & 1 ? at[i] : (__u32)at[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

__u16 frame_checksum(const void *bytes, size_t count, __u32 sum)
{
	return ~frame_sum(bytes, count, sum) & 0xffff;
}

struct sg_addr frame_addr(const char *text)
{
	struct sg_addr a = {};

	if (inet_pton(AF_INET6, text, a.bytes) == 1)
		return a;
	a = (struct sg_addr){};
	a.bytes[10] = 0xff;
	a.bytes[11] = 0xff;
	if (inet_pton(AF_INET, text, a.bytes + 12) != 1)
		errx(1, "not an address: %s", text);
	return a;
}

static struct sg_addr frame_address(const char *text, const struct sg_addr *given,
				    const char *otherwise)
{
	static const struct sg_addr none;

	if (text)
		return frame_addr(text);
	return memcmp(given, &none, sizeof(none)) ? *given : frame_addr(otherwise);
}

static void frame_build_ethernet(struct frame_writer *w, const struct frame_spec *spec)
{
	static const __u8 source[6] = { 2, 0, 0, 0, 0, 1 };
	static const __u8 destination[6] = { 2, 0, 0, 0, 0, 2 };
	static const __u8 none[6];
	__u8 *eth = frame_claim(w, 12);
	__u32 i, tags = spec->tag_count;

	memcpy(eth, memcmp(spec->destination_mac, none, 6) ? spec->destination_mac : destination,
	       6);
	memcpy(eth + 6, memcmp(spec->source_mac, none, 6) ? spec->source_mac : source, 6);
	for (i = 0; i < FRAME_TAGS_MAX; i++)
		if (spec->tags[i].tpid || spec->tags[i].vid || spec->tags[i].priority)
			tags = i + 1 > tags ? i + 1 : tags;
	for (i = 0; i < tags; i++) {
		__u8 *tag = frame_claim(w, 4);

		frame_put16(tag, spec->tags[i].tpid ? spec->tags[i].tpid : ETH_P_8021Q);
		frame_put16(tag + 2, spec->tags[i].priority << 13 | spec->tags[i].vid);
	}
	frame_put16(frame_claim(w, 2),
		    frame_number(spec->ethertype, spec->version == 6 ? ETH_P_IPV6 : ETH_P_IP));
}

static void frame_build_extension(struct frame_writer *w, const struct frame_extension *e,
				  __u8 next)
{
	/* AH counts in units of 4 bytes and without two of them (RFC 4302 2.2) */
	size_t bytes = e->kind == IPPROTO_AH ? (e->words ? e->words + 2 : 6) * 4 :
					       (e->words + 1) * 8;
	__u8 *at = frame_claim(w, bytes);

	at[0] = next;
	at[1] = e->kind == IPPROTO_AH ? bytes / 4 - 2 : e->words;
	if (e->kind == IPPROTO_FRAGMENT)
		at[1] = 0;
	if (e->told_words)
		at[1] = e->told_words;
	if (e->content) {
		memcpy(at + 2, e->content, bytes - 2);
	} else if (e->kind == IPPROTO_ROUTING) {
		at[2] = 253; /* experimental, RFC 4727 */
		at[3] = e->segments_left;
	} else if (e->kind == IPPROTO_FRAGMENT) {
		frame_put16(at + 2, 1); /* more fragments */
	} else if (e->kind == IPPROTO_HOPOPTS || e->kind == IPPROTO_DSTOPTS) {
		size_t i;

		/* PadN as often as it takes, RFC 8200 4.2 */
		for (i = 2; i < bytes; i += at[i + 1] + 2) {
			at[i] = 1;
			at[i + 1] = bytes - i - 2 > 253 ? 246 : bytes - i - 2;
		}
	}
}

static __u8 *frame_build_ip(struct frame_writer *w, const struct frame_spec *spec)
{
	__u32 protocol = frame_number(spec->protocol, IPPROTO_TCP);
	struct sg_addr src, dst;
	__u32 i;
	__u8 *ip;

	if (spec->version == 6) {
		src = frame_address(spec->src, &spec->src_addr, "2001:db8::1");
		dst = frame_address(spec->dst, &spec->dst_addr, "2001:db8::2");
		ip = frame_claim(w, 40);
		frame_put32(ip, frame_number(spec->version_field, 6) << 28 | spec->tos << 20 |
					(spec->flow_label & 0xfffff));
		ip[6] = spec->extension_count ? spec->extensions[0].kind : protocol;
		ip[7] = frame_number(spec->ttl, 64);
		memcpy(ip + 8, src.bytes, 16);
		memcpy(ip + 24, dst.bytes, 16);
		for (i = 0; i < spec->extension_count; i++)
			frame_build_extension(w, &spec->extensions[i],
					      i + 1 < spec->extension_count ?
						      spec->extensions[i + 1].kind :
						      protocol);
		return ip;
	}
	src = frame_address(spec->src, &spec->src_addr, "198.51.100.1");
	dst = frame_address(spec->dst, &spec->dst_addr, "203.0.113.1");
	ip = frame_claim(w, 20);
	ip[1] = spec->tos;
	frame_put16(ip + 6, frame_number(spec->frag_off, 0x4000));
	ip[8] = frame_number(spec->ttl, 64);
	ip[9] = protocol;
	memcpy(ip + 12, src.bytes + 12, 4);
	memcpy(ip + 16, dst.bytes + 12, 4);
	if (spec->ip_option_bytes)
		memcpy(frame_claim(w, (spec->ip_option_bytes + 3) & ~3u), spec->ip_options,
		       spec->ip_option_bytes);
	ip[0] = frame_number(spec->version_field, 4) << 4 |
		(frame_number(spec->ihl, (w->pos - ip) / 4) & 15);
	return ip;
}

static void frame_build_options(struct frame_writer *w, const struct frame_spec *spec)
{
	__u8 *start = w->pos;
	size_t i;

	if (spec->raw_option_bytes)
		memcpy(frame_claim(w, spec->raw_option_bytes), spec->raw_options,
		       spec->raw_option_bytes);
	else
		for (i = 0; spec->options[i].bytes; i++)
			memcpy(frame_claim(w, spec->options[i].bytes), spec->options[i].b,
			       spec->options[i].bytes);
	frame_claim(w, (4 - (w->pos - start) % 4) % 4);
}

static __u8 *frame_build_tcp(struct frame_writer *w, const struct frame_spec *spec)
{
	__u8 *tcp = frame_claim(w, 20);
	__u8 *payload;
	__u32 i;

	frame_put16(tcp, frame_number(spec->sport, 40000));
	frame_put16(tcp + 2, frame_number(spec->dport, 80));
	frame_put32(tcp + 4, spec->seq);
	frame_put32(tcp + 8, spec->ack);
	tcp[13] = frame_number(spec->flags, FRAME_SYN);
	frame_put16(tcp + 14, frame_number(spec->window, 64240));
	frame_build_options(w, spec);
	tcp[12] = frame_number(spec->doff, (w->pos - tcp) / 4) << 4 | (spec->flags >> 8 & 1);
	payload = frame_claim(w, spec->payload_bytes);
	if (spec->payload && spec->payload_bytes)
		memcpy(payload, spec->payload, spec->payload_bytes);
	else
		for (i = 0; i < spec->payload_bytes; i++)
			payload[i] = 'a' + i % 26;
	return tcp;
}

__u32 frame_pseudo_sum(int version, const void *ip, __u32 tcp_bytes)
{
	const __u8 *at = ip;
	__u32 sum = tcp_bytes + IPPROTO_TCP;

	sum = (sum & 0xffff) + (sum >> 16);
	return version == 6 ? frame_sum(at + 8, 32, sum) : frame_sum(at + 12, 8, sum);
}

/* After the lengths, which the checksums cover. version_field may lie: the spec does not. */
static void frame_build_checksums(const struct frame_spec *spec, __u8 *ip, __u8 *tcp, __u8 *end)
{
	__u32 tcp_bytes = end - tcp;
	__u32 sum = frame_pseudo_sum(spec->version, ip, tcp_bytes);

	if (spec->partial_tcp_checksum)
		frame_put16(tcp + 16, sum);
	else
		frame_put16(tcp + 16, frame_checksum(tcp, tcp_bytes, sum));
	if (spec->bad_tcp_checksum)
		tcp[16] ^= 0x55;
	if (spec->version == 6)
		return;
	frame_put16(ip + 10, frame_checksum(ip, 20 + ((spec->ip_option_bytes + 3) & ~3u), 0));
	if (spec->bad_ip_checksum)
		ip[10] ^= 0x55;
}

size_t frame_build(void *out, size_t room, const struct frame_spec *spec)
{
	struct frame_writer w = { .start = out, .pos = out, .end = (__u8 *)out + room };
	__u8 *ip, *tcp;
	size_t bytes;

	frame_build_ethernet(&w, spec);
	ip = frame_build_ip(&w, spec);
	tcp = frame_build_tcp(&w, spec);
	if (spec->version == 6)
		frame_put16(ip + 4, frame_number(spec->tot_len, w.pos - ip - 40));
	else
		frame_put16(ip + 2, frame_number(spec->tot_len, w.pos - ip));
	frame_build_checksums(spec, ip, tcp, w.pos);

	bytes = w.pos - w.start;
	if (bytes < spec->pad_to) {
		memset(frame_claim(&w, spec->pad_to - bytes), FRAME_PADDING, spec->pad_to - bytes);
		bytes = spec->pad_to;
	}
	return bytes;
}

__u8 *frame_copy(const void *bytes, size_t count)
{
	__u8 *memory = malloc(count + 2);

	if (!memory)
		err(1, "malloc");
	if (count)
		memcpy(memory + 2, bytes, count);
	return memory + 2;
}

void frame_copy_free(__u8 *copy)
{
	if (copy)
		free(copy - 2);
}

struct frame_spec frame_answer(const struct frame_view *synack, __u32 tsval)
{
	struct frame_spec ack = {
		.version = synack->version,
		.tag_count = synack->tag_count,
		.src_addr = synack->dst,
		.dst_addr = synack->src,
		.sport = FRAME_IS(synack->dport),
		.dport = FRAME_IS(synack->sport),
		.seq = synack->ack,
		.ack = synack->seq + 1,
		.flags = FRAME_ACK,
		.window = 502,
	};

	memcpy(ack.source_mac, synack->destination_mac, 6);
	memcpy(ack.destination_mac, synack->source_mac, 6);
	memcpy(ack.tags, synack->tags, sizeof(ack.tags));
	if (synack->has_ts) {
		const struct frame_option echo[] = { FRAME_LINUX_ACK(tsval, synack->tsval) };

		memcpy(ack.options, echo, sizeof(echo));
	}
	return ack;
}
