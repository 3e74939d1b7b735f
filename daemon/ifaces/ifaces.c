/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ifaces/ifaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/dataplane/counters.h"
#include "daemon/ifaces/iface.h"
#include "daemon/settings/iface_names.h"

/* How many are checked in a second: on most hosts all of them. */
#define IFACES_CHECKS_A_TICK 16

struct ifaces {
	struct iface_set set; /* what all of them share */
	struct rtnl *rtnl;    /* of the last reconciliation, as the mode is */
	enum attach_mode mode;
	char **names;
	size_t name_count;
	bool renamed;	 /* there are other names than at the last reconciliation */
	bool reconciled; /* there was one */
	struct iface **items;
	size_t count;
	size_t checked; /* where the next tick goes on */
};

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
	p->renamed = true;
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

/* Whether the names still mean it: being down for the moment is no reason to leave it. */
static bool ifaces_keeps(const struct ifaces *p, const struct rtnl_iface *info)
{
	struct iface_names_device d = ifaces_device(info);

	d.up = true;
	return ifaces_wants(p, &d);
}

void ifaces_warn(const struct ifaces *p, struct rtnl *rtnl)
{
	const struct rtnl_iface *infos;
	size_t count = rtnl_get(rtnl, &infos), i, j;

	for (i = 0; i < p->name_count; i++) {
		for (j = 0; j < count; j++) {
			struct iface_names_device d = ifaces_device(&infos[j]);

			if (p->names[i][0] == '!' || iface_names_match_one(p->names[i], &d))
				break;
		}
		if (j == count)
			iface_events_report(
				p->set.events, clock_now_ns(), IFACES_MISSING, p->names[i],
				dataplane_attach_name(DATAPLANE_NONE),
				strcmp(p->names[i], IFACE_NAMES_AUTO) ?
					"there is none yet; it is attached to when it comes" :
					"no real Ethernet device is up; name an interface "
					"with --interface");
	}
}

static void ifaces_forget(struct ifaces *p, struct iface *iface)
{
	size_t i;

	for (i = 0; p->items[i] != iface; i++)
		;
	memmove(p->items + i, p->items + i + 1, (--p->count - i) * sizeof(*p->items));
	free(iface);
}

/* Of set.gone: the names may have come to mean the interface again meanwhile. */
static void ifaces_on_gone(void *userdata, struct iface *iface)
{
	struct ifaces *p = userdata;

	ifaces_forget(p, iface);
	ifaces_reconcile(p, p->rtnl, p->mode);
}

static void ifaces_leave(struct ifaces *p, struct iface *iface, enum iface_event what,
			 const char *reason)
{
	if (p->set.dp) {
		iface_leave(iface, what, reason);
		return;
	}
	iface_report(iface, what, reason);
	ifaces_forget(p, iface);
}

static struct iface *ifaces_find(struct ifaces *p, const struct rtnl_iface *info)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->items[i]->ifindex == info->index && p->items[i]->serial == info->serial)
			return p->items[i];
	return NULL;
}

static void ifaces_sum(struct ifaces *p, struct tx_errors_sums *ret)
{
	struct sg_counters xdp = {}, ingress = {};

	*ret = (struct tx_errors_sums){};
	dataplane_counters(p->set.dp, SG_XDP, &xdp);
	dataplane_counters(p->set.dp, SG_INGRESS, &ingress);
	ret->challenged = xdp.verdicts[SG_V_CHALLENGED] + xdp.verdicts[SG_V_CHALLENGED_PLAIN];
	ret->accepted = ingress.verdicts[SG_V_ACCEPTED];
}

/* What the daemon before had there. What its driver did until now was seen by nobody. */
static void ifaces_inherit(struct ifaces *p, struct iface *iface)
{
	struct tx_errors_sums sums;

	iface->at = dataplane_inherit(p->set.dp, iface->ifindex);
	if (iface->at.attach == DATAPLANE_NONE)
		return;
	ifaces_sum(p, &sums);
	dataplane_tx(p->set.dp, iface->ifindex, &sums.tx);
	tx_errors_begin(&iface->tx, &sums);
}

static struct iface *ifaces_add(struct ifaces *p, const struct rtnl_iface *info)
{
	struct iface **grown = realloc(p->items, (p->count + 1) * sizeof(*grown));
	struct iface *iface = grown ? calloc(1, sizeof(*iface)) : NULL;

	p->items = grown ?: p->items;
	if (!iface)
		return NULL;
	*iface = (struct iface){
		.set = &p->set,
		.ifindex = info->index,
		.serial = info->serial,
		.at = DATAPLANE_ATTACHMENTS_NONE,
	};
	memcpy(iface->name, info->name, sizeof(iface->name));
	p->items[p->count++] = iface;
	if (p->reconciled) /* what was there at the start did not come */
		iface_report(iface, IFACES_CAME, "");
	if (p->set.dp)
		ifaces_inherit(p, iface);
	if (iface->at.attach == DATAPLANE_NONE)
		snprintf(iface->at.reason, sizeof(iface->at.reason), "%s",
			 p->set.dp ? "it is being attached to" :
				     "this kernel cannot have the programs");
	return iface;
}

/* Acts on what has changed of an interface that the names mean, or meant. */
static void ifaces_update(struct ifaces *p, struct iface *iface, const struct rtnl_iface *info)
{
	if (iface_is_leaving(iface) || (iface->version == info->version && iface->mode == p->mode))
		return;
	iface->version = info->version;
	iface->mode = p->mode;
	memcpy(iface->name, info->name, sizeof(iface->name));
	if (!p->set.dp)
		return;
	if (!info->ethernet && !info->loopback) {
		struct dataplane_attachments before = iface->at;

		snprintf(iface->at.reason, sizeof(iface->at.reason),
			 "not an Ethernet device: its frames cannot be read");
		iface_report_change(iface, &before, -EOPNOTSUPP);
		return;
	}
	iface_attach(iface);
}

void ifaces_reconcile(struct ifaces *p, struct rtnl *rtnl, enum attach_mode mode)
{
	const struct rtnl_iface *infos;
	size_t count, i;

	p->rtnl = rtnl;
	p->mode = mode;
	for (i = p->count; i > 0; i--) {
		struct iface *iface = p->items[i - 1];
		const struct rtnl_iface *info = rtnl_find(rtnl, iface->ifindex);

		if (!info || info->serial != iface->serial)
			ifaces_leave(p, iface, IFACES_WENT, "");
		else if (p->renamed && !ifaces_keeps(p, info))
			ifaces_leave(p, iface, IFACES_DETACHED,
				     "it is not among the interfaces named");
	}
	p->renamed = false;
	count = rtnl_get(rtnl, &infos);
	for (i = 0; i < count; i++) {
		struct iface_names_device d = ifaces_device(&infos[i]);
		struct iface *iface = ifaces_find(p, &infos[i]);

		if (!iface && ifaces_wants(p, &d))
			iface = ifaces_add(p, &infos[i]);
		if (iface && ifaces_wants(p, &d))
			iface_stay(iface);
		if (iface)
			ifaces_update(p, iface, &infos[i]);
	}
	p->reconciled = true;
}

void ifaces_settle(struct ifaces *p, uint64_t limit_usec)
{
	worker_settle(p->set.worker, limit_usec);
}

void ifaces_tick(struct ifaces *p, uint64_t now_ns)
{
	struct tx_errors_sums sums;
	size_t i;

	iface_events_tick(p->set.events, now_ns);
	if (!p->set.dp)
		return;
	ifaces_sum(p, &sums);
	for (i = 0; i < p->count; i++)
		iface_watch_tx(p->items[i], &sums, now_ns);
	for (i = 0; i < p->count && i < IFACES_CHECKS_A_TICK; i++)
		iface_check(p->items[p->checked++ % p->count], now_ns);
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
		const struct iface *iface = p->items[i];
		struct report_interface *row = &rows[n];

		if (iface_is_leaving(iface))
			continue;
		memcpy(row->name, iface->name, sizeof(row->name));
		memcpy(row->driver, iface->driver, sizeof(row->driver));
		memcpy(row->attach_reason, iface->at.reason, sizeof(row->attach_reason));
		row->index = iface->ifindex;
		row->attach = dataplane_attach_name(iface->at.attach);
		row->answers = iface->at.answers;
		n++;
	}
	qsort(rows, n, sizeof(*rows), ifaces_compare_rows);
	*ret = rows;
	*count = n;
	return 0;
}

int ifaces_new(struct ifaces **ret, sd_event *event, struct dataplane *dp, const char *const *names,
	       size_t name_count, const struct ifaces_handler *handler)
{
	struct ifaces *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->set = (struct iface_set){ .dp = dp, .gone = ifaces_on_gone, .userdata = p };
	p->set.events = iface_events_new(handler);
	r = p->set.events ? worker_new(&p->set.worker, event) : -ENOMEM;
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
	worker_free(p->set.worker); /* from here on no job is under way */
	for (i = 0; i < p->count; i++) {
		iface_close(p->items[i]);
		free(p->items[i]);
	}
	free(p->items);
	ifaces_names_free(p->names, p->name_count);
	iface_events_free(p->set.events);
	free(p);
	return NULL;
}
