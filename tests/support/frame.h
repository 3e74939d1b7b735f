/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for tests: built from a few words, taken apart again.
 *
 * struct frame_spec says what differs from an ordinary SYN; frame_build() writes the bytes, with
 * true lengths and full checksums unless told to lie. frame_parse() and frame_checksums_ok() are
 * the oracle: they share nothing with bpf/net/packet.h, options.h and reply.h, so that no
 * mistake of theirs can hide behind itself.
 *
 *	struct frame_spec syn = {
 *		.version = 6,
 *		.tags = { { .vid = 7 } },
 *		.sport = 40001, .dport = 443, .seq = 1000,
 *		.options = { FRAME_LINUX_SYN(1440, 5000, 7) },
 *		.pad_to = 60,
 *	};
 *	__u8 bytes[FRAME_ROOM];
 *	size_t length = frame_build(bytes, sizeof(bytes), &syn);
 *
 * All numbers are in host byte order. A number left 0 gets the default named beside it; where 0
 * itself, or a lie about a length, is wanted, say FRAME_IS(0).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "synguard/abi.h"

#define FRAME_ROOM 2048

/* A number that is meant as it stands, also 0. Of 32-bit fields 0 is 0 without it. */
#define FRAME_IS(n) (0x80000000u | (n))

enum frame_flags {
	FRAME_FIN = 0x01,
	FRAME_SYN = 0x02,
	FRAME_RST = 0x04,
	FRAME_PSH = 0x08,
	FRAME_ACK = 0x10,
	FRAME_URG = 0x20,
	FRAME_ECE = 0x40,
	FRAME_CWR = 0x80,
	FRAME_AE = 0x100, /* RFC 9768; a view does not show it */
};

/* One TCP option: bytes 0 ends the list. The list is padded to 4 bytes with end-of-list. */
struct frame_option {
	__u8 bytes;
	__u8 b[40];
};

/* clang-format off */
#define FRAME_RAW(...)	   { .bytes = sizeof((__u8[]){ __VA_ARGS__ }), .b = { __VA_ARGS__ } }
#define FRAME_BE16(n)	   ((__u32)(n) >> 8 & 0xff), ((__u32)(n) & 0xff)
#define FRAME_BE32(n)	   FRAME_BE16((__u32)(n) >> 16), FRAME_BE16((__u32)(n) & 0xffff)
#define FRAME_EOL	   FRAME_RAW(0)
#define FRAME_NOP	   FRAME_RAW(1)
#define FRAME_MSS(n)	   FRAME_RAW(2, 4, FRAME_BE16(n))
#define FRAME_WSCALE(n)	   FRAME_RAW(3, 3, n)
#define FRAME_SACK	   FRAME_RAW(4, 2)
#define FRAME_TS(val, ecr) FRAME_RAW(8, 10, FRAME_BE32(val), FRAME_BE32(ecr))
#define FRAME_MD5	   FRAME_RAW(19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#define FRAME_AO	   FRAME_RAW(29, 16, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
#define FRAME_TFO_COOKIE   FRAME_RAW(34, 10, 1, 2, 3, 4, 5, 6, 7, 8)
#define FRAME_TFO_REQUEST  FRAME_RAW(34, 2)
#define FRAME_MPTCP	   FRAME_RAW(30, 4, 1, 1)

/* The layouts of real stacks. */
#define FRAME_LINUX_SYN(mss, tsval, wscale) \
	FRAME_MSS(mss), FRAME_SACK, FRAME_TS(tsval, 0), FRAME_NOP, FRAME_WSCALE(wscale)
#define FRAME_LINUX_ACK(tsval, tsecr) FRAME_NOP, FRAME_NOP, FRAME_TS(tsval, tsecr)
#define FRAME_WINDOWS_SYN(mss) \
	FRAME_MSS(mss), FRAME_NOP, FRAME_WSCALE(8), FRAME_NOP, FRAME_NOP, FRAME_SACK
/* clang-format on */

/* An IPv6 extension header between IP and TCP; what it carries is padding or zeros. */
struct frame_extension {
	__u8 kind;	     /* IPPROTO_*; its length is right for fragment and AH, too */
	__u8 words;	     /* of 8 bytes, the first not counted */
	__u8 segments_left;  /* routing */
	__u8 told_words;     /* 0 = true, else written instead of words */
	const void *content; /* NULL, or all that follows the first two bytes */
};

#define FRAME_TAGS_MAX	     3
#define FRAME_EXTENSIONS_MAX 10

struct frame_tag {
	__u16 tpid; /* 0x8100 */
	__u16 vid;
	__u16 priority; /* of 3 bits */
};

struct frame_spec {
	/* Ethernet */
	__u8 source_mac[6];	 /* 02:00:00:00:00:01 */
	__u8 destination_mac[6]; /* 02:00:00:00:00:02 */
	struct frame_tag tags[FRAME_TAGS_MAX];
	__u32 tag_count; /* those that are not all zero */
	__u32 ethertype; /* of the version */
	__u32 pad_to;	 /* frame bytes at least; padding is 0xee, so that it shows */

	/* IP */
	int version;	     /* 4 */
	__u32 version_field; /* version */
	const char *src;     /* as text; wins over src_addr */
	const char *dst;
	struct sg_addr src_addr; /* 198.51.100.1, 2001:db8::1; IPv4 in words[3] */
	struct sg_addr dst_addr; /* 203.0.113.1, 2001:db8::2 */
	__u8 tos;		 /* traffic class */
	__u32 ttl;		 /* 64 */
	__u32 protocol;		 /* 6; of IPv6 the last extension header's */
	__u32 frag_off;		 /* of IPv4, as in the header: 0x4000, don't fragment */
	__u32 flow_label;
	const void *ip_options; /* of IPv4; padded to 4 bytes with end-of-list */
	__u32 ip_option_bytes;
	struct frame_extension extensions[FRAME_EXTENSIONS_MAX];
	__u32 extension_count;
	__u32 ihl;     /* true */
	__u32 tot_len; /* true; payload_len of IPv6 */
	bool bad_ip_checksum;

	/* TCP */
	__u32 sport; /* 40000 */
	__u32 dport; /* 80 */
	__u32 seq;
	__u32 ack;
	__u32 flags;  /* FRAME_SYN */
	__u32 window; /* 64240 */
	__u32 doff;   /* true */
	struct frame_option options[41];
	const void *raw_options; /* instead of options; padded to 4 bytes with end-of-list */
	__u32 raw_option_bytes;
	bool bad_tcp_checksum;
	bool partial_tcp_checksum; /* as a sender leaves it to its hardware: pseudo header only */
	const void *payload;	   /* NULL with payload_bytes: a pattern */
	__u32 payload_bytes;
};

/* Writes the frame; returns its bytes. Ends the program if the room does not suffice. */
size_t frame_build(void *out, size_t room, const struct frame_spec *spec);

/*
 * A copy that ends where its memory ends, so that ASan reports the first byte read past it; IP
 * headers lie on a multiple of 4 as in a driver (NET_IP_ALIGN). For frame_copy_free().
 */
__u8 *frame_copy(const void *bytes, size_t count);
void frame_copy_free(__u8 *copy);

/* An address of either family from its text; IPv4 is mapped. Ends the program on nonsense. */
struct sg_addr frame_addr(const char *text);

/* What stands in a frame, in host byte order. */
struct frame_view {
	int version;
	__u8 source_mac[6];
	__u8 destination_mac[6];
	struct frame_tag tags[FRAME_TAGS_MAX];
	__u32 tag_count;
	struct sg_addr src; /* IPv4 is mapped */
	struct sg_addr dst;
	__u8 tos;
	__u8 ttl;
	__u16 frag_off;
	__u16 ip_id;
	__u32 ip_option_bytes;
	__u32 extension_bytes;
	__u32 l3_offset;
	__u32 l4_offset;
	__u32 payload_offset;
	__u32 payload_bytes; /* as the IP header tells */
	__u32 padding_bytes; /* of the frame after the IP packet */
	bool padding_zero;
	__u16 sport;
	__u16 dport;
	__u32 seq;
	__u32 ack;
	__u8 flags;
	__u16 window;
	__u16 urgent;
	__u32 option_bytes;
	__u8 option_order[40]; /* the kinds, NOPs left out, in the order they stand */
	__u32 option_count;    /* of option_order */
	bool has_mss, has_sack, has_ts, has_wscale;
	__u16 mss;
	__u8 wscale;
	__u32 tsval, tsecr;
	bool ip_checksum_ok; /* true for IPv6 */
	bool tcp_checksum_ok;
};

/*
 * Takes a TCP frame apart. Returns NULL, or what is wrong with it: a length that does not agree
 * with another, an option that overruns, a kind of header that is not known here. Checksums are
 * not among that: they are told by the view.
 */
const char *frame_parse(struct frame_view *view, const void *frame, size_t bytes);

/* Whether the frame can be taken apart and both of its checksums are right. */
bool frame_checksums_ok(const void *frame, size_t bytes);

/*
 * RFC 1071 over bytes, the obvious way, in host order. frame_sum() goes on from a sum of less
 * than 64 KiB over an even number of bytes; frame_checksum() is what belongs into the field;
 * frame_pseudo_sum() is that of RFC 9293 3.1 and RFC 8200 8.1, from an IP header.
 */
__u32 frame_sum(const void *bytes, size_t count, __u32 sum);
__u16 frame_checksum(const void *bytes, size_t count, __u32 sum);
__u32 frame_pseudo_sum(int version, const void *ip, __u32 tcp_bytes);

/*
 * The ACK with which a client answers a SYN-ACK: as frame_spec, to be changed before it is built.
 * Echoes the timestamp where there was one; its own is tsval.
 */
struct frame_spec frame_answer(const struct frame_view *synack, __u32 tsval);
