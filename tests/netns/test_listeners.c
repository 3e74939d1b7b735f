/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of the listeners, without the daemon round it: the test loads the programs in the
 * server's host, and what the walk says is compared with what was asked of the kernel.
 */
#include "suite.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/dataplane/dataplane.h"
#include "daemon/dataplane/listeners.h"
#include "pair.h"
#include "stage.h"
#include "tests/lab/flood.h"

#define BACKLOG	 64
#define SYN_RECV 3
#define SEEN_MAX 32

struct seen {
	struct sg_listener of[SEEN_MAX];
	size_t count;
};

struct bench {
	struct stage stage;
	struct dataplane *dp;
};

static void bench_raise(struct bench *b)
{
	struct complaint c = {};

	*b = (struct bench){};
	stage_raise(&b->stage, NULL);
	ok(lab_enter(b->stage.lab, LAB_SERVER), "entering the host");
	ck_assert_msg(dataplane_new(&b->dp, SG_EPOCH_SHIFT, NULL, &c) >= 0, "%s", c.text);
	ck_assert_msg(dataplane_attach_tracing(b->dp, &c) >= 0, "%s", c.text);
}

static void bench_strike(struct bench *b)
{
	dataplane_free(b->dp);
	stage_strike(&b->stage);
}

static void see(void *userdata, const struct sg_listener *l)
{
	struct seen *seen = userdata;

	ck_assert_uint_lt(seen->count, SEEN_MAX);
	seen->of[seen->count++] = *l;
}

static struct seen walk(struct bench *b)
{
	struct seen seen = {};

	ok(listeners_walk(b->dp, see, &seen), "the walk");
	return seen;
}

static const struct sg_listener *seen_port(const struct seen *seen, uint16_t port)
{
	size_t i;

	for (i = 0; i < seen->count; i++)
		if (seen->of[i].port == htons(port))
			return &seen->of[i];
	ck_abort_msg("no listener on port %u", port);
}

static struct server *serve(struct bench *b, struct server_options o)
{
	struct server *server;

	o.backlog = BACKLOG;
	ok(server_new(&server, b->stage.lab, LAB_SERVER, &o), "a server");
	return server;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	ok(fstat(fd, &st), "fstat");
	return st.st_ino;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t bytes = sizeof(cookie);

	ok(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &bytes), "SO_COOKIE");
	return cookie;
}

/* Of the test's own cgroup, version 2: what its sockets are counted for. 0: there is none. */
static uint64_t own_cgroup(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[512], path[600];
	struct stat st;

	ck_assert_ptr_nonnull(file);
	path[0] = '\0';
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "0::", 3))
			snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s",
				 (int)strcspn(line + 3, "\n"), line + 3);
	fclose(file);
	return path[0] && !stat(path, &st) ? st.st_ino : 0;
}

START_TEST(listeners_are_told_as_they_are)
{
	struct bench b;
	struct seen seen;
	const struct sg_listener *l;
	struct server *any, *six, *four, *bound;
	int retries = 4;

	bench_raise(&b);
	ck_assert_uint_eq(walk(&b).count, 0);
	any = serve(&b, (struct server_options){ .port = 1001 });
	six = serve(&b, (struct server_options){ .port = 1002, .v6only = true, .defer_accept = 3 });
	four = serve(&b, (struct server_options){
				 .port = 1003, .addr = LAB_SERVER_ADDR4, .reuseport = true });
	bound = serve(&b,
		      (struct server_options){ .port = 1004, .device = LAB_IFNAME, .mptcp = true });
	ok(setsockopt(server_fd(four), IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries)),
	   "TCP_SYNCNT");
	ok(lab_sysctl_set(b.stage.lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "7"), "sysctl");
	seen = walk(&b);
	ck_assert_uint_eq(seen.count, 4);

	l = seen_port(&seen, 1001);
	ck_assert(l->family == AF_INET6 && !l->v6only && !l->addr.halves[0] && !l->addr.halves[1]);
	ck_assert(l->queue_max == BACKLOG && !l->syn_queue && !l->accept_queue && !l->young);
	ck_assert_uint_eq(listeners_syn_queue_max(l), BACKLOG);
	ck_assert(l->synack_retries == 7 && !l->syn_retries && !l->defer_accept && !l->mptcp);
	ck_assert(l->inode == inode_of(server_fd(any)) && l->cookie == cookie_of(server_fd(any)));
	ck_assert(!l->ifindex && !l->reuseport);
	if (own_cgroup())
		ck_assert_uint_eq(l->cgroup_id, own_cgroup());

	l = seen_port(&seen, 1002);
	ck_assert(l->v6only && l->defer_accept);
	l = seen_port(&seen, 1003);
	ck_assert(l->family == AF_INET && l->addr.words[2] == htonl(0xffff));
	ck_assert(l->addr.words[3] == inet_addr(LAB_SERVER_ADDR4));
	ck_assert(l->synack_retries == 4 && l->syn_retries == 4 && l->reuseport);
	l = seen_port(&seen, 1004);
	ck_assert_int_eq(l->ifindex, lab_ifindex(b.stage.lab, LAB_SERVER, LAB_IFNAME));
	ck_assert(l->mptcp);

	server_free(any);
	server_free(six);
	server_free(four);
	server_free(bound);
	bench_strike(&b);
}
END_TEST

/* The queue as the kernel bounds it: with cookies by the backlog alone, without also by the host. */
START_TEST(listeners_queues_are_exact)
{
	struct pair client = { -1, -1 };
	const struct sg_listener *l;
	struct seen seen;
	struct bench b;
	int listener;

	bench_raise(&b);
	listener = pair_listen(&b.stage, &(struct pair_listener){ .backlog = BACKLOG });
	STAGE_BURST(&b.stage, .count = 20);
	client.client = pair_socket(&b.stage, AF_INET, 0);
	ok(pair_connect(client.client, AF_INET), "connecting");
	usleep(1400000); /* until each SYN-ACK has been sent once more */
	seen = walk(&b);
	l = seen_port(&seen, STAGE_PORT);
	ck_assert_int_eq(l->syn_queue,
			 lab_count_sockets(b.stage.lab, LAB_SERVER, SYN_RECV, STAGE_PORT));
	ck_assert(l->syn_queue == 20 && !l->young && l->accept_queue == 1);

	ok(lab_sysctl_set(b.stage.lab, LAB_SERVER, "net.ipv4.tcp_max_syn_backlog", "32"), "sysctl");
	seen = walk(&b);
	ck_assert_uint_eq(listeners_syn_queue_max(seen_port(&seen, STAGE_PORT)), BACKLOG);
	ok(lab_sysctl_set(b.stage.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "0"), "sysctl");
	seen = walk(&b);
	ck_assert_uint_eq(listeners_syn_queue_max(seen_port(&seen, STAGE_PORT)), 24);
	close(client.client);
	close(listener);
	bench_strike(&b);
}
END_TEST

/* How often the program has run, which is how many sockets the kernel locked for it. */
static uint64_t walked(void)
{
	struct bpf_prog_info info;
	uint32_t id = 0, bytes;
	uint64_t runs = 0;
	int fd;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		info = (struct bpf_prog_info){};
		bytes = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &bytes) &&
		    !strncmp(info.name, "synguard_listeners", sizeof(info.name) - 1))
			runs += info.run_cnt;
		close(fd);
	}
	return runs;
}

/* Of many connections a walk meets only the first. */
START_TEST(listeners_walk_leaves_connections_alone)
{
	enum { CONNECTIONS = 100 };
	struct pair pairs[CONNECTIONS];
	int listener, stats, i;
	struct bench b;
	uint64_t before;

	bench_raise(&b);
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	ok(stats, "counting runs");
	listener = pair_listen(&b.stage, NULL);
	for (i = 0; i < CONNECTIONS; i++)
		pairs[i] = pair_open(&b.stage, listener, i % 2 ? AF_INET : AF_INET6, 0);
	before = walked();
	ck_assert_uint_eq(walk(&b).count, 1);
	/* the listener, the first connection once per read(), and nothing else */
	ck_assert_uint_ge(walked() - before, 2);
	ck_assert_uint_le(walked() - before, 4);
	for (i = 0; i < CONNECTIONS; i++)
		pair_reset(&pairs[i]);
	close(listener);
	close(stats);
	bench_strike(&b);
}
END_TEST

static void count(void *userdata, const struct sg_listener *l)
{
	size_t *seen = userdata;

	ck_assert(l->queue_max == 1 && l->family == AF_INET);
	++*seen;
}

/* More of them than one read() takes, and none of another host. */
START_TEST(listeners_of_this_host_only)
{
	enum { LISTENERS = 150 };
	struct server *other;
	int fds[LISTENERS], i;
	size_t seen = 0;
	struct bench b;

	bench_raise(&b);
	ok(server_new(&other, b.stage.lab, LAB_CLIENT, &(struct server_options){ .port = 1001 }),
	   "a server elsewhere");
	for (i = 0; i < LISTENERS; i++) {
		fds[i] = lab_socket(b.stage.lab, LAB_SERVER, AF_INET, SOCK_STREAM, 0);
		ok(listen(fds[i], 1), "listening");
	}
	ok(listeners_walk(b.dp, count, &seen), "the walk");
	ck_assert_uint_eq(seen, LISTENERS);
	for (i = 0; i < LISTENERS; i++)
		close(fds[i]);
	server_free(other);
	bench_strike(&b);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(listeners_are_told_as_they_are, 30),
	SUITE_TEST(listeners_queues_are_exact, 30),
	SUITE_TEST(listeners_walk_leaves_connections_alone, 30),
	SUITE_TEST(listeners_of_this_host_only, 30),
	{}
};
/* clang-format on */
