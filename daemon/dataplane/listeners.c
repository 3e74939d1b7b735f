/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/listeners.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/dataplane/dataplane.h"

/* The kernel hands over whole records as long as at least one fits. */
#define LISTENERS_AT_ONCE 64

int listeners_read(int fd, size_t at_once, listeners_fn fn, void *userdata)
{
	struct sg_listener batch[LISTENERS_AT_ONCE];
	size_t size = at_once ? at_once * sizeof(batch[0]) : sizeof(batch);
	ssize_t n, i;

	while ((n = read(fd, batch, size < sizeof(batch) ? size : sizeof(batch))) > 0) {
		if (n % sizeof(batch[0]))
			return -EBADMSG;
		for (i = 0; i < n / (ssize_t)sizeof(batch[0]); i++)
			fn(userdata, &batch[i]);
	}
	return n < 0 && errno != EAGAIN ? -errno : 0;
}

int listeners_walk(struct dataplane *dp, listeners_fn fn, void *userdata)
{
	_cleanup_close_ int fd = dp ? dataplane_listeners(dp) : -EOPNOTSUPP;

	return fd < 0 ? fd : listeners_read(fd, 0, fn, userdata);
}

uint32_t listeners_syn_queue_max(const struct sg_listener *l)
{
	uint32_t host = l->syn_backlog - l->syn_backlog / 4;

	return l->syncookies || host > l->queue_max ? l->queue_max : host;
}
