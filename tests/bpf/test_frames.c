/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is not understood is passed as it came, with a reason of its own, by each program; and what
 * is no connection request never gets an answer, on a service that answers every one.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <netinet/in.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

struct row {
	const char *name;
	enum sg_verdict verdict;
	struct frame_spec spec;
};

/* Every connection request that is understood would be answered. */
static struct prog *everything_defended(void)
{
	struct prog *p = prog_new(stack_new());

	stack_listen();
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	return p;
}

/* The name of the row that is being tried comes first where an assertion fails. */
static void try_rows(struct prog *p, enum sg_program program, const struct row *rows,
		     unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct prog_frame f = prog_frame(&rows[i].spec);

		prog_expect(p, program, &f, rows[i].verdict, rows[i].name, i);
	}
}

/* clang-format off */
static const __u8 no_options[40];

static const struct row not_understood[] = {
	{ "arp", SG_V_NOT_IP, { .ethertype = 0x0806 } },
	{ "length instead of type", SG_V_NOT_IP, { .ethertype = 60 } },
	{ "ip in a tag of mpls", SG_V_NOT_IP, { .ethertype = 0x8847 } },
	{ "udp", SG_V_NOT_TCP, { .protocol = IPPROTO_UDP } },
	{ "icmp", SG_V_NOT_TCP, { .protocol = IPPROTO_ICMP } },
	{ "protocol 0", SG_V_NOT_TCP, { .protocol = FRAME_IS(0) } },
	{ "udp over ipv6", SG_V_NOT_TCP, { .version = 6, .protocol = IPPROTO_UDP } },
	{ "icmpv6", SG_V_NOT_TCP, { .version = 6, .protocol = IPPROTO_ICMPV6 } },
	{ "esp", SG_V_NOT_TCP, { .version = 6, .protocol = IPPROTO_ESP } },
	{ "no next header", SG_V_NOT_TCP, { .version = 6, .protocol = IPPROTO_NONE } },
	{ "first fragment", SG_V_FRAGMENT, { .frag_off = 0x2000 } },
	{ "last fragment", SG_V_FRAGMENT, { .frag_off = 0x0001 } },
	{ "fragment with DF", SG_V_FRAGMENT, { .frag_off = 0x6000 } },
	{ "ipv6 fragment", SG_V_FRAGMENT, { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_FRAGMENT } } } },
	{ "fragment behind options", SG_V_FRAGMENT, { .version = 6, .extension_count = 2,
		.extensions = { { .kind = IPPROTO_HOPOPTS }, { .kind = IPPROTO_FRAGMENT } } } },
	{ "authentication header", SG_V_EXT_CHAIN, { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_AH } } } },
	{ "mobility header", SG_V_EXT_CHAIN, { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_MH } } } },
	{ "routing with segments left", SG_V_EXT_CHAIN, { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_ROUTING, .segments_left = 1 } } } },
	{ "seven extension headers", SG_V_EXT_CHAIN, { .version = 6, .extension_count = 7,
		.extensions = { { .kind = IPPROTO_HOPOPTS }, { .kind = IPPROTO_DSTOPTS },
				{ .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS },
				{ .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS },
				{ .kind = IPPROTO_DSTOPTS } } } },
	{ "three tags", SG_V_VLAN_DEPTH, { .tags = { { .vid = 1 }, { .vid = 2 }, { .vid = 3 } } } },
	{ "version 5", SG_V_MALFORMED, { .version_field = 5 } },
	{ "version 6 in ipv4", SG_V_MALFORMED, { .version_field = 6 } },
	{ "version 4 in ipv6", SG_V_MALFORMED, { .version = 6, .version_field = 4 } },
	{ "version 0", SG_V_MALFORMED, { .version_field = FRAME_IS(0) } },
	{ "ihl 0", SG_V_MALFORMED, { .ihl = FRAME_IS(0) } },
	{ "ihl 4", SG_V_MALFORMED, { .ihl = 4 } },
	{ "ihl 15 of a bare syn", SG_V_MALFORMED, { .ihl = 15, .pad_to = 200 } },
	{ "total length 0", SG_V_MALFORMED, { .tot_len = FRAME_IS(0) } },
	{ "total length 19", SG_V_MALFORMED, { .tot_len = 19 } },
	{ "total length without tcp", SG_V_MALFORMED, { .tot_len = 20 } },
	{ "total length within tcp", SG_V_MALFORMED, { .tot_len = 39 } },
	{ "total length too long", SG_V_TRUNCATED, { .tot_len = 41 } },
	{ "total length 65535", SG_V_TRUNCATED, { .tot_len = 65535 } },
	{ "payload length 0", SG_V_MALFORMED, { .version = 6, .tot_len = FRAME_IS(0) } },
	{ "payload length 19", SG_V_MALFORMED, { .version = 6, .tot_len = 19 } },
	{ "payload length too long", SG_V_TRUNCATED, { .version = 6, .tot_len = 21 } },
	{ "payload length 65535", SG_V_TRUNCATED, { .version = 6, .tot_len = 65535 } },
	{ "extension header beyond payload", SG_V_MALFORMED, { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_DSTOPTS, .told_words = 255 } } } },
	{ "doff 0", SG_V_MALFORMED, { .doff = FRAME_IS(0) } },
	{ "doff 4", SG_V_MALFORMED, { .doff = 4 } },
	{ "doff 6 of 5", SG_V_MALFORMED, { .doff = 6 } },
	{ "doff 15 of 5", SG_V_MALFORMED, { .doff = 15 } },
	{ "doff 15 of 5, padded", SG_V_MALFORMED, { .doff = 15, .pad_to = 200 } },
	{ "doff 6 of 5, ipv6", SG_V_MALFORMED, { .version = 6, .doff = 6 } },
};

/* Traps H18. An answer would go to somebody who did not ask, or tell a scanner what runs here. */
static const struct row no_request[] = {
	{ "null", SG_V_MALFORMED, { .flags = FRAME_IS(0) } },
	{ "fin alone", SG_V_MALFORMED, { .flags = FRAME_FIN } },
	{ "xmas", SG_V_MALFORMED, { .flags = FRAME_FIN | FRAME_PSH | FRAME_URG } },
	{ "psh and urg", SG_V_MALFORMED, { .flags = FRAME_PSH | FRAME_URG } },
	{ "syn and fin", SG_V_MALFORMED, { .flags = FRAME_SYN | FRAME_FIN } },
	{ "syn and rst", SG_V_MALFORMED, { .flags = FRAME_SYN | FRAME_RST } },
	{ "all flags", SG_V_MALFORMED, { .flags = 0xff } },
	{ "land", SG_V_MALFORMED, { .src = STACK_SERVER4 } },
	{ "land from the same port", SG_V_MALFORMED, { .src = STACK_SERVER4, .sport = 80 } },
	{ "land over ipv6", SG_V_MALFORMED, { .version = 6, .src = STACK_SERVER6 } },
	{ "from port 0", SG_V_PORT_ZERO, { .sport = FRAME_IS(0) } },
	{ "from port 0 over ipv6", SG_V_PORT_ZERO, { .version = 6, .sport = FRAME_IS(0) } },
	{ "to port 0", SG_V_MALFORMED, { .dport = FRAME_IS(0) } },
	{ "from 0.0.0.0", SG_V_MALFORMED, { .src = "0.0.0.0" } },
	{ "from loopback", SG_V_MALFORMED, { .src = "127.1.2.3" } },
	{ "from multicast", SG_V_MALFORMED, { .src = "224.0.0.1" } },
	{ "from the last multicast", SG_V_MALFORMED, { .src = "239.255.255.255" } },
	{ "from everybody", SG_V_MALFORMED, { .src = "255.255.255.255" } },
	{ "from ::", SG_V_MALFORMED, { .version = 6, .src = "::" } },
	{ "from ::1", SG_V_MALFORMED, { .version = 6, .src = "::1" } },
	{ "from ipv6 multicast", SG_V_MALFORMED, { .version = 6, .src = "ff02::1" } },
	{ "from a mapped address", SG_V_MALFORMED, { .version = 6, .src = "::ffff:198.51.100.1" } },
	{ "to a mapped address", SG_V_MALFORMED, { .version = 6, .dst = "::ffff:203.0.113.1" } },
	{ "ack", SG_V_NOT_SYN, { .flags = FRAME_ACK } },
	{ "data", SG_V_NOT_SYN, { .flags = FRAME_ACK | FRAME_PSH, .payload_bytes = 100 } },
	{ "syn-ack", SG_V_NOT_SYN, { .flags = FRAME_SYN | FRAME_ACK } },
	{ "rst", SG_V_NOT_SYN, { .flags = FRAME_RST } },
	{ "rst and ack", SG_V_NOT_SYN, { .flags = FRAME_RST | FRAME_ACK } },
	{ "fin and ack", SG_V_NOT_SYN, { .flags = FRAME_FIN | FRAME_ACK } },
	{ "in a broadcast frame", SG_V_MULTICAST,
		{ .destination_mac = { 255, 255, 255, 255, 255, 255 } } },
	{ "in a multicast frame", SG_V_MULTICAST, { .destination_mac = { 1, 0, 94, 0, 0, 1 } } },
};

/* What looks odd and is nevertheless a request. */
static const struct row requests[] = {
	{ "psh and urg", SG_V_CHALLENGED, { .flags = FRAME_SYN | FRAME_PSH | FRAME_URG } },
	{ "from port 80", SG_V_CHALLENGED, { .sport = 80 } },
	{ "from an address next to multicast", SG_V_CHALLENGED, { .src = "223.255.255.255" } },
	{ "from an address next to loopback", SG_V_CHALLENGED, { .src = "128.0.0.1" } },
	{ "from class e", SG_V_CHALLENGED, { .src = "240.0.0.1" } },
	{ "from ::2", SG_V_CHALLENGED, { .version = 6, .src = "::2" } },
	{ "no df", SG_V_CHALLENGED, { .frag_off = FRAME_IS(0) } },
	{ "bad header checksum", SG_V_CHALLENGED, { .bad_ip_checksum = true } },
	{ "ihl 15", SG_V_CHALLENGED, { .ip_options = no_options, .ip_option_bytes = 40 } },
	{ "routing with none left", SG_V_CHALLENGED, { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_ROUTING } } } },
	{ "six extension headers", SG_V_CHALLENGED, { .version = 6, .extension_count = 6,
		.extensions = { { .kind = IPPROTO_HOPOPTS }, { .kind = IPPROTO_DSTOPTS },
				{ .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS },
				{ .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS } } } },
	{ "sequence number 2^32 - 1", SG_V_CHALLENGED, { .seq = 0xffffffff } },
};
/* clang-format on */

START_TEST(test_not_understood)
{
	struct prog *p = everything_defended();

	try_rows(p, _i, not_understood, ROWS(not_understood));
}
END_TEST

START_TEST(test_no_request_no_answer)
{
	try_rows(everything_defended(), SG_XDP, no_request, ROWS(no_request));
}
END_TEST

START_TEST(test_odd_requests)
{
	try_rows(everything_defended(), SG_XDP, requests, ROWS(requests));
}
END_TEST

/*
 * Traps F7: cut off after every byte. BPF_PROG_RUN itself refuses what a driver would not hand on:
 * less than an Ethernet header, and as an skb less than the header of the IP it says it is.
 */
START_TEST(test_truncated_at_every_byte)
{
	struct frame_spec specs[] = { client_linux4, client_linux6, client_linux4, client_linux6 };
	struct prog *p = everything_defended();
	unsigned int i;

	specs[2].tags[0].vid = 7;
	specs[3].extension_count = 1;
	specs[3].extensions[0] = (struct frame_extension){ .kind = IPPROTO_DSTOPTS, .words = 1 };
	for (i = 0; i < ROWS(specs); i++) {
		struct prog_frame f = prog_frame(&specs[i]);
		size_t least = _i == SG_XDP ? 14 : specs[i].version == 6 ? 54 : 34;

		while (--f.length >= least)
			expect_frame(p, _i, &f, SG_V_TRUNCATED);
	}
}
END_TEST

/* The same of a frame that is whole, but of which the driver shows no more than the first bytes. */
START_TEST(test_headers_in_fragments)
{
	struct prog *p = everything_defended();
	struct frame_spec syn = client_linux6;

	if (!prog_can_split(p))
		SKIP("this kernel's BPF_PROG_RUN makes no fragments of short frames");
	syn.payload_bytes = 500;
	for (p->xdp_linear_bytes = 14; p->xdp_linear_bytes < 94; p->xdp_linear_bytes++)
		expect_verdict(p, SG_XDP, &syn, SG_V_TRUNCATED);
	expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(test_not_understood, SG_PROGRAM_COUNT, 10),
	SUITE_TEST(test_no_request_no_answer, 10),
	SUITE_TEST(test_odd_requests, 10),
	SUITE_LOOP(test_truncated_at_every_byte, SG_PROGRAM_COUNT, 10),
	SUITE_TEST(test_headers_in_fragments, 10),
	{}
};
/* clang-format on */
