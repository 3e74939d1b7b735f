/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet_syn_only(): what is a connection request that may be answered, and what is not.
 */
#include "bpf/net/packet.h"
#include "frame.h"
#include "suite.h"

#define OK SG_UNDECIDED

static enum sg_verdict judge(const struct frame_spec *spec)
{
	__u8 bytes[FRAME_ROOM];
	struct packet_cursor c;
	enum sg_verdict v;
	struct packet p;
	size_t count = frame_build(bytes + 2, sizeof(bytes) - 2, spec);

	c = (struct packet_cursor){ .pos = bytes + 2, .end = bytes + 2 + count };
	v = packet_parse(&p, &c, count);
	ck_assert_int_eq(v, SG_UNDECIDED);
	return packet_syn_only(&p);
}

#define XMAS (FRAME_FIN | FRAME_PSH | FRAME_URG)

struct syn_case {
	const char *name;
	struct frame_spec spec;
	enum sg_verdict wanted;
};

/* clang-format off */
static const struct syn_case cases[] = {
	{ "SYN", { .flags = FRAME_SYN }, OK },
	{ "SYN that asks for ECN", { .flags = FRAME_SYN | FRAME_ECE | FRAME_CWR }, OK },
	{ "SYN with ECE alone", { .flags = FRAME_SYN | FRAME_ECE }, OK },
	{ "SYN with CWR alone", { .flags = FRAME_SYN | FRAME_CWR }, OK },
	{ "SYN with data", { .flags = FRAME_SYN | FRAME_PSH, .payload_bytes = 10 }, OK },
	{ "SYN with an urgent pointer", { .flags = FRAME_SYN | FRAME_URG }, OK },
	{ "SYN of IPv6", { .version = 6 }, OK },

	{ "ACK", { .flags = FRAME_ACK }, SG_V_NOT_SYN },
	{ "data", { .flags = FRAME_ACK | FRAME_PSH, .payload_bytes = 10 }, SG_V_NOT_SYN },
	{ "FIN", { .flags = FRAME_FIN | FRAME_ACK }, SG_V_NOT_SYN },
	{ "RST", { .flags = FRAME_RST }, SG_V_NOT_SYN },
	{ "RST and ACK", { .flags = FRAME_RST | FRAME_ACK }, SG_V_NOT_SYN },
	{ "SYN-ACK", { .flags = FRAME_SYN | FRAME_ACK }, SG_V_NOT_SYN },
	{ "ACK from port 0", { .flags = FRAME_ACK, .sport = FRAME_IS(0) }, SG_V_NOT_SYN },
	{ "ACK to a group", { .flags = FRAME_ACK, .destination_mac = { 1 } }, SG_V_NOT_SYN },

	{ "SYN and FIN", { .flags = FRAME_SYN | FRAME_FIN }, SG_V_MALFORMED },
	{ "SYN and RST", { .flags = FRAME_SYN | FRAME_RST }, SG_V_MALFORMED },
	{ "SYN, FIN and ACK", { .flags = FRAME_SYN | FRAME_FIN | FRAME_ACK }, SG_V_MALFORMED },
	{ "SYN, RST and ACK", { .flags = FRAME_SYN | FRAME_RST | FRAME_ACK }, SG_V_MALFORMED },
	{ "NULL", { .flags = FRAME_IS(0) }, SG_V_MALFORMED },
	{ "Xmas", { .flags = XMAS }, SG_V_MALFORMED },
	{ "all lights on", { .flags = 0xff }, SG_V_MALFORMED },
	{ "FIN alone", { .flags = FRAME_FIN }, SG_V_MALFORMED },
	{ "PSH alone", { .flags = FRAME_PSH }, SG_V_MALFORMED },
	{ "ECE and CWR alone", { .flags = FRAME_ECE | FRAME_CWR }, SG_V_MALFORMED },

	{ "from port 0, which the kernel answers", { .sport = FRAME_IS(0) }, OK },
	{ "to port 0", { .dport = FRAME_IS(0) }, SG_V_MALFORMED },
	{ "from port 65535", { .sport = 65535, .dport = 65535 }, OK },

	{ "LAND", { .src = "203.0.113.1", .dst = "203.0.113.1", .sport = 80 }, SG_V_MALFORMED },
	{ "LAND from another port", { .src = "203.0.113.1", .dst = "203.0.113.1" }, SG_V_MALFORMED },
	{ "LAND of IPv6", { .version = 6, .src = "2001:db8::7", .dst = "2001:db8::7" }, SG_V_MALFORMED },
	{ "not LAND: the last bit differs", { .src = "203.0.113.2", .dst = "203.0.113.3" }, OK },
	{ "not LAND: the first half differs", { .version = 6, .src = "2001:db8::7", .dst = "2001:db9::7" }, OK },
	{ "not LAND: the second half differs", { .version = 6, .src = "2001:db8::7", .dst = "2001:db8::6" }, OK },

	{ "from 0.0.0.0", { .src = "0.0.0.0" }, SG_V_MALFORMED },
	{ "from 0.255.255.255, which is an address since Linux 5.3", { .src = "0.255.255.255" }, OK },
	{ "from 1.0.0.0", { .src = "1.0.0.0" }, OK },
	{ "from 126.255.255.255", { .src = "126.255.255.255" }, OK },
	{ "from 127.0.0.1", { .src = "127.0.0.1" }, SG_V_MALFORMED },
	{ "from 127.255.255.255", { .src = "127.255.255.255" }, SG_V_MALFORMED },
	{ "from 128.0.0.0", { .src = "128.0.0.0" }, OK },
	{ "from 10.1.2.3", { .src = "10.1.2.3" }, OK },
	{ "from 169.254.1.1", { .src = "169.254.1.1" }, OK },
	{ "from 223.255.255.255", { .src = "223.255.255.255" }, OK },
	{ "from 224.0.0.0", { .src = "224.0.0.0" }, SG_V_MALFORMED },
	{ "from 239.255.255.255", { .src = "239.255.255.255" }, SG_V_MALFORMED },
	{ "from 240.0.0.0, which Linux routes", { .src = "240.0.0.0" }, OK },
	{ "from 255.255.255.254", { .src = "255.255.255.254" }, OK },
	{ "from 255.255.255.255", { .src = "255.255.255.255" }, SG_V_MALFORMED },

	{ "from ::", { .version = 6, .src = "::" }, SG_V_MALFORMED },
	{ "from ::1", { .version = 6, .src = "::1" }, SG_V_MALFORMED },
	{ "from ::2", { .version = 6, .src = "::2" }, OK },
	{ "from ::127.0.0.1", { .version = 6, .src = "::127.0.0.1" }, OK },
	{ "from 0:0:0:1::1", { .version = 6, .src = "0:0:0:1::1" }, OK },
	{ "from 1::", { .version = 6, .src = "1::" }, OK },
	{ "from ::1:0:0", { .version = 6, .src = "::1:0:0" }, OK },
	{ "from a v4-mapped address", { .version = 6, .src = "::ffff:198.51.100.1" }, SG_V_MALFORMED },
	{ "from a translated address", { .version = 6, .src = "64:ff9b::198.51.100.1" }, OK },
	{ "to a v4-mapped address", { .version = 6, .dst = "::ffff:203.0.113.1" }, SG_V_MALFORMED },
	{ "to what is nearly one", { .version = 6, .dst = "::fffe:203.0.113.1" }, OK },
	{ "from ff02::1", { .version = 6, .src = "ff02::1" }, SG_V_MALFORMED },
	{ "from ff00::", { .version = 6, .src = "ff00::" }, SG_V_MALFORMED },
	{ "from fe80::1", { .version = 6, .src = "fe80::1" }, OK },
	{ "from fd00::1", { .version = 6, .src = "fd00::1" }, OK },

	{ "broadcast frame", { .destination_mac = { 255, 255, 255, 255, 255, 255 } }, SG_V_MULTICAST },
	{ "multicast frame", { .destination_mac = { 1, 0, 0x5e, 0, 0, 1 } }, SG_V_MULTICAST },
	{ "multicast frame of IPv6", { .version = 6, .destination_mac = { 0x33, 0x33, 0, 0, 0, 1 } }, SG_V_MULTICAST },
	{ "unicast frame, locally administered", { .destination_mac = { 0xfe, 255, 255, 255, 255, 255 } }, OK },
	{ "malformed and to a group", { .src = "0.0.0.0", .destination_mac = { 1 } }, SG_V_MALFORMED },
};
/* clang-format on */

START_TEST(syn_or_not)
{
	const struct syn_case *c = &cases[_i];
	enum sg_verdict v = judge(&c->spec);

	ck_assert_msg(v == c->wanted, "%s: verdict %d, not %d", c->name, v, c->wanted);
}
END_TEST

/* All 256, said another way: PSH, URG, ECE and CWR change nothing. */
START_TEST(syn_of_all_flags)
{
	/* by FIN, SYN, RST, ACK */
	/* clang-format off */
	static const enum sg_verdict wanted[2][2][2][2] = {
		[0][0][0][0] = SG_V_MALFORMED, [1][0][0][0] = SG_V_MALFORMED,
		[0][1][0][0] = OK,	       [1][1][0][0] = SG_V_MALFORMED,
		[0][0][1][0] = SG_V_NOT_SYN,   [1][0][1][0] = SG_V_NOT_SYN,
		[0][1][1][0] = SG_V_MALFORMED, [1][1][1][0] = SG_V_MALFORMED,
		[0][0][0][1] = SG_V_NOT_SYN,   [1][0][0][1] = SG_V_NOT_SYN,
		[0][1][0][1] = SG_V_NOT_SYN,   [1][1][0][1] = SG_V_MALFORMED,
		[0][0][1][1] = SG_V_NOT_SYN,   [1][0][1][1] = SG_V_NOT_SYN,
		[0][1][1][1] = SG_V_MALFORMED, [1][1][1][1] = SG_V_MALFORMED,
	};
	/* clang-format on */
	int flags;

	for (flags = 0; flags < 256; flags++) {
		struct frame_spec v4 = { .flags = FRAME_IS(flags) };
		struct frame_spec v6 = { .version = 6, .flags = FRAME_IS(flags) };
		enum sg_verdict w = wanted[!!(flags & FRAME_FIN)][!!(flags & FRAME_SYN)]
					  [!!(flags & FRAME_RST)][!!(flags & FRAME_ACK)];

		ck_assert_msg(judge(&v4) == w, "flags %x", flags);
		ck_assert_msg(judge(&v6) == w, "flags %x, IPv6", flags);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(syn_or_not, sizeof(cases) / sizeof(cases[0]), 10),
	SUITE_TEST(syn_of_all_flags, 10),
	{}
};
/* clang-format on */
