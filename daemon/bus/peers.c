/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/bus/guard.h"

/* Kernel memory for answers that a peer has not read; sd-bus asks for 8 MiB. */
#define BUS_SEND_BYTES 262144

/* Without a descriptor or memory for a peer, nobody is let in for so long. */
#define BUS_PAUSE_USEC 250000ULL

/* ---- rights and places --------------------------------------------------------------------- */

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

/* By the credentials at the time of connect(); without them the peer has no rights. */
static void bus_peer_identify(struct bus_peer *peer, int fd)
{
	const struct bus_peers *all = peer->all;
	socklen_t length = sizeof(struct ucred);
	struct ucred cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) < 0)
		cred = (struct ucred){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	peer->uid = cred.uid;
	peer->may_change = !cred.uid || (all->has_group && bus_group_has(fd, cred.gid, all->group));
}

/* A free place that this user may have, or NULL. */
static struct bus_peer *bus_peers_place(struct bus_peers *all, uid_t uid)
{
	struct bus_peer *peer, *place = NULL;
	int of_uid = 0, taken = 0;

	for (peer = all->places; peer < all->places + BUS_MAX_PEERS; peer++) {
		if (peer->bus) {
			taken++;
			of_uid += peer->uid == uid;
		} else if (!place) {
			place = peer;
		}
	}
	if (uid && (of_uid >= BUS_PLACES_PER_UID || taken >= BUS_MAX_PEERS - BUS_ROOT_PLACES))
		return NULL;
	return place;
}

bool bus_peer_follow(struct bus_peer *peer)
{
	const struct bus_peer *other, *places = peer->all->places;
	size_t count = 0, of_uid = 0;

	for (other = places; other < places + BUS_MAX_PEERS; other++) {
		count += other->follows;
		of_uid += other->follows && other->uid == peer->uid;
	}
	if (!peer->follows && peer->uid &&
	    (count >= BUS_MAX_FOLLOWERS || of_uid >= BUS_FOLLOWERS_PER_UID))
		return false;
	peer->follows = true;
	peer->idle = sd_event_source_disable_unref(peer->idle);
	return true;
}

/* ---- peers --------------------------------------------------------------------------------- */

void bus_peer_drop(struct bus_peer *peer)
{
	peer->all->forget(peer);
	peer->idle = sd_event_source_disable_unref(peer->idle);
	peer->guard = bus_guard_free(peer->guard);
	peer->follows = false;
	if (peer->bus) {
		sd_bus_detach_event(peer->bus);
		peer->bus = sd_bus_close_unref(peer->bus);
	}
}

bool bus_peer_reads(struct bus_peer *peer)
{
	uint64_t queued, most = peer->follows ? BUS_MAX_QUEUED_EVENTS : BUS_MAX_QUEUED;

	if (sd_bus_get_n_queued_write(peer->bus, &queued) >= 0 && queued <= most)
		return true;
	bus_peer_drop(peer);
	return false;
}

/* Each message first of all, also those that sd-bus answers by itself (properties). */
static int bus_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;

	if (!bus_peer_reads(peer))
		return 1;
	if (peer->idle)
		sd_event_source_set_time_relative(peer->idle, BUS_IDLE_USEC);
	return 0;
}

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

static bool bus_peer_is_greeted(void *userdata)
{
	struct bus_peer *peer = userdata;

	return sd_bus_is_ready(peer->bus) > 0;
}

static void bus_peer_refuse(void *userdata)
{
	bus_peer_drop(userdata);
}

/* Takes the descriptor: the guard reads from it, sd-bus writes to a second one of it. */
static int bus_peer_connect(struct bus_peer *peer, int fd)
{
	const struct bus_guard_handler handler = { bus_peer_is_greeted, bus_peer_refuse, peer };
	_cleanup_close_ int out = fcntl(fd, F_DUPFD_CLOEXEC, 3), feed = -EBADF;
	int r;

	if (out < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	r = bus_guard_new(&peer->guard, peer->all->event, fd, &handler, &feed);
	if (r < 0)
		return r;
	r = sd_bus_set_fd(peer->bus, feed, out);
	if (r < 0)
		return r;
	TAKE_FD(feed);
	TAKE_FD(out);
	return 0;
}

/* The first call of tools that expect a bus daemon (busctl); the name is never used. */
static int bus_on_hello(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return sd_bus_reply_method_return(m, "s", ":1.1");
}

static const sd_bus_vtable bus_hello_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Hello", NULL, "s", bus_on_hello, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

/* Takes the descriptor. */
static int bus_peer_start(struct bus_peer *peer, int fd)
{
	const int bytes = BUS_SEND_BYTES;
	sd_id128_t id;
	int r;

	r = sd_id128_randomize(&id);
	if (r >= 0)
		r = sd_bus_new(&peer->bus);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = bus_peer_connect(peer, fd);
	if (r >= 0)
		r = sd_bus_set_server(peer->bus, 1, id);
	/* SO_PEERCRED identifies the peer; what it claims in its greeting has no effect */
	if (r >= 0)
		r = sd_bus_set_anonymous(peer->bus, 1);
	if (r >= 0)
		r = sd_bus_negotiate_fds(peer->bus, 1); /* to send; the guard passes on none */
	/* else the end of the loop would wait for each peer to greet and to take its answers */
	if (r >= 0)
		r = sd_bus_set_close_on_exit(peer->bus, 0);
	if (r >= 0)
		r = sd_bus_start(peer->bus);
	if (r < 0)
		return r;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	r = sd_bus_add_filter(peer->bus, NULL, bus_on_message, peer);
	if (r >= 0)
		r = peer->all->publish(peer);
	if (r >= 0)
		r = sd_bus_add_object_vtable(peer->bus, NULL, "/org/freedesktop/DBus",
					     "org.freedesktop.DBus", bus_hello_vtable, peer);
	if (r >= 0)
		r = sd_bus_match_signal_async(peer->bus, NULL, "org.freedesktop.DBus.Local",
					      "/org/freedesktop/DBus/Local",
					      "org.freedesktop.DBus.Local", "Disconnected",
					      bus_on_disconnected, NULL, peer);
	if (r >= 0)
		r = sd_bus_attach_event(peer->bus, peer->all->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_event_add_time_relative(peer->all->event, &peer->idle, CLOCK_MONOTONIC,
					       BUS_IDLE_USEC, 0, bus_on_idle, peer);
	return r;
}

static int bus_on_pause_end(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct bus_peers *all = userdata;

	return sd_event_source_set_enabled(all->source, SD_EVENT_ON);
}

/* A connection that cannot be accepted stays readable: without a pause the loop would spin. */
static int bus_peers_pause(struct bus_peers *all, int error)
{
	int r;

	if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS)
		return 0;
	r = sd_event_source_set_time_relative(all->pause, BUS_PAUSE_USEC);
	if (r >= 0)
		r = sd_event_source_set_enabled(all->pause, SD_EVENT_ONESHOT);
	return r < 0 ? r : sd_event_source_set_enabled(all->source, SD_EVENT_OFF);
}

/* A failure concerns one peer, never the daemon. */
static int bus_on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct bus_peers *all = userdata;
	struct bus_peer peer = { .all = all }, *place;

	if (client < 0)
		return bus_peers_pause(all, errno);
	bus_peer_identify(&peer, client);
	place = bus_peers_place(all, peer.uid);
	if (!place) {
		close(client);
		return 0;
	}
	*place = peer;
	if (bus_peer_start(place, client) < 0)
		bus_peer_drop(place);
	return 0;
}

/* ---- the socket ---------------------------------------------------------------------------- */

static int bus_bind(const char *path)
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
	/* the socket of a dead process; anything but a socket is not ours to remove */
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) && unlink(path) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* rights are checked for each call */
	if (chmod(path, 0666) < 0 || listen(fd, BUS_MAX_PEERS) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int bus_peers_listen(struct bus_peers *all, const char *path)
{
	const struct group *group = getgrnam(SG_GROUP);
	struct bus_peer *peer;
	int r;

	all->has_group = group;
	all->group = group ? group->gr_gid : 0;
	for (peer = all->places; peer < all->places + BUS_MAX_PEERS; peer++)
		peer->all = all;
	all->fd = bus_bind(path);
	if (all->fd < 0)
		return all->fd;
	all->path = strdup(path);
	if (!all->path)
		return -ENOMEM;
	r = sd_event_add_time(all->event, &all->pause, CLOCK_MONOTONIC, 0, 0, bus_on_pause_end,
			      all);
	if (r >= 0)
		r = sd_event_source_set_enabled(all->pause, SD_EVENT_OFF);
	return r < 0 ? r :
		       sd_event_add_io(all->event, &all->source, all->fd, EPOLLIN,
				       bus_on_connection, all);
}

void bus_peers_close(struct bus_peers *all)
{
	struct bus_peer *peer;

	for (peer = all->places; peer < all->places + BUS_MAX_PEERS; peer++)
		if (peer->bus)
			bus_peer_drop(peer);
	sd_event_source_disable_unref(all->pause);
	sd_event_source_disable_unref(all->source);
	close_fd(all->fd);
	if (all->path)
		unlink(all->path);
	free(all->path);
}
