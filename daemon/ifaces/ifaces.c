/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/dataplane/counters.h"
#include "daemon/ifaces/ifaces_internal.h"
#include "daemon/settings/iface_names.h"

/* How many are looked after in a second; every one of a usual host's. */
#define IFACES_CHECKS_A_TICK 16

/* What was in the way is asked after each so many looks: few XDP programs say that they go. */
#define IFACES_FOREIGN_LOOKS 5

/* ---- names --------------------------------------------------------------------------------- */

static char **ifaces_names_free(char **names, size_t count)
{
	while (names && count)
		free(names[--count]);
	free(names);
	return NULL;
}

int ifaces_set_names(struct ifaces *p, const char *const *names, size_t count)
{
	char **copy = calloc(count ?: 1, sizeof(*copy));
	size_t i;

	for (i = 0; copy && i < count; i++) {
		copy[i] = strdup(names[i]);
		if (!copy[i])
			copy = ifaces_names_free(copy, i);
	}
	if (!copy)
		return -ENOMEM;
	ifaces_names_free(p->names, p->name_count);
	p->names = copy;
	p->name_count = count;
	p->sweep = true;
	return 0;
}

static struct iface_names_device ifaces_device(const struct rtnl_iface *info)
{
	return (struct iface_names_device){ info->name, info->up, info->ethernet, info->virtual };
}

static bool ifaces_wants(const struct ifaces *p, const struct iface_names_device *d)
{
	return iface_names_match((const char *const *)p->names, p->name_count, d);
}

/* Whether a port is still meant: being down for the moment is no reason to leave it. */
static bool ifaces_keeps(const struct ifaces *p, const struct rtnl_iface *info)
{
	struct iface_names_device d = ifaces_device(info);

	d.up = true;
	return ifaces_wants(p, &d);
}

void ifaces_warn(const struct ifaces *p, struct rtnl *links)
{
	const struct rtnl_iface *infos;
	size_t count = rtnl_get(links, &infos), i, j;

	for (i = 0; i < p->name_count; i++) {
		for (j = 0; j < count; j++) {
			struct iface_names_device d = ifaces_device(&infos[j]);

			if (p->names[i][0] == '!' || iface_names_match_one(p->names[i], &d))
				break;
		}
		if (j == count)
			iface_events_tell(
				p->desk, clock_now_ns(), IFACES_MISSING, p->names[i],
				dataplane_attach_name(DATAPLANE_NONE),
				strcmp(p->names[i], IFACE_NAMES_AUTO) ?
					"there is none yet; it is attached to when it comes" :
					"no real Ethernet device is up; name an interface "
					"with --interface");
	}
}

void ifaces_forget(struct iface *port)
{
	struct ifaces *p = port->owner;
	size_t i;

	for (i = 0; p->ports[i] != port; i++)
		;
	memmove(p->ports + i, p->ports + i + 1, (--p->count - i) * sizeof(*p->ports));
	free(port);
}

static struct iface *ifaces_find(struct ifaces *p, const struct rtnl_iface *info)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->ports[i]->ifindex == info->index && p->ports[i]->serial == info->serial)
			return p->ports[i];
	return NULL;
}

static void ifaces_sum(struct ifaces *p, struct tx_errors_sums *ret)
{
	struct sg_counters xdp = {}, ingress = {};

	*ret = (struct tx_errors_sums){};
	dataplane_counters(p->dp, SG_XDP, &xdp);
	dataplane_counters(p->dp, SG_INGRESS, &ingress);
	ret->challenged = xdp.verdicts[SG_V_CHALLENGED] + xdp.verdicts[SG_V_CHALLENGED_PLAIN];
	ret->accepted = ingress.verdicts[SG_V_ACCEPTED];
}

/* What the daemon before had there. What its driver did until now was seen by nobody. */
static void ifaces_inherit(struct ifaces *p, struct iface *port)
{
	struct tx_errors_sums sums;

	port->links = dataplane_inherit(p->dp, port->ifindex);
	if (port->links.attach == DATAPLANE_NONE)
		return;
	ifaces_sum(p, &sums);
	dataplane_tx(p->dp, port->ifindex, &sums.tx);
	tx_errors_begin(&port->tx, &sums);
}

static struct iface *ifaces_add(struct ifaces *p, const struct rtnl_iface *info)
{
	struct iface **grown = realloc(p->ports, (p->count + 1) * sizeof(*grown));
	struct iface *port = grown ? calloc(1, sizeof(*port)) : NULL;

	p->ports = grown ?: p->ports;
	if (!port)
		return NULL;
	*port = (struct iface){
		.owner = p,
		.ifindex = info->index,
		.serial = info->serial,
		.links = DATAPLANE_ATTACHMENTS_NONE,
	};
	memcpy(port->name, info->name, sizeof(port->name));
	p->ports[p->count++] = port;
	if (p->settled) /* what was there at the start did not come */
		iface_tell(port, IFACES_CAME, "");
	if (p->dp)
		ifaces_inherit(p, port);
	if (port->links.attach == DATAPLANE_NONE)
		snprintf(port->links.reason, sizeof(port->links.reason), "%s",
			 p->dp ? "it is being attached to" :
				 "this kernel cannot have the programs");
	return port;
}

/* An interface that is meant, or was. */
static void ifaces_tend(struct ifaces *p, struct iface *port, const struct rtnl_iface *info)
{
	if (port->leaving || (port->version == info->version && port->way == p->way))
		return;
	port->version = info->version;
	port->way = p->way;
	memcpy(port->name, info->name, sizeof(port->name));
	if (!p->dp)
		return;
	if (!info->ethernet && !info->loopback) {
		struct dataplane_attachments before = port->links;

		snprintf(port->links.reason, sizeof(port->links.reason),
			 "not an Ethernet device: its frames cannot be read");
		iface_tell_change(port, &before, -EOPNOTSUPP);
		return;
	}
	iface_submit(port, false);
}

void ifaces_reconcile(struct ifaces *p, struct rtnl *links, enum attach_mode way)
{
	const struct rtnl_iface *infos;
	size_t count, i;

	p->links = links;
	p->way = way;
	for (i = p->count; i > 0; i--) {
		struct iface *port = p->ports[i - 1];
		const struct rtnl_iface *info = rtnl_find(links, port->ifindex);

		if (!info || info->serial != port->serial)
			iface_leave(port, IFACES_WENT, "");
		else if (p->sweep && !ifaces_keeps(p, info))
			iface_leave(port, IFACES_DETACHED, "it is not among the interfaces named");
	}
	p->sweep = false;
	count = rtnl_get(links, &infos);
	for (i = 0; i < count; i++) {
		struct iface_names_device d = ifaces_device(&infos[i]);
		struct iface *port = ifaces_find(p, &infos[i]);

		if (!port && ifaces_wants(p, &d))
			port = ifaces_add(p, &infos[i]);
		if (port && ifaces_wants(p, &d))
			iface_stay(port);
		if (port)
			ifaces_tend(p, port, &infos[i]);
	}
	p->settled = true;
}

void ifaces_settle(struct ifaces *p, uint64_t limit_usec)
{
	worker_settle(p->worker, limit_usec);
}

/* ---- whether the driver sends -------------------------------------------------------------- */

void ifaces_tick(struct ifaces *p, uint64_t now_ns)
{
	struct tx_errors_sums sums = {};
	bool again;
	size_t i;

	iface_events_tick(p->desk, now_ns);
	if (p->dp)
		ifaces_sum(p, &sums);
	for (i = 0; p->dp && i < p->count; i++)
		iface_watch_tx(p->ports[i], &sums, now_ns);
	for (i = 0; p->dp && i < p->count && i < IFACES_CHECKS_A_TICK; i++) {
		struct iface *port = p->ports[p->checked++ % p->count];

		if (port->leaving && !port->busy && iface_may_go(port))
			iface_submit(port, false);
		if (port->busy || port->leaving)
			continue;
		again = (port->failed || port->links.foreign) &&
			++port->looks % IFACES_FOREIGN_LOOKS == 0;
		if (again || port->links.attach != DATAPLANE_NONE)
			iface_submit(port, !again);
	}
}

static int ifaces_compare_rows(const void *a, const void *b)
{
	return ((const struct report_interface *)a)->index -
	       ((const struct report_interface *)b)->index;
}

int ifaces_report(const struct ifaces *p, struct report_interface **ret, size_t *count)
{
	struct report_interface *rows = calloc(p->count ?: 1, sizeof(*rows));
	size_t i, n = 0;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < p->count; i++) {
		const struct iface *port = p->ports[i];
		struct report_interface *row = &rows[n];

		if (port->leaving)
			continue;
		memcpy(row->name, port->name, sizeof(row->name));
		memcpy(row->driver, port->driver, sizeof(row->driver));
		memcpy(row->attach_reason, port->links.reason, sizeof(row->attach_reason));
		row->index = port->ifindex;
		row->attach = dataplane_attach_name(port->links.attach);
		row->answers = port->links.answers;
		n++;
	}
	qsort(rows, n, sizeof(*rows), ifaces_compare_rows);
	*ret = rows;
	*count = n;
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

int ifaces_new(struct ifaces **ret, sd_event *event, struct dataplane *dp, const char *const *names,
	       size_t name_count, const struct ifaces_handler *handler)
{
	struct ifaces *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->dp = dp;
	p->desk = iface_events_new(handler);
	r = p->desk ? worker_new(&p->worker, event) : -ENOMEM;
	if (r >= 0)
		r = ifaces_set_names(p, names, name_count);
	if (r < 0) {
		ifaces_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct ifaces *ifaces_free(struct ifaces *p)
{
	size_t i;

	if (!p)
		return NULL;
	/* from here on nothing is under way, and a busy port's job has what is true */
	worker_free(p->worker);
	for (i = 0; i < p->count; i++) {
		struct iface *port = p->ports[i];

		dataplane_close_links(port->busy ? &port->job.links : &port->links);
		free(port);
	}
	free(p->ports);
	ifaces_names_free(p->names, p->name_count);
	iface_events_free(p->desk);
	free(p);
	return NULL;
}
