/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The challenge is the SYN-ACK that this host would have sent to this client (trap FW5): both are
 * taken from the wire, of the same listener, and held against each other byte by byte, over a table of
 * routes, rules of the firewall, socket options, sysctls and clients.
 *
 * Free are: the sequence number, the TSval (its echo is not) and the checksums, which are right by
 * themselves; and of IPv6 the flow label, which the kernel draws for each connection. The
 * identification of IPv4 is not free: a SYN-ACK has 68 bytes at most, so that the kernel sends it with
 * DF and 0, whatever the socket and the route say (ip_build_and_send_pkt()).
 *
 * The window is less than the host's by less than one segment, because the kernel counts whole segments
 * of its own when it answers, and of the client's at the acceptance. Where else a cookie cannot carry what
 * the host would grant, a row names it in `less`, with the reason. Nowhere a challenge promises more.
 */
#include "play.h"
#include "suite.h"

#include <check.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lab/run.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The options of Linux 6.x that older headers lack. */
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif
#ifndef IPV6_FLOWLABEL_MGR
#define IPV6_FLOWLABEL_MGR 32
#endif

enum less {
	LESS_OPTIONS = 1,  /* a subset */
	LESS_ECN = 2,	   /* RFC 3168 instead of RFC 9768, or none */
	LESS_SEGMENTS = 4, /* a window of other segments, by less than two of them */
	LESS_SCALE = 8,	   /* another window scale, which then is that of the connection */
	LESS_MSS = 16,
};

struct option {
	int level, name, value;
};

struct row {
	const char *what;
	const char *set, *undo; /* lines of shell in the server's host */
	const char *route;	/* attributes; the client has an address of his own then */
	struct option options[3];
	const struct frame_option *syn; /* NULL: a Linux client's */
	uint32_t flags;			/* beside SYN */
	uint8_t tos;			/* of the SYN, and its label */
	uint32_t label;
	uint32_t ranges; /* a bit of the label */
	int only;	 /* a version; 0: both */
	unsigned int less;
	const char *why;
};

/* ---- clients ------------------------------------------------------------------------------- */

static const struct frame_option syn_windows[9] = { FRAME_WINDOWS_SYN(1440) };
static const struct frame_option syn_bare[9] = {};
static const struct frame_option syn_mss[9] = { FRAME_MSS(1400) };
static const struct frame_option syn_lwip[9] = { FRAME_MSS(1460), FRAME_NOP, FRAME_WSCALE(0) };
static const struct frame_option syn_small[9] = { FRAME_LINUX_SYN(1220, WIRE_TSVAL, 2) };
static const struct frame_option syn_large[9] = { FRAME_LINUX_SYN(8940, WIRE_TSVAL, 14) };
static const struct frame_option syn_stamps[9] = { FRAME_MSS(1460), FRAME_NOP, FRAME_NOP,
						   FRAME_TS(WIRE_TSVAL, 0) };

/* ---- the table ----------------------------------------------------------------------------- */

#define ROUTE(attributes)                                                                          \
	"ip route replace " WIRE_ADDR4 "/32 dev lab0 " attributes                                  \
	" && ip -6 route replace " WIRE_ADDR6 "/128 dev lab0 " attributes
#define NO_ROUTE "ip route del " WIRE_ADDR4 "/32; ip -6 route del " WIRE_ADDR6 "/128"

#define NFT(hook, rules)                                                                           \
	"nft 'table inet synack { chain c { type filter hook " hook " priority mangle; " rules     \
	"; }; }'"
#define CLAMP(hook, mss) NFT(hook, "tcp flags syn tcp option maxseg size set " mss)
#define NO_NFT		 "nft delete table inet synack"

#define SYSCTL(name, value)	   "sysctl -qw net." name "=" value
#define WHY_SCALE		   "an epoch's first challenge fixes the scale: h5_promised_scale"
#define WHY_CLAMP		   "TCP counts in segments that a rule then makes smaller"
#define WHY_LINK		   "the link carries no segment of what the route says"
#define WHY_PROFILE		   "without timestamps a cookie has two bits for all options"
#define SOCKET(level, name, value) .options = { { level, name, value } }

/* clang-format off */
/* In this order: the least clamp seen is kept for minutes. */
static const struct row firewall[] = {
	{ "TTL", NFT("postrouting", "ip ttl set 99; ip6 hoplimit set 88"), NO_NFT },
	{ "TTL no more" },
	{ "TTL and IP_TTL", NFT("output", "ip ttl set 99; ip6 hoplimit set 88"), NO_NFT,
	  .options = { { IPPROTO_IP, IP_TTL, 77 }, { IPPROTO_IPV6, IPV6_UNICAST_HOPS, 66 } } },
	{ "DSCP", NFT("output", "ip dscp set cs3; ip6 dscp set cs4"), NO_NFT },
	{ "DSCP no more" },
	{ "DSCP of a socket taken out", NFT("postrouting", "ip dscp set cs0; ip6 dscp set cs0"), NO_NFT,
	  .options = { { IPPROTO_IP, IP_TOS, 0x48 }, { IPPROTO_IPV6, IPV6_TCLASS, 0x28 } } },
	{ "DSCP instead of a reflected one", SYSCTL("ipv4.tcp_reflect_tos", "1") " && "
	  NFT("output", "ip dscp set cs3; ip6 dscp set cs4"), SYSCTL("ipv4.tcp_reflect_tos", "0") "; " NO_NFT,
	  .tos = 0x88 },
	{ "a clamp that is none", CLAMP("output", "9000"), NO_NFT, .less = LESS_SEGMENTS, .why = WHY_CLAMP },
	{ "a clamp at output", CLAMP("output", "1333"), NO_NFT, .less = LESS_SEGMENTS, .why = WHY_CLAMP },
	{ "a clamp at postrouting", CLAMP("postrouting", "1322"), NO_NFT, .less = LESS_SEGMENTS, .why = WHY_CLAMP },
	{ "a clamp below TCP_MAXSEG", CLAMP("postrouting", "1300"), NO_NFT, .less = LESS_SEGMENTS, .why = WHY_CLAMP, SOCKET(IPPROTO_TCP, TCP_MAXSEG, 1320) },
	{ "a clamp below a route", ROUTE("mtu 1350") " && " CLAMP("postrouting", "1222"), NO_ROUTE "; " NO_NFT, .less = LESS_SEGMENTS, .why = WHY_CLAMP },
	{ "a clamp of little", CLAMP("postrouting", "500"), NO_NFT, .less = LESS_SEGMENTS, .why = WHY_CLAMP },
};

static const struct row rows[] = {
	{ "nothing special" },

	/* the socket */
	{ "TCP_MAXSEG", SOCKET(IPPROTO_TCP, TCP_MAXSEG, 1300) },
	{ "IP_TTL", .options = { { IPPROTO_IP, IP_TTL, 77 }, { IPPROTO_IPV6, IPV6_UNICAST_HOPS, 66 } } },
	{ "IP_TTL alone", SOCKET(IPPROTO_IP, IP_TTL, 77) },
	{ "IP_TOS", .options = { { IPPROTO_IP, IP_TOS, 0x10 }, { IPPROTO_IPV6, IPV6_TCLASS, 0x28 } } },
	{ "IP_TOS alone", SOCKET(IPPROTO_IP, IP_TOS, 0x10) },
	{ "IPV6_TCLASS alone", SOCKET(IPPROTO_IPV6, IPV6_TCLASS, 0x28) },
	{ "IPV6_AUTOFLOWLABEL off", SOCKET(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0), .only = 6 },
	{ "IPV6_AUTOFLOWLABEL", SYSCTL("ipv6.auto_flowlabels", "2"), SYSCTL("ipv6.auto_flowlabels", "1"),
	  SOCKET(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1), .only = 6 },
	{ "SO_RCVBUF", SOCKET(SOL_SOCKET, SO_RCVBUF, 8192), .less = LESS_SCALE, .why = WHY_SCALE },
	{ "SO_RCVBUF of nothing", SOCKET(SOL_SOCKET, SO_RCVBUF, 1), .less = LESS_SCALE, .why = WHY_SCALE },
	{ "SO_RCVBUF, large", SOCKET(SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20), .less = LESS_SCALE, .why = WHY_SCALE },
	{ "TCP_WINDOW_CLAMP", SOCKET(IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000), .less = LESS_SCALE, .why = WHY_SCALE },
	{ "SO_MARK", SOCKET(SOL_SOCKET, SO_MARK, 7) },
	{ "IP_MTU_DISCOVER", .options = { { IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
					  { IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT } } },
	{ "SO_PRIORITY", SOCKET(SOL_SOCKET, SO_PRIORITY, 6) },

	/* sysctls */
	{ "tcp_ecn 0", SYSCTL("ipv4.tcp_ecn", "0"), SYSCTL("ipv4.tcp_ecn", "2"), .flags = FRAME_ECE | FRAME_CWR },
	{ "tcp_ecn 1", SYSCTL("ipv4.tcp_ecn", "1"), SYSCTL("ipv4.tcp_ecn", "2"), .flags = FRAME_ECE | FRAME_CWR },
	{ "tcp_ecn 2", .flags = FRAME_ECE | FRAME_CWR },
	{ "tcp_ecn 3", SYSCTL("ipv4.tcp_ecn", "3") " 2>&- || true", SYSCTL("ipv4.tcp_ecn", "2"),
	  .flags = FRAME_ECE | FRAME_CWR },
	{ "tcp_ecn 3, AccECN", SYSCTL("ipv4.tcp_ecn", "3") " 2>&- || true", SYSCTL("ipv4.tcp_ecn", "2"),
	  .flags = FRAME_AE | FRAME_ECE | FRAME_CWR, .less = LESS_ECN,
	  .why = "the kernel takes no acceptance with AccECN; RFC 9768 3.1.2 falls back to RFC 3168" },
	{ "tcp_ecn 2, AccECN", .flags = FRAME_AE | FRAME_ECE | FRAME_CWR },
	{ "tcp_ecn 0, AccECN", SYSCTL("ipv4.tcp_ecn", "0"), SYSCTL("ipv4.tcp_ecn", "2"),
	  .flags = FRAME_AE | FRAME_ECE | FRAME_CWR },
	{ "ECN, half asked for", .flags = FRAME_ECE },
	{ "ECN in a SYN that is capable", .flags = FRAME_ECE | FRAME_CWR, .tos = 2 },
	{ "tcp_sack", SYSCTL("ipv4.tcp_sack", "0"), SYSCTL("ipv4.tcp_sack", "1") },
	{ "tcp_window_scaling", SYSCTL("ipv4.tcp_window_scaling", "0"), SYSCTL("ipv4.tcp_window_scaling", "1") },
	{ "tcp_timestamps 0", SYSCTL("ipv4.tcp_timestamps", "0"), SYSCTL("ipv4.tcp_timestamps", "1"),
	  .less = LESS_OPTIONS, .why = WHY_PROFILE },
	{ "tcp_timestamps 2", SYSCTL("ipv4.tcp_timestamps", "2"), SYSCTL("ipv4.tcp_timestamps", "1") },
	{ "ip_default_ttl", SYSCTL("ipv4.ip_default_ttl", "99"), SYSCTL("ipv4.ip_default_ttl", "64") },
	{ "hop_limit", SYSCTL("ipv6.conf.lab0.hop_limit", "55"), SYSCTL("ipv6.conf.lab0.hop_limit", "64") },
	{ "auto_flowlabels 0", SYSCTL("ipv6.auto_flowlabels", "0"), SYSCTL("ipv6.auto_flowlabels", "1"), .only = 6 },
	{ "auto_flowlabels 3", SYSCTL("ipv6.auto_flowlabels", "3"), SYSCTL("ipv6.auto_flowlabels", "1"),
	  SOCKET(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0), .only = 6 },
	{ "flowlabel_state_ranges", SYSCTL("ipv6.flowlabel_state_ranges", "1"), SYSCTL("ipv6.flowlabel_state_ranges", "0"), .ranges = 0x80000, .only = 6 },
	{ "flowlabel_reflect", SYSCTL("ipv6.flowlabel_reflect", "7"), SYSCTL("ipv6.flowlabel_reflect", "0"),
	  .label = 0x12345, .only = 6 },
	{ "a label and no reflection", .label = 0x12345, .only = 6 },
	{ "tcp_reflect_tos", SYSCTL("ipv4.tcp_reflect_tos", "1"), SYSCTL("ipv4.tcp_reflect_tos", "0"), .tos = 0x88 },
	{ "tcp_reflect_tos of nothing", SYSCTL("ipv4.tcp_reflect_tos", "1"), SYSCTL("ipv4.tcp_reflect_tos", "0"),
	  .options = { { IPPROTO_IP, IP_TOS, 0x10 }, { IPPROTO_IPV6, IPV6_TCLASS, 0x28 } } },
	{ "tcp_rmem", SYSCTL("ipv4.tcp_rmem", "'4096 20000 33554432'"), SYSCTL("ipv4.tcp_rmem", "'4096 131072 33554432'") },
	{ "tcp_workaround_signed_windows", SYSCTL("ipv4.tcp_workaround_signed_windows", "1"),
	  SYSCTL("ipv4.tcp_workaround_signed_windows", "0"),
	  .less = LESS_SEGMENTS, .why = "cut before it is rounded, not after" },
	{ "ip_no_pmtu_disc", SYSCTL("ipv4.ip_no_pmtu_disc", "1"), SYSCTL("ipv4.ip_no_pmtu_disc", "0") },
	{ "tcp_min_snd_mss", SYSCTL("ipv4.tcp_min_snd_mss", "600"), SYSCTL("ipv4.tcp_min_snd_mss", "48") },
	{ "the link's MTU", "ip link set lab0 mtu 1400", "ip link set lab0 mtu 1500" },

	/* clients */
	{ "Windows", .syn = syn_windows },
	{ "without options", .syn = syn_bare },
	{ "with an MSS alone", .syn = syn_mss },
	{ "lwIP", .syn = syn_lwip, .less = LESS_OPTIONS, .why = WHY_PROFILE },
	{ "of a small MSS", .syn = syn_small },
	{ "of a large MSS and scale", .syn = syn_large },
	{ "with timestamps and no scale", .syn = syn_stamps },
	{ "of a TOS", .tos = 0x88 },
};
/* clang-format on */

/* clang-format off */
static const struct row routes[] = {
	{ "mtu", .route = "mtu 1280" },
	{ "mtu lock", .route = "mtu lock 1300" },
	{ "mtu of more than the link's", .route = "mtu 9000", .less = LESS_MSS, .why = WHY_LINK },
	{ "advmss", .route = "advmss 1000" },
	{ "advmss of more than the link's", .route = "advmss 3000", .less = LESS_MSS, .why = WHY_LINK },
	{ "window", .route = "window 8000", .less = LESS_SCALE, .why = WHY_SCALE },
	{ "window of less than a segment", .route = "window 1000", .less = LESS_SCALE, .why = WHY_SCALE },
	{ "initrwnd", .route = "initrwnd 4" },
	{ "initrwnd, to a client without timestamps", .route = "initrwnd 4", .syn = syn_windows },
	{ "initrwnd, to a client of a small MSS", .route = "initrwnd 4", .syn = syn_small },
	{ "initrwnd of much", .route = "initrwnd 60" },
	{ "hoplimit", .route = "hoplimit 9" },
	{ "hoplimit and IP_TTL", .route = "hoplimit 9",
	  .options = { { IPPROTO_IP, IP_TTL, 77 }, { IPPROTO_IPV6, IPV6_UNICAST_HOPS, 66 } } },
	{ "quickack", .route = "quickack 1" },
	{ "rto_min", .route = "rto_min 400ms" },
	{ "features ecn", SYSCTL("ipv4.tcp_ecn", "0"), SYSCTL("ipv4.tcp_ecn", "2"), .route = "features ecn",
	  .flags = FRAME_ECE | FRAME_CWR, .less = LESS_ECN, .why = "a feature of a route is not looked at" },
	{ "all at once", .route = "mtu 1400 advmss 1100 window 9000 initrwnd 3 hoplimit 33",
	  .less = LESS_SCALE, .why = WHY_SCALE },
};
/* clang-format on */

/* ---- one answer ---------------------------------------------------------------------------- */

struct answer {
	struct frame_view view;
	uint8_t bytes[256];
	size_t length; /* without padding */
};

/* Of the client of a row; of one with a route, by its place in the table of these. */
static const char *client_of(const struct row *row, int version)
{
	static char address[64];

	if (!row->route)
		return version == 4 ? WIRE_ADDR4 : WIRE_ADDR6;
	snprintf(address, sizeof(address), version == 4 ? "192.0.2.%d" : "2001:db8::%d",
		 100 + (int)(row - routes));
	return address;
}

static void take(struct stage *s, const struct row *row, int version, uint16_t port,
		 struct answer *a)
{
	static struct wire w;
	struct frame_spec syn;

	wire_open_at(&w, s, client_of(row, version), port);
	if (row->syn)
		memcpy(w.syn_options, row->syn, sizeof(w.syn_options));
	syn = wire_segment(&w, FRAME_SYN, NULL);
	syn.flags |= row->flags;
	syn.tos = row->tos;
	syn.flow_label = row->label;
	wire_transmit(&w, &syn);
	wire_take_synack(&w);
	a->view = w.seen;
	a->length = w.seen.payload_offset;
	ck_assert_uint_le(a->length, sizeof(a->bytes));
	memcpy(a->bytes, w.frame, a->length);
	w.seq = WIRE_ISN + 1;
	wire_send(&w, FRAME_RST, NULL);
	wire_close(&w);
}

/* ---- two answers held against each other --------------------------------------------------- */

/* The row that is compared, and how many differences were found so far, each of which is printed. */
struct finding {
	const struct row *row;
	int version;
	unsigned int count;
};

static void __attribute__((format(printf, 2, 3))) found(struct finding *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf("# %s, IPv%d: ", f->row->what, f->version);
	vprintf(format, ap);
	printf("\n");
	va_end(ap);
	f->count++;
}

static uint32_t label_of(const struct answer *a)
{
	const uint8_t *ip = a->bytes + a->view.l3_offset;

	return (ip[1] & 15) << 16 | ip[2] << 8 | ip[3];
}

/* None where the host sends none, its own where it sends that of the SYN, else one of the same range. */
static bool label_fits(const struct row *row, const struct answer *ours,
		       const struct answer *theirs)
{
	uint32_t our = label_of(ours), their = label_of(theirs);

	if (!their || their == row->label)
		return our == their;
	return our && our != row->label && (our & row->ranges) == row->ranges;
}

/* The flags, with AE. */
static uint32_t flags_of(const struct answer *a)
{
	const uint8_t *tcp = a->bytes + a->view.l4_offset;

	return (tcp[12] & 15) << 8 | tcp[13];
}

#define ECN_FLAGS (FRAME_AE | FRAME_ECE | FRAME_CWR)

static bool options_are_fewer(const struct answer *ours, const struct answer *theirs)
{
	return ours->view.has_mss <= theirs->view.has_mss &&
	       ours->view.has_sack <= theirs->view.has_sack &&
	       ours->view.has_ts <= theirs->view.has_ts &&
	       ours->view.has_wscale <= theirs->view.has_wscale;
}

/* The larger one of ours and the client's. */
static unsigned int segment_of(const struct row *row, const struct answer *theirs)
{
	return row->syn == syn_large ? 8960 : theirs->view.mss > 1460 ? theirs->view.mss : 1460;
}

static bool window_fits(const struct row *row, const struct answer *ours,
			const struct answer *theirs)
{
	int segment = segment_of(row, theirs);
	int less = theirs->view.window - ours->view.window;

	if (row->less & LESS_SEGMENTS)
		return less > -segment && less < 2 * segment;
	return less >= 0 && less < segment;
}

/* Writes theirs over what of ours is excused, and 0 over what is free. */
static void excuse(struct answer *ours, const struct answer *theirs, unsigned int less)
{
	struct answer *both[] = { ours, (struct answer *)theirs };
	size_t l3 = ours->view.l3_offset, l4 = ours->view.l4_offset;
	int i;

	for (i = 0; i < 2; i++) {
		uint8_t *ip = both[i]->bytes + l3, *tcp = both[i]->bytes + l4;
		size_t at;

		memset(tcp + 4, 0, 4);
		memset(tcp + 16, 0, 2);
		if (both[i]->view.version == 4) {
			memset(ip + 10, 0, 2);
		} else {
			ip[1] &= 0xf0;
			memset(ip + 2, 0, 2);
		}
		for (at = 20; both[i]->view.has_ts && at + 10 <= both[i]->length - l4; at++)
			if (tcp[at] == 8 && tcp[at + 1] == 10)
				memset(tcp + at + 2, 0, 4);
	}
	if (less & LESS_ECN)
		memcpy(ours->bytes + l4 + 13, theirs->bytes + l4 + 13, 1);
	if (less & LESS_ECN)
		ours->bytes[l4 + 12] ^= (ours->bytes[l4 + 12] ^ theirs->bytes[l4 + 12]) & 15;
	memcpy(ours->bytes + l4 + 14, theirs->bytes + l4 + 14, 2);
	if (less & LESS_MSS)
		memcpy(ours->bytes + l4 + 22, theirs->bytes + l4 + 22, 2);
	if ((less & LESS_SCALE) && ours->view.has_wscale && ours->length == l4 + 40)
		memcpy(ours->bytes + l4 + 39, theirs->bytes + l4 + 39, 1);
	if (less & LESS_OPTIONS) {
		size_t length = l3 + (ours->view.version == 4 ? 2 : 4);

		memcpy(ours->bytes + length, theirs->bytes + length, 2);
		ours->bytes[l4 + 12] = theirs->bytes[l4 + 12];
		ours->length = l4 + 20;
	}
}

static void compare_bytes(struct finding *f, const struct answer *ours, const struct answer *theirs)
{
	size_t i;

	if (ours->length != theirs->length && !(f->row->less & LESS_OPTIONS))
		found(f, "%zu bytes, the host sends %zu", ours->length, theirs->length);
	for (i = 0; i < ours->length && i < theirs->length; i++)
		if (ours->bytes[i] != theirs->bytes[i])
			found(f, "byte %zu of %s is %#x, the host sends %#x",
			      i - (i < ours->view.l4_offset ? ours->view.l3_offset :
							      ours->view.l4_offset),
			      i < ours->view.l4_offset ? "IP" : "TCP", ours->bytes[i],
			      theirs->bytes[i]);
}

static void compare(struct finding *f, struct answer *ours, struct answer *theirs)
{
	const struct row *row = f->row;

	if (!ours->view.ip_checksum_ok || !ours->view.tcp_checksum_ok)
		found(f, "a checksum is wrong");
	/* what holds everywhere: never more */
	if (ours->view.mss > theirs->view.mss)
		found(f, "MSS %u, the host sends %u", ours->view.mss, theirs->view.mss);
	if (!window_fits(row, ours, theirs))
		found(f, "window %u, the host sends %u", ours->view.window, theirs->view.window);
	if (!options_are_fewer(ours, theirs))
		found(f, "options that the host does not send");
	if (flags_of(ours) & ~flags_of(theirs) & ~(row->less & LESS_ECN ? FRAME_ECE : 0))
		found(f, "flags %#x, the host sends %#x", flags_of(ours), flags_of(theirs));
	/* RFC 9768 table 2: this is what a client takes for classic ECN, or for none */
	if ((row->less & LESS_ECN) && (flags_of(ours) & ECN_FLAGS & ~FRAME_ECE))
		found(f, "flags %#x promise AccECN", flags_of(ours));
	if (f->version == 6 && !label_fits(row, ours, theirs))
		found(f, "flow label %#x, the host sends %#x", label_of(ours), label_of(theirs));
	excuse(ours, theirs, row->less);
	compare_bytes(f, ours, theirs);
}

/* ---- a row --------------------------------------------------------------------------------- */

static int row_listen(struct stage *s, const struct row *row)
{
	const struct option *o;
	int fd = pair_listen(s, NULL);

	for (o = row->options; o < row->options + ARRAY_SIZE(row->options) && o->name; o++)
		ck_assert_msg(!setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)),
			      "%s: option %d/%d", row->what, o->level, o->name);
	return fd;
}

/*
 * Both answers, the host's first: of it is learned what only shows on the wire. All rows share a
 * daemon, so that what one of them left behind would show in the next.
 */
static void row_try(struct stage *s, const struct row *row, uint16_t port, struct finding *f)
{
	static struct answer answers[2][2]; /* by mode and family */
	static const char *const modes[] = { "off", "always" };
	int listener, mode, i;

	stage_shell(s, LAB_SERVER, row->set);
	listener = row_listen(s, row);
	for (mode = 0; mode < 2; mode++) {
		stage_mode(s, modes[mode]);
		if (mode)
			usleep(60000); /* SG_RECHECK_NS: the next SYN has the listener looked at */
		for (i = 0; i < 2; i++)
			if (!row->only || row->only == (i ? 6 : 4))
				take(s, row, i ? 6 : 4, port, &answers[mode][i]);
	}
	f->row = row;
	for (i = 0; i < 2; i++) {
		f->version = i ? 6 : 4;
		if (!row->only || row->only == f->version)
			compare(f, &answers[1][i], &answers[0][i]);
	}
	close(listener);
	stage_shell(s, LAB_SERVER, row->undo);
}

/* Nothing is left of a row in the next one, but for a clamp. */
static void rows_try(struct stage *s, const struct row *table, size_t count)
{
	struct finding f = {};
	json_int_t challenges = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		row_try(s, &table[i], 2000 + i, &f);
		challenges += table[i].only ? 1 : 2;
	}
	ck_assert_int_eq(watch_service(s).challenged, challenges);
	ck_assert_msg(!f.count, "%u differences", f.count);
	stage_strike(s);
}

START_TEST(fw5_the_hosts_own_answer)
{
	struct stage s;

	close(play_raise(&s, NULL));
	rows_try(&s, rows, ARRAY_SIZE(rows));
}
END_TEST

START_TEST(fw5_what_the_firewall_leaves)
{
	struct stage s;

	close(play_raise(&s, NULL));
	rows_try(&s, firewall, ARRAY_SIZE(firewall));
}
END_TEST

/* The routes are there before the daemon is, which has read them when it is ready. */
START_TEST(fw5_what_the_route_says)
{
	struct stage s;
	size_t i;
	int v;

	stage_raise(&s, NULL);
	for (i = 0; i < ARRAY_SIZE(routes); i++)
		for (v = 4; v <= 6; v += 2) {
			char line[256];

			snprintf(line, sizeof(line), "ip -%d route add %s dev " LAB_IFNAME " %s", v,
				 client_of(&routes[i], v), routes[i].route ?: "");
			stage_shell(&s, LAB_SERVER, line);
		}
	close(play_begin(&s, NULL));
	rows_try(&s, routes, ARRAY_SIZE(routes));
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(fw5_the_hosts_own_answer, 60),
	SUITE_TEST(fw5_what_the_route_says, 30),
	SUITE_TEST(fw5_what_the_firewall_leaves, 30),
	{}
};
/* clang-format on */
