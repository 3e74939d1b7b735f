/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard listeners, halfopen, states, sources: views of the host's sockets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/kernel_view.h"
#include "cli/base/verb.h"
#include "cli/print/views.h"
#include "cli/verbs/owners.h"
#include "daemon/net/netstat.h"

/* The daemon's own text, as it is: there may be a hundred thousand rows in it. */
static int sockets_copy(const struct cli *cli, enum client_view view, const char *by,
			uint32_t number)
{
	_cleanup_close_ int fd = -EBADF;
	char piece[65536];
	ssize_t n;
	int r;

	r = client_view_fd(cli->runtime_dir, view, by, number, &fd);
	if (r != SG_EXIT_OK)
		return r;
	/* what stdout does not take, main() finds */
	while ((n = read(fd, piece, sizeof(piece))) > 0 && fwrite(piece, 1, n, stdout) == (size_t)n)
		;
	if (n >= 0)
		return SG_EXIT_OK;
	fprintf(stderr, "synguard: what the daemon handed over: %s\n", strerror(errno));
	return SG_EXIT_FAILED;
}

static int sockets_failed(void)
{
	fputs("synguard: out of memory\n", stderr);
	return SG_EXIT_FAILED;
}

/* Takes the rows. */
static int sockets_print_json(json_t *rows)
{
	int r = rows ? json_dumpf(rows, stdout, JSON_INDENT(2)) : 0;

	putchar('\n');
	if (!rows)
		return sockets_failed();
	json_decref(rows);
	return r < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}

/* Beside what is exact per listener, what the kernel has counted for all of them. */
static void sockets_print_counters(const struct screen *s)
{
	struct kernel_view view = {};
	bool any = false;
	int i;

	kernel_view_netstat(&view, NETSTAT_PATH);
	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++) {
		if (!view.counted[i] || !view.counters[i])
			continue;
		if (!any)
			fputs("\nThe kernel's own counters, of all listeners since boot:\n", s->to);
		any = true;
		screen_wrap(s, 2, "%s %s: %s", kernel_view_name(i),
			    screen_number(s, view.counters[i]).text, kernel_view_help(i));
	}
	if (any)
		screen_wrap(
			s, 0,
			"They do not tell which listener, and a SYN that synguard answers moves "
			"none of them.");
}

int verb_listeners(const struct cli *cli, int argc, char **argv)
{
	struct screen screen = screen_of(stdout, cli->wide);
	json_t *root = NULL;
	int r;

	r = client_view(cli->runtime_dir, CLIENT_LISTENERS, NULL, 0, &root);
	if (r != SG_EXIT_OK)
		return r;
	owners_add(root);
	view_sort_listeners(root);
	if (cli->json)
		r = sockets_print_json(view_promised_listeners(root));
	else if (view_print_listeners(root, &screen) < 0)
		r = sockets_failed();
	else
		sockets_print_counters(&screen);
	json_decref(root);
	return r;
}

/* From 1 to max, in decimal; 0: it is no such number. */
static unsigned long sockets_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

	return n && n <= max && !*end ? n : 0;
}

int verb_halfopen(const struct cli *cli, int argc, char **argv)
{
	const char *by = cli_option(cli, "by") ?: "source", *port = cli_option(cli, "port");
	unsigned long number = 0;
	struct screen screen = screen_of(stdout, cli->wide);
	json_t *root = NULL;
	int r;

	if (port) {
		number = sockets_number(port, 65535);
		if (!number)
			return arguments_wrong(cli->verb, "\"%s\" is no port; there are 1 to 65535",
					       port);
	}
	if (strcmp(by, "source") && strcmp(by, "prefix") && strcmp(by, "listener") &&
	    strcmp(by, "none"))
		return arguments_wrong(cli->verb,
				       "\"%s\" is nothing to go by; there are source, prefix, "
				       "listener and none",
				       by);
	if (cli->json)
		return sockets_copy(cli, CLIENT_HALFOPEN, by, number);
	r = client_view(cli->runtime_dir, CLIENT_HALFOPEN, by, number, &root);
	if (r != SG_EXIT_OK)
		return r;
	if (view_print_halfopen(root, !strcmp(by, "listener"), &screen) < 0)
		r = sockets_failed();
	json_decref(root);
	return r;
}

int verb_states(const struct cli *cli, int argc, char **argv)
{
	struct screen screen = screen_of(stdout, cli->wide);
	json_t *root = NULL;
	int r;

	if (cli->json)
		return sockets_copy(cli, CLIENT_STATES, NULL, 0);
	r = client_view(cli->runtime_dir, CLIENT_STATES, NULL, 0, &root);
	if (r != SG_EXIT_OK)
		return r;
	if (view_print_states(root, &screen) < 0)
		r = sockets_failed();
	json_decref(root);
	return r;
}

/* So many rows fit on a screen; --json has all. */
#define SOURCES_TOP 20

int verb_sources(const struct cli *cli, int argc, char **argv)
{
	const char *by = cli_option(cli, "prefix") ? "prefix" : "source";
	const char *top = cli_option(cli, "top");
	struct screen screen = screen_of(stdout, cli->wide);
	unsigned long number = cli->json || cli->wide ? 0 : SOURCES_TOP;
	json_t *root = NULL;
	int r;

	if (top) {
		number = sockets_number(top, 1000000);
		if (!number)
			return arguments_wrong(
				cli->verb, "\"%s\" is no number of rows; there are 1 to 1000000",
				top);
	}
	if (cli->json)
		return sockets_copy(cli, CLIENT_SOURCES, by, number);
	r = client_view(cli->runtime_dir, CLIENT_SOURCES, by, number, &root);
	if (r != SG_EXIT_OK)
		return r;
	if (view_print_sources(root, &screen) < 0)
		r = sockets_failed();
	json_decref(root);
	return r;
}
