/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mitigation_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/dataplane/listeners.h"
#include "suite.h"
#include "tests/lab/flood.h"
#include "values.h"

/* ---- a host -------------------------------------------------------------------------------- */

static const struct {
	const char *name, *value;
} start[] = {
	{ "net.ipv4.tcp_syncookies", "0" },
	{ "net.ipv4.tcp_synack_retries", "5" },
	{ "net.core.somaxconn", "4096" },
	{ "net.ipv4.tcp_max_syn_backlog", "256" },
};

struct all_listeners {
	struct dataplane_adjust *adjust;
	size_t count;
	struct sg_listener items[32];
};

static void keep_listener(void *userdata, const struct sg_listener *listener)
{
	struct all_listeners *all = userdata;

	ck_assert_uint_lt(all->count, 32);
	all->items[all->count++] = *listener;
}

static int read_listeners(void *arg)
{
	struct all_listeners *all = arg;
	int fd = dataplane_adjust_listeners(all->adjust), r;

	r = fd < 0 ? fd : listeners_read(fd, 0, keep_listener, all);
	close(fd);
	return r;
}

static struct all_listeners all_listeners(struct host *h)
{
	static struct dataplane_adjust *adjust;
	struct all_listeners all = {};

	if (!adjust)
		ok(dataplane_adjust_new(&adjust, NULL), "a walk of the listeners");
	all.adjust = adjust;
	ok(lab_call(h->s.lab, LAB_SERVER, read_listeners, &all), "the listeners");
	ck_assert_uint_ge(all.count, HOST_LISTENERS);
	return all;
}

char *all_values(struct host *h)
{
	struct all_listeners all = all_listeners(h);
	char *text = NULL, *values = values_of(h->s.lab, LAB_SERVER, NULL);
	size_t size, i;
	FILE *to;

	ck_assert_ptr_nonnull(values);
	ck_assert_msg(strstr(values, "tcp_synack_retries") && strstr(values, "somaxconn"), "%s",
		      values);
	to = open_memstream(&text, &size);
	fputs(values, to);
	free(values);
	for (i = 0; i < all.count; i++)
		fprintf(to, "listener %d retries %d backlog %d\n", ntohs(all.items[i].port),
			h->in_force ? all.items[i].synack_retries : all.items[i].syn_retries,
			all.items[i].queue_max);
	fclose(to);
	return text;
}

static struct sg_listener listener_of(struct host *h, int which)
{
	const struct all_listeners all = all_listeners(h);
	size_t i;

	for (i = 0; i < all.count; i++)
		if (ntohs(all.items[i].port) == HOST_PORT + which)
			return all.items[i];
	ck_abort_msg("listener %d is gone", which);
}

int raw_retries(struct host *h, int which)
{
	return listener_of(h, which).syn_retries;
}

int backlog(struct host *h, int which)
{
	return listener_of(h, which).queue_max;
}

void set_retries(struct host *h, int which, int retries)
{
	ck_assert_int_eq(
		setsockopt(h->fds[which], IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries)), 0);
}

int host_listen(struct host *h, int family, uint16_t port, int retries)
{
	const struct sockaddr_in6 a = { .sin6_family = family, .sin6_port = htons(port) };
	int fd = lab_socket(h->s.lab, LAB_SERVER, family, SOCK_STREAM, 0);

	ok(fd, "a socket");
	if (retries)
		ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries)),
				 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	return fd;
}

void set_value(struct host *h, const char *name, const char *value)
{
	ok(lab_sysctl_set(h->s.lab, LAB_SERVER, name, value), name);
}

int value(struct host *h, const char *name)
{
	char *text;
	int n;

	ok(lab_sysctl_get(h->s.lab, LAB_SERVER, name, &text), name);
	n = atoi(text);
	free(text);
	return n;
}

static const int host_retries[HOST_LISTENERS] = {
	[HOST_OWN_SIX] = 6,
	[HOST_OWN_FOUR] = 4,
	[HOST_OWN_ONE] = 1,
};

void host_raise(struct host *h)
{
	size_t i;

	*h = (struct host){ .dir = "/tmp/synguard-mitigation-XXXXXX" };
	stage_raise(&h->s, &(struct server_options){});
	ck_assert_ptr_nonnull(mkdtemp(h->dir));
	for (i = 0; i < sizeof(start) / sizeof(*start); i++)
		set_value(h, start[i].name, start[i].value);
	for (i = 0; i < HOST_LISTENERS; i++)
		h->fds[i] = host_listen(h, i == HOST_NONE_V6 ? AF_INET6 : AF_INET, HOST_PORT + i,
					host_retries[i]);
	h->before = all_values(h);
}

bool has_record(const struct host *h)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/" RECORD_FILE, h->dir);
	return !access(path, F_OK);
}

void as_before(struct host *h, const char *when)
{
	char *now = all_values(h);

	ck_assert_msg(!strcmp(now, h->before), "%s: not as before\n%s\nwas\n%s", when, now,
		      h->before);
	ck_assert_msg(!has_record(h), "%s: the record is still there", when);
	free(now);
}

void host_strike(struct host *h)
{
	static const char *const left[] = { "lock", "bus", "lab.conf" };
	char path[64];
	size_t i;

	stage_strike(&h->s);
	for (i = 0; i < HOST_LISTENERS; i++)
		close(h->fds[i]);
	for (i = 0; i < sizeof(left) / sizeof(*left); i++) {
		snprintf(path, sizeof(path), "%s/%s", h->dir, left[i]);
		unlink(path);
	}
	ck_assert_msg(!rmdir(h->dir), "%s is not empty", h->dir);
	free(h->before);
}

/* ---- what is installed --------------------------------------------------------------------- */

struct said undo(struct host *h)
{
	static char *program;

	if (!program)
		ok(lab_find_program("synguardd", &program), "synguardd");
	return said_run(&h->s,
			(const char *const[]){ program, "--undo", "--runtime-dir", h->dir, NULL },
			-1);
}

void undo_well(struct host *h, const char *when)
{
	struct said said = undo(h);

	ck_assert_msg(!said.exit_code, "%s: exit %d, %s", when, said.exit_code, said.err);
	/* nobody else has: what is ours is known for ours */
	ck_assert_msg(!strstr(said.err, "somebody else"), "%s: %s", when, said.err);
	said_done(&said);
}

void start_daemon(struct host *h, const char *mode, const char *config)
{
	const struct lab_daemon_options o = { .runtime_dir = h->dir,
					      .mode = mode,
					      .config = config };
	char tail[2048];

	ok(lab_daemon_start(&h->s.daemon, h->s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
}

void end_daemon(struct host *h, int signal)
{
	kill(lab_daemon_pid(h->s.daemon), signal);
	lab_daemon_stop(h->s.daemon, 5000, NULL);
	h->s.daemon = lab_daemon_free(h->s.daemon);
}

void write_record(struct host *h, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" RECORD_FILE, h->dir);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

char *record(struct host *h)
{
	char path[64], *text = calloc(1, 4096);
	FILE *file;

	snprintf(path, sizeof(path), "%s/" RECORD_FILE, h->dir);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, 4095, file), 0);
	fclose(file);
	return text;
}

json_t *row_of(struct host *h, const char *word, const char *target)
{
	const char *args[] = {
		said_program(), "--runtime-dir", h->dir, "mitigation", "--json", NULL
	};
	struct said said = said_run(&h->s, args, -1);
	json_t *root = json_loads(said.out, 0, NULL), *row, *found = NULL;
	size_t i;

	ck_assert_msg(!said.exit_code && root, "%s%s", said.out, said.err);
	json_array_foreach(json_object_get(root, "steps"), i, row)
		if (!found && !strcmp(json_string_value(json_object_get(row, "step")), word) &&
		    (!target || !strcmp(json_string_value(json_object_get(row, "target")), target)))
			found = json_incref(row);
	json_decref(root);
	said_done(&said);
	return found;
}

bool is(struct host *h, const char *word, const char *what)
{
	json_t *step = row_of(h, word, NULL);
	bool yes = json_is_true(json_object_get(step, what));

	ck_assert_msg(step, "there is no step %s", word);
	json_decref(step);
	return yes;
}

void await(struct host *h, const char *word, const char *what, bool wanted, int seconds)
{
	int i;

	for (i = 0; i < seconds * 10 && is(h, word, what) != wanted; i++)
		usleep(100000);
	ck_assert_msg(is(h, word, what) == wanted, "%s: \"%s\" is still %d", word, what, !wanted);
}

struct flood *some_flood(struct host *h)
{
	return flood_of(h, STAGE_PORT, 2000);
}

struct flood *flood_of(struct host *h, uint16_t port, unsigned int per_sec)
{
	return STAGE_FLOOD(&h->s, .port = port, .rate_per_sec = per_sec);
}
