/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard-exporter: serves synguardd's figures over HTTP. The arguments, the sockets, the loop.
 *
 * A program of its own, so that the daemon parses no HTTP and the CLI needs no HTTP library; it
 * wants no privilege, and does not have to be there when the daemon starts, nor the other way.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "cli/exporter/configured.h"
#include "cli/exporter/http.h"
#include "cli/exporter/listener.h"

#define EXPORTER_LISTEN "127.0.0.1:9846"

/* Connections taken from a socket before others get their turn. */
#define EXPORTER_ACCEPTS 64

/* Without descriptors or memory for what waits, the loop would be woken without end. */
#define EXPORTER_WAKE_USEC  100000
#define EXPORTER_WAKE_BURST 1000

struct exporter_options {
	const char *listen;	 /* NULL: not said */
	const char *config_file; /* NULL: the usual ones */
	const char *runtime_dir;
};

DEFINE_CLEANUP(sd_event, sd_event_unref)
DEFINE_CLEANUP(struct http, http_free)

static void usage(FILE *to)
{
	/* clang-format off */
	fprintf(to,
		"Usage: synguard exporter [OPTION]...\n"
		"Serves the figures of synguardd to Prometheus, over HTTP at /metrics.\n"
		"Runs in the foreground and needs no privilege.\n"
		"\n"
		"  --listen ADDRESS:PORT  where to listen (default " EXPORTER_LISTEN "); IPv6\n"
		"                         addresses in brackets, [::1]:9846\n"
		"  --config FILE          read [Exporter] of this file only, see synguard.conf(5)\n"
		"  --runtime-dir DIR      where the daemon's socket lives (default " SG_RUNTIME_DIR ")\n"
		"  --version              print the version\n"
		"  --help                 print this help\n");
	/* clang-format on */
}

/* Returns the exit code that ends the program, or -1. */
static int parse_options(int argc, char **argv, struct exporter_options *o)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "config", required_argument, NULL, 'c' },
		{ "runtime-dir", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (option) {
		case 'l':
			o->listen = optarg;
			break;
		case 'c':
			o->config_file = optarg;
			break;
		case 'r':
			o->runtime_dir = optarg;
			break;
		case 'V':
			puts("synguard-exporter " SG_VERSION);
			return SG_EXIT_OK;
		case 'h':
			usage(stdout);
			return SG_EXIT_OK;
		default:
			fputs("Try \"synguard exporter --help\".\n", stderr);
			return SG_EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr,
		"synguard-exporter: unknown argument \"%s\"\n"
		"Try \"synguard exporter --help\".\n",
		argv[optind]);
	return SG_EXIT_USAGE;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct sockaddr_storage from;
	socklen_t length;
	int client, i;

	for (i = 0; i < EXPORTER_ACCEPTS; i++) {
		length = sizeof(from);
		client = accept4(fd, (struct sockaddr *)&from, &length,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client < 0)
			break;
		http_take(userdata, client, (struct sockaddr *)&from, length);
	}
	return 0;
}

/* The descriptor is the loop's from here on. */
static int serve_on(sd_event *event, struct http *http, int fd)
{
	sd_event_source *source;
	int r;

	r = sd_event_add_io(event, &source, fd, EPOLLIN, on_connection, http);
	if (r < 0)
		return r;
	sd_event_source_set_io_fd_own(source, true);
	sd_event_source_set_ratelimit(source, EXPORTER_WAKE_USEC, EXPORTER_WAKE_BURST);
	r = sd_event_source_set_exit_on_failure(source, true);
	if (r >= 0)
		r = sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
	return r;
}

/* Of the command line, of the configuration, or the default where nobody can be asked. */
static const char *listen_address(const struct exporter_options *o)
{
	static char configured[128];

	if (o->listen)
		return o->listen;
	return configured_listen(o->config_file, configured, sizeof(configured)) < 0 ?
		       EXPORTER_LISTEN :
		       configured;
}

/* Returns an exit code. */
static int open_sockets(sd_event *event, struct http *http, const struct exporter_options *o)
{
	int count = listener_inherited(), i, r = 0;
	const char *address = NULL;

	if (count < 0) {
		fprintf(stderr,
			"synguard-exporter: what was handed over is not listening TCP sockets "
			"(%s); "
			"look at ListenStream= of the socket unit\n",
			strerror(-count));
		return SG_EXIT_FAILED;
	}
	for (i = 0; i < count && r >= 0; i++)
		r = serve_on(event, http, SD_LISTEN_FDS_START + i);
	if (!count) {
		int fd;

		address = listen_address(o);
		fd = listener_open(address);
		r = fd < 0 ? fd : serve_on(event, http, fd);
	}
	if (r == -EINVAL) {
		fprintf(stderr,
			"synguard-exporter: \"%s\" is no ADDRESS:PORT like 127.0.0.1:9846 or "
			"[::1]:9846, with a port from 1 to 65535\n",
			address);
		return SG_EXIT_USAGE;
	}
	if (r < 0)
		fprintf(stderr,
			"synguard-exporter: %s: %s; choose another with --listen ADDRESS:PORT\n",
			address ?: "a socket that was handed over", strerror(-r));
	return r < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}

static int start_loop(sd_event **event, struct http **http, const struct exporter_options *o)
{
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	/* a peer that went away is no reason to end */
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_default(event);
	/* NULL: end the loop */
	if (r >= 0)
		r = sd_event_add_signal(*event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(*event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(*event, true);
	return r < 0 ? r : http_new(http, *event, o->runtime_dir);
}

int main(int argc, char **argv)
{
	struct exporter_options options = { .runtime_dir = SG_RUNTIME_DIR };
	_cleanup_(sd_event_unref_at) sd_event *event = NULL;
	_cleanup_(http_free_at) struct http *http = NULL;
	int r;

	r = parse_options(argc, argv, &options);
	if (r >= 0)
		return r;
	r = start_loop(&event, &http, &options);
	if (r < 0) {
		fprintf(stderr, "synguard-exporter: %s\n", strerror(-r));
		return SG_EXIT_FAILED;
	}
	r = open_sockets(event, http, &options);
	if (r != SG_EXIT_OK)
		return r;
	sd_notify(0, "READY=1");
	r = sd_event_loop(event);
	sd_notify(0, "STOPPING=1");
	return r < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}
