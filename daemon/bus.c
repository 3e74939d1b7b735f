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
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "bus_properties.h"

/* No user but root may take all the places, alone or with others. */
#define BUS_MAX_PEERS	   64
#define BUS_ROOT_PLACES	   8
#define BUS_PLACES_PER_UID 8

/* A peer that has not asked anything for this long is cut, in its greeting or after. */
#define BUS_IDLE_USEC 10000000ULL

/* A peer that asks and does not read is cut at this many answers. */
#define BUS_MAX_QUEUED 4

struct bus_peer {
	sd_bus *bus;
	sd_bus_slot *slot;
	sd_event_source *idle;
	struct ucred cred;
	struct bus *owner;
};

struct bus {
	sd_event *event;
	sd_event_source *source;
	int fd;
	char *path;
	bool has_group;
	gid_t group; /* looked up once: NSS may block */
	struct bus_handler handler;
	struct bus_properties properties;
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

static bool bus_may_change(const struct bus_peer *peer)
{
	const struct bus *b = peer->owner;

	return !peer->cred.uid ||
	       (b->has_group && bus_group_has(sd_bus_get_fd(peer->bus), peer->cred.gid, b->group));
}

/* ---- methods --------------------------------------------------------------------------- */

static void bus_peer_drop(struct bus_peer *peer)
{
	peer->slot = sd_bus_slot_unref(peer->slot);
	peer->idle = sd_event_source_disable_unref(peer->idle);
	if (peer->bus) {
		sd_bus_detach_event(peer->bus);
		peer->bus = sd_bus_close_unref(peer->bus);
	}
}

/* Before each answer: a peer that does not take them is dropped, and false returned. */
static bool bus_peer_listens(struct bus_peer *peer)
{
	uint64_t queued;

	if (sd_bus_get_n_queued_write(peer->bus, &queued) < 0 || queued > BUS_MAX_QUEUED) {
		bus_peer_drop(peer);
		return false;
	}
	sd_event_source_set_time_relative(peer->idle, BUS_IDLE_USEC);
	return true;
}

static int bus_on_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;
	_cleanup_free_ char *text = NULL;

	text = peer->owner->handler.describe(peer->owner->handler.userdata);
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
	if (!bus_may_change(peer))
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

/* What tools that expect a bus daemon (busctl) say first; the name is never used. */
static int bus_on_hello(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return sd_bus_reply_method_return(m, "s", ":1.1");
}

static const sd_bus_vtable bus_hello_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Hello", NULL, "s", bus_on_hello, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

/* ---- peers ----------------------------------------------------------------------------- */

static int bus_on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	bus_peer_drop(userdata);
	return 0;
}

static int bus_on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
	bus_peer_drop(userdata);
	return 0;
}

/* Before all else, for what sd-bus answers by itself (properties, introspection) as well. */
static int bus_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return !bus_peer_listens(userdata);
}

/* Takes the descriptor. */
static int bus_peer_start(struct bus *b, struct bus_peer *peer, int fd)
{
	sd_id128_t id;
	int r;

	peer->owner = b;
	r = sd_id128_randomize(&id);
	if (r >= 0)
		r = sd_bus_new(&peer->bus);
	if (r >= 0)
		r = sd_bus_set_fd(peer->bus, fd, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	/* the descriptor is the bus's from here on */
	r = sd_bus_set_server(peer->bus, 1, id);
	/* else the end of the loop would wait for each peer to greet and to take its answers */
	if (r >= 0)
		r = sd_bus_set_close_on_exit(peer->bus, false);
	if (r >= 0)
		r = sd_bus_start(peer->bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(peer->bus, &peer->slot, SG_BUS_PATH, SG_BUS_INTERFACE,
					     bus_vtable, peer);
	if (r >= 0)
		r = sd_bus_add_object_vtable(peer->bus, NULL, "/org/freedesktop/DBus",
					     "org.freedesktop.DBus", bus_hello_vtable, peer);
	if (r >= 0)
		r = bus_properties_add(peer->bus, SG_BUS_PATH, SG_BUS_INTERFACE, &b->properties);
	if (r >= 0)
		r = sd_bus_add_filter(peer->bus, NULL, bus_on_message, peer);
	if (r >= 0)
		r = sd_bus_match_signal_async(peer->bus, NULL, "org.freedesktop.DBus.Local",
					      "/org/freedesktop/DBus/Local",
					      "org.freedesktop.DBus.Local", "Disconnected",
					      bus_on_disconnected, NULL, peer);
	if (r >= 0)
		r = sd_bus_attach_event(peer->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_event_add_time_relative(b->event, &peer->idle, CLOCK_MONOTONIC,
					       BUS_IDLE_USEC, 0, bus_on_idle, peer);
	return r;
}

/* A free place that this user may have, or NULL. */
static struct bus_peer *bus_place(struct bus *b, uid_t uid)
{
	struct bus_peer *peer, *place = NULL;
	int of_uid = 0, taken = 0;

	for (peer = b->peers; peer < b->peers + BUS_MAX_PEERS; peer++) {
		if (peer->bus) {
			taken++;
			of_uid += peer->cred.uid == uid;
		} else if (!place) {
			place = peer;
		}
	}
	if (uid && (of_uid >= BUS_PLACES_PER_UID || taken >= BUS_MAX_PEERS - BUS_ROOT_PLACES))
		return NULL;
	return place;
}

/* A failure concerns one peer, never the daemon. */
static int bus_on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	socklen_t length = sizeof(struct ucred);
	struct bus *b = userdata;
	struct bus_peer *place;
	struct ucred cred;

	if (client < 0)
		return 0;
	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &cred, &length) < 0)
		cred = (struct ucred){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	place = bus_place(b, cred.uid);
	if (!place) {
		close(client);
		return 0;
	}
	place->cred = cred;
	if (bus_peer_start(b, place, client) < 0)
		bus_peer_drop(place);
	return 0;
}

/* ---- the socket ------------------------------------------------------------------------ */

static int bus_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* what a dead process left; anything but a socket is somebody's */
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) && unlink(path) < 0)
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
	const struct group *group = getgrnam(SG_GROUP);
	struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->has_group = group;
	b->group = group ? group->gr_gid : 0;
	b->handler = *handler;
	b->properties = (struct bus_properties){ handler->scalars, handler->userdata };
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
