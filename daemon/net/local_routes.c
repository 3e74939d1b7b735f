/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/local_routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "synguard/cleanup.h"

#include "daemon/base/worker.h"
#include "daemon/net/netlink.h"

#define LOCAL_ROUTES_USEC 5000000ULL

struct local_routes_list {
	struct addr_prefix *of;
	size_t count;
	int error;
};

struct local_routes {
	struct local_routes_handler handler;
	struct worker *worker;
	sd_event_source *timer;
	struct worker_job job;
	struct local_routes_list fresh; /* of the job */
	struct local_routes_list told;
};

/* ---- the table ----------------------------------------------------------------------------- */

static void local_routes_add(struct local_routes_list *l, const struct addr_prefix *prefix)
{
	struct addr_prefix *grown = realloc(l->of, (l->count + 1) * sizeof(*grown));

	if (!grown) {
		l->error = -ENOMEM;
		return;
	}
	l->of = grown;
	l->of[l->count++] = *prefix;
}

/* An address that an interface has is a route of the kernel's own (RTPROT_KERNEL). */
static int local_routes_on_route(const struct nlmsghdr *message, void *userdata)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	bool v4 = rtm->rtm_family == AF_INET;
	struct addr_prefix prefix = {};
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWROUTE || rtm->rtm_type != RTN_LOCAL ||
	    rtm->rtm_table != RT_TABLE_LOCAL || rtm->rtm_protocol == RTPROT_KERNEL ||
	    !rtm->rtm_dst_len)
		return MNL_CB_OK;
	prefix.bits = rtm->rtm_dst_len + (v4 ? ADDR_MAPPED_BITS : 0);
	mnl_attr_for_each(attr, message, sizeof(*rtm)) {
		if (mnl_attr_get_type(attr) != RTA_DST)
			continue;
		if (v4 && mnl_attr_get_payload_len(attr) == 4)
			prefix.addr = addr_from_v4(mnl_attr_get_u32(attr));
		else if (!v4 && mnl_attr_get_payload_len(attr) == 16)
			memcpy(&prefix.addr, mnl_attr_get_payload(attr), 16);
		else
			continue;
		local_routes_add(userdata, &prefix);
	}
	return MNL_CB_OK;
}

static int local_routes_take(void *userdata, void *buffer, size_t bytes)
{
	int r;

	netlink_was_interrupted(buffer, bytes);
	r = mnl_cb_run(buffer, bytes, 0, 0, local_routes_on_route, userdata);
	return r < 0 ? -errno : r > MNL_CB_STOP;
}

static int local_routes_dump(uint8_t family, struct local_routes_list *l)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;
	int r;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));
	rtm->rtm_family = family;
	rtm->rtm_table = RT_TABLE_LOCAL;
	rtm->rtm_type = RTN_LOCAL;
	r = netlink_dump_strictly(NETLINK_ROUTE, request, local_routes_take, l);
	return r == -ENOENT ? 0 : r; /* it has no such table */
}

/* Two routes of one prefix differ in their metric. */
static void local_routes_sort(struct local_routes_list *l)
{
	size_t i, kept = 0;

	if (l->count)
		qsort(l->of, l->count, sizeof(*l->of), addr_prefix_compare);
	for (i = 0; i < l->count; i++)
		if (!kept || addr_prefix_compare(&l->of[kept - 1], &l->of[i]))
			l->of[kept++] = l->of[i];
	l->count = kept;
}

static void local_routes_fetch(struct local_routes_list *l)
{
	int r;

	*l = (struct local_routes_list){};
	r = local_routes_dump(AF_INET, l);
	if (r >= 0)
		r = local_routes_dump(AF_INET6, l);
	if (r < 0)
		l->error = r;
	local_routes_sort(l);
}

int local_routes_read(struct addr_prefix **ret, size_t *count)
{
	struct local_routes_list l;

	local_routes_fetch(&l);
	if (l.error < 0) {
		free(l.of);
		return l.error;
	}
	*ret = l.of;
	*count = l.count;
	return 0;
}

/* ---- every few seconds ---------------------------------------------------------------------- */

static bool local_routes_differ(const struct local_routes_list *a,
				const struct local_routes_list *b)
{
	size_t i;

	for (i = 0; i < a->count && a->count == b->count; i++)
		if (addr_prefix_compare(&a->of[i], &b->of[i]))
			return true;
	return a->count != b->count;
}

static void local_routes_tell(struct local_routes *l)
{
	struct local_routes_list *fresh = &l->fresh, *told = &l->told;

	if (fresh->error < 0) {
		l->handler.failed(l->handler.userdata, fresh->error);
	} else if (local_routes_differ(fresh, told)) {
		free(told->of);
		*told = *fresh;
		*fresh = (struct local_routes_list){};
		l->handler.changed(l->handler.userdata, told->of, told->count);
	}
	free(fresh->of);
	*fresh = (struct local_routes_list){};
}

static void local_routes_work(struct worker_job *job)
{
	local_routes_fetch(&container_of(job, struct local_routes, job)->fresh);
}

static void local_routes_done(struct worker_job *job)
{
	struct local_routes *l = container_of(job, struct local_routes, job);

	local_routes_tell(l);
	sd_event_source_set_time_relative(l->timer, LOCAL_ROUTES_USEC);
	sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

static int local_routes_on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct local_routes *l = userdata;

	worker_add(l->worker, &l->job);
	return 0;
}

int local_routes_new(struct local_routes **ret, sd_event *event,
		     const struct local_routes_handler *handler)
{
	struct local_routes *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->handler = *handler;
	l->job = (struct worker_job){ local_routes_work, local_routes_done };
	r = worker_new(&l->worker, event);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &l->timer, CLOCK_MONOTONIC, LOCAL_ROUTES_USEC,
					       0, local_routes_on_time, l);
	if (r < 0) {
		local_routes_free(l);
		return r;
	}
	local_routes_fetch(&l->fresh);
	local_routes_tell(l);
	*ret = l;
	return 0;
}

struct local_routes *local_routes_free(struct local_routes *l)
{
	if (!l)
		return NULL;
	worker_free(l->worker);
	sd_event_source_disable_unref(l->timer);
	free(l->fresh.of);
	free(l->told.of);
	free(l);
	return NULL;
}
