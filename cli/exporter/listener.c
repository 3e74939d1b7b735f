/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/exporter/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "synguard/cleanup.h"

/* Splits in place; brackets are taken away. */
static int listener_split(char *text, char **address, char **port)
{
	char *colon = strrchr(text, ':');
	size_t length;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strlen(colon + 1) > 5 || atoi(colon + 1) < 1 || atoi(colon + 1) > 65535)
		return -EINVAL;
	*colon = '\0';
	*port = colon + 1;
	length = strlen(text);
	*address = text;
	if (*text == '[') {
		if (text[length - 1] != ']')
			return -EINVAL;
		text[length - 1] = '\0';
		*address = text + 1;
	} else if (strchr(text, ':')) {
		return -EINVAL; /* of ::1:80 nobody knows where the port begins */
	}
	return **address ? 0 : -EINVAL;
}

static int listener_bind(const struct addrinfo *info)
{
	_cleanup_close_ int fd = -EBADF;
	int on = 1;

	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* restarted while old connections are in TIME_WAIT */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int listener_open(const char *text)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	_cleanup_free_ char *copy = strdup(text);
	struct addrinfo *info;
	char *address, *port;
	int r;

	if (!copy)
		return -ENOMEM;
	r = listener_split(copy, &address, &port);
	if (r < 0)
		return r;
	if (getaddrinfo(address, port, &hints, &info))
		return -EINVAL;
	r = listener_bind(info);
	freeaddrinfo(info);
	return r;
}

int listener_inherited(void)
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
