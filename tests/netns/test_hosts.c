/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts and listeners of every kind around synguard: what is not this host's, what a firewall or a
 * driver stands in the way of, and which listener a SYN is for. Most of it in mode always, so that
 * what must not be challenged has every reason to be.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/mptcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "tests/lab/flood.h"
#include "told.h"
#include "watch.h"
#include "wire.h"

static const char *const addresses[] = { LAB_SERVER_ADDR4, LAB_SERVER_ADDR6 };

/* ---- clients ------------------------------------------------------------------------------- */

/*
 * Connects from a host and waits for what the server says first, which tells who answered.
 * Returns 0, or what went wrong as -errno; greeting may be NULL.
 */
static int visit(struct lab *lab, int host, const char *address, uint16_t port,
		 const char *greeting)
{
	const struct timeval limit = { .tv_sec = 10 };
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(address, port, &sa);
	int fd = lab_socket(lab, host, sa.ss_family, SOCK_STREAM, 0), err = 0;
	char said[64] = "";

	ok(fd, "a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&sa, length) < 0)
		err = -errno;
	else if (greeting && recv(fd, said, sizeof(said) - 1, 0) < 0)
		err = -errno;
	close(fd);
	if (!err && greeting)
		ck_assert_str_eq(said, greeting);
	return err;
}

/* So many over each family; all of them have to connect. */
static void some_clients(struct stage *s, uint16_t port, unsigned int each)
{
	stage_connect_all(s, port, 100, each * 20);
}

static struct server *serve(struct lab *lab, int host, const struct server_options *o)
{
	struct server *server;

	ok(server_new(&server, lab, host, o), "a server");
	return server;
}

static json_int_t figure(struct stage *s, const char *address, uint16_t port, const char *key)
{
	json_t *status = stage_status(s);
	json_int_t value = stage_figure(stage_service(status, address, port), key);

	json_decref(status);
	return value;
}

static bool flag(struct stage *s, const char *address, uint16_t port, const char *key)
{
	json_t *status = stage_status(s);
	bool value = json_is_true(json_object_get(stage_service(status, address, port), key));

	json_decref(status);
	return value;
}

static void await_flag(struct stage *s, const char *address, uint16_t port, const char *key)
{
	int tries;

	for (tries = 0; !flag(s, address, port, key) && tries < 100; tries++)
		usleep(100000);
	ck_assert_msg(flag(s, address, port, key), "[%s]:%u does not become %s", address, port,
		      key);
}

/* ---- what nobody answers: trap H18 --------------------------------------------------------- */

struct nonsense {
	const char *what;
	uint32_t flags;		 /* 0: none */
	const char *src4, *src6; /* NULL: the client's; "": not for this family */
	bool no_sport, no_dport;
};

/* clang-format off */
static const struct nonsense nonsense[] = {
	{ "SYN+FIN",		FRAME_SYN | FRAME_FIN },
	{ "SYN+RST",		FRAME_SYN | FRAME_RST },
	{ "SYN+FIN+RST",	FRAME_SYN | FRAME_FIN | FRAME_RST },
	{ "NULL",		FRAME_IS(0) },
	{ "Xmas",		FRAME_FIN | FRAME_PSH | FRAME_URG },
	{ "LAND",		FRAME_SYN, LAB_SERVER_ADDR4, LAB_SERVER_ADDR6 },
	{ "from loopback",	FRAME_SYN, "127.0.0.1", "::1" },
	{ "from nowhere",	FRAME_SYN, "0.0.0.0", "::" },
	{ "from a group",	FRAME_SYN, "224.0.0.1", "ff02::1" },
	{ "from broadcast",	FRAME_SYN, "255.255.255.255", "" },
	{ "from class E's end",	FRAME_SYN, "239.255.255.250", "ff0e::2" },
	{ "v4-mapped",		FRAME_SYN, "", "::ffff:192.0.2.77" },
	{ "from port 0",	FRAME_SYN, .no_sport = true },
	{ "to port 0",		FRAME_SYN, .no_dport = true },
};
/* clang-format on */

static const char *source_of(const struct nonsense *n, int version)
{
	const char *src = version == 4 ? n->src4 : n->src6;

	return src ?: version == 4 ? WIRE_ADDR4 : WIRE_ADDR6;
}

static void nonsense_send(struct wire *w, const struct nonsense *n)
{
	struct frame_spec spec = wire_segment(w, FRAME_SYN, NULL);
	uint8_t bytes[FRAME_ROOM];
	size_t length;

	spec.version = w->version;
	spec.flags = n->flags;
	spec.src = source_of(n, w->version);
	spec.dst = w->version == 4 ? LAB_SERVER_ADDR4 : LAB_SERVER_ADDR6;
	spec.sport = n->no_sport ? FRAME_IS(0) : w->port;
	spec.dport = n->no_dport ? FRAME_IS(0) : STAGE_PORT;
	memcpy(spec.source_mac, w->mac, 6);
	memcpy(spec.destination_mac, w->peer_mac, 6);
	length = frame_build(bytes, sizeof(bytes), &spec);
	ck_assert_int_eq(send(w->fd, bytes, length, 0), length);
}

/* TCP of any kind that has come to the client's interface, whomever it is for. */
static int tcp_frames_seen(struct wire *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	struct frame_view view;
	int count = 0;
	ssize_t n;

	while (poll(&p, 1, 50) > 0) {
		n = recv(w->fd, w->frame, sizeof(w->frame), MSG_DONTWAIT);
		if (n > 0 && !frame_parse(&view, w->frame, n))
			count++;
	}
	return count;
}

/* From port 0 is well-formed to the kernel, which would answer. */
static json_int_t not_requests(struct stage *s)
{
	return watch_verdict(s, "xdp", "malformed") + watch_verdict(s, "xdp", "port_zero");
}

/*
 * What a TCP does not send is told as malformed and not answered by us. Of what goes to port 0 the
 * host's own stack makes what it likes; for the rest of it there is no answer at all.
 */
START_TEST(h18_malformed)
{
	int version = _i ? 6 : 4;
	struct watch_service before, after;
	json_int_t before_it;
	struct stage s;
	struct wire *w = malloc(sizeof(*w));
	unsigned int i, sent = 0;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	wire_open(w, &s, version, 41000);
	before = watch_service(&s);
	before_it = not_requests(&s);
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		const struct nonsense *n = &nonsense[i];
		int frames;

		if (!*source_of(n, version))
			continue;
		nonsense_send(w, n);
		sent++;
		frames = tcp_frames_seen(w);
		ck_assert_msg(!frames || n->no_dport, "%s is answered", n->what);
		ck_assert_msg(not_requests(&s) == before_it + sent, "%s is not malformed", n->what);
	}
	after = watch_service(&s);
	ck_assert_int_eq(after.challenged, before.challenged);

	/* and a true SYN is answered, so the silence was not the lab's */
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	after = watch_service(&s);
	ck_assert_int_eq(after.challenged, before.challenged + 1);
	wire_close(w);
	free(w);
	stage_strike(&s);
}
END_TEST

/* ---- what is another host's: trap H22 ------------------------------------------------------ */

#define BACK_IFNAME	  "back0"
#define BACK_ROUTER_ADDR4 "203.0.113.1"
#define BACK_ROUTER_ADDR6 "2001:db8:77::1"
#define BACKEND_ADDR4	  "203.0.113.2"
#define BACKEND_ADDR6	  "2001:db8:77::2"
#define BACKEND_GREETING  "backend\n"
#define HOST_GREETING	  "host\n"

/* The server's host becomes a router to a backend, and listens on any address itself. */
struct behind {
	struct stage stage;
	struct server *backend;
	int host; /* of the backend */
};

static void run(struct lab *lab, int host, const char *const argv[])
{
	char *output = NULL;
	int exit_code = lab_run(lab, host, argv, 10000, &output);

	ok(exit_code, argv[0]);
	ck_assert_msg(!exit_code, "%s %s: exit code %d\n%s", argv[0], argv[1], exit_code, output);
	free(output);
}

static void behind_links(struct lab *lab, int backend)
{
	static const char *const forwarding[] = { "net.ipv4.conf.all.forwarding",
						  "net.ipv6.conf.all.forwarding" };
	const struct lab_end near = {
		.host = LAB_SERVER,
		.ifname = BACK_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 1, 0, 0x01 },
		.addr4 = BACK_ROUTER_ADDR4 "/24",
		.addr6 = BACK_ROUTER_ADDR6 "/64",
	};
	const struct lab_end far = {
		.host = backend,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 1, 0, 0x02 },
		.addr4 = BACKEND_ADDR4 "/24",
		.addr6 = BACKEND_ADDR6 "/64",
	};
	size_t i;

	ok(lab_link_add(lab, &near, &far), "the link to the backend");
	ok(lab_route_add(lab, backend, "192.0.2.0/24", BACK_ROUTER_ADDR4), "the way back");
	ok(lab_route_add(lab, backend, "2001:db8::/64", BACK_ROUTER_ADDR6), "the way back");
	ok(lab_route_add(lab, LAB_CLIENT, "203.0.113.0/24", LAB_SERVER_ADDR4), "the way there");
	ok(lab_route_add(lab, LAB_CLIENT, "2001:db8:77::/64", LAB_SERVER_ADDR6), "the way there");
	for (i = 0; i < 2; i++)
		ok(lab_sysctl_set(lab, LAB_SERVER, forwarding[i], "1"), forwarding[i]);
}

static void behind_raise_with(struct behind *b, const char *config)
{
	const struct server_options options = { .port = STAGE_PORT, .greeting = BACKEND_GREETING };

	stage_raise(&b->stage, &(struct server_options){ .greeting = HOST_GREETING });
	b->host = lab_host_add(b->stage.lab);
	ok(b->host, "a third host");
	behind_links(b->stage.lab, b->host);
	b->backend = serve(b->stage.lab, b->host, &options);
	stage_daemon_config(&b->stage, "always", config);
}

static void behind_raise(struct behind *b)
{
	behind_raise_with(b, NULL);
}

static void behind_strike(struct behind *b)
{
	server_free(b->backend);
	stage_strike(&b->stage);
}

static void visits(struct stage *s, const char *const to[2], int count, const char *greeting)
{
	int i, n;

	for (i = 0; i < 2; i++)
		for (n = 0; n < count; n++)
			ok(visit(s->lab, LAB_CLIENT, to[i], STAGE_PORT, greeting), to[i]);
}

/* A wildcard listener takes the look-up of an address that is not this host's. */
START_TEST(h22_forwarding)
{
	static const char *const backend[] = { BACKEND_ADDR4, BACKEND_ADDR6 };
	static const char *const router[] = { BACK_ROUTER_ADDR4, BACK_ROUTER_ADDR6 };
	struct watch_service before;
	struct behind b;

	behind_raise(&b);
	stage_prove(&b.stage, STAGE_PORT);
	visits(&b.stage, backend, 10, BACKEND_GREETING);
	ck_assert_int_eq(watch_verdict(&b.stage, "xdp", "not_local"), 20);
	/* its own addresses on the other side are the host's, and are defended */
	visits(&b.stage, router, 1, HOST_GREETING);
	before = watch_service(&b.stage);
	visits(&b.stage, router, 10, HOST_GREETING);
	watch_assert_defended(&b.stage, &before, 20);
	ck_assert_int_eq(watch_verdict(&b.stage, "xdp", "not_local"), 20);
	behind_strike(&b);
}
END_TEST

static void nft(struct lab *lab, int host, const char *rules)
{
	const char *const argv[] = { "nft", rules, NULL };

	run(lab, host, argv);
}

static const char *const dnat =
	"table inet t {"
	"  chain c { type nat hook prerouting priority dstnat;"
	"    ip daddr " LAB_SERVER_ADDR4 " tcp dport 8080 dnat ip to " BACKEND_ADDR4 ":8080;"
	"    ip6 daddr " LAB_SERVER_ADDR6 " tcp dport 8080 dnat ip6 to [" BACKEND_ADDR6 "]:8080;"
	"  }; };";

/* The host listens on the very port that a rule gives to another machine. */
START_TEST(h22_dnat)
{
	struct behind b;
	json_t *status;
	int i;

	behind_raise(&b);
	nft(b.stage.lab, LAB_SERVER, dnat);
	visits(&b.stage, addresses, 10, BACKEND_GREETING);
	status = stage_status(&b.stage);
	for (i = 0; i < 2; i++) {
		const json_t *row = stage_service(status, addresses[i], STAGE_PORT);

		ck_assert_int_eq(stage_figure(row, "challenged"), 0);
		ck_assert(!json_is_true(json_object_get(row, "proven")));
		ck_assert_str_eq(json_string_value(json_object_get(row, "hindrance")), "forwarded");
	}
	ck_assert_int_eq(stage_verdict(status, "xdp", "unproven"), 2);
	ck_assert_int_eq(stage_verdict(status, "xdp", "forwarded"), 18);
	stage_assert_accounted(status);
	json_decref(status);
	behind_strike(&b);
}
END_TEST

/*
 * NAT in the namespace, be it for nobody, takes the acceptances' requests off their packets. So the
 * service is not challenged, and whom the rule sends elsewhere gets there.
 */
static void nat_keeps_off(struct behind *b, const char *rules, const char *greeting)
{
	json_t *status;

	nft(b->stage.lab, LAB_SERVER, rules);
	usleep(200000); /* SG_RECHECK_NS, and a tick of the coarse clock */
	visits(&b->stage, addresses, 10, greeting);
	status = stage_status(&b->stage);
	ck_assert_int_ge(stage_verdict(status, "xdp", "nat"), 2);
	ck_assert_int_eq(stage_verdict(status, "ingress", "accepted"), 6);
	stage_assert_accounted(status);
	json_decref(status);
}

/* Of engine reqsk; with the other one the first clients fail: fw90. */
START_TEST(h22_dnat_of_a_proven_service)
{
	struct behind b;

	behind_raise_with(&b, "[Mitigation]\nKernelCookies=no\n");
	stage_prove(&b.stage, STAGE_PORT);
	visits(&b.stage, addresses, 3, HOST_GREETING);
	nat_keeps_off(&b, dnat, BACKEND_GREETING);
	behind_strike(&b);
}
END_TEST

/*
 * Engine listener challenges on a host with NAT, for a service that proved itself before a rule gave its
 * port away: the first clients fail, their ACKs become no connections here, and the rest get through.
 */
START_TEST(fw90_dnat_of_a_service_with_kernel_cookies)
{
	struct stage *s;
	struct behind b;
	int i, tries;

	behind_raise(&b);
	s = &b.stage;
	stage_prove(s, STAGE_PORT);
	ok(lab_sysctl_set(s->lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "2"), "tcp_syncookies");
	ok(lab_sysctl_set(s->lab, LAB_SERVER, "net.ipv4.tcp_timestamps", "2"), "tcp_timestamps");
	nft(s->lab, LAB_SERVER,
	    "table inet n { chain c { type nat hook postrouting priority srcnat; "
	    "oifname \"nope\" masquerade; }; };");
	usleep(200000); /* SG_RECHECK_NS, and a tick of the coarse clock */
	visits(s, addresses, 3, HOST_GREETING);
	ck_assert_int_eq(watch_verdict(s, "xdp", "nat"), 0);
	ck_assert_int_eq(watch_verdict(s, "ingress", "kernel_ack"), 6);
	nft(s->lab, LAB_SERVER, dnat);
	for (i = 0; i < 2; i++) {
		for (tries = 0; tries < 100; tries++) {
			if (!visit(s->lab, LAB_CLIENT, addresses[i], STAGE_PORT, NULL))
				break;
			usleep(50000);
		}
		ck_assert_msg(tries < 100, "%s: no client gets through", addresses[i]);
	}
	visits(s, addresses, 10, BACKEND_GREETING);
	behind_strike(&b);
}
END_TEST

START_TEST(h22_nat_for_nobody)
{
	static const char *const rules =
		"table ip n { chain c { type nat hook postrouting priority srcnat; "
		"oifname \"nope\" masquerade; }; }; "
		"table ip6 n { chain c { type nat hook postrouting priority srcnat; "
		"oifname \"nope\" masquerade; }; }";
	struct behind b;

	behind_raise(&b);
	stage_prove(&b.stage, STAGE_PORT);
	visits(&b.stage, addresses, 3, HOST_GREETING);
	nat_keeps_off(&b, rules, HOST_GREETING);
	behind_strike(&b);
}
END_TEST

/* Sends a SYN-ACK of the server's service to its client out of the host behind it, in one frame. */
static void forge_synack(struct behind *b, const char *src, const char *dst)
{
	struct frame_spec spec = {
		.version = strchr(src, ':') ? 6 : 4,
		.src = src,
		.dst = dst,
		.sport = STAGE_PORT,
		.dport = 40000,
		.flags = FRAME_SYN | FRAME_ACK,
		.source_mac = { 0x02, 0x53, 0x47, 1, 0, 0x02 },
		.destination_mac = { 0x02, 0x53, 0x47, 1, 0, 0x01 },
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = lab_ifindex(b->stage.lab, b->host, LAB_IFNAME) };
	int fd = lab_socket(b->stage.lab, b->host, AF_PACKET, SOCK_RAW, 0);
	uint8_t bytes[FRAME_ROOM];
	size_t length = frame_build(bytes, sizeof(bytes), &spec);

	ok(fd, "a packet socket");
	ck_assert_int_eq(sendto(fd, bytes, length, 0, (struct sockaddr *)&to, sizeof(to)), length);
	close(fd);
}

/* A connection of the client from the port that is forged, which conntrack knows. */
static int open_from_forged_port(struct behind *b)
{
	struct sockaddr_storage from, to;
	int fd, length = tcp_sockaddr(LAB_CLIENT_ADDR6, 40000, &from);

	fd = lab_socket(b->stage.lab, LAB_CLIENT, AF_INET6, SOCK_STREAM, 0);
	ok(fd, "a socket");
	ck_assert(!bind(fd, (struct sockaddr *)&from, length));
	tcp_sockaddr(LAB_SERVER_ADDR6, STAGE_PORT, &to);
	ck_assert(!connect(fd, (struct sockaddr *)&to, length));
	return fd;
}

/*
 * Trap FW31: a host behind an interface that we are not attached to, a container say, forges one
 * SYN-ACK of a service of ours. Conntrack alone makes no evidence of it either.
 */
START_TEST(fw31_forged_by_a_container)
{
	static const char *const track = "table inet f { chain c { type filter hook forward "
					 "priority 0; ct state invalid accept; }; };";
	struct watch_service before;
	struct behind b;
	int i, fd = -1;

	behind_raise(&b);
	stage_prove(&b.stage, STAGE_PORT);
	if (_i) {
		nft(b.stage.lab, LAB_SERVER, track);
		fd = open_from_forged_port(&b);
	}
	/* or the kernel takes an own address from outside for a martian, of IPv4 alone */
	ok(lab_sysctl_set(b.stage.lab, LAB_SERVER, "net.ipv4.conf.all.accept_local", "1"), "ipv4");
	forge_synack(&b, LAB_SERVER_ADDR4, LAB_CLIENT_ADDR4);
	forge_synack(&b, LAB_SERVER_ADDR6, LAB_CLIENT_ADDR6);
	watch_await_verdict(&b.stage, "egress", "forwarded_synack", 2);
	before = watch_service(&b.stage);
	for (i = 0; i < 2; i++)
		ok(visit(b.stage.lab, LAB_CLIENT, addresses[i], STAGE_PORT, HOST_GREETING),
		   addresses[i]);
	watch_assert_defended(&b.stage, &before, 2);
	close(fd);
	behind_strike(&b);
}
END_TEST

/* ---- bridges ------------------------------------------------------------------------------- */

/* Whether bridged packets are shown to the IP layer's hooks; not every kernel can do that. */
static int bridge_calls_iptables(struct stage *s, const char *value)
{
	return lab_sysctl_set(s->lab, LAB_SERVER, "net.bridge.bridge-nf-call-iptables", value) ?:
		       lab_sysctl_set(s->lab, LAB_SERVER, "net.bridge.bridge-nf-call-ip6tables",
				      value);
}

/*
 * lab0 and a link to a third host become ports of a bridge, which has the server's addresses. Returns
 * whether netfilter sees its packets as `netfilter` says.
 */
static bool bridge_raise(struct behind *b, const char *netfilter)
{
	static const char *const commands = "link add br0 type bridge mcast_snooping 0\n"
					    "link set lab0 master br0\n"
					    "link set back0 master br0\n"
					    "addr flush dev lab0\n"
					    "link set br0 up\n"
					    "addr add " LAB_SERVER_ADDR4 "/24 dev br0\n"
					    "addr add " LAB_SERVER_ADDR6 "/64 dev br0 nodad\n";
	const char *const argv[] = { "sh", "-c", "echo \"$0\" | ip -batch -", commands, NULL };
	const struct server_options options = { .port = STAGE_PORT, .greeting = BACKEND_GREETING };
	const struct lab_end near = { .host = LAB_SERVER, .ifname = BACK_IFNAME };
	struct lab_end far = { .ifname = LAB_IFNAME,
			       .addr4 = "192.0.2.9/24",
			       .addr6 = "2001:db8::9/64" };
	struct stage *s = &b->stage;
	bool is_so;

	stage_raise(s, &(struct server_options){ .greeting = HOST_GREETING });
	is_so = !bridge_calls_iptables(s, netfilter);
	far.host = lab_host_add(s->lab);
	ok(far.host, "a third host");
	ok(lab_link_add(s->lab, &near, &far), "a link to it");
	run(s->lab, LAB_SERVER, argv);
	b->backend = serve(s->lab, far.host, &options);
	stage_daemon(s, "always");
	stage_prove(s, STAGE_PORT);
	return is_so;
}

/* What goes through the bridge passes; what is for the bridge's own addresses is challenged. */
START_TEST(h22_bridge_port)
{
	static const char *const through[] = { "192.0.2.9", "2001:db8::9" };
	struct watch_service before;
	struct behind b;

	bridge_raise(&b, "0");
	before = watch_service(&b.stage);
	visits(&b.stage, addresses, 10, HOST_GREETING);
	watch_assert_defended(&b.stage, &before, 20);
	visits(&b.stage, through, 10, BACKEND_GREETING);
	ck_assert_int_eq(watch_verdict(&b.stage, "xdp", "other_host"), 20);
	behind_strike(&b);
}
END_TEST

/* From now on frames of this host for the server go to this MAC. */
static void neighbour_is(struct stage *s, const char *ifname, const char *mac)
{
	const char *argv[] = { "ip",  "neigh", "replace", NULL,	       "lladdr", mac,
			       "dev", ifname,  "nud",	  "permanent", NULL };
	int i;

	for (i = 0; i < 2; i++) {
		argv[3] = addresses[i];
		run(s->lab, LAB_CLIENT, argv);
	}
}

/* Frames for the MAC of the bridge are for this host, also where its ports have others: trap FW1. */
START_TEST(other_host_or_bridge)
{
	static const char *const mac = "02:53:47:07:07:07";
	const char *const argv[] = { "ip", "link", "set", "br0", "address", mac, NULL };
	struct watch_service before;
	struct behind b;

	bridge_raise(&b, "0");
	run(b.stage.lab, LAB_SERVER, argv);
	neighbour_is(&b.stage, LAB_IFNAME, mac);
	usleep(200000); /* the daemon hears of it */
	before = watch_service(&b.stage);
	visits(&b.stage, addresses, 10, HOST_GREETING);
	watch_assert_defended(&b.stage, &before, 20);
	ck_assert_int_eq(watch_verdict(&b.stage, "xdp", "other_host"), 0);
	behind_strike(&b);
}
END_TEST

#define TWIN_MAC      "02:53:47:00:00:03"
#define TWIN_GREETING "twin\n"

/*
 * The client's host becomes a switch that floods: what is for the server comes to a third host, too,
 * which has the same addresses and the same service. Both run synguardd.
 */
static void twin_raise(struct stage *s, struct stage *twin)
{
	static const char *const commands =
		"link add br0 address 02:53:47:00:00:02 type bridge mcast_snooping 0\n"
		"link set lab0 master br0\n"
		"link set twin0 master br0\n"
		"link set lab0 type bridge_slave learning off flood on\n"
		"link set twin0 type bridge_slave learning off flood on\n"
		"addr flush dev lab0\n"
		"link set br0 up\n"
		"addr add " LAB_CLIENT_ADDR4 "/24 dev br0\n"
		"addr add " LAB_CLIENT_ADDR6 "/64 dev br0 nodad\n";
	const char *const argv[] = { "sh", "-c", "echo \"$0\" | ip -batch -", commands, NULL };
	const struct server_options options = { .port = STAGE_PORT, .greeting = TWIN_GREETING };
	const struct lab_daemon_options daemon = { .mode = "always" };
	const struct lab_end near = { .host = LAB_CLIENT, .ifname = "twin0" };
	struct lab_end far = { .ifname = LAB_IFNAME, .mac = { 0x02, 0x53, 0x47, 0, 0, 0x03 } };
	uint8_t client_mac[6];
	char tail[1024];

	stage_raise(s, &(struct server_options){ .greeting = HOST_GREETING });
	ok(lab_mac(s->lab, LAB_CLIENT, LAB_IFNAME, client_mac), "a MAC");
	far.host = lab_host_add(s->lab);
	ok(far.host, "a third host");
	ok(lab_link_add(s->lab, &near, &far), "a link to it");
	ok(lab_addr_add(s->lab, far.host, LAB_IFNAME, LAB_SERVER_ADDR4 "/24"), "an address");
	ok(lab_addr_add(s->lab, far.host, LAB_IFNAME, LAB_SERVER_ADDR6 "/64"), "an address");
	ok(lab_neigh_add(s->lab, far.host, LAB_IFNAME, LAB_CLIENT_ADDR4, client_mac), "client");
	ok(lab_neigh_add(s->lab, far.host, LAB_IFNAME, LAB_CLIENT_ADDR6, client_mac), "client");
	run(s->lab, LAB_CLIENT, argv);
	stage_daemon(s, "always");
	*twin = (struct stage){ .lab = s->lab, .server = serve(s->lab, far.host, &options) };
	ok(sink_new(&twin->sink, s->lab, LAB_CLIENT, "twin0"), "a sink");
	ok(lab_daemon_start(&twin->daemon, s->lab, far.host, &daemon, tail, sizeof(tail)), tail);
}

/* Two servers with one address (anycast, direct server return, failover): trap FW1. */
START_TEST(other_host_twins)
{
	struct watch_service of_host, of_twin;
	struct stage s, twin;

	twin_raise(&s, &twin);
	neighbour_is(&s, "br0", TWIN_MAC);
	visits(&s, addresses, 3, TWIN_GREETING);
	neighbour_is(&s, "br0", "02:53:47:00:00:01");
	visits(&s, addresses, 3, HOST_GREETING);
	/* either has challenged */
	of_host = watch_service(&s);
	of_twin = watch_service(&twin);
	ck_assert_int_ge(of_host.challenged, 2);
	ck_assert_int_ge(of_twin.challenged, 2);

	some_clients(&s, STAGE_PORT, 50);
	watch_assert_defended(&s, &of_host, 100);
	watch_assert_defended(&twin, &of_twin, 0);
	ck_assert_int_eq(watch_service(&twin).syns, of_twin.syns);
	ck_assert_int_ge(watch_verdict(&twin, "xdp", "other_host"), 100);
	ck_assert_int_ge(watch_verdict(&twin, "ingress", "other_host"), 100);
	lab_daemon_free(twin.daemon);
	sink_free(twin.sink);
	server_free(twin.server);
	stage_strike(&s);
}
END_TEST

/*
 * br_netfilter loses the request on its way to the listener, so that challenged clients would be reset: the
 * kernel's own cookies are what is challenged with.
 */
START_TEST(h22_bridge_netfilter)
{
	struct behind b;

	if (bridge_raise(&b, "1")) {
		visits(&b.stage, addresses, 10, HOST_GREETING);
		ck_assert_int_ge(watch_verdict(&b.stage, "xdp", "bridge_netfilter") +
					 watch_verdict(&b.stage, "xdp", "challenged") +
					 watch_verdict(&b.stage, "xdp", "challenged_plain"),
				 20);
	}
	behind_strike(&b);
}
END_TEST

/* ---- two ways in: trap H19 ----------------------------------------------------------------- */

#define SECOND_IFNAME "second0"
#define THIRD_IFNAME  "third0"

/* A segment of the client through the other link, as a router on the way may choose. */
static void transmit_on_second(struct stage *s, const struct wire *w, struct frame_spec *spec)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = lab_ifindex(s->lab, LAB_CLIENT, SECOND_IFNAME),
	};
	int fd = lab_socket(s->lab, LAB_CLIENT, AF_PACKET, SOCK_RAW, 0);
	uint8_t bytes[FRAME_ROOM];
	size_t length;

	ok(fd, "a packet socket");
	spec->version = w->version;
	spec->src = w->version == 4 ? WIRE_ADDR4 : WIRE_ADDR6;
	spec->dst = w->version == 4 ? LAB_SERVER_ADDR4 : LAB_SERVER_ADDR6;
	spec->sport = w->port;
	spec->dport = STAGE_PORT;
	ok(lab_mac(s->lab, LAB_CLIENT, SECOND_IFNAME, spec->source_mac), "a MAC");
	ok(lab_mac(s->lab, LAB_SERVER, SECOND_IFNAME, spec->destination_mac), "a MAC");
	length = frame_build(bytes, sizeof(bytes), spec);
	ck_assert_int_eq(sendto(fd, bytes, length, 0, (struct sockaddr *)&to, sizeof(to)), length);
	close(fd);
}

/* From now on what the server sends to this client leaves by a third link, where it is read. */
static void lead_back_by_third(struct stage *s, struct wire *w)
{
	const struct lab_end server = { .host = LAB_SERVER,
					.ifname = THIRD_IFNAME,
					.addr4 = "198.18.3.1/24",
					.addr6 = "2001:db8:3::1/64" };
	const struct lab_end client = { .host = LAB_CLIENT, .ifname = THIRD_IFNAME };
	const char *gateway = w->version == 4 ? "198.18.3.2" : "2001:db8:3::2";
	const char *target = w->version == 4 ? WIRE_ADDR4 "/32" : WIRE_ADDR6 "/128";
	struct sockaddr_ll from = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	ok(lab_link_add(s->lab, &server, &client), "a third link");
	ok(lab_mac(s->lab, LAB_CLIENT, THIRD_IFNAME, w->mac), "a MAC");
	ok(lab_mac(s->lab, LAB_SERVER, THIRD_IFNAME, w->peer_mac), "a MAC");
	ok(lab_neigh_add(s->lab, LAB_SERVER, THIRD_IFNAME, gateway, w->mac), "a neighbour");
	ok(lab_route_add(s->lab, LAB_SERVER, target, gateway), "a route");
	from.sll_ifindex = lab_ifindex(s->lab, LAB_CLIENT, THIRD_IFNAME);
	ck_assert_int_eq(bind(w->fd, (struct sockaddr *)&from, sizeof(from)), 0);
}

/*
 * The SYN comes in here, its ACK there, and what is sent leaves here or by a third link: the cookie
 * knows nothing of interfaces.
 */
START_TEST(h19_ack_on_another_interface)
{
	static const char *const second[] = { "--interface", SECOND_IFNAME, NULL };
	const struct lab_daemon_options o = { .mode = "always", .args = second };
	const struct lab_end server = { .host = LAB_SERVER, .ifname = SECOND_IFNAME };
	const struct lab_end client = { .host = LAB_CLIENT, .ifname = SECOND_IFNAME };
	struct wire *w = malloc(sizeof(*w));
	struct watch_service before;
	struct frame_spec ack;
	struct stage s;
	char tail[1024];

	stage_raise(&s, &(struct server_options){ .greeting = HOST_GREETING });
	ok(lab_link_add(s.lab, &server, &client), "a second link");
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	wire_open(w, &s, _i % 2 ? 6 : 4, 41000);
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	if (_i / 2)
		lead_back_by_third(&s, w);
	ack = wire_segment(w, FRAME_ACK, NULL);
	transmit_on_second(&s, w, &ack);
	wire_take_payload(w, HOST_GREETING);
	watch_assert_defended(&s, &before, 1);
	wire_close(w);
	free(w);
	stage_strike(&s);
}
END_TEST

/* ---- firewalls: trap H23 ------------------------------------------------------------------- */

static const char *const firewalls[] = {
	"table inet t { chain c { type filter hook input priority filter;"
	"  ct state new tcp flags & (syn|ack|rst|fin) != syn drop; }; };",
	"table inet t { chain c { type filter hook input priority filter; policy drop;"
	"  iif lo accept; meta l4proto { icmp, icmpv6 } accept;"
	"  ct state established,related accept;"
	"  tcp flags & (syn|ack|rst|fin) == syn ct state new accept; }; };",
};

/* An event of this name and service, with what names the cause. */
static void expect_event(struct stage *s, const char *name, const char *service, const char *cause)
{
	char *output = NULL, *line, *state = NULL;
	bool found = false;

	ck_assert_int_eq(stage_cli(s, &output, "events", "--json", NULL), 0);
	for (line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		found = found ||
			(strstr(line, name) && strstr(line, service) && strstr(line, cause));
	ck_assert_msg(found, "no event \"%s\" of %s with \"%s\"", name, service, cause);
	free(output);
}

/*
 * Rules that drop every ACK whose SYN they have not seen. Clients that hold a challenge by then
 * wait in vain; within seconds the service is blocked, and everybody after them gets in.
 */
START_TEST(h23_blocked)
{
	const struct clients_options o = {
		.src4 = "10.99.0.1",
		.src6 = "2001:db8:99::1",
		.sources = 100,
		.port = STAGE_PORT,
		.rate_per_sec = 40,
		.duration_ms = 6000,
		.deadline_ms = 1000,
	};
	struct clients *clients;
	char *text = NULL;
	struct stage s;
	int i;

	stage_raise(&s, &(struct server_options){});
	stage_sources(&s, "10.99.0.0/16", "2001:db8:99::/48");
	nft(s.lab, LAB_SERVER, firewalls[_i]);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	ok(clients_start(&clients, s.lab, LAB_CLIENT, &o), "clients");
	for (i = 0; i < 2; i++)
		await_flag(&s, addresses[i], STAGE_PORT, "blocked");
	clients_free(clients);

	for (i = 0; i < 2; i++) {
		ck_assert_int_ge(figure(&s, addresses[i], STAGE_PORT, "accepted"), 8);
		/* four ticks' worth of 20 a second, and some for a busy machine */
		ck_assert_int_le(figure(&s, addresses[i], STAGE_PORT, "challenged"), 110);
		ck_assert_int_eq(figure(&s, addresses[i], STAGE_PORT, "established"), 0);
		ck_assert(!flag(&s, addresses[i], STAGE_PORT, "defending"));
	}
	some_clients(&s, STAGE_PORT, 10);
	ck_assert_int_ge(watch_verdict(&s, "xdp", "blocked"), 20);
	ck_assert_int_eq(stage_cli(&s, &text, "status", NULL, NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "\n2 services BLOCKED, see below.\n"));
	ck_assert_ptr_nonnull(strstr(text, "tracking"));
	free(text);
	expect_event(&s, "\"service_blocked\"", LAB_SERVER_ADDR4 ":8080", "tracking is active");
	expect_event(&s, "is not challenged for", "[" LAB_SERVER_ADDR6 "]:8080",
		     "drops ACKs without a SYN");
	stage_strike(&s);
}
END_TEST

/*
 * A source that the firewall filters answers its challenges as others do, and none of its
 * acceptances becomes a connection. Beside ordinary clients that blocks nothing, and none of them is lost.
 */
START_TEST(h23_filtered_source)
{
	static const char *const rules =
		"table inet t { chain c { type filter hook input priority filter;"
		"  ip saddr " WIRE_ADDR4 " drop; ip6 saddr " WIRE_ADDR6 " drop; }; };";
	const struct clients_options o = {
		.port = STAGE_PORT, .rate_per_sec = 40, .duration_ms = 6000, .deadline_ms = 10000
	};
	struct wire *w = malloc(sizeof(*w));
	struct watch_service before, after;
	struct clients_result r;
	struct clients *clients;
	struct stage s;
	int i;

	stage_raise(&s, &(struct server_options){});
	nft(s.lab, LAB_SERVER, rules);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	ok(clients_start(&clients, s.lab, LAB_CLIENT, &o), "clients");
	for (i = 0; i < 60; i++) {
		wire_open(w, &s, i % 2 ? 6 : 4, 41000 + i);
		wire_send_syn(w, NULL);
		/*
		 * In the end the firewall has the SYN; not so where the client's neighbours of
		 * his /64 connect.
		 */
		if (i % 2 || i < 2 * (SG_FILTERED_LOST + 1)) {
			wire_take_synack(w);
			wire_send(w, FRAME_ACK, NULL);
		}
		ck_assert(!wire_drain(w, 20));
		wire_close(w);
		usleep(50000);
	}
	ck_assert_int_eq(watch_verdict(&s, "xdp", "filtered_source"), 30 - (SG_FILTERED_LOST + 1));
	ok(clients_wait(clients, &r), "clients");
	clients_free(clients);
	ck_assert_uint_eq(r.connected, r.attempted);
	after = watch_service(&s);
	ck_assert_int_eq(after.accepted - before.accepted, r.connected + 30 + SG_FILTERED_LOST + 1);
	ck_assert_int_eq(after.established - before.established, r.connected);
	for (i = 0; i < 2; i++)
		ck_assert(!flag(&s, addresses[i], STAGE_PORT, "blocked"));
	clients_result_done(&r);
	free(w);
	stage_strike(&s);
}
END_TEST

/* ---- drivers: traps F1, F2 ----------------------------------------------------------------- */

/* The SYN's checksum is the pseudo header's alone, or complete; ours is always complete. */
START_TEST(f1_tx_checksum)
{
	struct watch_service before;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_TX_CSUM, _i), "tx checksums");
	ok(lab_offload_set(s.lab, LAB_SERVER, LAB_IFNAME, LAB_TX_CSUM, _i), "tx checksums");
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	some_clients(&s, STAGE_PORT, 20);
	watch_assert_defended(&s, &before, 40);
	stage_strike(&s);
}
END_TEST

/* A connection that is being made; nobody waits for it. */
static int begin(struct stage *s, const char *address)
{
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(address, STAGE_PORT, &sa);
	int fd = lab_socket(s->lab, LAB_CLIENT, sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ok(fd, "a socket");
	ck_assert(connect(fd, (struct sockaddr *)&sa, length) < 0 && errno == EINPROGRESS);
	return fd;
}

static bool established(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, timeout_ms) == 1 && !(p.revents & POLLERR);
}

/* A datagram from the server's host, which takes the ordinary way through the driver. */
static void nudge(struct stage *s)
{
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(LAB_CLIENT_ADDR4, 9, &sa);
	int fd = lab_socket(s->lab, LAB_SERVER, AF_INET, SOCK_DGRAM, 0);

	ok(fd, "a socket");
	ck_assert_int_eq(sendto(fd, "", 0, 0, (struct sockaddr *)&sa, length), 0);
	close(fd);
}

/*
 * Why the lab has its sink: what XDP_TX sends over a veth.
 *
 * A veth end takes frames of XDP_TX into a ring if its peer polls by NAPI, which GRO or an XDP
 * program there brings about (veth_xdp_xmit()); without either they are errors. It then rings the
 * peer's bell only if that has an XDP program (veth_xdp_flush(), up to Linux 6.18 at least): with
 * GRO alone the answer lies in the ring until something else has the peer poll. With TSO on, as is
 * the default, nothing else does, because ordinary packets do not pass by NAPI then
 * (veth_skb_is_eligible_for_gro()).
 */
START_TEST(f2_napi)
{
	struct watch_service before, after;
	struct stage s;
	int fd;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	s.sink = sink_free(s.sink);

	/* neither: synguard answers, and the driver loses it */
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_GRO, false), "GRO off");
	before = watch_service(&s);
	fd = begin(&s, addresses[_i]);
	watch_await_verdict(&s, "xdp", "challenged", before.challenged + 1);
	ck_assert(!established(fd, 300));
	close(fd);
	after = watch_service(&s);
	ck_assert_int_eq(after.accepted, before.accepted);

	/* GRO alone, TSO off: it comes with the next packet that passes by NAPI, if not by itself */
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_GRO, true), "GRO on");
	ok(lab_offload_set(s.lab, LAB_SERVER, LAB_IFNAME, LAB_TSO, false), "TSO off");
	before = after;
	fd = begin(&s, addresses[_i]);
	watch_await_verdict(&s, "xdp", "challenged", before.challenged + 1);
	if (!established(fd, 300))
		nudge(&s);
	ck_assert_msg(established(fd, 2000), "the answer is not in the ring");
	close(fd);

	/* an XDP program: at once */
	ok(sink_new(&s.sink, s.lab, LAB_CLIENT, LAB_IFNAME), "the sink");
	before = watch_service(&s);
	fd = begin(&s, addresses[_i]);
	ck_assert(established(fd, 10000));
	close(fd);
	watch_await_verdict(&s, "ingress", "accepted", 2);
	stage_strike(&s);
}
END_TEST

/* ---- namespaces and families: traps C13, H13 ----------------------------------------------- */

/*
 * A second lab with the very same addresses and ports on the same machine. Its handshakes must
 * prove nothing here, where a firewall keeps the service from answering.
 */
START_TEST(c13_other_namespace)
{
	struct stage here, there;
	int i;

	stage_raise(&here, &(struct server_options){});
	stage_raise(&there, &(struct server_options){});
	nft(here.lab, LAB_SERVER,
	    "table inet t { chain c { type filter hook input priority filter; "
	    "tcp dport 8080 drop; }; };");
	stage_daemon(&here, "always");
	for (i = 0; i < 2; i++)
		close(begin(&here, addresses[i]));
	watch_await_verdict(&here, "xdp", "unproven", 2);
	some_clients(&there, STAGE_PORT, 10);
	for (i = 0; i < 2; i++) {
		ck_assert(!flag(&here, addresses[i], STAGE_PORT, "proven"));
		ck_assert_int_eq(figure(&here, addresses[i], STAGE_PORT, "established"), 0);
	}

	/* without the rule the same handshakes in the right namespace do */
	nft(here.lab, LAB_SERVER, "flush ruleset");
	stage_prove(&here, STAGE_PORT);
	stage_strike(&there);
	stage_strike(&here);
}
END_TEST

/* A listener of every kind, and clients of both families: each on the right service. */
START_TEST(c13_families)
{
	static const struct {
		uint16_t port;
		struct server_options options[2];
		bool v4, v6;
	} kinds[] = {
		{ 8081, { { .port = 8081 } }, true, true },
		{ 8082, { { .port = 8082, .addr = "0.0.0.0" } }, true, false },
		{ 8083, { { .port = 8083, .v6only = true } }, false, true },
		{ 8084,
		  { { .port = 8084, .addr = "0.0.0.0", .backlog = 16 },
		    { .port = 8084, .v6only = true, .backlog = 32 } },
		  true,
		  true },
		{ 8085,
		  { { .port = 8085, .addr = LAB_SERVER_ADDR4, .backlog = 16 },
		    { .port = 8085, .addr = LAB_SERVER_ADDR6, .backlog = 32 } },
		  true,
		  true },
		{ 8086, { { .port = 8086, .addr = "::ffff:" LAB_SERVER_ADDR4 } }, true, false },
	};
	const unsigned int count[] = { 5, 7 };
	struct server *servers[12] = { NULL };
	size_t i, n = 0, family;
	struct stage s;
	json_t *status;

	stage_raise(&s, NULL);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		servers[n++] = serve(s.lab, LAB_SERVER, &kinds[i].options[0]);
		if (kinds[i].options[1].port)
			servers[n++] = serve(s.lab, LAB_SERVER, &kinds[i].options[1]);
	}
	stage_daemon(&s, "always");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (family = 0; family < 2; family++) {
			bool served = family ? kinds[i].v6 : kinds[i].v4;
			unsigned int c;

			/* the first one proves the service */
			for (c = 0; c < count[family] + 1; c++)
				ck_assert_int_eq(visit(s.lab, LAB_CLIENT, addresses[family],
						       kinds[i].port, NULL),
						 served ? 0 : -ECONNREFUSED);
		}
	}

	status = stage_status(&s);
	ck_assert_uint_eq(json_array_size(json_object_get(status, "services")), 9);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (family = 0; family < 2; family++) {
			const json_t *row;

			if (!(family ? kinds[i].v6 : kinds[i].v4))
				continue;
			row = stage_service(status, addresses[family], kinds[i].port);
			ck_assert_int_eq(stage_figure(row, "challenged"), count[family]);
			ck_assert_int_eq(stage_figure(row, "accepted"), count[family]);
			ck_assert_int_eq(stage_figure(row, "established"), count[family]);
			ck_assert_int_eq(stage_figure(row, "syn_queue_max"),
					 kinds[i].options[1].port ? 16 + 16 * family : 128);
		}
	}
	stage_assert_accounted(status);
	json_decref(status);
	for (i = 0; i < n; i++)
		server_free(servers[i]);
	stage_strike(&s);
}
END_TEST

/* ---- listeners ----------------------------------------------------------------------------- */

/* Four queues of different length behind one port: the group is armed, and everybody gets in. */
START_TEST(listeners_reuseport)
{
	static const int backlogs[] = { 4, 16, 64, 128 };
	struct server *servers[4];
	struct watch_service before;
	struct flood *flood;
	struct stage s;
	int i;

	stage_raise(&s, NULL);
	for (i = 0; i < 4; i++)
		servers[i] = serve(s.lab, LAB_SERVER,
				   &(struct server_options){ .port = STAGE_PORT,
							     .reuseport = true,
							     .backlog = backlogs[i] });
	stage_daemon_config(&s, "auto", STAGE_NOBODY_IS_VERIFIED);
	stage_prove(&s, STAGE_PORT);
	ck_assert_int_eq(figure(&s, addresses[0], STAGE_PORT, "syn_queue_max"), 212);
	ck_assert_int_eq(figure(&s, addresses[1], STAGE_PORT, "syn_queue_max"), 212);

	flood = STAGE_FLOOD(&s, .rate_per_sec = 20000, .ipv6_share = 128);
	for (i = 0; i < 2; i++)
		await_flag(&s, addresses[i], STAGE_PORT, "defending");
	before = watch_service(&s);
	some_clients(&s, STAGE_PORT, 40);
	stage_flood_end(flood);
	watch_assert_defended(&s, &before, 80);
	for (i = 0; i < 4; i++)
		server_free(servers[i]);
	stage_strike(&s);
}
END_TEST

/* A listener of one interface is nobody's on another: there the port is closed, as before. */
START_TEST(listeners_of_one_device)
{
	struct watch_service before;
	struct server *server;
	struct stage s;
	int i;

	stage_raise(&s, &(struct server_options){ .device = LAB_IFNAME });
	server = serve(s.lab, LAB_SERVER, &(struct server_options){ .port = 8081, .device = "lo" });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	some_clients(&s, STAGE_PORT, 10);
	watch_assert_defended(&s, &before, 20);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(visit(s.lab, LAB_CLIENT, addresses[i], 8081, NULL), -ECONNREFUSED);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "no_listener"), 2);
	server_free(server);
	stage_strike(&s);
}
END_TEST

/* Restarted while it is defended: refused by a reset while it is gone, as without us. */
START_TEST(listeners_restarted)
{
	const struct server_options options = { .port = STAGE_PORT };
	struct watch_service before;
	struct stage s;
	int i;

	stage_raise(&s, &options);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	some_clients(&s, STAGE_PORT, 5);

	s.server = server_free(s.server);
	usleep(100000); /* SG_RECHECK_NS and a tick of the coarse clock */
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(visit(s.lab, LAB_CLIENT, addresses[i], STAGE_PORT, NULL),
				 -ECONNREFUSED);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "no_listener"), 2);
	ck_assert(!flag(&s, addresses[0], STAGE_PORT, "defending"));

	s.server = serve(s.lab, LAB_SERVER, &options);
	usleep(100000);
	before = watch_service(&s);
	some_clients(&s, STAGE_PORT, 10);
	watch_assert_defended(&s, &before, 20);
	stage_strike(&s);
}
END_TEST

/* Whether an MPTCP client that connects to the server speaks MPTCP with it, and not TCP. */
static bool speaks_mptcp(struct stage *s, const char *address)
{
	const struct timeval limit = { .tv_sec = 10 };
	struct mptcp_info info = {};
	struct sockaddr_storage sa;
	socklen_t bytes = sizeof(info);
	int length = tcp_sockaddr(address, STAGE_PORT, &sa);
	int fd = lab_socket(s->lab, LAB_CLIENT, sa.ss_family, SOCK_STREAM, IPPROTO_MPTCP);
	char said[64] = "";

	ok(fd, "an MPTCP socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ck_assert_msg(!connect(fd, (struct sockaddr *)&sa, length), "%s: connect", address);
	ck_assert_int_gt(recv(fd, said, sizeof(said) - 1, 0), 0);
	ck_assert_str_eq(said, HOST_GREETING);
	/* of a socket that has fallen back the kernel may know nothing any more */
	if (getsockopt(fd, SOL_MPTCP, MPTCP_INFO, &info, &bytes) < 0)
		info.mptcpi_flags = MPTCP_INFO_FLAG_FALLBACK;
	close(fd);
	return !(info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK);
}

static void expect_mptcp(struct stage *s, bool spoken)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++)
		ck_assert_msg(speaks_mptcp(s, addresses[i]) == spoken, "%s: MPTCP is%s spoken",
			      addresses[i], spoken ? " not" : "");
}

/*
 * An MPTCP listener is left to the kernel, whose own cookies carry MPTCP, as the words of the verdict say
 * (trap FW67); or challenged with a cookie of the kernel's, with which its clients speak TCP.
 */
START_TEST(listeners_mptcp)
{
	static const char *const cookies_sent[] = { "TcpExt.SyncookiesSent", NULL };
	struct watch w;
	struct stage s;
	json_t *status;

	stage_raise(&s, &(struct server_options){ .mptcp = true, .greeting = HOST_GREETING });
	stage_daemon_config(&s, "always", "[Mitigation]\nKernelCookies=no\n");
	stage_prove(&s, STAGE_PORT);
	some_clients(&s, STAGE_PORT, 10);
	expect_mptcp(&s, true);
	ck_assert_int_eq(watch_service(&s).challenged, 0);
	ck_assert_int_ge(watch_verdict(&s, "xdp", "mptcp_listener"), 22);
	told_says_in_words(&s, "status", NULL,
			   "The listener speaks MPTCP, which a challenge does not carry; "
			   "the kernel's own cookies do");

	stage_mode(&s, "off");
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "2"), "tcp_syncookies");
	watch_begin(&w, &s, cookies_sent);
	expect_mptcp(&s, true);
	ck_assert_uint_eq(watch_growth(&w, LAB_SERVER, cookies_sent[0]), 2);

	stage_mode(&s, "always");
	usleep(200000); /* SG_RECHECK_NS, and a tick of the coarse clock */
	expect_mptcp(&s, false);
	status = stage_status(&s);
	ck_assert_int_eq(stage_verdict(status, "ingress", "kernel_ack"), 2);
	json_decref(status);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(h18_malformed, 2, 30),
	SUITE_TEST(h22_forwarding, 30),
	SUITE_TEST(h22_dnat, 30),
	SUITE_TEST(h22_dnat_of_a_proven_service, 60),
	SUITE_LOOP(fw31_forged_by_a_container, 2, 30),
	SUITE_TEST(fw90_dnat_of_a_service_with_kernel_cookies, 60),
	SUITE_TEST(h22_nat_for_nobody, 60),
	SUITE_TEST(h22_bridge_port, 30),
	SUITE_TEST(other_host_or_bridge, 30),
	SUITE_TEST(other_host_twins, 60),
	SUITE_TEST(h22_bridge_netfilter, 60),
	SUITE_LOOP(h19_ack_on_another_interface, 4, 30),
	SUITE_LOOP(h23_blocked, ARRAY_SIZE(firewalls), 60),
	SUITE_TEST(h23_filtered_source, 60),
	SUITE_LOOP(f1_tx_checksum, 2, 30),
	SUITE_LOOP(f2_napi, 2, 30),
	SUITE_TEST(c13_other_namespace, 30),
	SUITE_TEST(c13_families, 30),
	SUITE_TEST(listeners_reuseport, 60),
	SUITE_TEST(listeners_of_one_device, 30),
	SUITE_TEST(listeners_restarted, 30),
	SUITE_TEST(listeners_mptcp, 30),
	{}
};
/* clang-format on */
