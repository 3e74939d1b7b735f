/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

struct port {
	int ifindex;
	struct dataplane_links links;
};

struct ports {
	struct dataplane *dp;
	const char *const *names;
	size_t name_count;
	bool names_changed;
	struct port *ports;
	size_t count;
};

int ports_new(struct ports **ret, struct dataplane *dp, const char *const *names, size_t name_count)
{
	struct ports *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->dp = dp;
	p->names = names;
	p->name_count = name_count;
	*ret = p;
	return 0;
}

struct ports *ports_free(struct ports *p)
{
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < p->count; i++)
		dataplane_detach(&p->ports[i].links);
	free(p->ports);
	free(p);
	return NULL;
}

static bool ports_matches(const char *name, const struct link_info *info)
{
	if (!strcmp(name, info->name))
		return true;
	/* real devices; a bond, a bridge or a vlan sits on some that are taken instead */
	return !strcmp(name, "auto") && info->up && info->ethernet && !info->virtual;
}

static bool ports_wants(const struct ports *p, const struct link_info *info)
{
	size_t i;

	for (i = 0; i < p->name_count; i++)
		if (ports_matches(p->names[i], info))
			return true;
	return false;
}

int ports_set_names(struct ports *p, const char *const *names, size_t count)
{
	p->names = names;
	p->name_count = count;
	p->names_changed = true;
	return 0;
}

/* Also while it is down: that is no reason to let go of it. */
static bool ports_keeps(const struct ports *p, const struct link_info *info)
{
	struct link_info up = *info;

	up.up = true;
	return ports_wants(p, &up);
}

void ports_warn(const struct ports *p, struct links *links)
{
	const struct link_info *infos;
	size_t count = links_get(links, &infos), i, j;

	for (i = 0; i < p->name_count; i++) {
		for (j = 0; j < count; j++)
			if (ports_matches(p->names[i], &infos[j]))
				break;
		if (j < count)
			continue;
		if (!strcmp(p->names[i], "auto"))
			log_warning("no real Ethernet device is up; name an interface with "
				    "--interface");
		else
			log_warning("there is no interface %s yet; it is attached to when it comes",
				    p->names[i]);
	}
}

static struct port *ports_find(struct ports *p, int ifindex)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->ports[i].ifindex == ifindex)
			return &p->ports[i];
	return NULL;
}

static struct port *ports_add(struct ports *p, int ifindex)
{
	struct port *ports = realloc(p->ports, (p->count + 1) * sizeof(*ports));

	if (!ports)
		return NULL;
	p->ports = ports;
	ports[p->count] = (struct port){ ifindex, DATAPLANE_LINKS_NONE };
	return &ports[p->count++];
}

static void ports_attach(struct ports *p, const struct link_info *info, bool want_xdp)
{
	struct port *port = ports_find(p, info->index) ?: ports_add(p, info->index);
	enum dataplane_attach before;
	int r;

	if (!port)
		return;
	if (!p->dp) {
		snprintf(port->links.reason, sizeof(port->links.reason),
			 "this kernel cannot have the programs");
		return;
	}
	before = port->links.attach;
	r = dataplane_attach(p->dp, info->index, want_xdp, &port->links);
	if (r < 0) {
		snprintf(port->links.reason, sizeof(port->links.reason), "tcx: %s", strerror(-r));
		log_warning("%s: cannot be attached to: %s", info->name, strerror(-r));
	} else if (port->links.attach != before) {
		log_notice("%s: attached (%s)%s%s", info->name,
			   dataplane_attach_name(port->links.attach),
			   port->links.reason[0] ? ": " : "", port->links.reason);
	}
}

void ports_reconcile(struct ports *p, struct links *links, bool want_xdp)
{
	const struct link_info *infos;
	size_t count, i;

	for (i = p->count; i > 0; i--) {
		struct port *port = &p->ports[i - 1];
		const struct link_info *info = links_find(links, port->ifindex);

		/* a name is how an interface is found, not what it has to be called later */
		if (info && (!p->names_changed || ports_keeps(p, info)))
			continue;
		if (info)
			log_notice("%s: no longer attached to", info->name);
		dataplane_detach(&port->links);
		*port = p->ports[--p->count];
	}
	p->names_changed = false;
	count = links_get(links, &infos);
	for (i = 0; i < count; i++)
		if (ports_wants(p, &infos[i]))
			ports_attach(p, &infos[i], want_xdp);
}

int ports_report(const struct ports *p, struct links *links, struct report_interface **ret,
		 size_t *count)
{
	struct report_interface *rows = calloc(p->count ?: 1, sizeof(*rows));
	size_t i, n = 0;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < p->count; i++) {
		const struct port *port = &p->ports[i];
		const struct link_info *info = links_find(links, port->ifindex);
		struct report_interface *row = &rows[n];

		if (!info)
			continue;
		memcpy(row->name, info->name, sizeof(row->name));
		memcpy(row->driver, info->driver, sizeof(row->driver));
		memcpy(row->attach_reason, port->links.reason, sizeof(row->attach_reason));
		row->index = port->ifindex;
		row->attach = dataplane_attach_name(port->links.attach);
		n++;
	}
	*ret = rows;
	*count = n;
	return 0;
}
