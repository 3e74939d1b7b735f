/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iter_walk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "iter_walk.skel.h"
#include "synguard/cleanup.h"

struct iter_walk {
	struct iter_walk_bpf *skel;
};

int iter_walk_new(struct iter_walk **ret)
{
	struct iter_walk *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->skel = iter_walk_bpf__open_and_load();
	r = w->skel ? iter_walk_bpf__attach(w->skel) : -errno;
	if (r < 0) {
		iter_walk_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct iter_walk *iter_walk_free(struct iter_walk *w)
{
	if (w)
		iter_walk_bpf__destroy(w->skel);
	free(w);
	return NULL;
}

int iter_walk(struct iter_walk *w, void (*fn)(void *userdata, const struct iter_walk_row *row),
	      void *userdata)
{
	struct iter_walk_row batch[64];
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(w->skel->links.half_open));
	int count = 0;
	ssize_t n, i;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, batch, sizeof(batch))) > 0)
		for (i = 0; i < n / (ssize_t)sizeof(batch[0]); i++, count++)
			fn(userdata, &batch[i]);
	return n < 0 ? -errno : count;
}
