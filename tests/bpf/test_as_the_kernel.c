/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trap FW7: every check that the stack makes before TCP, beside ours, on one frame after the other: what
 * the kernel drops in silence is not challenged, and what it answers is not refused.
 *
 * The kernel is asked first, with nothing of ours attached. A plain SYN goes in behind each frame: its
 * SYN-ACK tells that the time of the frame before it has passed.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

#define ROW_PORT   41000
#define PLAIN_PORT 51000

struct row {
	const char *name;
	struct frame_spec spec;
	bool silent;	     /* the kernel is */
	const char *despite; /* why we answer, or drop, all the same */
};

/* clang-format off */
#define IP4(...) .ip_options = (const __u8[]){ __VA_ARGS__ }, \
		 .ip_option_bytes = sizeof((const __u8[]){ __VA_ARGS__ })
#define IP6(kind_, ...) .version = 6, .extension_count = 1, \
	.extensions = { { .kind = kind_, .content = (const __u8[]){ __VA_ARGS__ } } }
#define IP6_LONG(kind_, words_, ...) .version = 6, .extension_count = 1, \
	.extensions = { { .kind = kind_, .words = words_, .content = (const __u8[]){ __VA_ARGS__ } } }
#define CLIENT4 198, 51, 100, 1
#define SERVER4 203, 0, 113, 1

static const struct row rows[] = {
	{ "plain", {} },
	{ "plain over IPv6", { .version = 6 } },

	/* the IPv4 header: ip_rcv_core() */
	{ "TTL 0", { .ttl = FRAME_IS(0) } },
	{ "TTL 1", { .ttl = 1 } },
	{ "evil bit", { .frag_off = 0xc000 } },
	{ "no DF", { .frag_off = FRAME_IS(0) } },
	{ "padded", { .pad_to = 200 } },
	{ "TOS", { .tos = 0xff } },
	{ "bad header checksum", { .bad_ip_checksum = true },
	  true, "it would cost each challenge the sum of a header that the link has verified" },
	{ "total length 0", { .tot_len = FRAME_IS(0) }, true },
	{ "total length of the header", { .tot_len = 20 }, true },
	{ "total length one too small", { .tot_len = 39 }, true },
	{ "total length one too large", { .tot_len = 41 }, true },
	{ "total length cuts the padding", { .tot_len = 40, .payload_bytes = 100 },
	  true, "the checksum of TCP is not verified: F1" },
	{ "version 5", { .version_field = 5 }, true },
	{ "ihl 4", { .ihl = 4 }, true },

	/* its options: __ip_options_compile(), ip_rcv_options() */
	{ "no operation", { IP4(1, 1, 1, 1) } },
	{ "end of the list", { IP4(0, 0, 0, 0) } },
	{ "end of the list, then anything", { IP4(0, 131, 1, 0) } },
	{ "record route", { IP4(7, 7, 4, 0, 0, 0, 0, 0) } },
	{ "record route that is full", { IP4(7, 7, 8, 0, 0, 0, 0, 0) } },
	{ "record route, pointer 3", { IP4(7, 7, 3, 0, 0, 0, 0, 0) }, true },
	{ "record route, pointer within", { IP4(7, 7, 6, 0, 0, 0, 0, 0) }, true },
	{ "record route of two bytes", { IP4(7, 2, 0, 0) }, true },
	{ "two record routes", { IP4(7, 3, 4, 7, 3, 4, 0, 0) }, true },
	{ "time stamps", { IP4(68, 8, 5, 0, 0, 0, 0, 0) } },
	{ "time stamps of three bytes", { IP4(68, 3, 5, 0) }, true },
	{ "time stamps, pointer 4", { IP4(68, 8, 4, 0, 0, 0, 0, 0) }, true },
	{ "time stamps, flag 2", { IP4(68, 12, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0) } },
	{ "time stamps and addresses", { IP4(68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0) } },
	{ "time stamps and half an address", { IP4(68, 8, 5, 1, 0, 0, 0, 0) }, true },
	{ "time stamps that are full", { IP4(68, 8, 9, 0, 0, 0, 0, 0) } },
	{ "time stamps that overflow", { IP4(68, 8, 9, 0xf0, 0, 0, 0, 0) }, true },
	{ "two of time stamps", { IP4(68, 8, 5, 0, 0, 0, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0) }, true },
	{ "router alert", { IP4(148, 4, 0, 0) } },
	{ "router alert of three bytes", { IP4(148, 3, 0, 0) }, true },
	{ "loose source route", { IP4(131, 7, 4, CLIENT4, 0) }, true },
	{ "loose source route at its end", { IP4(131, 7, 8, CLIENT4, 0) }, true },
	{ "strict source route", { IP4(137, 7, 4, CLIENT4, 0) }, true },
	{ "strict source route at its end", { IP4(137, 7, 8, SERVER4, 0) }, true },
	{ "source route behind others", { IP4(1, 7, 7, 4, 0, 0, 0, 0, 131, 7, 8, CLIENT4) }, true },
	{ "source route of two bytes", { IP4(131, 2, 0, 0) }, true },
	{ "security", { IP4(130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) } },
	{ "CIPSO", { IP4(134, 6, 0, 0, 0, 1, 0, 0) }, true },
	{ "stream id", { IP4(136, 4, 0, 0) } },
	{ "unknown", { IP4(94, 4, 0, 0) } },
	{ "unknown of length 0", { IP4(94, 0, 0, 0) }, true },
	{ "unknown of length 1", { IP4(94, 1, 0, 0) }, true },
	{ "unknown beyond the header", { IP4(94, 5, 0, 0) }, true },
	{ "a kind without its length", { IP4(1, 1, 1, 94) }, true },

	/* the source: ip_route_input_slow(), fib_validate_source() */
	{ "from 0.0.0.0", { .src = "0.0.0.0" }, true },
	{ "from loopback", { .src = "127.0.0.1" }, true },
	{ "from a group", { .src = "224.0.0.1" }, true },
	{ "from everybody", { .src = "255.255.255.255" }, true },
	{ "from the address asked", { .src = STACK_SERVER4 }, true },
	{ "from another own address", { .src = "203.0.113.2" }, true },
	{ "from an own address of another device", { .src = "192.0.2.1" }, true },
	{ "from the broadcast address of the network", { .src = "203.0.113.255" } },
	{ "from 0.0.0.1", { .src = "0.0.0.1" } },
	{ "from class E", { .src = "240.0.0.1" } },

	/* the IPv6 header: ip6_rcv_core() */
	{ "hop limit 0", { .version = 6, .ttl = FRAME_IS(0) } },
	{ "traffic class", { .version = 6, .tos = 0xff } },
	{ "IPv6, padded", { .version = 6, .pad_to = 200 } },
	{ "payload length 0", { .version = 6, .tot_len = FRAME_IS(0) }, true },
	{ "payload length one too small", { .version = 6, .tot_len = 19 }, true },
	{ "payload length one too large", { .version = 6, .tot_len = 21 }, true },
	{ "from ::", { .version = 6, .src = "::" }, true },
	{ "from ::1", { .version = 6, .src = "::1" }, true },
	{ "from ff02::1", { .version = 6, .src = "ff02::1" }, true },
	{ "from a mapped address", { .version = 6, .src = "::ffff:198.51.100.1" }, true },
	{ "from the IPv6 address asked", { .version = 6, .src = STACK_SERVER6 }, true },
	{ "from another own IPv6 address", { .version = 6, .src = "2001:db8::3" }, true },

	/* its extension headers: exthdrs.c */
	{ "hop-by-hop options", { IP6(IPPROTO_HOPOPTS, 1, 4, 0, 0, 0, 0) } },
	{ "an option to skip", { IP6(IPPROTO_HOPOPTS, 0x1e, 4, 0, 0, 0, 0) } },
	{ "an option that discards", { IP6(IPPROTO_HOPOPTS, 0x5e, 4, 0, 0, 0, 0) }, true },
	{ "an option that discards and tells", { IP6(IPPROTO_HOPOPTS, 0x9e, 4, 0, 0, 0, 0) }, true },
	{ "the same not to groups", { IP6(IPPROTO_HOPOPTS, 0xde, 4, 0, 0, 0, 0) }, true },
	{ "an option beyond the header", { IP6(IPPROTO_HOPOPTS, 0x1e, 5, 0, 0, 0, 0) }, true },
	{ "padding that is not 0", { IP6(IPPROTO_HOPOPTS, 1, 4, 0, 0, 1, 0) }, true },
	{ "padding of eight", { IP6_LONG(IPPROTO_HOPOPTS, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, true },
	{ "padding twice", { IP6(IPPROTO_HOPOPTS, 1, 1, 0, 1, 1, 0) } },
	{ "router alert over IPv6", { IP6(IPPROTO_HOPOPTS, 5, 2, 0, 0, 1, 0) } },
	{ "a jumbogram's length", { IP6(IPPROTO_HOPOPTS, 0xc2, 4, 0, 0, 0, 20) }, true },
	{ "destination options", { IP6(IPPROTO_DSTOPTS, 1, 4, 0, 0, 0, 0) } },
	{ "a destination option to skip", { IP6(IPPROTO_DSTOPTS, 0x1e, 4, 0, 0, 0, 0) } },
	{ "a destination option that discards", { IP6(IPPROTO_DSTOPTS, 0x5e, 4, 0, 0, 0, 0) }, true },
	{ "a home address", { IP6_LONG(IPPROTO_DSTOPTS, 2, 1, 2, 0, 0, 0xc9, 16,
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9) }, true,
	  .despite = "of a header's options the first is looked at" },
	{ "routing of an unknown type, none left", { IP6(IPPROTO_ROUTING, 253, 0, 0, 0, 0, 0) } },
	{ "routing of an unknown type, one left", { IP6(IPPROTO_ROUTING, 253, 1, 0, 0, 0, 0) }, true },
	{ "routing of type 0, none left", { IP6(IPPROTO_ROUTING, 0, 0, 0, 0, 0, 0) } },
	{ "routing of type 2, none left", { IP6(IPPROTO_ROUTING, 2, 0, 0, 0, 0, 0) } },
	{ "routing of type 3, none left", { IP6(IPPROTO_ROUTING, 3, 0, 0, 0, 0, 0) }, true },
	{ "segment routing, none left", { IP6(IPPROTO_ROUTING, 4, 0, 0, 0, 0, 0) }, true },
	{ "hop-by-hop options in the second place", { .version = 6, .extension_count = 2,
		.extensions = { { .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_HOPOPTS } } }, true },
	{ "two hop-by-hop options", { .version = 6, .extension_count = 2,
		.extensions = { { .kind = IPPROTO_HOPOPTS }, { .kind = IPPROTO_HOPOPTS } } }, true },
	{ "two destination options", { .version = 6, .extension_count = 2,
		.extensions = { { .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS } } } },
	{ "destination options within payload of too few", { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_DSTOPTS, .told_words = 255 } } }, true },
	{ "authentication header", { .version = 6, .extension_count = 1,
		.extensions = { { .kind = IPPROTO_AH } } }, true },

	/* the TCP header: tcp_v4_rcv(), tcp_rcv_state_process(), tcp_conn_request() */
	{ "bad TCP checksum", { .bad_tcp_checksum = true }, true,
	  "a local sender leaves it to its hardware: F1" },
	{ "bad TCP checksum over IPv6", { .version = 6, .bad_tcp_checksum = true }, true,
	  "a local sender leaves it to its hardware: F1" },
	{ "from port 0", { .sport = FRAME_IS(0) }, false, "nothing is sent to port 0: H18" },
	{ "to port 0", { .dport = FRAME_IS(0) }, true },
	{ "doff 4", { .doff = 4 }, true },
	{ "doff beyond the packet", { .doff = 6 }, true },
	{ "SYN and FIN", { .flags = FRAME_SYN | FRAME_FIN }, true },
	{ "SYN and RST", { .flags = FRAME_SYN | FRAME_RST }, true },
	{ "SYN, PSH, URG", { .flags = FRAME_SYN | FRAME_PSH | FRAME_URG } },
	{ "SYN, ECE, CWR", { .flags = FRAME_SYN | FRAME_ECE | FRAME_CWR } },
	{ "AccECN", { .flags = FRAME_SYN | FRAME_AE | FRAME_ECE | FRAME_CWR } },
	{ "no flag", { .flags = FRAME_IS(0) }, true },
	{ "data in the SYN", { .payload_bytes = 100 } },
	{ "window 0", { .window = FRAME_IS(0) } },
	{ "an option of length 0", { .options = { FRAME_RAW(99, 0, 0, 0) } } },
	{ "an option beyond the header", { .options = { FRAME_RAW(99, 5, 0, 0) } } },
	{ "a signature", { .options = { FRAME_MD5 } }, true },
	{ "an authentication option", { .options = { FRAME_AO } } },
	{ "Fast Open", { .options = { FRAME_TFO_REQUEST } } },
	{ "an MSS of 0", { .options = { FRAME_MSS(0) } } },
	{ "to a closed port", { .dport = 81 }, true },

	/* the frame */
	{ "for another machine", { .destination_mac = { 2, 0, 0, 0, 0, 9 } }, true },
	{ "for everybody", { .destination_mac = { 255, 255, 255, 255, 255, 255 } }, true },
	{ "for a group", { .destination_mac = { 1, 0, 94, 0, 0, 1 } }, true },
	{ "of a priority", { .tags = { { .priority = 3 } } } },
	{ "in a VLAN that is not here", { .tags = { { .vid = 7 } } }, true },
};
/* clang-format on */

static bool is_synack_to(const struct prog_frame *f, __u16 port)
{
	struct frame_view view = prog_view(f);

	return view.dport == port && (view.flags & FRAME_SYN);
}

/* Whether a SYN-ACK for the frame comes before that of the plain SYN behind it. */
static bool kernel_answers(struct prog *p, const struct frame_spec *spec, __u16 plain_port)
{
	struct frame_spec plain = { .version = spec->version, .sport = plain_port };
	__u16 port = spec->sport == FRAME_IS(0) ? 0 : spec->sport;
	struct prog_frame f = prog_frame(spec);
	bool answers = false;

	prog_deliver(p, &f);
	f = prog_frame(&plain);
	prog_deliver(p, &f);
	while (stack_sent(&f)) {
		if (is_synack_to(&f, plain_port))
			return answers;
		answers |= is_synack_to(&f, port);
	}
	ck_abort_msg("a plain SYN is not answered");
}

static struct prog *as_the_kernel_stage(void)
{
	struct frame_spec other = { .dst = "203.0.113.2" }, device = { .dst = "192.0.2.1" };
	struct frame_spec other6 = { .version = 6, .dst = "2001:db8::3" };
	struct prog *p = prog_new(stack_new());

	stack_command("ip addr add 203.0.113.2/24 dev server && ip addr add 192.0.2.1/32 dev lo && "
		      "ip -6 addr add 2001:db8::3/64 dev server nodad && "
		      "ip route add default via 203.0.113.9 && "
		      "ip neigh add 203.0.113.9 lladdr 02:00:00:00:00:01 nud permanent dev server");
	stack_listen(.backlog = 1024);
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	prog_add_local(p, &other);
	prog_add_local(p, &other6);
	prog_add_local(p, &device);
	return p;
}

/* By XDP, and by tcx where it answers in place of XDP. */
static enum sg_action ours(struct prog *p, const struct frame_spec *spec, bool at_tcx,
			   const char *name)
{
	struct prog_frame f = prog_frame(spec);

	p->answers = at_tcx;
	return prog_action(prog_judge(p, at_tcx ? SG_INGRESS : SG_XDP, &f, name, 0));
}

START_TEST(as_the_kernel_answers)
{
	struct prog *p = as_the_kernel_stage();
	unsigned int i, wrong = 0;
	int at_tcx;

	for (i = 0; i < ROWS(rows); i++) {
		struct frame_spec spec = rows[i].spec;
		bool answers;

		if (!spec.sport)
			spec.sport = ROW_PORT + i;
		answers = kernel_answers(p, &spec, PLAIN_PORT + i);
		if (answers == rows[i].silent) {
			printf("# %s: the kernel %s\n", rows[i].name,
			       answers ? "answers" : "is silent");
			wrong++;
		}
		for (at_tcx = 0; at_tcx < 2; at_tcx++) {
			enum sg_action action = ours(p, &spec, at_tcx, rows[i].name);

			if (action == SG_PASS || (action == SG_REPLY) == answers || rows[i].despite)
				continue;
			printf("# %s: %s %s, the kernel %s\n", rows[i].name, at_tcx ? "tcx" : "XDP",
			       action == SG_REPLY ? "answers" : "drops",
			       answers ? "answers" : "is silent");
			wrong++;
		}
	}
	ck_assert_msg(!wrong, "%u differences", wrong);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(as_the_kernel_answers, 60),
	{}
};
/* clang-format on */
