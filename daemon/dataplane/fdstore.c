/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/fdstore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "synguard/cleanup.h"

struct fdstore {
	char **names; /* with a NULL at the end */
	int *fds;     /* -EBADF: taken */
	int count;
};

int fdstore_new(struct fdstore **ret)
{
	struct fdstore *s = calloc(1, sizeof(*s));
	int i;

	if (!s)
		return -ENOMEM;
	/* also sets FD_CLOEXEC, and removes LISTEN_FDS from the environment */
	s->count = sd_listen_fds_with_names(1, &s->names);
	if (s->count < 0) {
		i = s->count;
		free(s);
		return i;
	}
	s->fds = calloc(s->count ?: 1, sizeof(*s->fds));
	if (!s->fds) {
		s->count = 0;
		fdstore_free(s);
		return -ENOMEM;
	}
	for (i = 0; i < s->count; i++)
		s->fds[i] = SD_LISTEN_FDS_START + i;
	*ret = s;
	return 0;
}

void fdstore_drop_rest(struct fdstore *s)
{
	int i;

	for (i = 0; i < s->count; i++) {
		if (s->fds[i] < 0)
			continue;
		s->fds[i] = close_fd(s->fds[i]);
		fdstore_drop(s, s->names[i]);
	}
}

struct fdstore *fdstore_free(struct fdstore *s)
{
	int i;

	if (!s)
		return NULL;
	fdstore_drop_rest(s);
	for (i = 0; i < s->count; i++)
		free(s->names[i]);
	free(s->names);
	free(s->fds);
	free(s);
	return NULL;
}

int fdstore_take(struct fdstore *s, const char *name)
{
	int i;

	for (i = 0; s && i < s->count; i++)
		if (s->fds[i] >= 0 && !strcmp(s->names[i], name))
			return TAKE_FD(s->fds[i]);
	return -ENOENT;
}

void fdstore_drop(const struct fdstore *s, const char *name)
{
	if (s)
		sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void fdstore_keep(const struct fdstore *s, const char *name, int fd)
{
	char message[300];

	if (!s)
		return;
	fdstore_drop(s, name);
	/* not polled: descriptors of BPF are always in error to poll(), and would be closed for it */
	snprintf(message, sizeof(message), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	sd_pid_notify_with_fds(0, 0, message, &fd, 1);
}
