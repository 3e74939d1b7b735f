/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/exporter: synguard-exporter serves synguardd's figures over HTTP. Here are its arguments, its
 * sockets and its loop; http.c reads the figures and answers requests.
 *
 * A separate program, so that the daemon parses no HTTP and the CLI needs no HTTP library. It needs
 * no privilege, and it and the daemon may start in any order.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "cli/base/client.h"
#include "cli/exporter/http.h"
#include "daemon/base/text.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

#define EXPORTER_LISTEN "127.0.0.1:9846"

/* Connections accepted from one socket at a time. */
#define EXPORTER_ACCEPTS 64

/* Where accept4(2) fails for want of descriptors or memory, epoll would wake the loop without end. */
#define EXPORTER_WAKE_USEC  100000
#define EXPORTER_WAKE_BURST 1000

struct exporter_options {
	const char *listen;	 /* NULL: not given */
	const char *config_file; /* NULL: the usual files */
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
		"  --runtime-dir DIR      where the daemon's socket is (default " SG_RUNTIME_DIR ")\n"
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

	opterr = 0;
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
			text_say(stderr,
				 "synguard-exporter: \"%s\" is no option, or has a value too many "
				 "or too few",
				 argv[optind - 1]);
			fputs("Try \"synguard exporter --help\".\n", stderr);
			return SG_EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	text_say(stderr, "synguard-exporter: unknown argument \"%s\"", argv[optind]);
	fputs("Try \"synguard exporter --help\".\n", stderr);
	return SG_EXIT_USAGE;
}

/* ---- sockets ------------------------------------------------------------------------------- */

static void listener_free(struct addrinfo **info)
{
	if (*info)
		freeaddrinfo(*info);
}

/* Parses "ADDRESS:PORT", numeric, an IPv6 address in brackets. -EINVAL. The caller frees *ret. */
static int listener_parse(const char *text, struct addrinfo **ret)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	_cleanup_free_ char *copy = strdup(text);
	char *address = copy, *colon = copy ? strrchr(copy, ':') : NULL;
	uint64_t port;

	if (!copy)
		return -ENOMEM;
	if (!colon || text_decimal(colon + 1, 1, 65535, &port) < 0)
		return -EINVAL;
	*colon = '\0';
	if (*address == '[') {
		if (colon[-1] != ']')
			return -EINVAL;
		colon[-1] = '\0';
		address++;
	} else if (strchr(address, ':')) {
		return -EINVAL; /* in ::1:80 the port has no clear beginning */
	}
	return !*address || getaddrinfo(address, colon + 1, &hints, ret) ? -EINVAL : 0;
}

/* A listening socket. -EINVAL: that is no address; other -errno. */
static int listener_open(const char *text)
{
	_cleanup_(listener_free) struct addrinfo *info = NULL;
	_cleanup_close_ int fd = -EBADF;
	int r = listener_parse(text, &info), on = 1;

	if (r < 0)
		return r;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* for a restart while old connections are in TIME_WAIT */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/*
 * The number of sockets that systemd has passed (sd_listen_fds(3)), from SD_LISTEN_FDS_START on.
 * -ENOTSOCK: one is no listening TCP socket.
 */
static int listeners_inherited(void)
{
	int count = sd_listen_fds(1), fd;

	for (fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
		if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0)
			return -ENOTSOCK;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return -errno;
	}
	return count;
}

/* [Exporter] Listen= of synguard.conf(5), as synguard-config prints it; that program also prints on
 * stderr what is wrong with the files. False: no answer. */
static bool configured_listen(const char *file, char *ret, size_t size)
{
	char path[PATH_MAX];
	char *argv[] = { path, "get", "Exporter.Listen", (char *)file, NULL };
	FILE *from;
	bool is_read;
	int fds[2];
	pid_t pid;

	program_find(path, sizeof(path), "synguard-config");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execv(path, argv);
		_exit(127);
	}
	close(fds[1]);
	from = fdopen(fds[0], "r");
	is_read = pid > 0 && from && fgets(ret, size, from);
	if (from)
		fclose(from);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (is_read)
		ret[strcspn(ret, "\n")] = '\0';
	return is_read && *ret;
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

/* Of the command line, else of the configuration, else the default. */
static const char *listen_address(const struct exporter_options *o)
{
	static char configured[128];

	if (o->listen)
		return o->listen;
	return configured_listen(o->config_file, configured, sizeof(configured)) ? configured :
										   EXPORTER_LISTEN;
}

/* Returns an exit code. */
static int open_sockets(sd_event *event, struct http *http, const struct exporter_options *o)
{
	int count = listeners_inherited(), i, r = 0;
	const char *address = NULL;

	if (count < 0) {
		text_say(stderr,
			 "synguard-exporter: systemd has passed something else than listening TCP "
			 "sockets (%s); look at ListenStream= of the socket unit",
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
		text_say(stderr,
			 "synguard-exporter: \"%s\" is no ADDRESS:PORT like 127.0.0.1:9846 or "
			 "[::1]:9846, with a port from 1 to 65535",
			 address);
		return SG_EXIT_USAGE;
	}
	if (r < 0)
		text_say(stderr,
			 "synguard-exporter: %s: %s; choose another with --listen ADDRESS:PORT",
			 address ?: "a socket that systemd has passed", strerror(-r));
	return r < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static int start_loop(sd_event **event, struct http **http, const struct exporter_options *o)
{
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	/* a closed connection does not end the program */
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
		text_say(stderr, "synguard-exporter: %s", strerror(-r));
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
