/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-bus.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "start_hint.h"

DEFINE_CLEANUP(sd_bus, sd_bus_flush_close_unref)
#define _cleanup_bus_ _cleanup_(sd_bus_flush_close_unref_at)

static int client_no_daemon(const char *runtime_dir, int error)
{
	char command[512];

	if (error == -ENAMETOOLONG) {
		fputs("synguard: the runtime directory's name is too long for a socket in it\n",
		      stderr);
		return SG_EXIT_USAGE;
	}
	if (error == -EACCES || error == -EPERM) {
		fprintf(stderr, "synguard: %s/" SG_BUS_SOCKET ": %s\n", runtime_dir,
			strerror(-error));
		return SG_EXIT_NOT_ALLOWED;
	}
	fprintf(stderr, "synguard: synguardd is not running (%s/" SG_BUS_SOCKET ": %s)\n",
		runtime_dir, strerror(-error));
	fprintf(stderr, "Start it as root with: %s\n",
		start_hint("", runtime_dir, command, sizeof(command)));
	return SG_EXIT_NO_DAEMON;
}

/* Connects by hand, so that errors are of connect() and no path needs to be escaped. */
static int client_socket(const char *runtime_dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SG_BUS_SOCKET,
		     runtime_dir) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int client_connect(const char *runtime_dir, sd_bus **ret)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	int fd = client_socket(runtime_dir);
	int r;

	if (fd < 0)
		return client_no_daemon(runtime_dir, fd);
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r < 0)
		close(fd);
	else
		r = sd_bus_start(bus);
	if (r < 0) {
		fprintf(stderr, "synguard: the bus: %s\n", strerror(-r));
		return SG_EXIT_FAILED;
	}
	*ret = TAKE_PTR(bus);
	return SG_EXIT_OK;
}

static int client_failed(const sd_bus_error *error, int r)
{
	fprintf(stderr, "synguard: %s\n", error->message ? error->message : strerror(-r));
	if (sd_bus_error_has_name(error, SG_ERROR_NOT_ALLOWED))
		return SG_EXIT_NOT_ALLOWED;
	if (sd_bus_error_has_name(error, SG_ERROR_BAD_VALUE))
		return SG_EXIT_USAGE;
	return SG_EXIT_FAILED;
}

int client_describe(const char *runtime_dir, json_t **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	sd_bus_message *reply = NULL;
	const char *text;
	json_t *root;
	int r;

	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "Describe", &error, &reply,
			       NULL);
	if (r >= 0)
		r = sd_bus_message_read(reply, "s", &text);
	if (r < 0) {
		sd_bus_message_unref(reply);
		return client_failed(&error, r);
	}
	root = json_loads(text, 0, NULL);
	sd_bus_message_unref(reply);
	if (!root) {
		fputs("synguard: the daemon's answer is not JSON\n", stderr);
		return SG_EXIT_FAILED;
	}
	*ret = root;
	return SG_EXIT_OK;
}

int client_set_mode(const char *runtime_dir, const char *mode)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	int r;

	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "SetMode", &error, NULL,
			       "s", mode);
	return r < 0 ? client_failed(&error, r) : SG_EXIT_OK;
}
