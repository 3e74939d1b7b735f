/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/ifaces/ifaces_internal.h"
#include "daemon/settings/iface_names.h"

/* How many are looked after in a second; every one of a usual host's. */
#define PORTS_CHECKS_A_TICK 16

/* What was in the way is asked after each so many looks: few XDP programs say that they go. */
#define PORTS_FOREIGN_LOOKS 5

/* ---- names --------------------------------------------------------------------------------- */

static char **ports_names_free(char **names, size_t count)
{
	while (names && count)
		free(names[--count]);
	free(names);
	return NULL;
}

int ports_set_names(struct ports *p, const char *const *names, size_t count)
{
	char **copy = calloc(count ?: 1, sizeof(*copy));
	size_t i;

	for (i = 0; copy && i < count; i++) {
		copy[i] = strdup(names[i]);
		if (!copy[i])
			copy = ports_names_free(copy, i);
	}
	if (!copy)
		return -ENOMEM;
	ports_names_free(p->names, p->name_count);
	p->names = copy;
	p->name_count = count;
	p->sweep = true;
	return 0;
}

static struct portnames_device ports_device(const struct link_info *info)
{
	return (struct portnames_device){ info->name, info->up, info->ethernet, info->virtual };
}

static bool ports_wants(const struct ports *p, const struct portnames_device *d)
{
	return portnames_match((const char *const *)p->names, p->name_count, d);
}

/* Whether a port is still meant: being down for the moment is no reason to leave it. */
static bool ports_keeps(const struct ports *p, const struct link_info *info)
{
	struct portnames_device d = ports_device(info);

	d.up = true;
	return ports_wants(p, &d);
}

void ports_warn(const struct ports *p, struct links *links)
{
	const struct link_info *infos;
	size_t count = links_get(links, &infos), i, j;

	for (i = 0; i < p->name_count; i++) {
		for (j = 0; j < count; j++) {
			struct portnames_device d = ports_device(&infos[j]);

			if (p->names[i][0] == '!' || portnames_match_one(p->names[i], &d))
				break;
		}
		if (j == count)
			ports_desk_tell(
				p->desk, clock_now_ns(), PORTS_MISSING, p->names[i],
				dataplane_attach_name(DATAPLANE_NONE),
				strcmp(p->names[i], PORTNAMES_AUTO) ?
					"there is none yet; it is attached to when it comes" :
					"no real Ethernet device is up; name an interface "
					"with --interface");
	}
}

void ports_forget(struct port *port)
{
	struct ports *p = port->owner;
	size_t i;

	for (i = 0; p->ports[i] != port; i++)
		;
	memmove(p->ports + i, p->ports + i + 1, (--p->count - i) * sizeof(*p->ports));
	free(port);
}

static struct port *ports_find(struct ports *p, const struct link_info *info)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->ports[i]->ifindex == info->index && p->ports[i]->serial == info->serial)
			return p->ports[i];
	return NULL;
}

static void ports_sum(struct ports *p, struct txwatch_sums *ret)
{
	struct sg_counters xdp = {}, ingress = {};

	*ret = (struct txwatch_sums){};
	dataplane_counters(p->dp, SG_XDP, &xdp);
	dataplane_counters(p->dp, SG_INGRESS, &ingress);
	ret->challenged = xdp.verdicts[SG_V_CHALLENGED] + xdp.verdicts[SG_V_CHALLENGED_PLAIN];
	ret->accepted = ingress.verdicts[SG_V_ACCEPTED];
}

/* What the daemon before had there. What its driver did until now was seen by nobody. */
static void ports_inherit(struct ports *p, struct port *port)
{
	struct txwatch_sums sums;

	port->links = dataplane_inherit(p->dp, port->ifindex);
	if (port->links.attach == DATAPLANE_NONE)
		return;
	ports_sum(p, &sums);
	dataplane_tx(p->dp, port->ifindex, &sums.tx);
	txwatch_begin(&port->tx, &sums);
}

static struct port *ports_add(struct ports *p, const struct link_info *info)
{
	struct port **grown = realloc(p->ports, (p->count + 1) * sizeof(*grown));
	struct port *port = grown ? calloc(1, sizeof(*port)) : NULL;

	p->ports = grown ?: p->ports;
	if (!port)
		return NULL;
	*port = (struct port){
		.owner = p,
		.ifindex = info->index,
		.serial = info->serial,
		.links = DATAPLANE_LINKS_NONE,
	};
	memcpy(port->name, info->name, sizeof(port->name));
	p->ports[p->count++] = port;
	if (p->settled) /* what was there at the start did not come */
		port_tell(port, PORTS_CAME, "");
	if (p->dp)
		ports_inherit(p, port);
	if (port->links.attach == DATAPLANE_NONE)
		snprintf(port->links.reason, sizeof(port->links.reason), "%s",
			 p->dp ? "it is being attached to" :
				 "this kernel cannot have the programs");
	return port;
}

/* An interface that is meant, or was. */
static void ports_tend(struct ports *p, struct port *port, const struct link_info *info)
{
	if (port->leaving || (port->version == info->version && port->way == p->way))
		return;
	port->version = info->version;
	port->way = p->way;
	memcpy(port->name, info->name, sizeof(port->name));
	if (!p->dp)
		return;
	if (!info->ethernet && !info->loopback) {
		struct dataplane_links before = port->links;

		snprintf(port->links.reason, sizeof(port->links.reason),
			 "not an Ethernet device: its frames cannot be read");
		port_tell_change(port, &before, -EOPNOTSUPP);
		return;
	}
	port_submit(port, false);
}

void ports_reconcile(struct ports *p, struct links *links, enum way way)
{
	const struct link_info *infos;
	size_t count, i;

	p->links = links;
	p->way = way;
	for (i = p->count; i > 0; i--) {
		struct port *port = p->ports[i - 1];
		const struct link_info *info = links_find(links, port->ifindex);

		if (!info || info->serial != port->serial)
			port_leave(port, PORTS_WENT, "");
		else if (p->sweep && !ports_keeps(p, info))
			port_leave(port, PORTS_DETACHED, "it is not among the interfaces named");
	}
	p->sweep = false;
	count = links_get(links, &infos);
	for (i = 0; i < count; i++) {
		struct portnames_device d = ports_device(&infos[i]);
		struct port *port = ports_find(p, &infos[i]);

		if (!port && ports_wants(p, &d))
			port = ports_add(p, &infos[i]);
		if (port && ports_wants(p, &d))
			port_stay(port);
		if (port)
			ports_tend(p, port, &infos[i]);
	}
	p->settled = true;
}

void ports_settle(struct ports *p, uint64_t limit_usec)
{
	worker_settle(p->worker, limit_usec);
}

/* ---- whether the driver sends -------------------------------------------------------------- */

void ports_tick(struct ports *p, uint64_t now_ns)
{
	struct txwatch_sums sums = {};
	bool again;
	size_t i;

	ports_desk_tick(p->desk, now_ns);
	if (p->dp)
		ports_sum(p, &sums);
	for (i = 0; p->dp && i < p->count; i++)
		port_watch_tx(p->ports[i], &sums, now_ns);
	for (i = 0; p->dp && i < p->count && i < PORTS_CHECKS_A_TICK; i++) {
		struct port *port = p->ports[p->checked++ % p->count];

		if (port->leaving && !port->busy && port_may_go(port))
			port_submit(port, false);
		if (port->busy || port->leaving)
			continue;
		again = (port->failed || port->links.foreign) &&
			++port->looks % PORTS_FOREIGN_LOOKS == 0;
		if (again || port->links.attach != DATAPLANE_NONE)
			port_submit(port, !again);
	}
}

static int ports_compare_rows(const void *a, const void *b)
{
	return ((const struct report_interface *)a)->index -
	       ((const struct report_interface *)b)->index;
}

int ports_report(const struct ports *p, struct report_interface **ret, size_t *count)
{
	struct report_interface *rows = calloc(p->count ?: 1, sizeof(*rows));
	size_t i, n = 0;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < p->count; i++) {
		const struct port *port = p->ports[i];
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
	qsort(rows, n, sizeof(*rows), ports_compare_rows);
	*ret = rows;
	*count = n;
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

int ports_new(struct ports **ret, sd_event *event, struct dataplane *dp, const char *const *names,
	      size_t name_count, const struct ports_handler *handler)
{
	struct ports *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->dp = dp;
	p->desk = ports_desk_new(handler);
	r = p->desk ? worker_new(&p->worker, event) : -ENOMEM;
	if (r >= 0)
		r = ports_set_names(p, names, name_count);
	if (r < 0) {
		ports_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct ports *ports_free(struct ports *p)
{
	size_t i;

	if (!p)
		return NULL;
	/* from here on nothing is under way, and a busy port's job has what is true */
	worker_free(p->worker);
	for (i = 0; i < p->count; i++) {
		struct port *port = p->ports[i];

		dataplane_let_go(port->busy ? &port->job.links : &port->links);
		free(port);
	}
	free(p->ports);
	ports_names_free(p->names, p->name_count);
	ports_desk_free(p->desk);
	free(p);
	return NULL;
}
