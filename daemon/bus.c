/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#define BUS_MAX_PEERS 64
/* A peer that does not finish its greeting in this time is cut. */
#define BUS_AUTH_SECONDS 5

struct bus_peer {
	sd_bus *bus;
	sd_bus_slot *slot;
	struct bus *owner;
};

struct bus {
	sd_event *event;
	sd_event_source *source;
	int fd;
	char *path;
	struct bus_handler handler;
	struct bus_peer peers[BUS_MAX_PEERS];
};

/* ---- who may --------------------------------------------------------------------------- */

static bool bus_group_has(int fd, gid_t primary, gid_t wanted)
{
	gid_t groups[1024];
	socklen_t length = sizeof(groups);
	size_t i;

	if (primary == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
		return false;
	for (i = 0; i < length / sizeof(*groups); i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

static bool bus_may_change(int fd)
{
	socklen_t length = sizeof(struct ucred);
	struct group *group;
	struct ucred cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) < 0)
		return false;
	if (cred.uid == 0)
		return true;
	group = getgrnam(SG_GROUP);
	return group && bus_group_has(fd, cred.gid, group->gr_gid);
}

/* ---- methods --------------------------------------------------------------------------- */

static int bus_on_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;
	_cleanup_free_ char *text = peer->owner->handler.describe(peer->owner->handler.userdata);

	if (!text)
		return -ENOMEM;
	return sd_bus_reply_method_return(m, "s", text);
}

static int bus_on_set_mode(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;
	const char *mode;
	int r;

	r = sd_bus_message_read(m, "s", &mode);
	if (r < 0)
		return r;
	if (!bus_may_change(sd_bus_get_fd(peer->bus)))
		return sd_bus_error_set(error, SG_ERROR_NOT_ALLOWED,
					"only root and members of the group synguard may change "
					"the mode");
	r = peer->owner->handler.set_mode(peer->owner->handler.userdata, mode);
	if (r == -EINVAL)
		return sd_bus_error_set(error, SG_ERROR_BAD_VALUE,
					"no such mode; there are off, observe, auto and always");
	if (r < 0)
		return r;
	return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable bus_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
				bus_on_describe, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("SetMode", SD_BUS_ARGS("s", mode), SD_BUS_NO_RESULT,
				bus_on_set_mode, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

/* ---- peers ----------------------------------------------------------------------------- */

static void bus_peer_drop(struct bus_peer *peer)
{
	peer->slot = sd_bus_slot_unref(peer->slot);
	if (peer->bus) {
		sd_bus_detach_event(peer->bus);
		peer->bus = sd_bus_close_unref(peer->bus);
	}
}

static int bus_on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	bus_peer_drop(userdata);
	return 0;
}

static int bus_peer_start(struct bus *b, struct bus_peer *peer, int fd)
{
	sd_id128_t id;
	int r;

	peer->owner = b;
	r = sd_id128_randomize(&id);
	if (r >= 0)
		r = sd_bus_new(&peer->bus);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = sd_bus_set_fd(peer->bus, fd, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	/* the descriptor is the bus's from here on */
	r = sd_bus_set_server(peer->bus, 1, id);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(peer->bus, BUS_AUTH_SECONDS * 1000000ULL);
	if (r >= 0)
		r = sd_bus_start(peer->bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(peer->bus, &peer->slot, SG_BUS_PATH, SG_BUS_INTERFACE,
					     bus_vtable, peer);
	if (r >= 0)
		r = sd_bus_match_signal_async(peer->bus, NULL, "org.freedesktop.DBus.Local",
					      "/org/freedesktop/DBus/Local",
					      "org.freedesktop.DBus.Local", "Disconnected",
					      bus_on_disconnected, NULL, peer);
	if (r >= 0)
		r = sd_bus_attach_event(peer->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
	return r;
}

/* A failure concerns one peer, never the daemon. */
static int bus_on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct bus *b = userdata;
	struct bus_peer *peer;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client < 0)
		return 0;
	for (peer = b->peers; peer < b->peers + BUS_MAX_PEERS; peer++) {
		if (peer->bus)
			continue;
		if (bus_peer_start(b, peer, client) < 0)
			bus_peer_drop(peer);
		return 0;
	}
	close(client); /* all places are taken */
	return 0;
}

/* ---- the socket ------------------------------------------------------------------------ */

static int bus_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* who may do what is decided per call */
	if (chmod(path, 0666) < 0 || listen(fd, BUS_MAX_PEERS) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int bus_new(struct bus **ret, sd_event *event, const char *path, const struct bus_handler *handler)
{
	struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->handler = *handler;
	b->event = sd_event_ref(event);
	b->fd = bus_listen(path);
	r = b->fd;
	if (r >= 0) {
		b->path = strdup(path);
		r = b->path ? sd_event_add_io(event, &b->source, b->fd, EPOLLIN, bus_on_connection,
					      b) :
			      -ENOMEM;
	}
	if (r < 0) {
		bus_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	struct bus_peer *peer;

	if (!b)
		return NULL;
	for (peer = b->peers; peer < b->peers + BUS_MAX_PEERS; peer++)
		bus_peer_drop(peer);
	sd_event_source_disable_unref(b->source);
	if (b->fd >= 0)
		close(b->fd);
	if (b->path)
		unlink(b->path);
	free(b->path);
	sd_event_unref(b->event);
	free(b);
	return NULL;
}
