/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "adjust.skel.h"
#include "daemon/dataplane/dataplane.h"
#include "synguard.skel.h"

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
	struct bpf_link *link = dp ? dp->skel->links.synguard_listeners : NULL;
	_cleanup_close_ int fd = -EBADF;

	if (!link)
		return -EOPNOTSUPP;
	fd = bpf_iter_create(bpf_link__fd(link));
	return fd < 0 ? -errno : listeners_read(fd, 0, fn, userdata);
}

uint32_t listeners_syn_queue_max(const struct sg_listener *l)
{
	uint32_t host = l->syn_backlog - l->syn_backlog / 4;

	return l->syncookies || host > l->queue_max ? l->queue_max : host;
}

/* ---- adjusting ----------------------------------------------------------------------------- */

struct dataplane_adjust {
	struct adjust_bpf *skel;
};

static int dataplane_adjust_load(struct dataplane_adjust *a, struct complaint *c)
{
	int r = dataplane_kernel_has("bpf_iter_tcp", c);

	if (r < 0)
		return r;
	if (!r) {
		complain(c, "listeners cannot be adjusted: this kernel does not let a program "
			    "walk sockets (Linux 5.15)");
		return -EOPNOTSUPP;
	}
	a->skel = adjust_bpf__open();
	r = a->skel ? adjust_bpf__load(a->skel) ?: adjust_bpf__attach(a->skel) : -errno;
	if (r < 0)
		dataplane_explain(
			c, "listeners cannot be adjusted: the program could not be loaded", r, "");
	return r;
}

int dataplane_adjust_new(struct dataplane_adjust **ret, struct complaint *c)
{
	struct dataplane_adjust *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	libbpf_set_print(NULL);
	r = dataplane_adjust_load(a, c);
	if (r < 0) {
		dataplane_adjust_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct dataplane_adjust *dataplane_adjust_free(struct dataplane_adjust *a)
{
	if (a)
		adjust_bpf__destroy(a->skel);
	free(a);
	return NULL;
}

int dataplane_adjust_order(struct dataplane_adjust *a, uint64_t cookie,
			   const struct sg_order *order)
{
	return bpf_map_update_elem(bpf_map__fd(a->skel->maps.orders), &cookie, order, BPF_ANY) < 0 ?
		       -errno :
		       0;
}

int dataplane_adjust_result(struct dataplane_adjust *a, uint64_t cookie)
{
	int fd = bpf_map__fd(a->skel->maps.orders);
	struct sg_order order = {};

	if (bpf_map_lookup_elem(fd, &cookie, &order) < 0)
		return -errno;
	bpf_map_delete_elem(fd, &cookie);
	return order.result;
}

int dataplane_adjust_listeners(struct dataplane_adjust *a)
{
	int fd = bpf_iter_create(bpf_link__fd(a->skel->links.synguard_adjust));

	return fd < 0 ? -errno : fd;
}
