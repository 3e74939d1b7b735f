/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks of the sockets on a host with many connections and a full SYN queue (trap C12): none is
 * made by a tick or for a report, and what one costs is not the loop's. And the two ways to the
 * half-open connections say the same. What walks cost is measured by tests/bench/walk_bench.
 */
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/net/sockdiag.h"
#include "holders.h"
#include "iter_walk.h"
#include "pair.h"
#include "said.h"
#include "stage.h"
#include "synguard/cleanup.h"
#include "tests/lab/flood.h"

#define BACKLOG 4096

static unsigned int established(void)
{
	return suite_full() ? 100000 : 10000;
}

/* So many SYNs that nobody answers, each from a source of its own, some of them IPv6. */
static void syns(struct stage *s, uint64_t count, unsigned int ipv6_share)
{
	STAGE_BURST(s, .count = count, .ipv6_share = ipv6_share);
	usleep(100000);
}

static void raise_host(struct stage *s)
{
	stage_raise(s, NULL);
	ok(lab_sysctl_set(s->lab, LAB_SERVER, "net.core.somaxconn", "4096"), "somaxconn");
	ok(lab_sysctl_set(s->lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "8"), "retries");
}

static void raise_full(struct stage *s)
{
	raise_host(s);
	ok(server_new(&s->server, s->lab, LAB_SERVER,
		      &(struct server_options){
			      .port = STAGE_PORT, .backlog = BACKLOG, .not_accepting = true }),
	   "the listener");
}

static json_int_t figure(struct stage *s, const char *key)
{
	json_t *status = stage_status(s);
	json_int_t value = stage_figure(status, key);

	json_decref(status);
	return value;
}

static void view(struct stage *s, const char *by)
{
	struct said said = CLI(s, "halfopen", by, "--json");

	ck_assert_msg(said.exit_code == 0, "%s", said.err);
	said_done(&said);
}

/*
 * With the connections, the full queue, and somebody who asks without end, the daemon goes through
 * the connections only for the views that are asked for: never at a tick, never for a report.
 */
START_TEST(c12_no_tick_walks)
{
	enum { REPORTS = 20 };
	struct holders holders;
	json_int_t ticks, half_open;
	struct stage s;
	int i;

	raise_full(&s);
	ok(holders_start(&holders, s.lab, STAGE_PORT, established()), "the connections");
	stage_daemon(&s, "observe");
	syns(&s, 2 * BACKLOG, 0);
	ticks = figure(&s, "ticks");
	for (i = 0; i < REPORTS; i++) {
		half_open = figure(&s, "half_open");
		ck_assert_int_gt(half_open, 100);
		usleep(100000);
	}
	view(&s, "--by=source");
	ck_assert_int_gt(figure(&s, "ticks"), ticks + 1);
	ck_assert_int_eq(figure(&s, "socket_walks"), 0);
	/* and what it says without one is what a walk says */
	half_open = lab_count_sockets(s.lab, LAB_SERVER, SOCKDIAG_SYN_RECV, STAGE_PORT);
	ck_assert_int_eq(figure(&s, "half_open"), half_open);
	holders_end(&holders);
	stage_strike(&s);
}
END_TEST

/* In clock ticks, user and system, of a process with its threads, or of one thread. */
static unsigned long used(pid_t pid, bool thread)
{
	unsigned long user = 0, system = 0;
	_cleanup_fclose_ FILE *file = NULL;
	char path[64];

	snprintf(path, sizeof(path), thread ? "/proc/%d/task/%d/stat" : "/proc/%d/stat", (int)pid,
		 (int)pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system),
			 2);
	return user + system;
}

/*
 * Views are made beside the loop, which ticks meanwhile: of what they cost the loop's own thread
 * bears the lesser part.
 */
START_TEST(c12_views_are_made_beside_the_loop)
{
	enum { ENOUGH_TICKS = 40 };
	unsigned long all, loop;
	struct holders holders;
	struct stage s;
	pid_t daemon;
	int i;

	raise_full(&s);
	ok(holders_start(&holders, s.lab, STAGE_PORT, established()), "the connections");
	stage_daemon(&s, "observe");
	syns(&s, 2 * BACKLOG, 0);
	daemon = lab_daemon_pid(s.daemon);
	all = used(daemon, false);
	loop = used(daemon, true);
	for (i = 0; i < 500 && used(daemon, false) - all < ENOUGH_TICKS; i++)
		view(&s, "--by=none");
	all = used(daemon, false) - all;
	loop = used(daemon, true) - loop;
	ck_assert_uint_ge(all, ENOUGH_TICKS);
	ck_assert_msg(loop * 2 < all, "%lu of %lu ticks are the loop's", loop, all);
	holders_end(&holders);
	stage_strike(&s);
}
END_TEST

/* ---- the two ways -------------------------------------------------------------------------- */

struct seen {
	struct iter_walk_row *rows;
	size_t count, room;
};

static void seen_add(struct seen *seen, const struct iter_walk_row *row)
{
	if (seen->count == seen->room) {
		seen->room = seen->room ? 2 * seen->room : 256;
		seen->rows = reallocarray(seen->rows, seen->room, sizeof(*row));
		ck_assert_ptr_nonnull(seen->rows);
	}
	seen->rows[seen->count++] = *row;
}

static void on_row(void *userdata, const struct iter_walk_row *row)
{
	seen_add(userdata, row);
}

static void on_socket(void *userdata, const struct sockdiag_socket *s)
{
	const struct iter_walk_row row = {
		.peer = s->peer, .addr = s->addr, .peer_port = s->peer_port, .port = s->port
	};

	seen_add(userdata, &row);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct iter_walk_row));
}

struct both {
	struct iter_walk *iter;
	struct seen by_iter, by_diag;
	bool partial;
};

static int walk_both(void *arg)
{
	struct both *b = arg;
	int r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, on_socket, &b->by_diag, &b->partial);

	return r < 0 ? r : iter_walk(b->iter, on_row, &b->by_iter);
}

/* Neither a listener nor a connection is among them, and each is the same in both. */
START_TEST(iter_and_sock_diag_agree)
{
	enum { COUNT = 1000, CONNECTIONS = 10 };
	struct pair pairs[CONNECTIONS];
	struct both both = {};
	struct stage s;
	int listener, i;

	raise_host(&s);
	listener = pair_listen(&s, &(struct pair_listener){ .backlog = BACKLOG });
	for (i = 0; i < CONNECTIONS; i++)
		pairs[i] = pair_open(&s, listener, i % 2 ? AF_INET : AF_INET6, 0);
	syns(&s, COUNT, 128);
	ok(iter_walk_new(&both.iter), "iter/tcp");
	ok(lab_call(s.lab, LAB_SERVER, walk_both, &both), "the walks");
	ck_assert(!both.partial);
	ck_assert_uint_eq(both.by_diag.count, COUNT);
	ck_assert_uint_eq(both.by_iter.count, COUNT);
	qsort(both.by_diag.rows, COUNT, sizeof(*both.by_diag.rows), compare);
	qsort(both.by_iter.rows, COUNT, sizeof(*both.by_iter.rows), compare);
	ck_assert_mem_eq(both.by_diag.rows, both.by_iter.rows, COUNT * sizeof(*both.by_diag.rows));
	free(both.by_diag.rows);
	free(both.by_iter.rows);
	iter_walk_free(both.iter);
	for (i = 0; i < CONNECTIONS; i++) {
		close(pairs[i].server);
		close(pairs[i].client);
	}
	close(listener);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(c12_no_tick_walks, 120),
	SUITE_TEST(c12_views_are_made_beside_the_loop, 120),
	SUITE_TEST(iter_and_sock_diag_agree, 60),
	{}
};
/* clang-format on */
