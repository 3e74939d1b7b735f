/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that connect without synguard connect with it, and carry as many bytes: a table of hosts
 * (routes, ways back, nft rules, sockets, sysctls), each without the daemon, with an idle one, with
 * one that defends in a flood, and in mode always.
 *
 * SG_ROW=NAME runs one row alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "stage.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "told.h"
#include "watch.h"

/* ---- clients that carry bytes ----------------------------------------------------------------- */

#define CLIENTS_EACH 15 /* of a family */
#define CLIENTS_ALL  (2 * CLIENTS_EACH)
#define UPLOAD	     (30 * 1024)  /* bytes, which the server sends back */
#define AHEAD	     (8 * 1024)	  /* the most that is under way: no sender has to wait for memory */
#define DEADLINE_NS  6000000000LL /* two SYNs may be lost, and a segment */

struct carrier {
	int fd;
	size_t sent;
	size_t received;
};

struct carried {
	unsigned int clients[2]; /* that carried all, by family */
	unsigned long bytes[2];
};

static void carrier_start(struct stage *s, struct carrier *c, bool v6, uint16_t port)
{
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(v6 ? LAB_SERVER_ADDR6 : LAB_SERVER_ADDR4, port, &sa);

	c->fd = lab_socket(s->lab, LAB_CLIENT, sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ok(c->fd, "a socket");
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(c->fd, (struct sockaddr *)&sa, length) < 0 && errno != EINPROGRESS) {
		close(c->fd);
		c->fd = -1;
	}
}

/* Sends and reads what it can. False: the connection is over. */
static bool carrier_go_on(struct carrier *c)
{
	static char bytes[AHEAD];
	size_t room = UPLOAD - c->sent, ahead = AHEAD - (c->sent - c->received);
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

	if (n > 0)
		c->received += n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		return false;
	room = room < ahead ? room : ahead;
	n = room ? send(c->fd, bytes, room, MSG_NOSIGNAL) : 0;
	if (n > 0)
		c->sent += n;
	return c->received < UPLOAD && (n >= 0 || errno == EAGAIN);
}

static struct carried carry(struct stage *s, uint16_t port)
{
	struct carrier all[CLIENTS_ALL] = {};
	struct pollfd polls[CLIENTS_ALL];
	struct carried result = {};
	int64_t end;
	int open = CLIENTS_ALL, i;

	for (i = 0; i < CLIENTS_ALL; i++)
		carrier_start(s, &all[i], i % 2, port);
	for (end = clock_now_ns() + DEADLINE_NS; open && (int64_t)clock_now_ns() < end;) {
		for (i = 0, open = 0; i < CLIENTS_ALL; i++) {
			bool writes = all[i].sent < UPLOAD && all[i].sent - all[i].received < AHEAD;

			polls[i] = (struct pollfd){ all[i].fd, POLLIN | (writes ? POLLOUT : 0) };
			open += all[i].fd >= 0;
		}
		poll(polls, CLIENTS_ALL, 50);
		for (i = 0; i < CLIENTS_ALL; i++) {
			if (all[i].fd < 0 || !polls[i].revents || carrier_go_on(&all[i]))
				continue;
			close(all[i].fd);
			all[i].fd = -1;
		}
	}
	for (i = 0; i < CLIENTS_ALL; i++) {
		if (all[i].fd >= 0)
			close(all[i].fd);
		result.clients[i % 2] += all[i].received == UPLOAD;
		result.bytes[i % 2] += all[i].received;
	}
	return result;
}

/* ---- hosts ------------------------------------------------------------------------------------ */

#define OTHER_PORT 8081

struct host_kind {
	const char *name;
	const char *setup;	  /* shell, in the server's host */
	const char *client_setup; /* the same in the client's */
	struct server_options server, second;
	bool segments;	   /* segments come in as they are on the wire */
	bool another_link; /* back0 beside lab0, see another_link_add() */
	/* Why clients are left to the kernel: a verdict, or "" for several; NULL: they are challenged. */
	const char *left_alone;
	bool unreachable4; /* the kernel takes no IPv4 client either */
};

#define ROUTES(metrics)                                                                            \
	"ip route replace 192.0.2.0/24 dev lab0 src 192.0.2.1 " metrics                            \
	"; ip -6 route replace 2001:db8::/64 dev lab0 metric 256 " metrics
#define NFT(rules) "nft '" rules "'"
#define INPUT(rules)                                                                               \
	NFT("table inet t { chain c { type filter hook input priority 0; " rules " }; };")
#define OUTPUT(rules)                                                                              \
	NFT("table inet t { chain c { type filter hook output priority 0; " rules " }; };")
#define WAY_BACK                                                                                   \
	"ip route add 192.0.2.2/32 via 10.99.1.2 dev back0 src 192.0.2.1; "                        \
	"ip -6 route add 2001:db8::2/128 via 2001:db8:99::2 dev back0 src 2001:db8::1"
#define BACK_TABLE                                                                                 \
	"ip route add 192.0.2.2/32 via 10.99.1.2 dev back0 table 77; "                             \
	"ip -6 route add 2001:db8::2/128 via 2001:db8:99::2 dev back0 table 77"
/* What leaves by back0 is lost. */
#define ONE_WAY_BACK                                                                               \
	NFT("table netdev t { chain c { type filter hook ingress device back0 priority 0; "        \
	    "tcp sport { 8080, 8081 } drop; }; };")
/* Above lab0, with its addresses; netfilter sees what it passes up, or not. */
#define BRIDGE(netfilter)                                                                          \
	"sysctl -q net.bridge.bridge-nf-call-iptables=" #netfilter                                 \
	" net.bridge.bridge-nf-call-ip6tables=" #netfilter " 2>/dev/null || true; "                \
	"ip link add br0 type bridge; ip link set br0 up; ip addr flush dev lab0; "                \
	"ip link set lab0 master br0; ip addr add 192.0.2.1/24 dev br0; "                          \
	"ip -6 addr add 2001:db8::1/64 dev br0 nodad; "                                            \
	"ip route replace 198.18.0.0/15 via 192.0.2.2; "                                           \
	"ip -6 route replace 2001:2::/48 via 2001:db8::2 dev br0"
/* SYNs come from one router, or director of LVS, and what is sent to that one is lost. */
#define ANOTHER_MAC                                                                                \
	NFT("table netdev t { chain e { type filter hook egress device lab0 priority 0; "          \
	    "tcp dport { 8080, 8081 } ether saddr set 02:53:47:99:99:99; }; "                      \
	    "chain i { type filter hook ingress device lab0 priority 0; "                          \
	    "ether daddr 02:53:47:99:99:99 drop; }; };")
/* What leaves by the interface that SYNs come in by is lost. */
#define ONE_WAY                                                                                    \
	NFT("table netdev t { chain c { type filter hook ingress device lab0 priority 0; "         \
	    "tcp sport { 8080, 8081 } drop; }; };")

#define KERNEL_COOKIES "sysctl -q net.ipv4.tcp_syncookies=2 net.ipv4.tcp_timestamps=2; "
/* What the client sends and is longer is lost, and no ICMP tells him. */
#define SHORT_PATH                                                                                 \
	NFT("table inet p { chain c { type filter hook prerouting priority -300; "                 \
	    "ip length > 1280 drop; ip6 length > 1240 drop; }; };")

/* clang-format off */
static const struct host_kind kinds[] = {
	{ "plain" },
	/* routes */
	{ "route with mtu", ROUTES("mtu 1280") "; " SHORT_PATH, .segments = true },
	{ "route with mtu lock", ROUTES("mtu lock 1280") "; " SHORT_PATH, .segments = true },
	{ "route with advmss", ROUTES("advmss 700") },
	{ "route with window", ROUTES("window 8192") },
	{ "route with initrwnd", ROUTES("initrwnd 3") },
	{ "route with hoplimit", ROUTES("hoplimit 7") },
	{ "route with features ecn", ROUTES("features ecn") },
	{ "route with quickack and initcwnd", ROUTES("quickack 1 initcwnd 2") },
	{ "blackholes for others", "ip route replace blackhole 198.18.0.0/15; ip -6 route replace unreachable 2001:2::/48 dev lo", .left_alone = "" },
	{ "rule by own address",
	  "ip route add 192.0.2.0/24 dev lab0 table 77; ip rule add from 192.0.2.1 lookup 77; "
	  "ip -6 route add 2001:db8::/64 dev lab0 table 77; ip -6 rule add from 2001:db8::1 lookup 77" },
	{ "rule by mark",
	  "ip route add blackhole default table 78; ip rule add fwmark 1 lookup 78; "
	  "ip -6 route add blackhole default table 78; ip -6 rule add fwmark 1 lookup 78" },
	{ "another way back", WAY_BACK, ONE_WAY, .another_link = true },
	{ "another way back by a rule",
	  "ip route add 192.0.2.2/32 via 10.99.1.2 dev back0 table 77; ip rule add from 192.0.2.1 lookup 77; "
	  "ip -6 route add 2001:db8::2/128 via 2001:db8:99::2 dev back0 table 77; ip -6 rule add from 2001:db8::1 lookup 77",
	  ONE_WAY, .another_link = true },
	{ "another way back by a mark",
	  BACK_TABLE "; ip rule add fwmark 1 lookup 77; ip -6 rule add fwmark 1 lookup 77; "
	  NFT("table inet t { chain c { type route hook output priority mangle; tcp sport 8080 meta mark set 1; }; };"),
	  ONE_WAY, .another_link = true, .left_alone = "another_way_back" },
	{ "another way back by its port",
	  BACK_TABLE "; ip rule add ipproto tcp sport 8080 lookup 77; ip -6 rule add ipproto tcp sport 8080 lookup 77",
	  ONE_WAY, .another_link = true, .left_alone = "another_way_back" },
	{ "the SYN's way back by its connection's mark",
	  WAY_BACK "; ip route add 192.0.2.2/32 dev lab0 table 77; ip rule add fwmark 1 lookup 77; "
	  "ip -6 route add 2001:db8::2/128 dev lab0 table 77; ip -6 rule add fwmark 1 lookup 77; "
	  NFT("table inet t { chain p { type filter hook prerouting priority mangle; iif lab0 ct mark set 1; }; "
	      "chain c { type route hook output priority mangle; meta mark set ct mark; }; };"),
	  ONE_WAY_BACK, .another_link = true },
	{ "all but a mark go elsewhere",
	  BACK_TABLE "; ip rule add not fwmark 1 lookup 77; ip -6 rule add not fwmark 1 lookup 77",
	  ONE_WAY, .another_link = true },
	{ "another next hop", "true", ANOTHER_MAC },
	{ "a bridge", BRIDGE(0) },
	{ "a bridge, br_netfilter", BRIDGE(1) },
	{ "another next hop, past a bridge", BRIDGE(0), ANOTHER_MAC },
	{ "strict rp_filter and another way back",
	  WAY_BACK "; sysctl -q net.ipv4.conf.lab0.rp_filter=1", ONE_WAY, .another_link = true,
	  .left_alone = "", .unreachable4 = true },
	/* rules */
	{ "input by port", INPUT("policy drop; iif lo accept; tcp dport 8080 accept; meta l4proto ipv6-icmp accept;") },
	{ "input by state",
	  INPUT("policy drop; ct state established,related accept; ct state invalid drop; "
		"tcp dport 8080 ct state new accept; meta l4proto ipv6-icmp accept;") },
	{ "input by state, strict",
	  "sysctl -q net.netfilter.nf_conntrack_tcp_loose=0; "
	  INPUT("policy drop; ct state invalid drop; ct state established,related accept; "
		"tcp dport 8080 tcp flags & (fin|syn|rst|ack) == syn ct state new accept; meta l4proto ipv6-icmp accept;"),
	  .left_alone = "strict_conntrack" },
	{ "notrack",
	  NFT("table inet t { chain c { type filter hook prerouting priority raw; tcp dport 8080 notrack; }; "
	      "chain o { type filter hook output priority raw; tcp sport 8080 notrack; }; };") },
	{ "MSS clamp at output", OUTPUT("tcp flags syn tcp option maxseg size set 1000;") "; " SHORT_PATH, .segments = true },
	{ "marks at output", OUTPUT("ip dscp set af21; ip6 dscp set af21;") },
	{ "a source filtered", INPUT("ip saddr 192.0.2.66 drop; ip6 saddr 2001:db8::66 drop;") },
	{ "limit of new connections", INPUT("tcp flags & (syn|ack) == syn limit rate over 20000/second drop;") },
	{ "nat for others",
	  NFT("table inet n { chain c { type nat hook postrouting priority srcnat; oifname \"nope\" masquerade; }; };") },
	{ "nat for others, cookies set to 2",
	  KERNEL_COOKIES NFT("table inet n { chain c { type nat hook postrouting priority srcnat; oifname \"nope\" masquerade; }; };") },
	{ "nat by state",
	  NFT("table inet n { chain c { type nat hook postrouting priority srcnat; oifname \"nope\" masquerade; }; };")
	  "; " INPUT("policy drop; ct state invalid drop; ct state established,related accept; "
		     "tcp dport 8080 ct state new accept; meta l4proto ipv6-icmp accept;") },
	/* the rules of dockerd 28, one container of which a port is published */
	{ "Docker",
	  "ip link add docker0 type bridge; ip addr add 10.99.2.1/24 dev docker0; ip link set docker0 up; "
	  "sysctl -q net.ipv4.ip_forward=1; "
	  "iptables -t nat -N DOCKER; "
	  "iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; "
	  "iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER; "
	  "iptables -t nat -A POSTROUTING -s 10.99.2.0/24 ! -o docker0 -j MASQUERADE; "
	  "iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8443 -j DNAT --to-destination 10.99.2.2:443; "
	  "iptables -P FORWARD DROP; iptables -N DOCKER; iptables -N DOCKER-FORWARD; iptables -N DOCKER-USER; "
	  "iptables -A FORWARD -j DOCKER-USER; iptables -A FORWARD -j DOCKER-FORWARD; "
	  "iptables -A DOCKER-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -o docker0 -j ACCEPT; "
	  "iptables -A DOCKER-FORWARD -o docker0 -j DOCKER; iptables -A DOCKER-FORWARD -i docker0 -j ACCEPT; "
	  "iptables -A DOCKER -d 10.99.2.2/32 ! -i docker0 -o docker0 -p tcp --dport 443 -j ACCEPT; "
	  "iptables -A DOCKER ! -i docker0 -o docker0 -j DROP; "
	  "ip6tables -t nat -N DOCKER; ip6tables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; "
	  "ip6tables -P FORWARD DROP" },
	{ "redirect to the port",
	  NFT("table inet n { chain c { type nat hook prerouting priority dstnat; tcp dport 8080 redirect to :8081; }; };"),
	  .server.port = OTHER_PORT, .left_alone = "no_listener" },
	{ "synproxy",
	  "sysctl -q net.netfilter.nf_conntrack_tcp_loose=0 net.ipv4.tcp_timestamps=1; "
	  NFT("table inet t { chain r { type filter hook prerouting priority raw; tcp dport 8080 tcp flags syn notrack; }; "
	      "chain c { type filter hook input priority 0; tcp dport 8080 ct state invalid,untracked "
	      "synproxy mss 1400 wscale 7 timestamp sack-perm; ct state invalid drop; }; };"),
	  .left_alone = "" },
	/* sockets */
	{ "TCP_MAXSEG", .server.maxseg = 800 },
	{ "SO_RCVBUF", .server.rcvbuf = 4096 },
	{ "TCP_DEFER_ACCEPT", .server.defer_accept = 3 },
	{ "SO_BINDTODEVICE", .server.device = LAB_IFNAME },
	{ "SO_REUSEPORT", .server.reuseport = true, .second = { .port = STAGE_PORT, .reuseport = true } },
	{ "one listener a family", .server.addr = LAB_SERVER_ADDR4,
	  .second = { .port = STAGE_PORT, .addr = "::", .v6only = true } },
	{ "MPTCP", .server.mptcp = true },
	{ "MPTCP, cookies set to 2", KERNEL_COOKIES "true", .server.mptcp = true },
	{ "small backlog", .server.backlog = 8 },
	{ "any address of a prefix",
	  "ip addr del 192.0.2.1/24 dev lab0; ip addr add 192.0.2.200/24 dev lab0; ip route add local 192.0.2.0/30 dev lo; "
	  "ip route replace 192.0.2.2/32 dev lab0" },
	/* sysctls */
	{ "no options",
	  "sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0 net.ipv4.tcp_window_scaling=0" },
	{ "no kernel cookies", "sysctl -q net.ipv4.tcp_syncookies=0" },
	{ "always kernel cookies", "sysctl -q net.ipv4.tcp_syncookies=2" },
	{ "tcp_ecn", "sysctl -q net.ipv4.tcp_ecn=1", "sysctl -q net.ipv4.tcp_ecn=1" },
	{ "reflected marks", "sysctl -q net.ipv4.fwmark_reflect=1 net.ipv6.fwmark_reflect=1 net.ipv4.tcp_fwmark_accept=1 "
			     "net.ipv4.tcp_reflect_tos=1 net.ipv6.flowlabel_reflect=3" },
	{ "rfc1337 and no TIME_WAIT reuse", "sysctl -q net.ipv4.tcp_rfc1337=1 net.ipv4.tcp_tw_reuse=0" },
	{ "small buffers", "sysctl -q net.ipv4.tcp_rmem='4096 8192 16384'" },
};
/* clang-format on */

static void another_link_add(struct stage *s)
{
	const struct lab_end server = {
		.host = LAB_SERVER,
		.ifname = "back0",
		.mac = { 0x02, 0x53, 0x47, 1, 0, 0x01 },
		.addr4 = "10.99.1.1/24",
		.addr6 = "2001:db8:99::1/64",
	};
	const struct lab_end client = {
		.host = LAB_CLIENT,
		.ifname = "back0",
		.mac = { 0x02, 0x53, 0x47, 1, 0, 0x02 },
		.addr4 = "10.99.1.2/24",
		.addr6 = "2001:db8:99::2/64",
	};

	ok(lab_link_add(s->lab, &server, &client), "the other link");
}

/* ---- the modes -------------------------------------------------------------------------------- */

struct scene {
	struct stage s;
	const struct host_kind *kind;
	struct carried without;
};

/* Whoever connected without connects now, and carries as much. */
static void assert_as_without(struct scene *scene, const char *when)
{
	struct carried c = carry(&scene->s, STAGE_PORT);
	int i;

	for (i = 0; i < 2; i++)
		ck_assert_msg(c.clients[i] >= scene->without.clients[i],
			      "%s, %s, IPv%d: %u of %u clients, %lu of %lu bytes",
			      scene->kind->name, when, i ? 6 : 4, c.clients[i],
			      scene->without.clients[i], c.bytes[i], scene->without.bytes[i]);
}

static json_int_t challenged(struct stage *s)
{
	return watch_verdict(s, "xdp", "challenged") + watch_verdict(s, "xdp", "challenged_plain") +
	       watch_verdict(s, "ingress", "challenged") +
	       watch_verdict(s, "ingress", "challenged_plain");
}

/* The flood is challenged, or told by the verdict that this kind of host gets. */
static void await_answer(struct scene *scene)
{
	const char *label = scene->kind->left_alone;
	int64_t end = clock_now_ns() + 8000000000LL;
	json_int_t n;

	if (label && !*label)
		return;
	do {
		usleep(50000);
		n = label ? watch_verdict(&scene->s, "xdp", label) : challenged(&scene->s);
	} while (!n && (int64_t)clock_now_ns() < end);
	ck_assert_msg(n, "%s: the flood is not %s", scene->kind->name, label ?: "challenged");
}

/* Whose challenges would go astray is not said to be defended. */
static void await_told(struct scene *scene)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		json_t *status = stage_status(&scene->s), *row;
		size_t i, told = 0;

		json_array_foreach(json_object_get(status, "services"), i, row)
			told += told_is(row, "hindrance", "another_way_back") &&
				json_is_false(json_object_get(row, "defending"));
		json_decref(status);
		if (told)
			return;
		usleep(100000);
	}
	ck_abort_msg("%s: it is not told", scene->kind->name);
}

static void with_daemon(struct scene *scene)
{
	struct stage *s = &scene->s;
	struct flood *flood;

	stage_daemon_config(s, "auto", STAGE_NOBODY_IS_VERIFIED);
	assert_as_without(scene, "idle");
	flood = STAGE_FLOOD(s, .rate_per_sec = 5000, .ipv6_share = 128);
	await_answer(scene);
	if (scene->kind->left_alone && !strcmp(scene->kind->left_alone, "another_way_back"))
		await_told(scene);
	assert_as_without(scene, "defending");
	stage_flood_end(flood);
	stage_mode(s, "always");
	assert_as_without(scene, "always");
}

/* By SG_ROW=NAME. */
static bool is_left_out(const struct host_kind *kind)
{
	const char *only = getenv("SG_ROW");
	bool known = !only;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		known |= only && !strcmp(only, kinds[i].name);
	ck_assert_msg(known, "SG_ROW: no host is \"%s\"", only);
	return only && strcmp(only, kind->name) != 0;
}

START_TEST(clients_connect_as_without)
{
	struct scene scene = { .kind = &kinds[_i] };
	const struct host_kind *kind = scene.kind;
	struct server *second = NULL;
	struct stage *s = &scene.s;
	int i;

	if (is_left_out(kind))
		return;
	stage_raise(s, &kind->server);
	if (kind->second.port)
		ok(server_new(&second, s->lab, LAB_SERVER, &kind->second), "the second server");
	if (kind->another_link)
		another_link_add(s);
	stage_shell(s, LAB_SERVER, kind->setup);
	stage_shell(s, LAB_CLIENT, kind->client_setup);
	if (kind->segments)
		ok(lab_offload_set(s->lab, LAB_CLIENT, LAB_IFNAME, LAB_TSO, false)	   ?:
			   lab_offload_set(s->lab, LAB_CLIENT, LAB_IFNAME, LAB_GSO, false) ?:
			   lab_offload_set(s->lab, LAB_SERVER, LAB_IFNAME, LAB_GRO, false),
		   "segmentation offload");
	scene.without = carry(s, STAGE_PORT);
	for (i = kind->unreachable4; i < 2; i++)
		ck_assert_msg(scene.without.clients[i], "%s, IPv%d: nobody connects without",
			      kind->name, i ? 6 : 4);
	with_daemon(&scene);
	server_free(second);
	stage_strike(s);
}
END_TEST

SUITE_NEEDS(suite_lacks_root)

const struct suite_test suite_tests[] = {
	SUITE_LOOP(clients_connect_as_without, ARRAY_SIZE(kinds), 60),
	{},
};
