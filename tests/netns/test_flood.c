/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A real flood against a real listener: what the clients, the queue, the detector and the daemon
 * make of it, and that everything else of the host is left alone meanwhile.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "now.h"
#include "stage.h"
#include "suite.h"
#include "tests/lab/flood.h"
#include "watch.h"
#include "wire.h"

#define BACKLOG	    128
#define OTHER_PORT  8081
#define CLOSED_PORT 8082

/* The lease of a service that nobody renews, and what a busy machine may add to it. */
#define LEASE_MS	  4000
#define LEASE_SLACK_MS	  2000
#define HEARTBEAT_LOST_MS 60000

static const char *const addresses[] = { LAB_SERVER_ADDR4, LAB_SERVER_ADDR6 };

/* ---- questions ----------------------------------------------------------------------------- */

/* How many of the two services of STAGE_PORT are defended. */
static int defending(const json_t *status)
{
	size_t i;
	int n = 0;

	for (i = 0; i < 2; i++)
		n += json_is_true(json_object_get(stage_service(status, addresses[i], STAGE_PORT),
						  "defending"));
	return n;
}

static bool is_defending(const json_t *status)
{
	return defending(status) == 2;
}

static bool is_idle(const json_t *status)
{
	return !defending(status);
}

static bool state_is(const json_t *status, const char *state)
{
	return !strcmp(json_string_value(json_object_get(status, "state")), state);
}

static bool is_attack(const json_t *status)
{
	return state_is(status, "attack");
}

static bool is_cooling(const json_t *status)
{
	return state_is(status, "cooling");
}

static const char *attach(const json_t *status)
{
	const json_t *interface = json_array_get(json_object_get(status, "interfaces"), 0);

	return json_string_value(json_object_get(interface, "attach"));
}

static bool is_native(const json_t *status)
{
	return !strcmp(attach(status), "native");
}

/* Asks until the answer is yes; that it comes at all is the assertion. The caller owns it. */
static json_t *await(struct stage *s, bool (*yes)(const json_t *), const char *what)
{
	json_t *status = stage_status(s);
	int tries;

	for (tries = 0; !yes(status) && tries < 100; tries++) {
		json_decref(status);
		usleep(100000);
		status = stage_status(s);
	}
	if (!yes(status))
		ck_abort_msg("not %s:\n%s", what, json_dumps(status, JSON_INDENT(1)));
	return status;
}

static void expect(struct stage *s, bool (*yes)(const json_t *), const char *what)
{
	json_decref(await(s, yes, what));
}

static int half_open(struct stage *s)
{
	int n = lab_count_sockets(s->lab, LAB_SERVER, TCP_SYN_RECV, STAGE_PORT);

	ok(n, "counting half-open connections");
	return n;
}

static void sysctl(struct stage *s, const char *name, const char *value)
{
	ok(lab_sysctl_set(s->lab, LAB_SERVER, name, value), name);
}

/* ---- acts ---------------------------------------------------------------------------------- */

/* Of both families by halves, on STAGE_PORT, for as long as no test lasts unless it is ended. */
static struct flood *flood(struct stage *s, uint64_t rate_per_sec)
{
	return STAGE_FLOOD(s, .rate_per_sec = rate_per_sec, .ipv6_share = 128);
}

static struct clients *clients(struct stage *s, uint16_t port, unsigned int rate_per_sec,
			       unsigned int duration_ms, unsigned int deadline_ms)
{
	const struct clients_options o = {
		.port = port,
		.rate_per_sec = rate_per_sec,
		.duration_ms = duration_ms,
		.deadline_ms = deadline_ms,
	};
	struct clients *clients;

	ok(clients_start(&clients, s->lab, LAB_CLIENT, &o), "the clients");
	return clients;
}

/*
 * Waits for them. At least this share of them, in percent and of either family, got their echo
 * before the deadline, and the server reset nobody.
 */
static void clients_connected(struct clients *clients, unsigned int percent)
{
	struct clients_result r;
	unsigned int attempted4, connected4;

	ok(clients_wait(clients, &r), "the clients");
	attempted4 = r.attempted - r.attempted6;
	connected4 = r.connected - r.connected6;
	ck_assert_msg(
		connected4 * 100 >= attempted4 * percent &&
			r.connected6 * 100 >= r.attempted6 * percent && !r.reset && !r.refused,
		"connected: %u of %u over IPv4, %u of %u over IPv6; %u timed out, %u refused, "
		"%u reset, %u other",
		connected4, attempted4, r.connected6, r.attempted6, r.timed_out, r.refused, r.reset,
		r.other);
	clients_result_done(&r);
	clients_free(clients);
}

/* Twenty within 3 s; all of them have to connect. */
static void some_clients(struct stage *s, uint16_t port)
{
	clients_connected(clients(s, port, 50, 400, 0), 100);
}

/*
 * Every acceptance became a connection, as far as that is known: the kernel does not run the tracepoint's
 * program in a softirq that interrupts it, and what is established in that softirq is not counted.
 */
static void expect_established(const struct watch_service *figures)
{
	ck_assert_int_le(figures->established, figures->accepted);
	ck_assert_int_ge(figures->established * 100, figures->accepted * 95);
}

/* ---- surviving ----------------------------------------------------------------------------- */

/*
 * While the daemon is stopped for longer than a lease lasts: challenges go on, and what got into
 * the queue before it called for defence is not followed by more.
 */
static void flood_without_daemon(struct stage *s, unsigned int duration_ms)
{
	uint64_t answers = sink_answers(s->sink), now;
	int queued, queued_before = half_open(s);
	unsigned int waited_ms;

	for (waited_ms = 0; waited_ms < duration_ms; waited_ms += 500) {
		usleep(500000);
		now = sink_answers(s->sink);
		ck_assert_msg(now - answers > 1000, "%llu challenges in half a second, %u ms on",
			      (unsigned long long)(now - answers), waited_ms);
		answers = now;
		queued = half_open(s);
		ck_assert_msg(queued <= queued_before, "%d half-open connections after %d", queued,
			      queued_before);
		queued_before = queued;
	}
}

/*
 * The whole story: a queue that fills, arms its services and stays bounded, clients that do not
 * notice, a detector that says attack and then cooling, and leases that are renewed and end while
 * the daemon sleeps.
 */
START_TEST(flood_survived)
{
	struct watch_service during, after;
	struct clients *people;
	struct flood *forged;
	json_t *status;
	struct stage s;
	pid_t daemon;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	/* a half-open connection lives for a second: a lease that lapsed would let in more of them */
	sysctl(&s, "net.ipv4.tcp_synack_retries", "0");
	stage_daemon_config(&s, "auto", STAGE_NOBODY_IS_VERIFIED);
	daemon = lab_daemon_pid(s.daemon);
	stage_prove(&s, STAGE_PORT);
	status = stage_status(&s);
	ck_assert(is_idle(status) && state_is(status, "calm"));
	json_decref(status);

	people = clients(&s, STAGE_PORT, 100, 8000, 0);
	forged = flood(&s, 200000);
	expect(&s, is_defending, "defending");
	expect(&s, is_attack, "an attack");
	kill(daemon, SIGSTOP);
	flood_without_daemon(&s, LEASE_MS + 1000);
	stage_flood_end(forged);
	clients_connected(people, 99);

	usleep((LEASE_MS + LEASE_SLACK_MS) * 1000);
	kill(daemon, SIGCONT);
	status = stage_status(&s);
	ck_assert_msg(is_idle(status), "the leases did not end without the daemon");
	/* what got past XDP: a queue's worth of a million, and a few clients before the flood */
	ck_assert_int_lt(stage_verdict(status, "xdp", "syn_admitted"), 2 * BACKLOG);
	json_decref(status);

	during = watch_service(&s);
	ck_assert_int_gt(during.challenged, 100000);
	ck_assert_int_ge(during.accepted, 700);
	expect_established(&during);
	some_clients(&s, STAGE_PORT);
	after = watch_service(&s);
	ck_assert_int_eq(after.challenged, during.challenged);
	status = await(&s, is_cooling, "cooling");
	stage_assert_accounted(status);
	json_decref(status);
	stage_strike(&s);
}
END_TEST

/* Who has been here before gets in as always, unchallenged. */
START_TEST(flood_verified_clients)
{
	struct watch_service before, after;
	struct clients *people;
	struct flood *forged;
	json_t *status;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	stage_daemon(&s, "auto");
	stage_prove(&s, STAGE_PORT);
	forged = flood(&s, 100000);
	expect(&s, is_defending, "defending");
	before = watch_service(&s);
	people = clients(&s, STAGE_PORT, 50, 2000, 0);
	clients_connected(people, 100);
	stage_flood_end(forged);
	after = watch_service(&s);
	ck_assert_int_gt(after.challenged, before.challenged);
	ck_assert_int_eq(after.accepted, before.accepted);
	status = stage_status(&s);
	ck_assert_int_ge(stage_verdict(status, "xdp", "syn_verified"), 100);
	stage_assert_accounted(status);
	json_decref(status);
	stage_strike(&s);
}
END_TEST

/*
 * A daemon that is gone without having ended: after a minute nothing is challenged any more, but
 * what was challenged before gets in; and when it is back everything is.
 */
START_TEST(flood_heartbeat_lost)
{
	struct wire *w = malloc(sizeof(*w));
	struct watch_service before, after;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	kill(lab_daemon_pid(s.daemon), SIGSTOP);
	usleep((HEARTBEAT_LOST_MS - LEASE_SLACK_MS) * 1000);
	wire_open(w, &s, 4, 41000);
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	usleep(2 * LEASE_SLACK_MS * 1000);
	some_clients(&s, STAGE_PORT);
	wire_send(w, FRAME_ACK | FRAME_PSH, "here I am");
	wire_take_payload(w, "here I am");
	wire_close(w);
	free(w);
	kill(lab_daemon_pid(s.daemon), SIGCONT);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "heartbeat_lost"), 20);
	after = watch_service(&s);
	ck_assert_int_eq(after.challenged, before.challenged + 1);
	ck_assert_int_eq(after.accepted, before.accepted + 1);

	usleep(1500000); /* a tick */
	some_clients(&s, STAGE_PORT);
	watch_assert_defended(&s, &after, 20);
	stage_strike(&s);
}
END_TEST

/* ---- others: traps H14, H13 ---------------------------------------------------------------- */

/* A socket of the host with a limit on how long it waits. */
static int socket_of(struct stage *s, int host, int family, int type, int protocol)
{
	const struct timeval limit = { .tv_sec = 5 };
	int fd = lab_socket(s->lab, host, family, type, protocol);

	ok(fd, "a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

static void closed_port_refuses(struct stage *s, int family, const char *address)
{
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(address, CLOSED_PORT, &sa);
	int fd = socket_of(s, LAB_CLIENT, family, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, length), -1);
	ck_assert_msg(errno == ECONNREFUSED, "a closed port: %s", strerror(errno));
	close(fd);
}

static void udp_is_heard(struct stage *s, int family, const char *address)
{
	int server = socket_of(s, LAB_SERVER, family, SOCK_DGRAM, 0);
	int client = socket_of(s, LAB_CLIENT, family, SOCK_DGRAM, 0);
	struct sockaddr_storage sa, peer;
	int length = tcp_sockaddr(address, STAGE_PORT, &sa);
	socklen_t peer_length = sizeof(peer);
	char buf[16];

	ck_assert_int_eq(bind(server, (struct sockaddr *)&sa, length), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&sa, length), 0);
	ck_assert_int_eq(send(client, "ping", 4, 0), 4);
	ck_assert_int_eq(recvfrom(server, buf, sizeof(buf), 0, (void *)&peer, &peer_length), 4);
	ck_assert_int_eq(sendto(server, "pong", 4, 0, (void *)&peer, peer_length), 4);
	ck_assert_int_eq(recv(client, buf, sizeof(buf), 0), 4);
	ck_assert_mem_eq(buf, "pong", 4);
	close(server);
	close(client);
}

/* The header is the same in both families but for the type; an ICMPv6 socket fills the sum in. */
static void ping_is_answered(struct stage *s, int family, const char *address)
{
	int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	int request = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	int reply = family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	int fd = socket_of(s, LAB_CLIENT, family, SOCK_RAW, protocol);
	struct icmphdr echo = { .type = request };
	const struct icmphdr *got;
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(address, 0, &sa);
	char buf[256];
	ssize_t n;

	echo.un.echo.id = htons(4711);
	echo.checksum = htons(frame_checksum(&echo, sizeof(echo), 0));
	ck_assert_int_eq(sendto(fd, &echo, sizeof(echo), 0, (void *)&sa, length), sizeof(echo));
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		ck_assert_msg(n >= 0, "no answer to a ping: %s", strerror(errno));
		got = (void *)(buf + (family == AF_INET ? 20 : 0));
	} while (got->type != reply || got->un.echo.id != htons(4711));
	close(fd);
}

/*
 * In mode always, and in auto while the service is under attack: what is not for it is answered as
 * if nothing were there. (What a port scanner makes of it: programs_nmap.)
 */
START_TEST(h14_others_untouched)
{
	static const char *const modes[] = { "auto", "always" };
	const struct server_options other_options = { .port = OTHER_PORT };
	static const int families[] = { AF_INET, AF_INET6 };
	struct server *other;
	struct flood *forged;
	json_t *status, *row;
	struct stage s;
	int i, round;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	ok(server_new(&other, s.lab, LAB_SERVER, &other_options), "another server");
	stage_daemon(&s, modes[_i]);
	stage_prove(&s, STAGE_PORT);
	stage_prove(&s, OTHER_PORT);
	forged = flood(&s, 20000);
	expect(&s, is_defending, "defending");

	for (i = 0; i < 2; i++) {
		for (round = 0; round < 5; round++) {
			closed_port_refuses(&s, families[i], addresses[i]);
			udp_is_heard(&s, families[i], addresses[i]);
			ping_is_answered(&s, families[i], addresses[i]);
		}
	}
	some_clients(&s, OTHER_PORT);
	stage_flood_end(forged);

	status = stage_status(&s);
	ck_assert_int_ge(stage_verdict(status, "xdp", "no_listener"), 10);
	ck_assert_int_ge(stage_verdict(status, "xdp", "not_tcp"), 20);
	for (i = 0; i < 2; i++) {
		row = stage_service(status, addresses[i], OTHER_PORT);
		if (!_i)
			ck_assert_int_eq(stage_figure(row, "challenged"), 0);
		else
			ck_assert_int_ge(stage_figure(row, "challenged"), 10);
	}
	stage_assert_accounted(status);
	json_decref(status);
	server_free(other);
	stage_strike(&s);
}
END_TEST

/* ---- sysctls: trap H20 --------------------------------------------------------------------- */

static const char *const resets[] = { "Tcp.OutRsts", "Tcp.EstabResets", NULL };

/* Otherwise the mitigation would switch them on. */
#define SYNCOOKIES_STAY_OFF "[Mitigation]\nSyncookies=no\n"

/* The kernel would reset every client whose cookie it is handed. */
START_TEST(h20_syncookies_off_from_the_start)
{
	struct watch_service figures;
	struct watch watch;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	sysctl(&s, "net.ipv4.tcp_syncookies", "0");
	stage_daemon_config(&s, "always", SYNCOOKIES_STAY_OFF);
	stage_prove(&s, STAGE_PORT);
	watch_begin(&watch, &s, resets);
	some_clients(&s, STAGE_PORT);
	watch_assert_still(&watch);
	figures = watch_service(&s);
	ck_assert_int_eq(figures.challenged, 0);
	ck_assert_int_ge(watch_verdict(&s, "xdp", "syncookies_off"), 20);
	stage_strike(&s);
}
END_TEST

/*
 * Switched off while clients hold challenges that were not answered yet: their ACKs are held back,
 * not handed to a kernel that would reset them, and they get in when it is switched on again.
 */
START_TEST(h20_syncookies_off_during_an_attack)
{
	struct watch_service off, on;
	struct clients *people;
	struct flood *forged;
	struct watch watch;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	stage_daemon_config(&s, "auto", SYNCOOKIES_STAY_OFF);
	stage_prove(&s, STAGE_PORT);
	watch_begin(&watch, &s, resets);
	forged = flood(&s, 50000);
	expect(&s, is_defending, "defending");
	people = clients(&s, STAGE_PORT, 200, 2000, 15000);
	usleep(500000);

	sysctl(&s, "net.ipv4.tcp_syncookies", "0");
	watch_await_verdict(&s, "xdp", "syncookies_off", 100);
	usleep(200000); /* until the other family's service has been looked at, too */
	off = watch_service(&s);
	usleep(500000);
	on = watch_service(&s);
	ck_assert_int_gt(on.syns - off.syns, 1000);
	ck_assert_int_eq(on.challenged, off.challenged);
	sysctl(&s, "net.ipv4.tcp_syncookies", "1");
	clients_connected(people, 99);
	watch_assert_still(&watch);
	stage_flood_end(forged);

	on = watch_service(&s);
	ck_assert_int_gt(on.challenged, off.challenged);
	expect_established(&on);
	stage_strike(&s);
}
END_TEST

/*
 * What the host has switched off is not offered, although the client would have it. The client's
 * window scale is 8, with which a challenge without timestamps keeps the rest.
 */
START_TEST(h20_options_off)
{
	static const char *const sysctls[] = {
		"net.ipv4.tcp_timestamps",
		"net.ipv4.tcp_sack",
		"net.ipv4.tcp_window_scaling",
	};
	const struct clients_options o = { .port = STAGE_PORT,
					   .rate_per_sec = 100,
					   .duration_ms = 200 };
	struct watch_service before;
	struct clients_result r;
	struct kept kept[4];
	struct stage s;
	size_t i;

	stage_raise(&s, &(struct server_options){});
	sysctl(&s, sysctls[_i], "0");
	ok(lab_sysctl_set(s.lab, LAB_CLIENT, "net.ipv4.tcp_rmem", "4096 131072 8388608"),
	   "tcp_rmem");
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	ok(clients_run(s.lab, LAB_CLIENT, &o, &r), "the clients");
	ck_assert_uint_eq(r.connected, 20);
	watch_assert_defended(&s, &before, 20);

	kept[0] = r.kept4;
	kept[1] = r.kept6;
	server_kept(s.server, AF_INET, &kept[2]);
	server_kept(s.server, AF_INET6, &kept[3]);
	for (i = 0; i < 4; i++) {
		ck_assert(kept[i].known);
		ck_assert_int_eq(kept[i].timestamps, _i != 0);
		ck_assert_int_eq(kept[i].sack, _i != 1);
		ck_assert_int_eq(kept[i].wscale, _i != 2);
	}
	clients_result_done(&r);
	stage_strike(&s);
}
END_TEST

/* ---- observing ----------------------------------------------------------------------------- */

/* The XDP program on the server's interface as the kernel knows it, in a thread of that host. */
static int xdp_query(void *ifindex)
{
	__u32 id = 0;
	int err = bpf_xdp_query_id(*(int *)ifindex, 0, &id);

	return err ?: id != 0;
}

static bool has_xdp(struct stage *s)
{
	int ifindex = lab_ifindex(s->lab, LAB_SERVER, LAB_IFNAME);
	int has;

	ok(ifindex, "the interface");
	has = lab_call(s->lab, LAB_SERVER, xdp_query, &ifindex);
	ok(has, "asking for the XDP program");
	return has;
}

/* Who only observes resets no network card and answers nobody, but sees the attack. */
START_TEST(observe_changes_nothing)
{
	struct watch_service before, after;
	struct flood *forged;
	json_t *status;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	sysctl(&s, "net.ipv4.tcp_syncookies", "0"); /* so that the kernel answers none either */
	stage_daemon(&s, "observe");
	stage_prove(&s, STAGE_PORT);
	some_clients(&s, STAGE_PORT);
	ck_assert(!has_xdp(&s));
	forged = flood(&s, 20000);
	status = await(&s, is_attack, "an attack");
	ck_assert_str_eq(attach(status), "tcx");
	ck_assert_int_eq(stage_packets(status, "xdp"), 0);
	ck_assert(is_idle(status));
	json_decref(status);
	before = watch_service(&s);
	ck_assert_int_gt(before.syns, 1000);
	ck_assert_int_eq(before.challenged, 0);
	/* the queue, and what it sent again: not one for each of the flood's SYNs */
	ck_assert_uint_lt(sink_answers(s.sink), 10 * BACKLOG);

	sysctl(&s, "net.ipv4.tcp_syncookies", "1");
	stage_mode(&s, "auto"); /* and XDP follows */
	json_decref(await(&s, is_native, "XDP"));
	ck_assert(has_xdp(&s));
	json_decref(await(&s, is_defending, "defending"));
	some_clients(&s, STAGE_PORT);

	/* with XDP in place: it says what it would have done */
	stage_mode(&s, "observe");
	watch_await_verdict(&s, "xdp", "observed", 1000);
	before = watch_service(&s);
	usleep(200000);
	after = watch_service(&s);
	ck_assert_int_gt(after.syns, before.syns);
	ck_assert_int_eq(after.challenged, before.challenged);
	stage_flood_end(forged);
	stage_strike(&s);
}
END_TEST

/* ---- without systemd's store --------------------------------------------------------------- */

#define DEATHS 3

/* Longer than it takes on the slowest machine that runs these tests. */
#define AGAIN_MOST_MS 20000

/*
 * The daemon is killed in a flood and started again at once, as a loop in a shell does it,
 * by nobody that keeps its descriptors: how long until SYNs are challenged again. Until then the
 * kernel has its own cookies, for what was adjusted stays.
 */
START_TEST(restart_loop_without_a_store)
{
	long long killed_ms, ready_ms, took_ms;
	char *syncookies;
	json_int_t challenged;
	struct flood *forged;
	json_t *status;
	struct stage s;
	int i;

	stage_raise(&s, &(struct server_options){ .backlog = BACKLOG });
	stage_daemon(&s, "auto");
	stage_prove(&s, STAGE_PORT);
	forged = flood(&s, 20000);
	expect(&s, is_defending, "defending");
	for (i = 0; i < DEATHS; i++) {
		killed_ms = now_ms();
		kill(lab_daemon_pid(s.daemon), SIGKILL);
		lab_daemon_stop(s.daemon, 5000, NULL);
		ok(lab_sysctl_get(s.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", &syncookies),
		   "tcp_syncookies");
		ck_assert_str_eq(syncookies, "1");
		free(syncookies);
		s.daemon = lab_daemon_free(s.daemon);
		stage_daemon(&s, "auto");
		ready_ms = now_ms() - killed_ms;
		do {
			status = stage_status(&s);
			challenged = stage_verdict(status, "xdp", "challenged");
			json_decref(status);
			took_ms = now_ms() - killed_ms;
		} while (!challenged && took_ms < AGAIN_MOST_MS);
		printf("# challenges again %lld ms after the daemon's death, of which its start "
		       "takes %lld\n",
		       took_ms, ready_ms);
		fflush(stdout);
		ck_assert_int_gt(challenged, 0);
		expect(&s, is_defending, "defending");
	}
	stage_flood_end(forged);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(flood_survived, 60),
	SUITE_TEST(restart_loop_without_a_store, 90),
	SUITE_TEST(flood_verified_clients, 60),
	SUITE_TEST(flood_heartbeat_lost, 120, .full_only = true),
	SUITE_LOOP(h14_others_untouched, 2, 30),
	SUITE_TEST(h20_syncookies_off_from_the_start, 30),
	SUITE_TEST(h20_syncookies_off_during_an_attack, 60),
	SUITE_LOOP(h20_options_off, 3, 30),
	SUITE_TEST(observe_changes_nothing, 30),
	{}
};
/* clang-format on */
